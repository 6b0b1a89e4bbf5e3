"""Pages of the comparison of heads with names: a teacher's classes, a school's, a county's schools, a pasted roster."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.http import actor_of, see_other, whole
from xueji.ground.audit.commands import record
from xueji.ground.orgs.models import SchoolClass

from . import causes, checks, classes, commands, omitted, terms
from .commands.classes import MOST_EXTRA, leader_of, leads_here, may_count
from .http import run
from .models import ClassCheck

EXTRA_ROWS = 5


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Classes of a school (a teacher's own), or the schools of an authority, with what this term's comparison says."""
    actor = actor_of(request)
    actor.require("headcount.view")
    day = today()
    term = terms.read(request.GET.get("term"), day)
    if actor.org_kind != "school":
        return _authority(request, actor, term)
    rows = classes.of_school(actor.org_id or 0, term, only=tuple(actor.classes))
    found = classes.lines([r.check.pk for r in rows if r.check is not None])
    held = [r.check for r in rows if r.check is not None]
    return render(
        request,
        "submission/headcount.html",
        {
            "term": term,
            "terms": terms.choices(day),
            "rows": [{"row": r, "lines": found.get(r.check.pk, []) if r.check else []} for r in rows],
            "now": term == terms.now(day),
            "verified": sum(x.state == "verified" for x in held),
            "open": len(rows) - sum(x.state == "verified" for x in held),
            "listed": sum(r.listed for r in rows),
            "present": sum(x.present for x in held),
            "lacking": sum(x.lacking for x in held),
            "extra": sum(x.extra for x in held),
            "leads": leads_here(actor),
            "leader": leader_of(actor.org_id or 0),
            "may_write": actor.can("headcount.write"),
        },
    )


def _authority(request: HttpRequest, actor: Any, term: terms.Term) -> HttpResponse:
    only = request.GET.get("show", "")
    rows, following = classes.of_schools(actor, term, after=request.GET.get("after", "")[:140], only=only)
    base = {"term": term.key, "show": only}
    return render(
        request,
        "submission/headcount_schools.html",
        {
            "term": term,
            "terms": terms.choices(today()),
            "rows": rows,
            "views": [
                {
                    "label": label,
                    "url": "?" + urlencode({"term": term.key, "show": key}),
                    "active": key == only,
                }
                for key, label in (("", _("全部学校")), ("open", _("没有核对完")), ("diff", _("人数不符")))
            ],
            "next_url": "?" + urlencode(base | {"after": following}) if following else "",
            "first_url": "?" + urlencode(base) if request.GET.get("after") else "",
        },
    )


def _class(actor: Any, class_id: int) -> SchoolClass:
    """A class of the actor's own. Raises Http404."""
    klass = SchoolClass.objects.select_related("school").filter(pk=class_id).first()
    if klass is None or (
        klass.pk not in actor.classes and (actor.classes or klass.school_id != actor.org_id)
    ):
        raise Http404
    return klass


