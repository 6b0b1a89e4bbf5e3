"""成长记录: a child's way through its schools from admission to graduation, to read and to print (C-GRA-07).

Made from the timeline alone. Grave things are told as the portal tells them: without the word, and without details.
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

from xueji.ground.audit.commands import note
from xueji.office.certificates import queries as papers
from xueji.registry.enrolment import page as record_page
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.people import queries as people

from . import queries
from .views import _family


def build(actor: Any, person_id: uuid.UUID) -> dict[str, Any]:
    """Context of the record, oldest first. A former school reads its own period. Raises Http404 to strangers."""
    row = enrolment.get_row(actor, person_id)
    card = None if row.former else people.card(actor, person_id)
    links = [x for x in enrolment.chains(person_id) if x.status not in queries.GRAVE]
    given = proofs(actor, person_id) if card else []
    facts = [
        (_("姓名"), row.name),
        (_("性别"), row.sex_label),
        (_("出生日期"), row.birth_date.isoformat()),
        (_("学籍号"), card.number if card else ""),
        (_("学校"), row.school_name),
        (_("班级"), row.class_name or row.grade_label),
    ]
    return {
        "page_title": _("成长记录"),
        "name": row.name,
        "person_id": person_id,
        "facts": [{"label": label, "value": value} for label, value in facts if value],
        "stays": list(reversed(record_page.states(links))),
        "events": list(reversed(queries.happenings(person_id))),
        "proofs": list(reversed(given)),
        "printed_on": timezone.localdate(),
    }


def proofs(actor: Any, person_id: uuid.UUID) -> list[dict[str, Any]]:
    """Certificates of a child in words, newest first, for whoever may see them."""
    if not actor.can("certificate.view"):
        return []
    return [
        {
            "title": x.content.get("title") or _("在籍证明"),
            "number": x.number,
            "on": papers.issued_on(x),
            "state": papers.STATES[papers.state_of(x)],
        }
        for x in papers.of_person(actor, person_id)
    ]


@never_cache
@require_safe
def staff(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """The record as schools and authorities open it from the student's page."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    actor.require("student.view")
    context = build(actor, person_id) | {
        "base": "layout/base.html",
        "back_url": f"/students/{person_id}/",
    }
    note(actor, "people.view", object_type="person", object_id=person_id, person_id=person_id)
    return render(request, "portal/growth.html", context)


@never_cache
@require_safe
def family(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """The record as the family, or the student, opens it. Raises Http404 for anybody else's child."""
    actor = _family(request)
    if person_id not in actor.persons:
        raise Http404
    context = build(actor, person_id) | {
        "base": "layout/base_phone.html",
        "back_url": f"/my/{person_id}/",
    }
    note(actor, "people.view", object_type="person", object_id=person_id, person_id=person_id)
    return render(request, "portal/growth.html", context)
