"""The facts on which the rules decide a case, by the names that the packs declare.

All businesses: student.stage, .grade, .status, .birth_date, .number_prefix, .home_school, .has_id_number and
.has_record say where the child stands; school.id is the starting school; case.channel, .system_failure,
.submitted_by, .variant, .reason and .docs (the papers attached) say how the case is made; calendar.* are the days
of the school calendar where the authority has set them; case.confirmed_roles, at the effect, has `side.duty` of
every step that passed.

Transfer and resumption: case.from_grade, case.to_grade and class.size_after of the class that was chosen,
case.effective_on, case.resume_on. Suspension: case.start, .end, .first_start. Correction: case.changed_fields,
case.id_number_changes; call.identity_match is the number's own check against sex and birth date, and
call.dedup_national the search among all numbers ever held here.

A fact `x.label` beside `x` is the word that sentences use.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from xueji.ground.crypto import vault
from xueji.ground.orgs.models import Term
from xueji.ground.policy import calendar
from xueji.ground.standards.identity import check_identity
from xueji.ground.standards.idtypes import RESIDENT
from xueji.registry.people import places
from xueji.registry.people.models import IdentityDocument, IdentityLookup

from .models import Case
from .routing import Units, variant_of
from .subject import ClassPlace, Subject

FIELD_WORDS = {"name": "姓名", "number": "身份证件号", "sex": "性别", "birth_date": "出生日期"}


@dataclass(frozen=True)
class Material:
    """All that is known of a case when it is checked."""

    case: Case
    subject: Subject
    units: Units
    place: ClassPlace | None
    docs: frozenset[str]
    submitted_by: str
    today: date
    new_number: str = ""
    confirmed: frozenset[str] = frozenset()

    def with_confirmed(self, roles: Iterable[str]) -> Material:
        """The same, with the steps that passed."""
        return replace(self, confirmed=frozenset(roles))


@dataclass(frozen=True)
class _TermRow:
    school_year: int
    number: int
    start: date
    end: date


def form_date(form: dict[str, Any], key: str) -> date | None:
    """A date of the stored form; None when it is not filled in."""
    raw = form.get(key)
    return date.fromisoformat(raw) if raw else None


def build(m: Material) -> dict[str, Any]:
    """The facts of a case as it stands. Must run in the writing role (the search of all numbers needs it)."""
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
        "case.channel": "electronic",
        "case.system_failure": False,
        "case.submitted_by": m.submitted_by,
        "case.variant": variant_of(business, m.units),
        "case.reason": form.get("reason") or None,
        "case.docs": sorted(m.docs),
        "case.confirmed_roles": sorted(m.confirmed),
    }
    if business in ("transfer", "resume"):
        to = m.place.grade(m.today) if m.place else None
        facts |= {
            "case.from_grade": grade.code if grade else None,
            "case.from_grade.label": grade.label if grade else None,
            "case.to_grade": to.code if to else None,
            "case.to_grade.label": to.label if to else None,
            "class.size_after": m.place.size + 1 if m.place else None,
            "case.effective_on": form_date(form, "effective_on"),
            "case.resume_on": form_date(form, "resume_on"),
        }
    if business == "suspend":
        start = form_date(form, "start")
        facts |= {"case.start": start, "case.end": form_date(form, "end"), "case.first_start": start}
    if business == "correct_key":
        facts |= _correction(m)
    return facts | _anchors(m.today)


def _correction(m: Material) -> dict[str, Any]:
    form, s = m.case.form, m.subject
    changed = [
        word
        for key, word in FIELD_WORDS.items()
        if form.get(f"new_{key}") or (key == "number" and m.new_number)
    ]
    facts: dict[str, Any] = {
        "case.changed_fields": changed,
        "case.id_number_changes": bool(m.new_number),
    }
    id_type = form.get("new_id_type") or s.id_type
    if m.new_number:
        birth = form_date(form, "new_birth_date") or s.birth_date
        check = check_identity(
            id_type, m.new_number, on=m.today, sex=form.get("new_sex") or s.sex, birth=birth
        )
        facts["call.identity_match"] = check.ok
        held = IdentityLookup.objects.filter(
            id_type=id_type, bidx=places.identity_index(id_type, check.value)
        ).values_list("person_id", flat=True)
        facts["call.dedup_national"] = all(person == s.person_id for person in held)
    else:
        facts["call.identity_match"] = _number_agrees(m)
        facts["call.dedup_national"] = True
    return facts


def _number_agrees(m: Material) -> bool:
    """The number stays: a new sex or birth date must agree with the one that is held."""
    form, s = m.case.form, m.subject
    if not (form.get("new_sex") or form.get("new_birth_date")) or s.id_type != RESIDENT:
        return True
    number = held_number(s)
    if not number:
        return True
    birth = form_date(form, "new_birth_date") or s.birth_date
    return check_identity(s.id_type, number, on=m.today, sex=form.get("new_sex") or s.sex, birth=birth).ok


def held_number(s: Subject) -> str:
    """The identity number in force, in clear, for checks and masks alone. Must run in the writing role."""
    document = IdentityDocument.objects.filter(person_id=s.person_id, until=None).first()
    if document is None:
        return ""
    return vault.open(bytes(document.sealed), places.document(s.person_id, document.doc_no))


def _anchors(day: date) -> dict[str, Any]:
    rows = [
        _TermRow(t.year_id, t.number, t.starts, t.ends)
        for t in Term.objects.filter(year__in=[day.year - 1, day.year, day.year + 1])
    ]
    return dict(calendar.anchors(day, rows))
