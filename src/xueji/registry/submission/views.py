"""Pages of rounds: the list, opening a round, a round's schools."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.http import actor_of, see_other, whole
from xueji.ground.orgs.models import Org
from xueji.ground.policy.places import policy_for

from . import checks, commands, evidence, queries
from .http import moment, run
from .models import Package, RoundKind

GRADES = {"P": 6, "J": 3, "S": 3}
_STAGES = {"P": gettext_lazy("小学"), "J": gettext_lazy("初中"), "S": gettext_lazy("高中")}


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Rounds with a countdown; what waits for the reader's decision; those that have ended."""
    actor = actor_of(request)
    actor.require("submission.view")
    tab = request.GET.get("tab", "open")
    tabs = [("open", _("进行中")), ("ended", _("已结束"))]
    if actor.can("submission.decide"):
        tabs.insert(0, ("desk", _("待我审核")))
    if tab not in dict(tabs):
        tab = "open"
    context: dict[str, Any] = {
        "tab": tab,
        "views": [{"label": label, "url": f"?tab={key}", "active": key == tab} for key, label in tabs],
        "school": actor.org_kind == "school",
        "may_open": actor.can("submission.round"),
    }
    if tab == "desk":
        rows, following = queries.desk(actor, after=request.GET.get("after", "")[:80])
        context |= {"desk": rows}
        context["next_url"] = "?" + urlencode({"tab": tab, "after": following}) if following else ""
    else:
        found = queries.rounds(actor, before=whole(request.GET.get("before")), ended=tab == "ended")
        page = found[: queries.PAGE]
        context |= {
            "rows": page,
            "next_url": f"?tab={tab}&before={page[-1].round.pk}" if len(found) > len(page) else "",
        }
    return render(request, "submission/list.html", context)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Open a round."""
    actor = actor_of(request)
    actor.require("submission.round")
    org = Org.objects.get(pk=actor.org_id or 0)
    must = checks.blocking(policy_for(org, today()).param("submission.blocking").value)
    post = request.POST
    if request.method == "POST":
        opens, due = moment(post.get("opens_at")), moment(post.get("due_at"))
        if opens is None or due is None:
            opens = due = timezone.now()
        row = run(
            request,
            lambda: commands.open_round(
                actor,
                kind=post.get("kind", ""),
                title=post.get("title", ""),
                opens_at=opens,
                due_at=due,
                grades=post.getlist("grades")[:20],
                blocking=post.getlist("blocking")[:20],
                groups=post.getlist("groups")[:10],
                responsible=post.get("responsible", ""),
                phone=post.get("phone", ""),
                note=post.get("note", ""),
            ),
            lambda _row: _("任务已下达, 学校的工作台上会看到"),
        )
        if row is not None:
            return see_other(reverse("submission:round", args=[row.pk]))
    local = timezone.localtime()
    return render(
        request,
        "submission/new.html",
        {
            "kinds": RoundKind.choices,
            "grades": [
                (f"{s}{n}", f"{_STAGES[s]}{'一二三四五六'[n - 1]}{_('年级')}")
                for s, most in GRADES.items()
                for n in range(1, most + 1)
            ],
            "findings": [(k, v, k in must) for k, v in checks.FINDINGS.items()],
            "groups": [(g.code, g.label) for g in evidence.CATEGORIES.values()],
            "post": post,
            "picked": {
                "grades": post.getlist("grades"), "blocking": post.getlist("blocking"), "groups": post.getlist("groups"),
            },
            "opens": post.get("opens_at") or local.strftime("%Y-%m-%dT%H:%M"),
            "due": post.get("due_at") or (local + timedelta(days=14)).strftime("%Y-%m-%dT17:30"),
            "responsible": post.get("responsible") or actor.user_name,
            "phone": post.get("phone") or org.phone,
        },
        status=422 if request.method == "POST" else 200,
    )  # fmt: skip


_SHOW = {
    "": gettext_lazy("全部"),
    "waiting": gettext_lazy("待上报"),
    "overdue": gettext_lazy("逾期"),
    "running": gettext_lazy("审核中"),
    "returned": gettext_lazy("退回待修改"),
    "passed": gettext_lazy("审核通过"),
}


@require_GET
def round_(request: HttpRequest, round_id: int) -> HttpResponse:
    """The schools of a round: state, holder, slot, result."""
    actor = actor_of(request)
    actor.require("submission.view")
    row = queries.round_(actor, round_id)
    inspecting = row.kind == RoundKind.INSPECT
    show = request.GET.get("show", "")
    views: dict[str, Any] = {"": _("全部"), "failed": _("未通过")} if inspecting else dict(_SHOW)
    if show not in views:
        show = ""
    rows, following = queries.schools(round_id, show=show, after=request.GET.get("after", "")[:180])
    sums = queries.sums(round_id)
    return render(
        request,
        "submission/round.html",
        {
            "row": row,
            "org": Org.objects.get(pk=row.org_id),
            "due": queries.due_words(row.due_at, done=row.closed_at is not None),
            "rows": [
                {
                    "row": r,
                    "findings": [(checks.FINDINGS.get(k, k), n, k in row.blocking) for k, n in (r.findings or {}).items()],
                }
                for r in rows
            ],
            "sums": sums,
            "views": [
                {
                    "label": label, "url": f"?show={key}", "active": key == show,
                    "count": sums.get(key or "all") if not inspecting else None,
                }
                for key, label in views.items()
            ],
            "blocking": [checks.FINDINGS[c] for c in row.blocking if c in checks.FINDINGS],
            "inspecting": inspecting,
            "packages": [] if inspecting else list(Package.objects.filter(round_id=round_id).order_by("-id")[:50]),
            "county": actor.org_id,
            "may_gather": not inspecting
            and actor.org_kind in ("central", "county")
            and actor.can("submission.decide"),
            "own": row.org_id == actor.org_id and actor.can("submission.round") and row.closed_at is None,
            "next_url": "?" + urlencode({"show": show, "after": following}) if following else "",
            "first_url": f"?show={show}" if request.GET.get("after") else "",
        },
    )  # fmt: skip


def _round_deed(
    request: HttpRequest, round_id: int, deed: Callable[[Any], Any], done: Callable[[Any], str]
) -> HttpResponse:
    actor = actor_of(request)
    actor.require("submission.round")
    queries.round_(actor, round_id)
    run(request, lambda: deed(actor), done)
    return see_other(reverse("submission:round", args=[round_id]))


@require_POST
def slots(request: HttpRequest, round_id: int) -> HttpResponse:
    """Give each school its time."""
    first = moment(request.POST.get("first")) or timezone.now()
    return _round_deed(
        request,
        round_id,
        lambda actor: commands.set_slots(
            actor,
            round_id,
            first=first,
            minutes=whole(request.POST.get("minutes")) or 0,
            together=whole(request.POST.get("together")) or 1,
        ),
        lambda n: _("已为 %s 所学校排好时段") % n,
    )


@require_POST
def close(request: HttpRequest, round_id: int) -> HttpResponse:
    """End a round."""
    return _round_deed(
        request, round_id, lambda actor: commands.close_round(actor, round_id), lambda _row: _("任务已结束")
    )


@require_POST
def inspect(request: HttpRequest, round_id: int) -> HttpResponse:
    """Run an inspection."""
    return _round_deed(
        request,
        round_id,
        lambda actor: commands.inspect(actor, round_id),
        lambda n: _("核查完成, %s 所学校通过") % n,
    )
