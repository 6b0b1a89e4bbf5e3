"""Admission in the attacked world: both places have a plan, an area, a roster, candidates, a dispute, a clearance."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from tests.helpers import seeing_all

from xueji.registry.admission.models import (
    Applicant,
    Area,
    Child,
    Claim,
    Clearance,
    Plan,
    State,
    Submission,
)

UNITS = ("a1", "c1")
#: The other school of a dispute, in the same county.
OTHER = {"a1": "a2", "c1": "c1"}
ABOUT = ("candidate", "adm_list", "adm_claim", "adm_clear", "adm_area")
NOTHING: dict[str, Any] = {
    "candidate": uuid.UUID(int=3), "adm_list": 99999999, "adm_claim": 99999999, "adm_clear": 99999999,
    "adm_area": 99999999,
}  # fmt: skip


def build(world: Any) -> dict[str, dict[str, Any]]:
    """Rows of two schools in every table; returns the objects by kind and school."""
    place = world.place
    out: dict[str, dict[str, Any]] = {about: {} for about in ABOUT}
    with seeing_all():
        for unit, child in (("a1", "one"), ("c1", "c1")):
            school, county = place.org(unit).pk, place.org(unit[0]).pk
            own = {"school_id": school, "county_id": county}
            Plan.objects.create(year=2026, stage="P", planned=90, class_size=45, set_name="甲", **own)
            Area.objects.create(name="东湖社区", **own)
            Child.objects.create(
                year=2026, name="齐天乐", sex="1", birth_date=date(2020, 1, 2), entered_name="甲", **own
            )
            sent = Submission.objects.create(year=2026, stage="P", n=1, sent_name="甲", **own)
            row = Applicant(
                year=2026, stage="P", name="齐天乐", sort="qi", sex="1", birth_date=date(2020, 1, 2),
                entered_name="甲", state=State.SENT, submission_id=sent.pk, **own,
            )  # fmt: skip
            row.save(force_insert=True)
            other = place.org(OTHER[unit])
            dispute = Claim.objects.create(
                year=2026, name="齐天乐", birth_date=date(2020, 1, 2), first_id=row.pk, first_school_id=school,
                first_county_id=county, second_id=uuid.uuid4(), second_school_id=other.pk, second_county_id=county,
            )  # fmt: skip
            clear = Clearance.objects.create(
                child_id=world.persons[child], name=world.name(child), kind="area", findings="不在学区",
                listed_name="甲", **own,
            )  # fmt: skip
            out["candidate"][unit] = row.pk
            out["adm_list"][unit] = sent.pk
            out["adm_claim"][unit] = dispute.pk
            out["adm_clear"][unit] = clear.pk
            out["adm_area"][unit] = school
    return out


def of_claim(_facts: Any, s: Any, row: dict[str, Any]) -> bool:
    """A dispute: both schools and their authorities."""
    sides = ("first_school_id", "first_county_id", "second_school_id", "second_county_id")
    return bool({row[side] for side in sides} & s.units)


def sees(world: Any, facts: Any, sight: Any, about: str, unit: str) -> bool:
    """Whether somebody finds a page about a school's candidate, list, dispute, clearance or area."""
    place = world.place
    school = place.org(unit).pk
    if about == "adm_area":
        return sight.role.startswith("county") and place.org(unit[0]).pk in sight.units
    if about == "adm_claim":
        return bool(sight.school(facts, school) or place.org(OTHER[unit]).pk in sight.units)
    return bool(sight.school(facts, school))
