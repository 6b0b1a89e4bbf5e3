"""The fast search finds the very pairs that comparing everybody with everybody finds."""

from __future__ import annotations

import random
import uuid
from datetime import date, timedelta
from itertools import combinations

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from xueji.ground.db.scope import acting
from xueji.ground.standards.pinyin import pinyin_of
from xueji.registry.duplicates import similar
from xueji.registry.duplicates.near import Near, days_near, plain_cursor
from xueji.registry.people.models import Person, PersonName

DAYS = [date(1900, 1, 1) + timedelta(days=n) for n in range(73_000)]
#: One sound: 陈丽华, its traditional form, two others; one of another sound; one that is written with a dot.
NAMES = ("陈丽华", "陳麗華", "陈利华", "陈立华", "王大力", "买买提·吐尔逊", "买买提吐尔逊")


@settings(max_examples=6, deadline=None)
@given(st.sampled_from(DAYS))
def test_days_near_are_just_those_that_give_a_reason(day: date) -> None:
    near = days_near(day)
    assert list(near) == sorted(set(near))
    assert set(DAYS).intersection(near) == {d for d in DAYS if similar.birth_reason(day, d)}
    assert all(similar.birth_reason(day, d) for d in near)


@pytest.mark.django_db
def test_neighbourhoods_reach_the_database_as_they_are() -> None:
    days = [date(2018, 3, 5), date(2020, 2, 29), date(1999, 12, 31)]
    near = Near(days)
    with transaction.atomic(), plain_cursor(connection) as c:
        for day, first, last in zip(days, near.firsts, near.lasts, strict=True):
            row = c.execute("select (%s::date[])[%s:%s]", [near, first, last]).fetchone()
            assert row is not None
            assert tuple(row[0]) == days_near(day)
        assert c.execute("select %s::date[]", [Near([])]).fetchone() == ([],)


def _register(seed: int, n: int = 110) -> list[Person]:
    """A made-up register in which nearly everybody looks like somebody."""
    dice = random.Random(seed)
    base = dice.choice([date(2018, 3, 5), date(2016, 2, 29), date(2017, 12, 11), date(2010, 1, 1)])
    days = list(days_near(base))
    people = []
    for _ in range(n):
        name = dice.choice(NAMES)
        keys = pinyin_of(name)
        day = dice.choice(days) if dice.random() < 0.8 else base + timedelta(days=dice.randrange(-400, 400))
        people.append(
            Person(
                person_id=uuid.UUID(int=dice.getrandbits(128)), name=name, pinyin=keys.full, initials=keys.initials,
                pinyin_sort=keys.sort, former_name="", sex=dice.choice("12"), birth_date=day, created_at=timezone.now(),
                check_state=dice.choice(["unchecked", "passed"]), readers=[], klasses=[],
            )
        )  # fmt: skip
    for p in people[:8]:
        p.merged_into = people[-1].person_id
    with transaction.atomic(), acting("writer"):
        Person.objects.bulk_create(people)
        PersonName.objects.bulk_create(
            PersonName(
                person=p, name_no=1, name=dice.choice(NAMES), until=timezone.now(), event_id=uuid.uuid4(),
                readers=[], klasses=[],
            )
            for p in dice.sample(people, n // 4)
        )  # fmt: skip
    return people


def _naive(people: list[Person], asked: set[uuid.UUID]) -> dict[tuple[uuid.UUID, uuid.UUID], int]:
    """Everybody with everybody, as the rules say it, without a database. Nobody here has papers."""
    with acting("writer"):
        former: dict[uuid.UUID, str] = dict(PersonName.objects.values_list("person_id", "name"))
    found: dict[tuple[uuid.UUID, uuid.UUID], int] = {}
    for a, b in combinations([p for p in people if p.merged_into is None], 2):
        if a.sex != b.sex:
            continue
        for t, p in ((a, b), (b, a)):
            if t.person_id not in asked:
                continue
            sound = t.pinyin == p.pinyin
            bore = not sound and former.get(p.person_id) == t.name
            if sound or bore:
                score, _reasons = similar.judge(
                    t.name, t.birth_date, p.name, p.birth_date, former=bore, more=["no_papers"]
                )
                key = (min(a.person_id, b.person_id), max(a.person_id, b.person_id))
                if score >= similar.LEAST:
                    found[key] = max(found.get(key, 0), min(score, 100))
    return found


@pytest.mark.django_db
@pytest.mark.capability("C-DUP-02")
@pytest.mark.parametrize("seed", range(4))
def test_the_same_pairs_as_comparing_everybody_with_everybody(seed: int) -> None:
    people = _register(seed)
    ids = [p.person_id for p in people]
    for asked in (ids, ids[::3], ids[:1]):
        expected = _naive(people, set(asked))
        with transaction.atomic(), acting("writer"):
            for most in (100_000, 80):  # more than 120 stand against all together: asked about by halves
                found = similar.search(asked, most=most)
                assert {(f.one, f.other): f.score for f in found} == expected
    assert len(_naive(people, set(ids))) > 50
