"""A list's effect and single steps leave the same record: links, events, rosters, readers, head-counts."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.children import enrol
from tests.helpers import Place, act_as, make_county, seeing_all
from tests.registry.yearly.test_lists import sound

from xueji.registry.enrolment import bulk, commands
from xueji.registry.enrolment.bulk import ListRefused, Move
from xueji.registry.enrolment.timeline import Step, midnight

pytestmark = pytest.mark.django_db


def picture(persons: list[uuid.UUID]) -> dict[str, list[tuple[Any, ...]]]:
    """All that is on record of these children, without keys and times of writing; children by their place."""
    at = {p: i for i, p in enumerate(persons)}
    queries = {
        "links": "select person_id, valid_from, valid_to, from_status, business, status, county_id, school_id, class_id,"
        " stage, cohort_year, class_seat from enrolment_state where person_id = any(%s)",
        "events": "select person_id, business, valid_at, county_id, school_id, class_id, reason, detail::text from event"
        " where person_id = any(%s)",
        "rosters": "select person_id, county_id, school_id, kind, reason, until, class_id, stage, cohort_year, class_seat,"
        " status, name, sex, birth_date, number_prefix, last6 is not null, problem from roster where person_id = any(%s)",
        "readers": "select person_id, (select array_agg(x order by x) from unnest(readers) x), klasses from person"
        " where person_id = any(%s)",
        "pending": "select person_id, kind, valid_from from pending_link where person_id = any(%s)",
    }
    out: dict[str, list[tuple[Any, ...]]] = {}
    with seeing_all(), connection.cursor() as c:
        for name, query in queries.items():
            c.execute(query, [persons])
            out[name] = [(at[r[0]], *r[1:]) for r in c.fetchall()]
    _rank_seats(out)
    return {name: sorted(rows, key=repr) for name, rows in out.items()}


def _rank_seats(found: dict[str, list[tuple[Any, ...]]]) -> None:
    """Numbers inside a class go on from child to child: what two pictures share is their order."""
    places = {"links": (8, 11), "rosters": (6, 9)}  # class, seat
    seats: dict[Any, set[int]] = {}
    for name, (klass, seat) in places.items():
        for row in found[name]:
            if row[seat] is not None:
                seats.setdefault(row[klass], set()).add(row[seat])
    for name, (klass, seat) in places.items():
        found[name] = [
            row
            if row[seat] is None
            else (*row[:seat], sorted(seats[row[klass]]).index(row[seat]), *row[seat + 1 :])
            for row in found[name]
        ]


def cube() -> dict[tuple[Any, ...], int]:
    with seeing_all(), connection.cursor() as c:
        c.execute(
            "select county_id, school_id, day, kind, stage, cohort_year, sex, status, flow, n from cube_delta where n <> 0"
        )
        return {tuple(r[:-1]): r[-1] for r in c.fetchall()}


def minus(
    after: dict[tuple[Any, ...], int], before: dict[tuple[Any, ...], int]
) -> dict[tuple[Any, ...], int]:
    keys = after.keys() | before.keys()
    return {k: d for k in keys if (d := after.get(k, 0) - before.get(k, 0))}


def cohort(place: Place, n: int) -> list[uuid.UUID]:
    return [
        enrol(place, "a1", name="张小明", sex="12"[i % 2], birth=date(2019, 5, 1 + i), number=1 + i % 2)
        for i in range(n)
    ]


STEPS = {
    "graduate": ("graduate", 12, None),
    "complete": ("complete", 13, None),
    "suspend": ("suspend", 2, None),
    "class": ("change_class", 1, ("a1", "P", 2026, 2)),
    "move": ("transfer", 1, ("b1", "P", 2026, 1)),
}


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=5),
    later=st.sampled_from([0, 30]),
)
def test_a_list_and_single_steps_write_the_same(db: None, steps: list[str], later: int) -> None:
    from django.db import transaction

    with transaction.atomic():
        place = make_county(tag=uuid.uuid4().hex[:6])
        one, many = cohort(place, len(steps)), cohort(place, len(steps))
        at = midnight(timezone.localdate() + timedelta(days=later))
        wanted = [STEPS[s] for s in steps]
        start = cube()
        with act_as(place.user("registrar", "a1")) as actor:
            for person, (business, to, where) in zip(one, wanted, strict=True):
                klass = place.klass(*where) if where else None
                commands.apply_step(
                    actor,
                    Step(
                        person, business, to, at, school_id=klass.school_id if klass else None,
                        class_id=klass.pk if klass else None,
                    ),
                )  # fmt: skip
        between = cube()
        with act_as(place.user("registrar", "a1")) as actor:
            bulk.apply_many(
                actor,
                [
                    Move(
                        person, business, to, school_id=place.klass(*where).school_id if where else None,
                        class_id=place.klass(*where).pk if where else None,
                    )
                    for person, (business, to, where) in zip(many, wanted, strict=True)
                ],
                at=at,
            )  # fmt: skip
        assert picture(one) == picture(many)
        assert minus(cube(), between) == minus(between, start)
        sound()
        if later:
            with seeing_all():
                commands.activate_due(at + timedelta(hours=1))
            assert picture(one) == picture(many)
        transaction.set_rollback(True)


def test_one_who_cannot_keeps_all_and_is_told() -> None:
    place = make_county()
    a, b, c = cohort(place, 3)
    now = midnight(timezone.localdate())
    with act_as(place.user("registrar", "a1")) as actor:
        commands.apply_step(actor, Step(b, "suspend", 2, midnight(date(2026, 10, 1))))
        before = picture([a, b, c])
        for move, word in (
            (Move(b, "graduate", 12), "不能办理这项业务"),
            (Move(b, "resume", 1, expected=uuid.uuid4()), "已有变动"),
            (Move(b, "resume", 1, class_id=place.klass("b1").pk), "不属于该学校"),
            (Move(uuid.uuid4(), "graduate", 12), "没有学籍"),
        ):
            with pytest.raises(ListRefused) as refused:
                bulk.apply_many(actor, [Move(a, "graduate", 12), move, Move(c, "graduate", 12)], at=now)
            assert list(refused.value.persons) == [move.person_id]
            assert word in refused.value.persons[move.person_id]
        with pytest.raises(ListRefused, match="不能办理"):
            bulk.apply_many(actor, [Move(b, "resume", 1)], at=midnight(date(2026, 9, 3)))
        with pytest.raises(ValueError, match="twice"):
            bulk.apply_many(actor, [Move(a, "graduate", 12), Move(a, "graduate", 12)], at=now)
        assert picture([a, b, c]) == before
        assert bulk.apply_many(actor, [], at=now) == {}
