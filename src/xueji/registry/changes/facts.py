"""The facts on which the rules decide a case, by the names that the packs declare.

All businesses: student.stage, .grade, .status, .birth_date, .number_prefix, .home_school, .has_id_number and
.has_record say where the child stands; school.id is the starting school; case.channel, .system_failure,
.submitted_by, .variant, .reason and .docs (the papers attached) say how the case is made; calendar.* are the days
of the school calendar where the authority has set them; case.applied_on is the day of applying, event.kind the word
of the business, student.graduating the last year of a stage; case.confirmed_roles, at the effect, has `side.duty` of
every step that passed, and case.decided_by and .recorded_with the words by which rules name those who decided in
order and those who were told. A case entered after an outage (补录) has the channel `backfilled` and a system failure.

Each kind of case adds its own (`business/`): the classes it moves between, its dates, the fields it changes. What
nobody here can know the school is asked for (`business/asking`); its answers never stand against what is known.

A fact `x.label` beside `x` is the word that sentences use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils import timezone

from xueji.ground.crypto import vault
from xueji.ground.orgs.models import Term
from xueji.ground.policy import calendar
from xueji.ground.standards.idtypes import RESIDENT
from xueji.registry.people import places
from xueji.registry.people.models import IdentityDocument

from .material import Material
from .routing import variant_of
from .subject import Subject


@dataclass(frozen=True)
class _TermRow:
    school_year: int
    number: int
    start: date
    end: date


def build(m: Material, own: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a case as it stands; `own` are those that its kind adds. Must run in the writing role."""
    s, form, business = m.subject, m.case.form, m.case.business
    grade = s.grade(m.today)
    facts: dict[str, Any] = {
        "student.stage": s.stage,
        "student.grade": grade.code if grade else None,
        "student.grade.label": grade.label if grade else None,
        "student.status": s.status.code_label,
        "student.birth_date": s.birth_date,
        "student.number_prefix": s.number_prefix,
        "student.home_school": str(s.school_id),
        "student.has_id_number": s.id_type == RESIDENT,
        "student.has_record": True,
        "school.id": str(m.units.start.pk),
        "school.id.label": m.units.start.name,
        "case.channel": "backfilled" if m.case.outage else "electronic",
        "case.system_failure": bool(m.case.outage),
        "case.submitted_by": m.submitted_by,
        "case.variant": variant_of(business, m.units),
        "case.reason": form.get("reason") or None,
        "case.docs": sorted(m.docs),
        "case.confirmed_roles": sorted(m.confirmed),
        "case.applied_on": timezone.localdate(m.case.submitted_at) if m.case.submitted_at else m.today,
        "student.graduating": grade.last if grade else None,
    }
    answers = m.case.form.get("answers", {})
    if m.decided_by:  # who signed inside the school before it was sent is the school's answer
        inside = answers.get("case.decided_by") or ()
        facts["case.decided_by"] = [*([inside] if isinstance(inside, str) else inside), *m.decided_by]
    if m.recorded_with:
        facts["case.recorded_with"] = [*m.recorded_with]
    known = {**facts, **own, **_calendar(m.today)}
    return known | {k: v for k, v in answers.items() if known.get(k) is None}


def held_number(s: Subject) -> str:
    """The identity number in force, in clear, for checks and masks alone. Must run in the writing role."""
    document = IdentityDocument.objects.filter(person_id=s.person_id, until=None).first()
    if document is None:
        return ""
    return vault.open(bytes(document.sealed), places.document(s.person_id, document.doc_no))


def _calendar(day: date) -> dict[str, Any]:
    rows = [
        _TermRow(t.year_id, t.number, t.starts, t.ends)
        for t in Term.objects.filter(year__in=[day.year - 1, day.year, day.year + 1])
    ]
    found: dict[str, Any] = dict(calendar.anchors(day, rows))
    term = next((t for t in rows if t.start <= day <= t.end), None)
    return found | ({"case.term": term.number} if term else {})
