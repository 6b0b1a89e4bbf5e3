"""Pages of rounds and submissions: the list, opening a round, a round's schools, one submission and its deeds."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
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

from . import checks, commands, evidence, queries, signing
from .commands.send import scope_of
from .http import moment, run, signature
from .models import Package, RoundKind, State, Submission

GRADES = {"P": 6, "J": 3, "S": 3}
_STAGES = {"P": gettext_lazy("小学"), "J": gettext_lazy("初中"), "S": gettext_lazy("高中")}
PASS_WORDS = (gettext_lazy("数据完整, 同意上报"), gettext_lazy("已抽查, 与原始材料一致"))
RETURN_WORDS = (gettext_lazy("人数与在校人数不符, 请核对"), gettext_lazy("请补全必填项后重新上报"))


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


@require_GET
def page(request: HttpRequest, submission_id: uuid.UUID) -> HttpResponse:
    """One school's submission: checks before, who holds it, the children, papers, signatures, history."""
    actor = actor_of(request)
    actor.require("submission.view")
    row = queries.get(actor, submission_id)
    frame = queries.page(actor, row)
    editable = "send" in frame.rights
    context: dict[str, Any] = {
        "row": row,
        "page": frame,
        "state": State(row.state).label,
        "face": {"waiting": "pending", "running": "running", "returned": "returned", "passed": "done"}[
            row.state
        ],
        "due": queries.due_words(row.round.due_at, done=row.state in (State.PASSED, State.RUNNING)),
        "ways": signing.WAYS,
        "signatures": [{"row": s, "way": signing.WAYS.get(s.way, s.way)} for s in frame.signatures],
        "pass_words": [str(w) for w in PASS_WORDS],
        "return_words": [str(w) for w in RETURN_WORDS],
        "explained": [(checks.FINDINGS.get(k, k), v) for k, v in row.explained.items()],
        "checks_url": "/submission/checks/",
    }
    if editable:
        context |= _before(row)
    if row.number:
        class_id, after = whole(request.GET.get("class")), request.GET.get("after", "")[:140]
        returned = request.GET.get("show") == "returned"
        rows, following = queries.children(row, class_id=class_id, returned=returned, after=after)
        asked = {k: v for k, v in (("class", class_id), ("show", "returned" if returned else "")) if v}
        context |= {
            "children": rows,
            "class_id": class_id,
            "returned_only": returned,
            "next_url": "?" + urlencode(asked | {"after": following}) if following else "",
            "first_url": "?" + urlencode(asked) if after else "",
        }
    if "prove" in frame.rights and row.round.evidence:
        policy = policy_for(frame.school, today())
        context["proofs"] = queries.proofs(actor, row)
        context["papers"] = {g: evidence.papers(policy, g) for g in row.round.evidence}
    return render(request, "submission/submission.html", context)


def _before(row: Submission) -> dict[str, Any]:
    """What a school sees before it hands in: every finding, whether it stops, what was said about it."""
    found = checks.counts(scope_of(row)).get(row.school_id, {"total": 0})
    lines = [
        {
            "code": code,
            "label": label,
            "group": checks.GROUP[code],
            "n": found.get(code, 0),
            "stops": code in row.round.blocking,
            "words": row.explained.get(code, ""),
            "url": "/headcount/"
            if code in checks.BY_CLASS
            else f"/submission/checks/?code={code}&submission={row.pk}",
        }
        for code, label in checks.FINDINGS.items()
    ]
    bad = [x for x in lines if x["n"] and (x["stops"] or not x["words"])]
    return {
        "total": found["total"],
        "checks": lines,
        "ready": not bad and found["total"] > 0,
        "bad": len(bad),
    }


def _deed(
    request: HttpRequest,
    submission_id: uuid.UUID,
    permission: str,
    deed: Callable[[Any], Any],
    done: Callable[[Any], str],
) -> HttpResponse:
    actor = actor_of(request)
    actor.require(permission)
    queries.get(actor, submission_id)
    run(request, lambda: deed(actor), done)
    return see_other(reverse("submission:submission", args=[submission_id]))


