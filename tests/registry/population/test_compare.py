"""Comparing identities with the population register: slow, down, wrong or dead in between, nothing is lost or doubled."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from tests.children import enrol
from tests.helpers import Place, act_as, make_county, seeing_all

from xueji.registry.population import commands, queries
from xueji.registry.population.errors import PopulationError, RegisterDown
from xueji.registry.population.models import Batch, BatchState, Item, ItemState, Part
from xueji.registry.population.register import Answer, Question, Simulator
from xueji.registry.problems.models import Kind, Side

pytestmark = pytest.mark.django_db
BORN = date(2019, 4, 2)


@pytest.fixture(autouse=True)
def connected(settings: Any) -> None:
    settings.POPULATION = "simulator"


def begin(place: Place, role: str = "county_clerk", where: str = "a", **more: Any) -> Batch:
    with act_as(place.user(role, where)) as actor:
        return commands.begin(actor, **more)


def children(place: Place, n: int, school: str = "a1") -> list[uuid.UUID]:
    return [
        enrol(place, school, name=f"李{'甲乙丙丁戊己庚辛壬癸'[i % 10]}{'东南西北中'[i // 10]}")
        for i in range(n)
    ]


def run(counterpart: Any, rounds: int = 60) -> None:
    """Let the clock run until nothing is due any more."""
    now = timezone.now()
    for _round in range(rounds):
        while commands.work_part(counterpart, now):
            pass
        now += timedelta(hours=7)


@pytest.mark.capability("C-DUP-06")
def test_a_school_finds_its_mismatches_and_every_other_child_is_verified() -> None:
    """A county's clerk has all new records compared with the population register.
    They see what agrees, what does not, and what could not be compared, with time and source; a mismatch becomes a problem
    record of its school. It ends with verified records that may get a formal number."""
    place = make_county()
    kids = children(place, 6)
    batch = begin(place)
    run(Simulator(seed=3, mismatch=0.5, unknown=0.1))
    with seeing_all():
        batch.refresh_from_db()
        states = dict(Item.objects.values_list("person_id", "state"))
        failed = [p for p, s in states.items() if s == ItemState.FAILED]
    assert set(states) == set(kids)
    assert batch.state == BatchState.DONE
    assert batch.passed + batch.failed + batch.unknown == 6
    assert failed
    with act_as(place.user("county_clerk", "a")) as actor:
        assert commands.record_failures(actor, batch.pk) == len(failed)
        assert commands.record_failures(actor, batch.pk) == 0
    with act_as(place.user("registrar", "a1")) as actor:
        page = queries.results(actor, state="failed")
        assert {r.person_id for r in page.rows} == set(failed)
        assert all(r.answered_at and r.source == "simulator" for r in page.rows)
        assert set(
            Side.objects.filter(problem__kind=Kind.WRONG_ID).values_list("person_id", flat=True)
        ) == set(failed)
    with act_as(place.user("registrar", "b1")) as actor:
        assert queries.results(actor).rows == []


def test_a_register_that_is_slow_down_or_wrong_loses_nothing() -> None:
    place = make_county()
    kids = children(place, 12)
    batch = begin(place)
    counterpart = Simulator(seed=5, mismatch=0.2, unknown=0.0, down=0.3, slow=0.1, wrong=0.2, partial=0.3)
    run(counterpart)
    # This seed gives one whole answer in 23 requests: after twelve the part waits, what was answered is kept.
    with seeing_all():
        batch.refresh_from_db()
        assert batch.state == BatchState.STOPPED
        assert sum(counterpart.seen.values()) == 12
        kept = dict(Item.objects.exclude(answered_at=None).values_list("person_id", "state"))
        assert len(kept) == 11
        assert set(Item.objects.filter(answered_at=None).values_list("state", flat=True)) == {ItemState.RETRY}
    with act_as(place.user("county_clerk", "a")) as actor:
        assert commands.ask_again(actor, batch.pk) == 1
    run(counterpart)
    with seeing_all():
        items = dict(Item.objects.values_list("person_id", "state"))
        assert Batch.objects.get().state == BatchState.DONE
    assert set(items) == set(kids)
    assert {p: items[p] for p in kept} == kept
    assert set(items.values()) <= {ItemState.PASSED, ItemState.FAILED}
    assert sum(counterpart.seen.values()) > 1


class Dies(Simulator):
    """The process dies after the register has answered and before the answer is stored."""

    deaths = 3

    def compare(self, key: str, questions: Sequence[Question]) -> list[Answer]:
        answers = super().compare(key, questions)
        if self.deaths:
            self.deaths -= 1
            raise KeyboardInterrupt
        return answers


def test_a_worker_that_dies_after_asking_asks_again_with_the_same_key() -> None:
    place = make_county()
    children(place, 3)
    begin(place)
    dying = Dies(seed=1)
    now = timezone.now()
    for _n in range(3):
        with pytest.raises(KeyboardInterrupt):
            commands.work_part(dying, now)
        assert not commands.work_part(dying, now), "nobody else takes a part that somebody has"
        now += timedelta(minutes=6)
    assert commands.work_part(dying, now)
    assert not commands.work_part(dying, now)
    assert list(dying.seen.values()) == [4], "one request, asked four times"
    with seeing_all():
        assert Item.objects.filter(answered_at=None).count() == 0


def test_after_many_attempts_a_part_waits_for_somebody_to_send_it_again() -> None:
    place = make_county()
    children(place, 2)
    batch = begin(place)
    run(Simulator(down=1.0))
    with seeing_all():
        batch.refresh_from_db()
        assert batch.state == BatchState.STOPPED
        assert set(Item.objects.values_list("state", flat=True)) == {ItemState.RETRY}
        assert Part.objects.get().trouble == "对方没有应答"
    with act_as(place.user("county_clerk", "a")) as actor, pytest.raises(PopulationError):
        commands.begin(actor)
    with act_as(place.user("county_clerk", "a")) as actor:
        assert commands.ask_again(actor, batch.pk) == 1
    run(Simulator())
    with seeing_all():
        batch.refresh_from_db()
        assert batch.state == BatchState.DONE


def test_an_answer_about_a_paper_that_changed_meanwhile_is_not_applied() -> None:
    place = make_county()
    (kid,) = children(place, 1)
    begin(place)

    class Meanwhile(Simulator):
        def compare(self, key: str, questions: Sequence[Question]) -> list[Answer]:
            with seeing_all():
                from django.db import connection

                with connection.cursor() as c:
                    c.execute("update identity_document set until = now() where person_id = %s", [kid])
            return [Answer(q.ref, "passed") for q in questions]

    run(Meanwhile())
    with act_as(place.user("county_clerk", "a")) as actor:
        from xueji.registry.people import queries as people

        assert people.card(actor, kid).check_state == "unchecked"
    with seeing_all():
        assert Item.objects.get().state == ItemState.UNKNOWN


def test_a_comparison_takes_a_fixed_number_of_statements(django_assert_num_queries: Any) -> None:
    counted = []
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for n in (2, 9):
        place = make_county(tag=str(n))
        children(place, n)
        begin(place)
        with CaptureQueriesContext(connection) as found:
            assert commands.work_part(Simulator())
        counted.append(len(found))
    assert counted[0] == counted[1]


def test_what_the_register_may_not_do_and_who_may_not_ask(settings: Any) -> None:
    place = make_county()
    children(place, 1)
    with act_as(place.user("school_head", "a1")) as actor, pytest.raises(PermissionDenied):
        commands.begin(actor)
    settings.POPULATION = "http://169.254.169.254/"
    with act_as(place.user("county_clerk", "a")) as actor, pytest.raises(PopulationError, match="没有连接"):
        commands.begin(actor)
    assert Simulator(seed=9).compare("k", [q := Question("r", "1", "n", "1", BORN)]) == Simulator(
        seed=9
    ).compare("x", [q])
    with pytest.raises(RegisterDown):
        Simulator(down=1).compare("k", [])
