"""The pages of problem records: the list, one problem with its sides beside each other, the arbitration."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from xueji.ground.accounts.http import actor_of, carry_out, see_other, whole

from . import commands, queries
from .errors import ProblemError
from .models import Kind, Problem, State

_TABS = ("mine", "open", "arbitrating", "closed")
_ICONS = {"open": "alert-triangle", "answer": "file-text", "hand_up": "gavel", "arbitrate": "gavel"}


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Problems that the actor's unit takes part in."""
    actor = actor_of(request)
    actor.require("problem.view")
    state = request.GET.get("tab", "")
    if state not in _TABS:
        state = "" if request.GET else "mine"
    kind = request.GET.get("kind", "") if request.GET.get("kind") in Kind.values else ""
    school = whole(request.GET.get("school"))
    rows, following = queries.listing(
        actor, state=state, kind=kind, school_id=school, after=request.GET.get("after", "")[:30]
    )
    counts = queries.counts(actor)
    labels = {"mine": _("待我单位处理"), **{value: str(label) for value, label in State.choices}}
    asked = {"tab": state, "kind": kind, "school": school or "", "after": following}
    return render(
        request,
        "problems/list.html",
        {
            "rows": rows,
            "tab": state,
            "kind": kind,
            "kinds": Kind.choices,
            "queues": queries.queues(actor) if actor.org_kind != "school" else [],
            "views": [
                {"label": labels[t], "url": f"?tab={t}", "active": t == state, "count": counts.get(t)}
                for t in _TABS
            ],
            "columns": [
                {"label": label}
                for label in (
                    _("编号"),
                    _("类型"),
                    _("学生"),
                    _("涉及学校"),
                    _("状态"),
                    _("已存在"),
                    _("期限"),
                )
            ],
            "next_url": f"?{urlencode({k: v for k, v in asked.items() if v})}" if following else "",
        },
    )


@require_GET
def problem(request: HttpRequest, problem_id: uuid.UUID) -> HttpResponse:
    """One problem: its sides in columns, what each said, what was decided."""
    actor = actor_of(request)
    actor.require("problem.view")
    page = queries.page(actor, problem_id)
    p = page.problem
    return render(
        request,
        "problems/problem.html",
        {
            "page": page,
            "problem": p,
            "facts": [
                {"label": _("类型"), "value": Kind(p.kind).label},
                {"label": _("状态"), "value": State(p.state).label},
                {"label": _("争议的证件号"), "value": p.masked or "—"},
                {"label": _("登记"), "value": f"{p.opened_by} {timezone.localtime(p.opened_at):%Y-%m-%d}"},
                {"label": _("共同的主管部门"), "value": page.orgs[p.superior_id].name},
                {"label": _("仲裁期限"), "value": p.due_on.isoformat() if p.due_on else "—"},
                *([{"label": _("结果"), "value": p.outcome}] if p.outcome else []),
            ],
            "sides": [
                {
                    "side": s,
                    "school": page.orgs[s.school_id],
                    "mine": s in page.mine,
                    "answer": queries.words_of(s.action),
                    "order": commands.ORDER_WORDS.get(s.order, ""),
                    "case_url": f"/cases/{s.case_id}/"
                    if s.case_id and actor.org_id in (s.school_id, s.county_id)
                    else "",
                }
                for s in page.sides
            ],
            "orders": list(commands.ORDER_WORDS.items()),
            "events": [
                {
                    "at": f"{timezone.localtime(e.at):%Y-%m-%d %H:%M}",
                    "title": e.text or _("登记问题学籍"),
                    "text": "",
                    "actor": e.actor_name,
                    "org": page.orgs[e.org_id].name if e.org_id in page.orgs else "",
                    "icon": _ICONS.get(e.action, "timeline-event"),
                }
                for e in page.log
            ],
        },
    )


@require_POST
def arbitrate(request: HttpRequest, problem_id: uuid.UUID) -> HttpResponse:
    """The decision of the common superior."""
    actor = actor_of(request)
    orders: dict[int, str] = {}
    for key in request.POST:
        no = key.removeprefix("order_")
        if key.startswith("order_") and no.isascii() and no.isdigit() and len(no) < 4:
            orders[int(no)] = request.POST.get(key, "")
    return _run(
        request,
        problem_id,
        lambda: commands.arbitrate(
            actor,
            problem_id,
            orders,
            opinion=request.POST.get("opinion", "")[:300],
            version=whole(request.POST.get("version")),
        ),
        _("仲裁已经生效, 各校都能看到"),
    )


@require_POST
def say(request: HttpRequest, problem_id: uuid.UUID) -> HttpResponse:
    """A word to the other parties."""
    actor = actor_of(request)
    return _run(
        request,
        problem_id,
        lambda: commands.comment(actor, problem_id, request.POST.get("text", "")[:300]),
        _("已发给各方"),
    )


@require_POST
def report(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """The school says that a pupil's identity number is wrong."""
    actor = actor_of(request)
    try:
        found: Problem = commands.report(actor, person_id, request.POST.get("note", "")[:300])
    except ProblemError as error:
        messages.error(request, error.message)
        return see_other(f"/students/{person_id}/")
    messages.success(request, _("已登记问题学籍"))
    return see_other(reverse("problems:problem", args=[found.problem_id]))


def _run(request: HttpRequest, problem_id: uuid.UUID, deed: Callable[[], Any], done: str) -> HttpResponse:
    url = reverse("problems:problem", args=[problem_id])
    return carry_out(request, deed, done, url, refused=ProblemError)
