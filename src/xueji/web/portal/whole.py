"""学生全景 and 在校情况: all that the record holds of one child on one page, for those who may see it (C-QRY-02, C-QRY-03).

Everything is asked through the rooms that keep it, with their masks and their rights: what the actor may not see is named
as withheld, not left out in silence.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from xueji.ground.accounts.actor import today
from xueji.ground.audit.commands import note
from xueji.ground.files.models import StoredFile
from xueji.ground.standards import fields as national_form
from xueji.registry.changes import queries as cases
from xueji.registry.enrolment import page as record_page
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.people import groups
from xueji.registry.people import queries as people
from xueji.registry.termbook import queries as termbook
from xueji.registry.termbook import words as termbook_words

from .growth import proofs
from .views import _family

_MOST_FILES = 50


def build(actor: Any, person_id: uuid.UUID) -> dict[str, Any]:
    """Context of the page. Raises Http404 to strangers and to a former school, which has its own period alone."""
    row = enrolment.get_row(actor, person_id)
    if row.former:
        raise Http404
    card = people.card(actor, person_id)
    fields = people.profile(actor, person_id)
    filled = [f for f in fields if f.value]
    health = [f for f in filled if groups.of_field(national_form.field(f.key)) == "health"]
    events = enrolment.events(person_id)
    terms = termbook.of_person(actor, person_id)
    files = StoredFile.objects.filter(person_id=person_id).order_by("-created_at", "-pk")[:_MOST_FILES]
    return {
        "page_title": _("学生全景"),
        "row": row,
        "card": card,
        "person_id": person_id,
        "basic": _basic(actor, row, card),
        "more": [{"label": f.name, "value": f.value} for f in filled if f not in health],
        "guardians": people.guardians(actor, person_id),
        "states": record_page.life(person_id, enrolment.chains(person_id), events),
        "events": record_page.timeline(events, actor),
        "terms": terms,
        "sees_terms": actor.can("termbook.view"),
        "health": [{"label": f.name, "value": f.value} for f in health],
        "sees_health": groups.may(actor, "health"),
        "papers": proofs(actor, person_id),
        "cases": cases.of_person(actor, person_id) if actor.can("case.view") else [],
        "files": list(files),
        "withheld": people.withheld(
            actor, "identity", "family", "contact", "address", "health", "aid", "conduct"
        ),
        "may_award": actor.can("termbook.write")
        and (row.class_id in actor.classes if actor.classes else row.school_id == actor.org_id),
        "levels": termbook_words.levels(),
        "today": today(),
    }


def _basic(actor: Any, row: Any, card: Any) -> list[dict[str, Any]]:
    facts = [
        (_("姓名"), row.name),
        (_("性别"), row.sex_label),
        (_("出生日期"), row.birth_date.isoformat()),
        (_("民族"), card.ethnicity_label),
        (_("国籍/地区"), card.nationality_label),
        (_("学籍号"), card.number),
        (card.id_type_label or _("身份证件"), card.identity if actor.can("fields.identity") else ""),
        (_("学校"), row.school_name),
        (_("班级"), row.class_name or row.grade_label),
        (_("学籍状态"), row.status_label),
        (_("入校时间"), timezone.localtime(row.since).date().isoformat()),
    ]
    return [{"label": label, "value": value} for label, value in facts if value]


@never_cache
@require_safe
def staff(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """One child on one page, for teachers, offices and authorities who have the child in sight."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    actor.require("student.view")
    context = build(actor, person_id)
    note(actor, "people.view", object_type="person", object_id=person_id, person_id=person_id)
    return render(request, "portal/whole.html", context)


@never_cache
@require_safe
def family(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Marks, attendance and awards of the own child, or one's own. Raises Http404 for anybody else's."""
    actor = _family(request)
    if person_id not in actor.persons:
        raise Http404
    row = enrolment.get_row(actor, person_id)
    context = {
        "page_title": _("成绩和考勤"),
        "name": row.name,
        "terms": termbook.of_person(actor, person_id),
        "back_url": f"/my/{person_id}/",
    }
    note(actor, "people.view", object_type="person", object_id=person_id, person_id=person_id)
    return render(request, "portal/terms.html", context)
