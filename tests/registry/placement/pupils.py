"""Children who wait for a class, and small helpers."""

from __future__ import annotations

import re
import uuid
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone
from tests.children import STUDYING, id_number
from tests.helpers import Place, act_as

from xueji.registry.enrolment import commands
from xueji.registry.enrolment.timeline import Step, midnight
from xueji.registry.people.commands import Newcomer, add_person


def wait_for_class(
    place: Place,
    name: str,
    *,
    sex: str = "1",
    school: str = "a1",
    cohort: int = 2026,
    on: date | None = None,
    birth: date | None = None,
) -> uuid.UUID:
    """A child on record at a school without a class, as check-in leaves one."""
    birth = birth or date(cohort - 7, 5, 1) + timedelta(days=len(name))
    org = place.org(school)
    with act_as(place.user("registrar", school)) as actor:
        person = add_person(
            actor,
            Newcomer(
                name=name,
                sex=sex,
                birth_date=birth,
                id_type="1",
                id_number=id_number(birth, sex),
                ethnicity="01",
            ),
            division=org.division,
            readers=[org.pk, actor.county_id or 0],
            klasses=[],
        )
        at: datetime = midnight(on) if on else timezone.now()
        commands.apply_step(
            actor,
            Step(person, "enrol", STUDYING, at, school_id=org.pk, stage="P", cohort_year=cohort),
        )
    return person


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))
