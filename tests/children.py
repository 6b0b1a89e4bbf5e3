"""Invented children for tests: enrolled through the same commands as real ones."""

from __future__ import annotations

import itertools
import uuid
from datetime import date
from typing import Any

from tests.helpers import Place, act_as

from xueji.ground.standards import divisions
from xueji.ground.standards.identity import check_digit
from xueji.registry.enrolment import commands
from xueji.registry.enrolment.timeline import Step, midnight
from xueji.registry.people.commands import Newcomer, add_person

divisions.use_demo(True)
_SERIAL = itertools.count(1)
STUDYING = 1


def id_number(birth: date, sex: str, *, division: str = "990101", serial: int | None = None) -> str:
    """A valid resident identity number that cannot be anybody's: made-up division, sequence by `serial`."""
    n = (next(_SERIAL) if serial is None else serial) % 450
    first = f"{division}{birth:%Y%m%d}{n * 2 + (1 if sex == '1' else 0):03d}"
    return first + check_digit(first)


def enrol(
    place: Place,
    school: str = "a1",
    *,
    name: str = "张小明",
    sex: str = "1",
    birth: date | None = None,
    cohort: int = 2026,
    stage: str = "P",
    number: int = 1,
    on: date = date(2026, 9, 1),
    identity: str | None = None,
    **more: Any,
) -> uuid.UUID:
    """One child with its record opened at a school by its registrar; returns the person's key."""
    birth = birth or date(cohort - 7, 3, 1 + next(_SERIAL) % 27)
    klass = place.klass(school, stage, cohort, number)
    org = place.org(school)
    with act_as(place.user("registrar", school)) as actor:
        person = add_person(
            actor,
            Newcomer(
                name=name,
                sex=sex,
                birth_date=birth,
                id_type="1",
                id_number=identity or id_number(birth, sex),
                ethnicity="01",
                **more,
            ),
            division=org.division,
            readers=[org.pk, actor.county_id or 0],
            klasses=[klass.pk],
        )
        commands.apply_step(
            actor,
            Step(person, "enrol", STUDYING, midnight(on), school_id=org.pk, class_id=klass.pk),
        )
    return person