@require_http_methods(["GET", "POST"])
def klass(request: HttpRequest, class_id: int) -> HttpResponse:
    """One class: state what was counted, see what was found."""
    actor = actor_of(request)
    actor.require("headcount.view")
    found = _class(actor, class_id)
    term = terms.now(today())
    pupils = classes.pupils(class_id)
    given: dict[str, Any] = {}
    if request.method == "POST":
        away = _absences(request, {p.person_id for p in pupils})
        extras = _extras(request)
        present = whole(request.POST.get("present"))
        done = run(
            request,
            lambda: commands.verify_class(
                actor,
                class_id,
                present=-1 if present is None else present,
                absences=away,
                extras=extras,
                note=request.POST.get("note", ""),
            ),
            lambda row: (
                _("已核对, 账实相符")
                if row.balanced
                else _("已记录, 人数不符, 已报%s处理") % leader_of(row.school_id)
            ),
        )
        if done is not None:
            return see_other(reverse("submission:headcount"))
        given = {
            "present": request.POST.get("present", ""),
            "note": request.POST.get("note", ""),
            "away": {a.person_id: a for a in away},
            "extras": extras,
        }
    held = ClassCheck.objects.filter(class_id=class_id, year=term.year, term=term.number).first()
    gaps = checks.gaps(class_id)
    away_now = given.get("away") or {}
    extras_now = list(given.get("extras") or [])
    return render(
        request,
        "submission/headcount_class.html",
        {
            "klass": found,
            "label": classes.label_of(class_id),
            "term": term,
            "pupils": [
                {"row": p, "gaps": gaps.get(p.person_id, []), "away": away_now.get(p.person_id)}
                for p in pupils
            ],
            "gaps": sum(1 for p in pupils if gaps.get(p.person_id)),
            "causes": causes.CAUSES.items(),
            "check": held,
            "lines": classes.lines([held.pk]).get(held.pk, []) if held else [],
            "stale": held is not None and bytes(held.roll) != classes.roll(p.person_id for p in pupils),
            "present": given.get("present", len(pupils)),
            "note": given.get("note", ""),
            "extras": [*extras_now, *([None] * (EXTRA_ROWS - len(extras_now)))],
            "may_write": actor.can("headcount.write") and may_count(actor, found),
            "leads": leads_here(actor) and held is not None and held.state == "reported",
            "leader": leader_of(found.school_id),
        },
        status=422 if given else 200,
    )


def _absences(request: HttpRequest, ids: set[uuid.UUID]) -> list[commands.Absence]:
    return [
        commands.Absence(i, request.POST.get(f"cause:{i}", ""), request.POST.get(f"why:{i}", ""))
        for i in ids
        if request.POST.get(f"cause:{i}", "")
    ]


def _extras(request: HttpRequest) -> list[commands.Extra]:
    names = request.POST.getlist("extra_name")[: MOST_EXTRA + 1]
    sexes, notes = request.POST.getlist("extra_sex"), request.POST.getlist("extra_note")
    return [
        commands.Extra(name, sexes[i] if i < len(sexes) else "", notes[i] if i < len(notes) else "")
        for i, name in enumerate(names)
        if name.strip()
    ]


@require_POST
def settle(request: HttpRequest, check_id: int) -> HttpResponse:
    """The leader says what was done about each difference."""
    actor = actor_of(request)
    actor.require("headcount.settle")
    how = {
        int(key.removeprefix("how:")): str(value)
        for key, value in request.POST.items()
        if key.startswith("how:") and whole(key.removeprefix("how:")) is not None
    }
    run(
        request,
        lambda: commands.settle(actor, check_id, how=how, note=request.POST.get("note", "")),
        lambda row: _("已处理, 这个班记为已核对"),
    )
    return see_other(reverse("submission:headcount"))


@require_http_methods(["GET", "POST"])
def roster(request: HttpRequest) -> HttpResponse:
    """Paste a roster on paper and see who is missing on either side (C-DUP-08)."""
    actor = actor_of(request)
    actor.require("headcount.write")
    mine = classes.of_school(actor.org_id or 0, terms.now(today()), only=tuple(actor.classes))
    text = request.POST.get("names", "")[:200_000]
    chosen = whole(request.POST.get("class"))
    result = None
    if request.method == "POST":
        if chosen is not None and chosen not in {r.class_id for r in mine}:
            raise Http404
        if chosen is None and actor.classes:
            chosen = mine[0].class_id if mine else 0
        if not omitted.names_in(text):
            messages.error(request, _("没有读到姓名, 请粘贴花名册, 每行一名学生"))
        else:
            result = omitted.compare(actor, text, class_id=chosen)
            _record(actor, result, chosen)
    return render(
        request,
        "submission/roster.html",
        {
            "classes": mine,
            "chosen": chosen,
            "text": text,
            "result": result,
            "teacher": bool(actor.classes),
        },
    )


def _record(actor: Any, result: omitted.Result, class_id: int | None) -> None:
    record(
        actor,
        "submission.roster.compare",
        object_type="school_class" if class_id else "school",
        object_id=class_id or actor.org_id,
        after={"typed": result.typed, "missing": len(result.missing), "surplus": len(result.surplus)},
        row_count=result.listed,
        persons=[p for p, _name, _place in result.surplus],
    )
