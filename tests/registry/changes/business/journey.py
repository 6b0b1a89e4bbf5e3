"""A case from draft to effect in a few words, and the proof that the record is whole after it."""

from __future__ import annotations

import itertools
import uuid
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from tests.helpers import Place, act_as, link_child, seeing_all
from tests.registry.changes.world import attach, identity, pass_all, send

from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.ground.policy.statuses import Status
from xueji.registry.changes import commands as cases
from xueji.registry.changes import page as pages
from xueji.registry.changes.models import Case
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment import queries as record
from xueji.registry.enrolment.models import GUEST
from xueji.registry.enrolment.timeline import Link, Step, midnight
from xueji.registry.enrolment.verify import CUBE_BALANCE, CUBE_NOW, RECORD
from xueji.registry.people import commands as people

_names = itertools.count(1)
_BORN = {"P": date(2018, 5, 6), "J": date(2012, 5, 6), "S": date(2009, 5, 6)}


def pupil(
    place: Place, school: str = "c1", stage: str = "S", cohort: int = 2025, number: int = 1
) -> uuid.UUID:
    """A pupil in attendance since the cohort's first September."""
    klass = place.klass(school, stage, cohort, number)
    since = midnight(date(cohort, 9, 1))
    born = _BORN[stage]
    with act_as(place.user("registrar", school)) as actor:
        person = people.add_person(
            actor,
            people.Newcomer(
                name="钱" + "一二三四五六七八九十"[next(_names) % 10] + "乐",
                sex="1",
                birth_date=born,
                id_type="1",
                id_number=identity(born),
            ),
            division=place.org(school).division,
            readers=[place.org(school).pk, place.org(school[0]).pk],
            klasses=[klass.pk],
            at=since,
        )
        step = Step(
            person_id=person,
            business="enrol",
            to_status=Status.STUDYING,
            at=since,
            school_id=place.org(school).pk,
            class_id=klass.pk,
            stage=stage,
            cohort_year=cohort,
        )
        enrolment.apply_step(actor, step)
    return person


def be_guest(
    place: Place, person: uuid.UUID, school: str = "b1", stage: str = "P", cohort: int = 2026
) -> None:
    """Let a child study elsewhere as a guest since October."""
    with act_as(place.user("registrar", school)) as actor:
        enrolment.apply_step(
            actor,
            Step(
                person_id=person,
                business="borrow",
                to_status=Status.STUDYING,
                at=midnight(date(2026, 10, 8)),
                kind=GUEST,
                school_id=place.org(school).pk,
                class_id=place.klass(school, stage, cohort).pk,
                stage=stage,
                cohort_year=cohort,
            ),
        )


def draft(
    place: Place, business: str, person: uuid.UUID, *papers: str, school: str = "c1", **form: Any
) -> Case:
    """A draft of the child's own school, filled in, with its papers."""
    with act_as(place.user("registrar", school)) as actor:
        case = cases.start(actor, business=business, person_id=person)
        cases.save_draft(actor, case_id=case.pk, form={**case.form, **form})
    attach(place, case, *papers, by=("registrar", school))
    return case


def four(school: str) -> tuple[tuple[str, str], ...]:
    """Who passes a case of a school after its registrar has sent it."""
    return (("school_head", school), ("county_clerk", school[0]), ("county_head", school[0]))


def finish(place: Place, case: Case, school: str = "c1") -> Case:
    """Send it, and everybody passes."""
    return pass_all(place, send(place, case, ("registrar", school)), four(school))


def now_of(place: Place, person: uuid.UUID, school: str = "c1") -> Link:
    """Where the child stands, as its school sees it."""
    with act_as(place.user("registrar", school)) as actor:
        assert actor.org_id
        link = record.current(person)
    assert link is not None
    return link


def wall(place: Place, case: Case) -> list[str]:
    """The sentences that keep a draft from being sent."""
    with act_as(place.user("registrar", _school_of(place, case))) as actor:
        report, _steps = cases.preflight(actor, case_id=case.pk)
    return [c.sentence for c in report.stopping]


def warnings(place: Place, case: Case) -> list[str]:
    """The sentences that warn."""
    with act_as(place.user("registrar", _school_of(place, case))) as actor:
        report, _steps = cases.preflight(actor, case_id=case.pk)
    return [c.sentence for c in report.checks if c.verdict == "warn"]


def family(place: Place, case: Case) -> tuple[str, str, pages.CasePage]:
    """What the family reads."""
    assert case.person_id is not None
    parent = place.user("parent", "")
    link_child(parent, case.person_id)
    with act_as(parent) as actor:
        page = pages.load(actor, case.pk)
        return (*pages.plain_words(page), page)


def rules_of(place: Place, school: str, pack: str) -> None:
    """Put a school under the rules of a place."""
    with seeing_all():
        Org.objects.filter(pk=place.org(school).pk).update(policy=pack)


def sound() -> None:
    """Timeline, rosters and head-counts say the same, and movements balance (`xueji verify`)."""
    with acting("writer"), connection.cursor() as c:
        for check, (_words, query) in RECORD.items():
            c.execute(query)
            assert c.fetchall() == [], check
        for query in (CUBE_NOW, CUBE_BALANCE):
            c.execute(query)
            assert c.fetchall() == []


def day(offset: int = 0) -> str:
    """A day from today, as forms keep it."""
    return (timezone.localdate() + timedelta(days=offset)).isoformat()


def _school_of(place: Place, case: Case) -> str:
    return next(key for key, org in place.orgs.items() if org.pk == case.org_id)
