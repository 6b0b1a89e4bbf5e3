"""The life of student numbers: L, J, G, local schemes, serials without gaps."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction
from tests.helpers import seeing_all

from xueji.ground.db.scope import acting
from xueji.ground.policy.library import library
from xueji.ground.policy.model import NumberScheme
from xueji.ground.standards.numbers import check_student_number
from xueji.registry.people import commands, numbering, places, queries
from xueji.registry.people.errors import IllegalNumber, NumberProtected, NumberTaken, SerialsExhausted

from .conftest import BIRTH, World, identity_number, now

RUN = {"city": "01", "county": "01", "year": "26", "school": "015", "type": "0"}


def auxiliary() -> NumberScheme:
    return next(s for s in library().pack("cn-99").schemes if s.id == "province.auxiliary")


@pytest.mark.capability("C-NUM-04")
@pytest.mark.rule("NAT-NUM-15")
def test_every_child_first_holds_a_temporary_number(world: World) -> None:
    person = world.child()
    value = world.plain(person, "number")
    assert value[0] == "L"
    assert value[1:15] == "990101" + "20150309"
    assert check_student_number(value).ok
    with world.acting() as actor:
        assert queries.card(actor, person).number_kind == "临时学籍号"


@pytest.mark.capability("C-NUM-03")
@pytest.mark.rule("NAT-NUM-10")
@pytest.mark.rule("GD-NUM-01")
def test_a_checked_identity_makes_the_number_formal_and_keeps_the_temporary_one_in_history(
    world: World,
) -> None:
    number = identity_number()
    person = world.child(id_number=number)
    temporary = world.plain(person, "number")
    with world.acting("county_clerk", "a") as clerk:
        with pytest.raises(IllegalNumber, match="核验"):
            commands.promote(clerk, person, "G", at=now())
        commands.record_check(clerk, person, False, source="春季核验")
        with pytest.raises(IllegalNumber, match="核验"):
            commands.promote(clerk, person, "G", at=now())
        commands.record_check(clerk, person, True, source="春季核验")
        commands.promote(clerk, person, "G", at=now())
    assert world.plain(person, "number") == "G" + number
    with world.acting() as actor:
        rows = queries.numbers(actor, person)
        assert [(r.prefix, r.state_label) for r in rows] == [("G", "当前"), ("L", "曾用")]
        for text in (temporary, "G" + number, number):
            assert queries.find_by_number(actor, text) == [person]


@pytest.mark.rule("NAT-NUM-10")
def test_the_formal_number_is_derived_and_stored_nowhere(world: World) -> None:
    person = world.formal_child()
    with seeing_all(), connection.cursor() as c:
        c.execute(
            "select doc_no, sealed from student_number where person_id = %s and state = 'current'", [person]
        )
        assert c.fetchone() == (1, None)


@pytest.mark.capability("C-NUM-05")
@pytest.mark.rule("NAT-NUM-11")
@pytest.mark.rule("NAT-NUM-12")
def test_a_child_without_an_identity_number_gets_a_j_number_and_a_g_number_once_it_has_one(
    world: World,
) -> None:
    person = world.child(id_type="", id_number="")
    with world.acting("county_clerk", "a") as clerk:
        with pytest.raises(IllegalNumber, match="居民身份证"):
            commands.promote(clerk, person, "G", at=now())
        commands.promote(clerk, person, "J", at=now(), division="990101")
    j = world.plain(person, "number")
    assert j[:18] == "J99010120150309001"
    assert check_student_number(j).ok
    number = identity_number()
    with world.acting("county_clerk", "a") as clerk:
        with pytest.raises(IllegalNumber):
            commands.promote(clerk, person, "J", at=now(), division="990101")
        commands.change_identity(clerk, person, "1", number, event_id=uuid.uuid4(), at=now())
        assert queries.card(clerk, person).number_prefix == "J"
        commands.promote(clerk, person, "G", at=now())
        assert [r.prefix for r in queries.numbers(clerk, person)] == ["G", "J", "L"]
        for text in (j, "G" + number):
            assert queries.find_by_number(clerk, text) == [person]
    second = world.child(id_type="", id_number="")
    with world.acting("county_clerk", "a") as clerk:
        commands.promote(clerk, second, "J", at=now(), division="990101")
    assert world.plain(second, "number")[:18] == "J99010120150309002"


def test_a_child_with_an_identity_number_gets_no_j_number(world: World) -> None:
    person = world.child()
    with world.acting("county_clerk", "a") as clerk, pytest.raises(IllegalNumber, match="G"):
        commands.promote(clerk, person, "J", at=now(), division="990101")


@pytest.mark.rule("NAT-NUM-01")
def test_a_child_has_one_national_number_at_a_time(world: World) -> None:
    person = world.child()
    with world.acting() as actor, pytest.raises(IllegalNumber):
        commands.issue_national_number(actor, person, division="990101", at=now())
    with pytest.raises(IntegrityError), transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "insert into student_number (person_id, number_no, scheme, prefix, sealed, state, since, reason, readers,"
            " klasses) values (%s, 9, 'national', 'L', 'x', 'current', now(), '', '{}', '{}')",
            [person],
        )


@pytest.mark.capability("C-NUM-07")
@pytest.mark.rule("NAT-NUM-13")
def test_a_formal_number_is_struck_off_by_the_province_with_papers_only(world: World) -> None:
    person = world.formal_child()
    for role, where in (
        ("registrar", "a1"),
        ("county_clerk", "a"),
        ("county_head", "a"),
        ("province_head", "province"),
    ):
        with world.acting(role, where) as actor, pytest.raises(NumberProtected, match="教育部"):
            commands.void_number(actor, person, 2, reason="重复学籍", at=now())
    with world.acting("province_head", "province") as head:
        commands.void_number(head, person, 2, reason="重复学籍", at=now(), proof=uuid.uuid4())
    with world.acting() as actor:
        assert queries.numbers(actor, person)[0].state_label == "已作废"


def test_a_voided_number_is_kept_still_finds_the_child_and_is_never_given_again(world: World) -> None:
    person = world.child()
    value = world.plain(person, "number")
    with world.acting("county_clerk", "a") as clerk:
        with pytest.raises(IllegalNumber, match="原因"):
            commands.void_number(clerk, person, 1, reason=" ", at=now())
        commands.void_number(clerk, person, 1, reason="录入错误", at=now())
        with pytest.raises(IllegalNumber):
            commands.void_number(clerk, person, 1, reason="录入错误", at=now())
    with world.acting() as actor:
        commands.issue_national_number(actor, person, division="990101", at=now())
        rows = queries.numbers(actor, person)
        assert [(r.state, r.reason) for r in rows] == [("current", ""), ("voided", "录入错误")]
        assert queries.find_by_number(actor, value) == [person]
    assert world.plain(person, "number") != value
    with pytest.raises(IntegrityError), transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "insert into number_lookup (scheme, bidx, person_id, number_no) values ('national', %s, %s, 1)",
            [places.number_index("national", value), uuid.uuid4()],
        )


@pytest.mark.rule("NAT-NUM-01")
def test_moving_between_schools_leaves_the_number_alone(world: World) -> None:
    person = world.formal_child()
    before = world.plain(person, "number")
    with world.acting("county_clerk", "a"):
        commands.rehome([person], readers=[world.place.org("a2").pk, world.place.org("a").pk], klasses=[])
    assert world.plain(person, "number") == before


def test_temporary_numbers_for_many_children_are_all_different_and_new(world: World) -> None:
    person = world.child()
    given = world.plain(person, "number")
    with transaction.atomic(), acting("intake"):
        proposed = commands.propose_temporary(
            [("990101", BIRTH)] * 3000 + [("990102", date(2016, 1, 1))] * 50
        )
    assert len(set(proposed)) == 3050
    assert given not in proposed
    assert all(check_student_number(n).ok for n in proposed)


def test_when_every_temporary_number_of_a_day_is_given_the_next_is_refused() -> None:
    assert numbering.draw(range(numbering.RANDOMS)) is None
    assert numbering.draw([n for n in range(numbering.RANDOMS) if n != 77]) == 77


@pytest.mark.capability("C-NUM-09")
@pytest.mark.rule("GD-NUM-02")
def test_an_auxiliary_number_is_found_masked_and_unique(world: World) -> None:
    scheme = auxiliary()
    person, other = world.child(), world.child(name="别家")
    with world.acting() as actor:
        with acting("writer"):
            (value,) = commands.allocate_aux(scheme, RUN, 1)
        commands.add_number(actor, person, scheme.id, value, at=now())
        assert queries.find_by_number(actor, value) == [person]
        row = queries.numbers(actor, person)[-1]
        assert (row.scheme, row.label) == (scheme.id, scheme.title)
        assert value not in row.masked
        with pytest.raises(IllegalNumber):
            commands.add_number(actor, person, scheme.id, "01012601500009", at=now())
        with pytest.raises(NumberTaken):
            commands.add_number(actor, other, scheme.id, value, at=now())
        with pytest.raises(IllegalNumber, match="系统生成"):
            commands.add_number(actor, other, "national", "L990101201503091234", at=now())


@pytest.mark.capability("C-NUM-10")
@pytest.mark.rule("HEB-NUM-01")
@pytest.mark.rule("HEB-NUM-02")
def test_serials_of_eight_threads_leave_no_gap_even_when_some_roll_back(shared_world: World) -> None:
    scheme = auxiliary()
    start = threading.Barrier(8)

    class Abandoned(Exception):
        pass

    def work(thread: int) -> list[str]:
        kept: list[str] = []
        try:
            start.wait()
            for turn in range(12):
                try:
                    with transaction.atomic(), acting("intake"):
                        numbers = commands.allocate_aux(scheme, RUN, 1 + (thread + turn) % 3)
                        if turn % 4 == 3:
                            raise Abandoned
                except Abandoned:
                    continue
                kept += numbers
        finally:
            connection.close()
        return kept

    with ThreadPoolExecutor(8) as pool:
        given = [n for numbers in pool.map(work, range(8)) for n in numbers]
    serials = sorted(int(n[-4:]) for n in given)
    assert serials == list(range(1, len(given) + 1))
    assert {n[:-4] for n in given} == {"0101260150"}


def test_runs_count_for_themselves_and_end_where_the_layout_ends(world: World) -> None:
    with transaction.atomic(), acting("writer"):
        assert commands.allocate_serials("x", "a", 3) == range(1, 4)
        assert commands.allocate_serials("x", "b", 2) == range(1, 3)
        assert commands.allocate_serials("x", "a", 2) == range(4, 6)
        assert commands.allocate_serials("x", "a", 0) == range(0)
        with pytest.raises(SerialsExhausted), transaction.atomic():
            commands.allocate_serials("x", "a", 5, limit=9)
        assert commands.allocate_serials("x", "a", 4, limit=9) == range(6, 10)
        with pytest.raises(SerialsExhausted), transaction.atomic():
            commands.allocate_aux(auxiliary(), RUN, 10_000)


@pytest.mark.rule("NAT-NUM-02")
def test_a_scheme_of_the_nation_is_not_made_by_a_pack(world: World) -> None:
    national = next(s for s in library().pack("cn").schemes if s.id == "national.J")
    assert national.reserved
    with pytest.raises((ValueError, StopIteration)), transaction.atomic(), acting("writer"):
        commands.allocate_aux(national, {"division": "990101"}, 1)
    with world.acting() as actor, pytest.raises(IllegalNumber):
        commands.add_number(actor, world.child(), "national.L", "L990101201503091234", at=now())


@pytest.mark.rule("NAT-NUM-16")
def test_a_temporary_number_is_treated_like_any_other(world: World) -> None:
    """The same commands accept a child whatever the letter of its number."""
    temporary, formal = world.child(), world.formal_child()
    for person in (temporary, formal):
        with world.acting("county_clerk", "a") as clerk:
            commands.change_name(clerk, person, "田新苗", event_id=uuid.uuid4(), at=now())
            commands.change_identity(clerk, person, "1", identity_number(), event_id=uuid.uuid4(), at=now())
        with world.acting() as actor:
            commands.set_profile(actor, person, {"only_child": "1"})
            assert queries.card(actor, person).name == "田新苗"
