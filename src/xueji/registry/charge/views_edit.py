"""Editing a record's ordinary data: open only while an authorisation of the head is in force."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from xueji.ground.accounts.actor import Actor
from xueji.ground.accounts.http import actor_of
from xueji.ground.audit.commands import note
from xueji.ground.duty import queries as duty
from xueji.ground.duty import words
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.people import commands as people
from xueji.registry.people import queries as people_queries
from xueji.registry.people.errors import BadValue

from . import editing


def _child(request: HttpRequest, person_id: uuid.UUID) -> tuple[Actor, Any]:
    """The actor and the child of his own school; Http404 for others' and for those who left."""
    actor = actor_of(request)
    actor.require("student.edit")
    row = enrolment.get_row(actor, person_id)
    if row.former or row.school_id != actor.org_id:
        raise Http404
    return actor, row


def _lock(actor: Actor, row: Any, kind: str) -> str:
    """Why this kind cannot be edited now: the sentence whom to ask; empty when it can."""
    if not duty.asks_head(actor):
        return ""
    for a in duty.in_force(actor, kind):
        if a.persons is not None and row.person_id not in a.persons:
            continue
        if a.class_id is None or a.class_id == row.class_id:
            return ""
    return duty.whom_to_ask(actor, kind)


def _tabs(person_id: uuid.UUID, part: str) -> list[dict[str, Any]]:
    base = reverse("charge:edit", args=[person_id])
    return [
        {"label": words.KINDS[p], "url": f"{base}?part={p}", "active": p == part}
        for p in (*editing.PARTS, "family")
    ]


@never_cache
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """One part of the record: its fields, or the sentence whom to ask."""
    actor, row = _child(request, person_id)
    part = request.GET.get("part", "contact")
    if part not in (*editing.PARTS, "family"):
        raise Http404
    why = _lock(actor, row, part)
    context: dict[str, Any] = {
        "page_title": _("修改学籍信息"),
        "row": row,
        "part": part,
        "kind": words.KINDS[part],
        "tabs": _tabs(person_id, part),
        "why": why,
        "ask_url": f"{reverse('charge:authorisations')}?person={person_id}&kind={part}",
        "edits": duty.edits(person_id=person_id),
    }
    if part == "family":
        context["guardians"] = people_queries.guardians(actor, person_id)
        return render(request, "charge/edit.html", context)
    form = editing.ProfileForm(
        part, editing.values(person_id, part), request.POST if request.method == "POST" else None
    )
    if request.method == "POST" and form.is_valid():
        changes = form.changes()
        if not changes:
            messages.info(request, _("没有改动"))
            note(actor, "people.view", object_type="person", object_id=person_id, person_id=person_id)
            return redirect(f"{reverse('charge:edit', args=[person_id])}?part={part}")
        try:
            people.set_profile(actor, person_id, changes)
        except BadValue as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已修改 %s 项") % len(changes))
            return redirect(f"{reverse('charge:edit', args=[person_id])}?part={part}")
    context["form"] = None if why else form
    return render(request, "charge/edit.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def family(request: HttpRequest, person_id: uuid.UUID, no: int) -> HttpResponse:
    """One family member, or with 0 a new one."""
    actor, row = _child(request, person_id)
    initial: dict[str, Any] = {"is_guardian": True}
    if no:
        found = [g for g in people_queries.guardians(actor, person_id) if g.guardian_no == no]
        if not found:
            raise Http404
        g = found[0]
        initial = {
            "name": g.name,
            "relation": g.relation,
            "relation_note": g.relation_note,
            "is_guardian": g.is_guardian,
        }
    form = editing.GuardianForm(request.POST if request.method == "POST" else None, initial)
    if request.method == "POST" and form.is_valid():
        try:
            editing.save_guardian(actor, person_id, no or None, form.cleaned_data)
        except BadValue as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已保存"))
            return redirect(f"{reverse('charge:edit', args=[person_id])}?part=family")
    why = _lock(actor, row, "family")
    context = {
        "page_title": _("家长和监护人"),
        "row": row,
        "part": "family",
        "kind": words.KINDS["family"],
        "tabs": _tabs(person_id, "family"),
        "why": why,
        "ask_url": f"{reverse('charge:authorisations')}?person={person_id}&kind=family",
        "form": None if why else form,
        "single": True,
    }
    return render(request, "charge/edit.html", context, status=422 if form.errors else 200)
