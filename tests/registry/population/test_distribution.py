"""Formal numbers are distributed after the start of a term: to whom they may, once, with a list for every school."""

from __future__ import annotations

import threading
import uuid
from datetime import date
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from tests.children import enrol
from tests.helpers import Place, act_as, make_county, seeing_all

from xueji.ground.db.scope import acting
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.people import queries as people
from xueji.registry.population import commands, queries
from xueji.registry.population.errors import PopulationError
from xueji.registry.population.models import BatchState, Distribution, Given
from xueji.registry.problems import commands as problems
from xueji.registry.problems.models import Kind


def checked(*persons: uuid.UUID, state: str = "passed") -> None:
    """As if compared."""
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "update person set check_state = %s where person_id = any(%s::uuid[])", [state, list(persons)]
        )
        c.execute(
            "update roster set check_state = %s where person_id = any(%s::uuid[])", [state, list(persons)]
        )


def paperless(*persons: uuid.UUID) -> None:
    """As if without a paper."""
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "update identity_document set until = now() where person_id = any(%s::uuid[])", [list(persons)]
        )


def start(place: Place, role: str = "county_clerk", where: str = "a") -> Distribution:
    with act_as(place.user(role, where)) as actor:
        return commands.start(actor)


def work(row: Distribution) -> Distribution:
    while commands.work_off(row.pk):
        pass
    with seeing_all():
        row.refresh_from_db()
    return row


@pytest.mark.django_db
@pytest.mark.capability("C-NUM-06")
@pytest.mark.capability("C-NUM-03")
@pytest.mark.capability("C-NUM-05")
@pytest.mark.rule("NAT-NUM-10")
@pytest.mark.rule("NAT-NUM-11")
def test_who_is_verified_gets_g_who_has_no_paper_gets_j_and_the_others_keep_every_right() -> None:
    """The county's clerk distributes formal numbers after the start of the term.
    Schools see, child by child, which number came or why the temporary one stays.
    It ends with G for verified children, J for those without an identity number, and L as good as any other."""
    place = make_county()
    good, bare, open_, wrong, odd = (enrol(place, "a1", name=f"周{x}") for x in "一二三四五")
    other = enrol(place, "a2", name="周六")
    checked(good, other, odd)
    checked(wrong, state="failed")
    paperless(bare)
    with act_as(place.user("county_clerk", "a")) as actor:
        problems.open_problem(actor, Kind.WRONG_ID, [odd], source="check")
    row = work(start(place))
    assert (row.state, row.total, row.formal, row.without_id, row.held) == (BatchState.DONE, 6, 2, 1, 3)
    with seeing_all():
        results = dict(Given.objects.values_list("person_id", "result"))
    assert results == {good: "G", other: "G", bare: "J", open_: "unchecked", wrong: "failed", odd: "problem"}
    with act_as(place.user("registrar", "a1")) as actor:
        lines = {r.person_id: r for r in queries.lines(actor, row.pk).rows}
        assert set(lines) == set(results) - {other}
        assert [n.prefix for n in people.numbers(actor, good)] == ["G", "L"]
        assert people.card(actor, bare).number_prefix == "J"
        assert enrolment.events(good)[0].business == "number"
        with pytest.raises(PopulationError, match="没有持临时"):
            commands.start(actor) if actor.can("number.distribute") else _none()
    with act_as(place.user("registrar", "b1")) as actor:
        assert queries.lines(actor, row.pk).rows == []


def _none() -> None:
    raise PopulationError("没有持临时学籍号的学生")


@pytest.mark.django_db
def test_a_distribution_takes_a_fixed_number_of_statements() -> None:
    from django.test.utils import CaptureQueriesContext

    counted = []
    for n in (3, 12):
        place = make_county(tag=str(n))
        kids = [enrol(place, "a1", name="吴" + "甲乙丙丁戊己庚辛壬癸子丑"[i]) for i in range(n)]
        checked(*kids)
        paperless(kids[0])
        row = start(place)
        with CaptureQueriesContext(connection) as found:
            commands.work_off(row.pk)
        counted.append(len(found))
    assert counted[0] == counted[1]


@pytest.mark.capability("C-NUM-06")
def test_two_workers_never_give_a_number_twice(
    own_database: str, as_owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xueji.registry.population.commands import distributing

    monkeypatch.setattr(distributing, "CHUNK", 4)
    place = make_county()
    born = date(2019, 3, 3)
    kids = [enrol(place, "a1", name="郑" + a + b, birth=born) for a in "东南西北" for b in "甲乙丙"]
    checked(*kids)
    paperless(*kids[::2])
    row = start(place)
    errors: list[BaseException] = []

    def loop() -> None:
        try:
            for _n in range(40):
                commands.work_off(row.pk)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=loop) for _n in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert not errors
    found: Any = as_owner.execute(
        "select prefix, count(*), count(distinct person_id) from student_number where state = 'current'"
        " and scheme = 'national' group by 1 order by 1"
    ).fetchall()
    assert found == [("G", 6, 6), ("J", 6, 6)]
    serials = as_owner.execute("select last from number_counter where scheme = 'national.J'").fetchall()
    assert serials == [(6,)]
    with seeing_all():
        assert Distribution.objects.get().done == 12
