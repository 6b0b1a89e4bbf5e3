"""Pages of the approval of new records and of the yearly registration of seniors."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.http import actor_of, day_of, see_other, whole
from xueji.registry.intake import queries as intake

from . import commands, queries, windows
from .errors import CreationError
from .models import Kind, ListState


def _home(kind: str) -> str:
    return reverse("creation:senior" if kind == Kind.SENIOR else "creation:list")


@require_http_methods(["GET", "POST"])
def listing(request: HttpRequest, kind: str) -> HttpResponse:
    """What a school has still to send; lists, those that wait for the actor first; for a county its schools."""
    actor = actor_of(request)
    actor.require("creation.view")
    school = actor.org_kind == "school" and actor.org_id is not None
    cohort = whole(request.GET.get("cohort") or request.POST.get("cohort")) or queries.year_now()
    if request.method == "POST":
        actor.require("creation.send")
        classes = [n for raw in request.POST.getlist("class") if (n := whole(raw)) is not None]
        try:
            one = commands.send(
                actor, kind, class_ids=classes, cohort=cohort, note=request.POST.get("note", ""),
                expected=whole(request.POST.get("expected")) or 0,
            )  # fmt: skip
            messages.success(request, _("已提交 %(n)s 名学生") % {"n": one.total})
            return see_other(reverse("creation:detail", args=[one.pk]))
        except CreationError as error:
            messages.error(request, error.message)
            return see_other(_home(kind) + (f"?cohort={cohort}" if kind == Kind.SENIOR else ""))
    before = whole(request.GET.get("before"))
    waiting = queries.lists(actor, kind, waiting=True)[: queries.PAGE] if actor.can("creation.decide") else []
    rows = queries.lists(actor, kind, before=before)
    page = rows[: queries.PAGE]
    facts = intake.school_facts(actor.org_id) if school and actor.org_id is not None else None
    new = queries.unsent(facts.org_id, kind, cohort=cohort) if facts is not None else []
    if facts is not None and kind == Kind.SENIOR and "S" not in facts.stages:
        new = []
    names, holders = queries.schools([*page, *waiting]), queries.holders(page)
    return render(
        request,
        "creation/list.html",
        {
            "kind": kind,
            "title": Kind(kind).label,
            "own": school,
            "unsent": new,
            "classes": [
                (key, place, n)
                for (key, place), n in Counter((u.class_id, u.place) for u in new).items()
                if key
            ],
            "overdue": sum(1 for u in new if u.overdue),
            "returned": [u for u in new if u.returned][: queries.PAGE],
            "window": windows.banner(facts, kind) if facts is not None else None,
            "can_send": actor.can("creation.send") and school,
            "can_window": actor.can("creation.window"),
            "cohort": cohort,
            "cohorts": sorted({cohort, *(queries.year_now() - n for n in range(3))}, reverse=True),
            "schools": queries.overview(actor, kind) if actor.org_kind == "county" else [],
            "waiting": [{"one": one, "school": names.get(one.school_id, "")} for one in waiting],
            "rows": [
                {"one": one, "school": names.get(one.school_id, ""), "holder": holders.get(one.pk, "")}
                for one in page
            ],
            "next_url": f"?before={page[-1].pk}" if len(rows) > len(page) else "",
            "first_url": request.path if before else "",
        },
    )


@require_GET
def detail(request: HttpRequest, list_id: int) -> HttpResponse:
    """One list: its steps, its pupils, deciding."""
    actor = actor_of(request)
    one = queries.found(actor, list_id)
    steps = queries.steps(list_id)
    current = next((s for s in steps if s.state == "current"), None)
    mine = (
        current is not None
        and (current.org_id, current.role) == (actor.org_id, actor.role)
        and actor.user_id not in {one.creator_id, *(s.decider_id for s in steps)}
        and actor.can("creation.decide")
    )
    after = whole(request.GET.get("after")) or 0
    rows = queries.items(one, after=after)
    page = rows[: queries.PAGE]
    return render(
        request,
        "creation/detail.html",
        {
            "one": one,
            "kind_url": _home(one.kind),
            "school": queries.schools([one]).get(one.school_id, ""),
            "steps": [
                {
                    "name": s.label,
                    "org": "",
                    "holder": s.decider_name,
                    "state": {"done": "done", "current": "current", "returned": "returned"}.get(
                        s.state, "waiting"
                    ),
                    "decided": timezone.localtime(s.decided_at).strftime("%Y-%m-%d %H:%M")
                    if s.decided_at
                    else "",
                    "opinion": s.opinion,
                }
                for s in steps
            ],
            "mine": mine and one.state == ListState.RUNNING,
            "may_withdraw": actor.can("creation.send")
            and one.school_id == actor.org_id
            and one.state == ListState.RUNNING
            and not any(s.state == "done" and s.org_id != one.school_id for s in steps),
            "rows": page,
            "next_url": f"?after={after + queries.PAGE}" if len(rows) > len(page) else "",
            "first_url": request.path if after else "",
        },
    )


@require_POST
def decide(request: HttpRequest, list_id: int) -> HttpResponse:
    """Approve; pupils who are ticked go back with the reason."""
    returned: dict[uuid.UUID, str] = {}
    for raw in request.POST.getlist("back"):
        try:
            returned[uuid.UUID(raw)] = request.POST.get("reason", "")
        except ValueError:
            continue
    return _deed(
        request,
        list_id,
        lambda actor: commands.decide(
            actor, list_id, version=whole(request.POST.get("version")) or 0, returned=returned,
            opinion=request.POST.get("opinion", ""),
        ),
        _("已核准, 退回 %s 人") % len(returned) if returned else _("已核准"),
    )  # fmt: skip


@require_POST
def give_back(request: HttpRequest, list_id: int) -> HttpResponse:
    """Send the whole list back."""
    version = whole(request.POST.get("version")) or 0
    return _deed(
        request,
        list_id,
        lambda actor: commands.return_list(
            actor, list_id, version=version, reason=request.POST.get("reason", "")
        ),
        _("已退回学校"),
    )


@require_POST
def withdraw(request: HttpRequest, list_id: int) -> HttpResponse:
    """The school takes its list back."""
    version = whole(request.POST.get("version")) or 0
    return _deed(
        request, list_id, lambda actor: commands.withdraw(actor, list_id, version=version), _("已撤回")
    )


def _deed(request: HttpRequest, list_id: int, deed: Callable[[Any], object], done: str) -> HttpResponse:
    try:
        deed(actor_of(request))
        messages.success(request, done)
    except CreationError as error:
        messages.error(request, error.message)
    return see_other(reverse("creation:detail", args=[list_id]))


@require_POST
def batch(request: HttpRequest) -> HttpResponse:
    """Approve many lists at once."""
    actor = actor_of(request)
    kind = request.POST.get("kind", "")
    versions: dict[int, int] = {}
    for raw in request.POST.getlist("list"):
        key, _sep, version = raw.partition(":")
        if (n := whole(key)) is not None:
            versions[n] = whole(version) or 0
    try:
        done, why = commands.decide_many(actor, versions)
        if done:
            messages.success(request, _("已核准 %(n)s 份名单") % {"n": done})
        elif not versions:
            messages.error(request, _("还没有勾选名单, 请勾选后再核准"))
        for text in why[:5]:
            messages.error(request, text)
    except CreationError as error:
        messages.error(request, error.message)
    return see_other(_home(kind))


@require_http_methods(["GET", "POST"])
def windows_page(request: HttpRequest) -> HttpResponse:
    """Windows of the unit and of those above it; an authority opens one."""
    actor = actor_of(request)
    actor.require("creation.view")
    if request.method == "POST":
        actor.require("creation.window")
        try:
            commands.open_window(
                actor,
                request.POST.get("kind", ""),
                opens_on=_day(request.POST.get("opens_on", "")),
                closes_on=_day(request.POST.get("closes_on", "")),
                stages=[s for s in request.POST.getlist("stage") if s in ("P", "J", "S")],
                reason=request.POST.get("reason", ""),
            )
            messages.success(request, _("已开放, 下属学校可以办理"))
        except CreationError as error:
            messages.error(request, error.message)
        return see_other(reverse("creation:windows"))
    today = timezone.localdate()
    stages = {"P": _("小学"), "J": _("初中"), "S": _("高中")}
    return render(
        request,
        "creation/windows.html",
        {
            "rows": [
                {
                    "one": w,
                    "kind": Kind(w.kind).label,
                    "stages": "、".join(stages[s] for s in w.stages) or _("全部"),
                    "open": w.closed_at is None and w.opens_on <= today <= w.closes_on,
                    "over": w.closed_at is not None or w.closes_on < today,
                    "own": w.org_id == actor.org_id,
                }
                for w in queries.windows(actor)
            ],
            "kinds": Kind.choices,
            "stages": list(stages.items()),
            "can_window": actor.can("creation.window"),
            "today": today,
        },
    )


def _day(text: str) -> date:
    found = day_of(text)
    if found is None:
        raise CreationError(_("日期请写成 2026-09-01 的样子"))
    return found


@require_POST
def close_window(request: HttpRequest, window_id: int) -> HttpResponse:
    """Close a window before its day."""
    try:
        commands.close_window(actor_of(request), window_id)
        messages.success(request, _("已关闭"))
    except CreationError as error:
        messages.error(request, error.message)
    return see_other(reverse("creation:windows"))
