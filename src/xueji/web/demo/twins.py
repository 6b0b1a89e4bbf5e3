"""One child, one record in the demonstration: a suspected duplicate, a comparison with the made-up register, a distribution."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from xueji.ground.accounts.actor import enter
from xueji.ground.accounts.roles import Role
from xueji.registry.duplicates import commands as duplicates
from xueji.registry.duplicates.errors import DuplicatesError
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.timeline import Step, midnight
from xueji.registry.people.commands import Newcomer, add_person
from xueji.registry.population import commands as population
from xueji.registry.population.errors import PopulationError
from xueji.registry.population.register import Simulator

from .accounts import Staff
from .world import World


def _as(user_id: int) -> Any:
    actor = enter(user_id)
    assert actor is not None
    return actor


def make(world: World, staff: Staff) -> dict[str, int]:
    """A school of the county of school A took in a child of A under a birth date with a slip; the county looked for
    duplicates, had that school compared, and distributed formal numbers.
    """
    a = world.by_key("a")
    others = [
        p
        for p in world.places
        if p.county_id == a.county_id
        and p.key not in ("a", "b")
        and (Role.REGISTRAR, p.org_id) in staff.by_post
    ]
    if not others:
        return {}
    made = {"duplicate": _slip(world, staff, a.org_id, others[0].org_id)}
    with transaction.atomic():
        run = duplicates.start_run(_as(staff.at(Role.COUNTY_CLERK, a.county_id).pk))
    while duplicates.work_off(run.pk):
        pass
    try:
        with transaction.atomic():
            population.begin(_as(staff.at(Role.REGISTRAR, others[0].org_id).pk))
        made["comparison"] = 1
    except PopulationError:
        made["comparison"] = 0  # everybody there is verified already
    while population.work_part(Simulator()):
        pass
    try:
        with transaction.atomic():
            given = population.start(_as(staff.at(Role.COUNTY_CLERK, a.county_id).pk))
    except PopulationError:
        return made
    while population.work_off(given.pk):
        pass
    return made | {"distribution": 1}


def _slip(world: World, staff: Staff, school: int, other: int) -> int:
    """A second record of a pupil of `school`, without papers, at `other`: the day of birth differs by one digit."""
    with transaction.atomic():
        actor = _as(staff.at(Role.REGISTRAR, school).pk)
        with connection.cursor() as c:
            c.execute(
                "select name, sex, birth_date, stage, cohort_year from roster where school_id = %s and kind = 1"
                " and reason = 'enrolled' and status = 1 and not problem and open_case = '' and stage = 'P'"
                " and extract(day from birth_date) between 1 and 8 order by pinyin_sort, person_id limit 1",
                [school],
            )
            found = c.fetchone()
    if found is None:
        return 0
    name, sex, birth, stage, cohort = found
    with transaction.atomic():
        actor = _as(staff.at(Role.REGISTRAR, other).pk)
        with connection.cursor() as c:
            c.execute(
                "select k.id, o.division from school_class k join org o on o.id = k.school_id where k.school_id = %s"
                " and k.stage = %s and k.cohort_year = %s order by k.number limit 1",
                [other, stage, cohort],
            )
            place = c.fetchone()
        if place is None:
            return 0
        since = midnight(world.today - timedelta(days=12))
        key = uuid.uuid5(uuid.NAMESPACE_OID, f"{school}:{other}:{name}:{birth}")
        try:
            person = add_person(
                actor,
                Newcomer(
                    name=name, sex=sex, birth_date=birth + timedelta(days=1), ethnicity="01", person_id=key
                ),
                division=place[1],
                readers=[actor.org_id, actor.county_id],
                klasses=[place[0]],
            )
            enrolment.apply_step(
                actor, Step(person, "enrol", 1, since, school_id=actor.org_id, class_id=place[0])
            )
        except (ValueError, DuplicatesError):
            return 0
    return 1