@require_POST
def explain(request: HttpRequest, submission_id: uuid.UUID) -> HttpResponse:
    """Say why a finding stays."""
    return _deed(
        request,
        submission_id,
        "submission.send",
        lambda actor: commands.explain(
            actor, submission_id, request.POST.get("finding", ""), request.POST.get("words", "")
        ),
        lambda _row: _("说明已保存, 会随上报一起提交"),
    )


@require_POST
def send(request: HttpRequest, submission_id: uuid.UUID) -> HttpResponse:
    """Sign and hand in."""
    return _deed(
        request,
        submission_id,
        "submission.send",
        lambda actor: commands.send(
            actor, submission_id, version=whole(request.POST.get("version")), **signature(request)
        ),
        lambda row: _("已上报, 批次号 %(n)s, 待审核") % {"n": row.number},
    )


@require_POST
def pass_(request: HttpRequest, submission_id: uuid.UUID) -> HttpResponse:
    """Sign and pass on."""
    return _deed(
        request,
        submission_id,
        "submission.decide",
        lambda actor: commands.pass_(
            actor,
            submission_id,
            opinion=request.POST.get("opinion", ""),
            version=whole(request.POST.get("version")),
            **signature(request),
        ),
        lambda _row: _("已签字通过"),
    )


@require_POST
def return_(request: HttpRequest, submission_id: uuid.UUID) -> HttpResponse:
    """Back to the school: as a whole, or for single children."""
    items = {}
    for raw in request.POST.getlist("person")[:500]:
        try:
            items[uuid.UUID(raw)] = request.POST.get(f"why:{raw}", "") or request.POST.get("why", "")
        except ValueError:
            continue
    return _deed(
        request,
        submission_id,
        "submission.decide",
        lambda actor: commands.return_(
            actor,
            submission_id,
            reasons=request.POST.get("items", "").splitlines(),
            items=items,
            version=whole(request.POST.get("version")),
        ),
        lambda _row: _("已退回学校, 学校可以修改后重新上报"),
    )


@require_POST
def prove(request: HttpRequest, submission_id: uuid.UUID) -> HttpResponse:
    """Papers of one child."""
    try:
        person = uuid.UUID(request.POST.get("person", ""))
    except ValueError:
        raise Http404 from None
    return _deed(
        request,
        submission_id,
        "submission.decide",
        lambda actor: commands.prove(
            actor,
            submission_id,
            person,
            request.POST.get("category", ""),
            seen=request.POST.getlist("seen")[:30],
            words=request.POST.get("note", ""),
        ),
        lambda row: (
            _("已核验, 材料齐全") if row.verified else _("已记录, 材料不全: %s") % "、".join(row.missing)
        ),
    )


@require_GET
def findings(request: HttpRequest) -> HttpResponse:
    """Children of the own school with one finding, by page."""
    actor = actor_of(request)
    actor.require("submission.send")
    code = request.GET.get("code", "blank")
    if code not in checks.FINDINGS or code in checks.BY_CLASS:
        raise Http404
    scope = checks.Scope(schools=(actor.org_id or 0,))
    back, raw = reverse("submission:list"), request.GET.get("submission", "")
    if raw:
        try:
            row = queries.get(actor, uuid.UUID(raw))
        except ValueError:
            raise Http404 from None
        scope, back = scope_of(row), reverse("submission:submission", args=[row.pk])
    after = request.GET.get("after", "")[:900]
    rows, following = checks.children(scope, code, after=after)
    asked = {"code": code} | ({"submission": raw} if raw else {})
    return render(
        request,
        "submission/checks.html",
        {
            "rows": rows,
            "label": checks.FINDINGS[code],
            "back": back,
            "next_url": "?" + urlencode(asked | {"after": following}) if following else "",
            "first_url": "?" + urlencode(asked) if after else "",
        },
    )
