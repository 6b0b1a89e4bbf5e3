"""升学: the county's pool and placements, what waits at a school, what schools elsewhere ask for."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from xueji.ground.accounts import search
from xueji.ground.accounts.http import actor_of, day_of, ticked, whole
from xueji.ground.orgs import queries as orgs
from xueji.ground.orgs.models import OrgKind
from xueji.registry.people import queries as people

from . import admissions, commands
from .http import run, to


@require_GET
def admission(request: HttpRequest) -> HttpResponse:
    """Graduates by where they stand on their way into the next stage (C-PRO-04, C-GRA-05)."""
    actor = actor_of(request)
    actor.require("yearly.view")
    school = actor.org_kind == OrgKind.SCHOOL
    may_place = actor.can("yearly.place")
    tabs = [t for t in admissions.TABS if t != "pool" or may_place]
    tab = request.GET.get("tab", "")
    tab = tab if tab in tabs else ("pool" if may_place else "placed")
    f = admissions.filters_from(request.GET)
    after = request.GET.get("after", "")
    rows, more = (
        admissions.pool(actor, f, after) if tab == "pool" else admissions.listed(actor, tab, f, after)
    )
    asked = {
        k: str(v)
        for k, v in {
            "tab": tab,
            "school": f.school,
            "class": f.class_id,
            "stage": f.stage,
            "q": f.text,
        }.items()
        if v
    }
    counts = admissions.counts(actor)
    context: dict[str, Any] = {
        "page_title": _("升学接收"),
        "tab": tab,
        "rows": rows,
        "filters": f,
        "query": asked,
        "views": [
            {"label": admissions.LABELS[t], "url": f"?tab={t}", "active": t == tab, "count": counts.get(t)}
            for t in tabs
        ],
        "next_url": search.address(actor.user_id, asked | {"after": more}) if more else "",
        "first_url": search.address(actor.user_id, asked) if after else "",
        "may_place": may_place,
        "may_accept": school and actor.can("case.start"),
        "org_id": actor.org_id,
        "today": timezone.localdate(),
        "breadcrumbs": [{"label": _("升级毕业"), "url": "/yearly/"}, {"label": _("升学接收")}],
    }
    if may_place:
        context["receiving"], context["schools"] = admissions.schools(actor)
        if tab == "pool":
            homes = people.contacts(actor, [r.person_id for r in rows])
            context["rows"] = [replace(r, home=homes[r.person_id].household) for r in rows]
    if context["may_accept"] and tab == "placed" and actor.org_id is not None:
        context["classes"] = [
            c for c in orgs.classes_of(actor.org_id) if c.grade and c.grade.year == 1 and c.stage in "JS"
        ]
    return render(request, "yearly/admission.html", context)


def _deed(
    request: HttpRequest, permission: str, deed: Callable[[], Any], done: Callable[[Any], str]
) -> HttpResponse:
    actor = actor_of(request)
    actor.require(permission)
    run(request, deed, done)
    keep = {k: request.POST.get(k, "") for k in ("tab", "school", "stage", "q")}
    return to("admission", query=search.address(actor.user_id, {k: v[:60] for k, v in keep.items()})[1:])


@require_POST
def place(request: HttpRequest) -> HttpResponse:
    """Assign the ticked graduates, or all that the filters leave, to a school."""
    actor = actor_of(request)
    actor.require("yearly.place")
    target = whole(request.POST.get("to_school")) or 0
    persons = (
        admissions.pool_persons(actor, admissions.filters_from(request.POST))
        if request.POST.get("scope") == "filtered"
        else ticked(request, "person")
    )
    return _deed(
        request,
        "yearly.place",
        lambda: commands.place(actor, person_ids=persons, to_school_id=target),
        lambda n: _("已分配 %s 人, 等待学校接收") % n,
    )


@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Place by an uploaded or pasted list; the page tells the lines that were not placed."""
    actor = actor_of(request)
    actor.require("yearly.place")
    file = request.FILES.get("file")
    outcome = run(
        request,
        lambda: commands.place_list(
            actor,
            data=file.read() if file else b"",
            file_name=str(file.name) if file else "",
            text=request.POST.get("text", "")[:400_000],
        ),
        lambda o: _("已分配 %(n)s 人, %(bad)s 行没有分配") % {"n": o.placed, "bad": len(o.problems)},
    )
    if outcome and outcome.problems:
        return render(
            request,
            "yearly/upload.html",
            {"page_title": _("分配名单"), "outcome": outcome, "problems": outcome.problems[:500]},
        )
    return to("admission")


@require_POST
def decide(request: HttpRequest) -> HttpResponse:
    """An authority passes or refuses requests of schools."""
    actor = actor_of(request)
    decision = "refuse" if request.POST.get("decision") == "refuse" else "pass"
    return _deed(
        request,
        "yearly.place",
        lambda: commands.decide_claim(
            actor, ids=ticked(request, "admission"), decision=decision, reason=request.POST.get("reason", "")
        ),
        lambda n: _("已核办 %s 人") % n,
    )


@require_POST
def accept(request: HttpRequest) -> HttpResponse:
    """The school takes graduates into a class."""
    actor = actor_of(request)
    return _deed(
        request,
        "case.start",
        lambda: commands.accept(
            actor,
            ids=ticked(request, "admission"),
            class_id=whole(request.POST.get("class")) or 0,
            on=day_of(request.POST.get("on")),
        ),
        lambda n: _("已接收 %s 人, 学籍已转到本校") % n,
    )


@require_POST
def decline(request: HttpRequest) -> HttpResponse:
    """The school says that it does not take them."""
    actor = actor_of(request)
    return _deed(
        request,
        "case.start",
        lambda: commands.decline(
            actor, ids=ticked(request, "admission"), reason=request.POST.get("reason", "")
        ),
        lambda n: _("已退回 %s 人, 由主管部门重新分配") % n,
    )


@require_POST
def back(request: HttpRequest) -> HttpResponse:
    """The county takes placements back; a school takes back what it asked for."""
    actor = actor_of(request)
    ids: list[uuid.UUID] = ticked(request, "admission")
    if actor.can("yearly.place"):
        return _deed(
            request,
            "yearly.place",
            lambda: commands.take_back(actor, ids=ids, reason=request.POST.get("reason", "")),
            lambda n: _("已撤回 %s 人的分配") % n,
        )
    return _deed(
        request, "case.start", lambda: commands.give_up(actor, ids=ids), lambda n: _("已撤回 %s 人的申请") % n
    )


@require_POST
def claim(request: HttpRequest) -> HttpResponse:
    """A school asks for a graduate from elsewhere by name and number."""
    actor = actor_of(request)
    actor.require("case.start")
    run(
        request,
        lambda: commands.claim(
            actor,
            name=request.POST.get("name", "")[:60],
            number=request.POST.get("number", "")[:40],
            reason=request.POST.get("reason", "")[:300],
        ),
        lambda _id: _("已申请接收, 等待主管部门核办"),
    )
    return to("admission", query="tab=asked")
