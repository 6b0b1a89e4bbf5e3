"""Steps on the timeline and what follows from them: rosters, readers, head-counts, history."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import Http404
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.children import enrol
from tests.helpers import Place, act_as, make_county, seeing_all

from xueji.registry.enrolment import commands, queries
from xueji.registry.enrolment.errors import IllegalStep, RecordChanged
from xueji.registry.enrolment.timeline import Link, Step, chain_deltas, midnight

pytestmark = pytest.mark.django_db
STUDYING, SUSPENDED = 1, 2


@pytest.fixture
def place() -> Place:
    return make_county()


def rows(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """What the database holds, whatever the scope."""
    with seeing_all(), connection.cursor() as c:
        c.execute(sql, values)
        return list(c.fetchall())


def transfer(place: Place, person: uuid.UUID, to: str = "b1", on: date = date(2026, 10, 8)) -> uuid.UUID:
    """Move a child to another school's class of the same cohort."""
    klass = place.klass(to)
    with act_as(place.user("county_head", "a")) as actor:
        return commands.apply_step(
            actor,
            Step(person, "transfer", STUDYING, midnight(on), school_id=place.org(to).pk, class_id=klass.pk),
        )


@pytest.mark.capability("C-NUM-01", page="/students/")
def test_a_new_child_is_in_the_schools_list_at_once(place: Place) -> None:
    person = enrol(place, name="阿依古丽·买买提")
    with act_as(place.user("registrar", "a1")) as actor:
        found = queries.search(actor, "").rows
        assert [(r.person_id, r.status_label, r.class_name) for r in found] == [
            (person, "在读", "一年级(1)班")
        ]


def test_a_child_moves_with_its_record_and_the_former_school_keeps_its_own_period(place: Place) -> None:
    person = enrol(place)
    transfer(place, person)
    with act_as(place.user("registrar", "b1")) as actor:
        assert queries.get_row(actor, person).reason == "enrolled"
        assert [x.school_id for x in queries.chain(person)] == [place.org("a1").pk, place.org("b1").pk], (
            "one record for life: whoever has the child reads it whole"
        )
    with act_as(place.user("registrar", "a1")) as actor:
        row = queries.get_row(actor, person)
        assert row.former
        assert [x.school_id for x in queries.chain(person)] == [place.org("a1").pk]
        assert {e.detail.get("direction") for e in queries.events(person)} == {None, "out"}
        from xueji.registry.people import queries as people

        with pytest.raises(Http404):
            people.card(actor, person)
    for role, where in (
        ("registrar", "a2"),
        ("county_clerk", "c"),
        ("class_teacher", "a2"),
        ("audit_admin", "province"),
    ):
        with act_as(place.user(role, where)) as actor:
            assert queries.chain(person) == []
            assert queries.events(person) == []
            with pytest.raises(Http404):
                queries.get_row(actor, person)
    with act_as(place.user("city_clerk", "city1")) as actor:
        assert len(queries.chain(person)) == 2


def test_what_the_former_school_kept_does_not_follow_later_corrections(place: Place) -> None:
    person = enrol(place, name="李雷")
    transfer(place, person)
    with act_as(place.user("registrar", "b1")) as actor:
        from xueji.registry.people.commands import change_name

        change_name(actor, person, "李磊", event_id=uuid.uuid4(), at=timezone.now())
        commands.correct_roster(person)
    with act_as(place.user("registrar", "b1")) as actor:
        assert queries.get_row(actor, person).name == "李磊"
        assert [r.person_id for r in queries.search(actor, "李雷").rows] == [person], (
            "found by the former name"
        )
    with act_as(place.user("registrar", "a1")) as actor:
        assert queries.get_row(actor, person).name == "李雷"


def test_two_effects_on_one_day_keep_their_order(place: Place) -> None:
    person = enrol(place)
    day = midnight(date(2026, 10, 8))
    with act_as(place.user("registrar", "a1")) as actor:
        commands.apply_step(actor, Step(person, "suspend", SUSPENDED, day))
        commands.apply_step(actor, Step(person, "resume", STUDYING, day))
        assert [x.business for x in queries.chain(person)] == ["enrol", "suspend", "resume"]
        assert queries.as_of(person, date(2026, 10, 8)).status == STUDYING  # type: ignore[union-attr]


def test_an_effect_before_the_last_one_is_refused_in_words(place: Place) -> None:
    person = enrol(place)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(IllegalStep, match="早于"):
        commands.apply_step(actor, Step(person, "suspend", SUSPENDED, midnight(date(2026, 8, 1))))


def test_a_step_that_no_rule_allows_is_refused_in_words(place: Place) -> None:
    person = enrol(place)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(IllegalStep, match="不能办理"):
        commands.apply_step(actor, Step(person, "resume", STUDYING, midnight(date(2026, 10, 8))))


def test_a_decision_based_on_an_older_state_is_refused(place: Place) -> None:
    person = enrol(place)
    with act_as(place.user("registrar", "a1")) as actor:
        seen = queries.current(person)
        assert seen is not None
        commands.apply_step(actor, Step(person, "suspend", SUSPENDED, midnight(date(2026, 10, 8))))
        with pytest.raises(RecordChanged):
            commands.apply_step(
                actor, Step(person, "resume", STUDYING, midnight(date(2026, 11, 2))), expected=seen.event_id
            )


def test_a_later_effect_waits_for_its_day_and_then_brings_everything_along(place: Place) -> None:
    person = enrol(place)
    day = timezone.localdate() + timedelta(days=10)
    transfer(place, person, on=day)
    with act_as(place.user("registrar", "a1")) as actor:
        assert queries.get_row(actor, person).reason == "enrolled", "until the day the child is here"
    assert commands.activate_due() == 0
    assert commands.activate_due(midnight(day)) == 1
    assert commands.activate_due(midnight(day)) == 0, "once is enough"
    with act_as(place.user("registrar", "b1")) as actor:
        assert queries.get_row(actor, person).reason == "enrolled"
    with act_as(place.user("registrar", "a1")) as actor:
        assert queries.get_row(actor, person).former


def test_a_step_after_a_day_that_nobody_has_activated_yet_keeps_the_order(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = enrol(place)
    day = timezone.localdate() + timedelta(days=10)
    transfer(place, person, on=day)
    with seeing_all(), connection.cursor() as c:
        c.execute("update roster set problem = true where person_id = %s", [person])
    later = midnight(day + timedelta(days=1)) + timedelta(hours=1)
    monkeypatch.setattr(timezone, "now", lambda: later)
    with act_as(place.user("registrar", "b1")) as actor:
        commands.apply_step(actor, Step(person, "suspend", SUSPENDED, midnight(day + timedelta(days=1))))
    assert commands.activate_due() == 0, "the step has brought the earlier one along"
    with act_as(place.user("registrar", "b1")) as actor:
        row = queries.get_row(actor, person)
        assert (row.reason, row.status) == ("enrolled", SUSPENDED)
        assert row.problem, "an unsolved problem goes along with the child"
    assert cube() == recount()


def test_a_corrected_sex_counts_once_also_before_a_due_link_is_brought_along(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = enrol(place, sex="1")
    day = timezone.localdate() + timedelta(days=10)
    transfer(place, person, on=day)
    later = midnight(day + timedelta(days=1))
    monkeypatch.setattr(timezone, "now", lambda: later)
    with seeing_all(), connection.cursor() as c:
        c.execute("update person set sex = '2' where person_id = %s", [person])
    with act_as(place.user("registrar", "a1")):
        commands.correct_roster(person)
    assert commands.activate_due() == 1
    standing: Counter[tuple[Any, ...]] = Counter()
    for _county, school, _day, _kind, _stage, _cohort, sex, status, _flow in cube().elements():
        standing[(school, sex, status)] += 1
    for key, n in cube().items():
        if n < 0:
            standing[(key[1], key[6], key[7])] += n
    assert {k: n for k, n in standing.items() if n} == {(place.org("b1").pk, "2", STUDYING): 1}


def test_a_child_keeps_its_seat_in_the_class_until_it_changes_class(place: Place) -> None:
    person = enrol(place)
    for _n in range(2):
        enrol(place, "b1")
    with act_as(place.user("registrar", "a1")) as actor:
        klass = place.klass("a1").pk
        at = midnight(date(2026, 10, 8))
        commands.apply_step(actor, Step(person, "change_class", STUDYING, at, class_id=klass, class_seat=7))
        commands.apply_step(actor, Step(person, "suspend", SUSPENDED, midnight(date(2026, 10, 9))))
        commands.apply_step(actor, Step(person, "resume", STUDYING, midnight(date(2026, 10, 12))))
        assert queries.get_row(actor, person).class_seat == 7
    transfer(place, person, on=date(2026, 11, 2))
    with act_as(place.user("registrar", "b1")) as actor:
        assert queries.get_row(actor, person).class_seat == 3, "last in the class that it comes into"


def test_a_class_of_another_cohort_is_refused_in_words(place: Place) -> None:
    person = enrol(place)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(IllegalStep, match="年级"):
        commands.apply_step(
            actor, Step(person, "suspend", SUSPENDED, midnight(date(2026, 10, 8)), cohort_year=2025)
        )


def test_the_record_can_be_asked_as_of_a_day_and_as_it_was_known(place: Place) -> None:
    person = enrol(place)
    with act_as(place.user("registrar", "a1")) as actor:
        commands.apply_step(actor, Step(person, "suspend", SUSPENDED, midnight(date(2026, 10, 8))))
        before = timezone.now()
        links = [x for x in queries.chain(person) if x.business == "suspend"]
        later = Link(**{**links[0].__dict__, "valid_from": midnight(date(2026, 10, 20))})
        commands.relink(
            actor,
            person,
            from_at=links[0].valid_from,
            links=[later],
            business="relink",
            reason="日期登记错误",
        )
        assert queries.as_of(person, date(2026, 10, 10)).status == STUDYING  # type: ignore[union-attr]
        assert queries.as_of(person, date(2026, 10, 21)).status == SUSPENDED  # type: ignore[union-attr]
        known = queries.as_known_on(person, before)
        assert [(x.status, x.valid_from) for x in known][-1] == (SUSPENDED, midnight(date(2026, 10, 8)))


def cube() -> Counter[tuple[Any, ...]]:
    """The cube as it stands."""
    return Counter(
        {
            tuple(r[:-1]): r[-1]
            for r in rows(
                "select county_id, school_id, day, kind, stage, cohort_year, sex, status, flow, n from cube_delta"
                " where n <> 0"
            )
        }
    )


def recount() -> Counter[tuple[Any, ...]]:
    """The cube as the chains say it should be."""
    out: Counter[tuple[Any, ...]] = Counter()
    for person, sex in rows("select person_id, sex from person"):
        links = [
            Link(*r)
            for r in rows(
                f"select {queries.LINK_COLUMNS} from enrolment_state where person_id = %s order by valid_from",
                person,
            )
        ]
        out.update(chain_deltas(links, sex))
    return Counter({k: n for k, n in out.items() if n})


_MOVES = st.lists(
    st.tuples(st.sampled_from(["transfer", "suspend", "resume"]), st.sampled_from(["a1", "a2", "b1", "c1"])),
    max_size=7,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=_MOVES, sex=st.sampled_from(["1", "2"]))
def test_whatever_happens_head_counts_equal_a_recount(
    place: Place, moves: list[tuple[str, str]], sex: str
) -> None:
    person = enrol(place, sex=sex)
    day = date(2026, 9, 2)
    for business, school in moves:
        day += timedelta(days=3)
        status = SUSPENDED if business == "suspend" else STUDYING
        move = (
            {"school_id": place.org(school).pk, "class_id": place.klass(school).pk}
            if business == "transfer"
            else {}
        )
        with act_as(place.user("registrar", "a1")) as actor:
            try:
                commands.apply_step(actor, Step(person, business, status, midnight(day), **move))
            except IllegalStep:
                continue
    assert cube() == recount()
    present = rows("select school_id from roster where reason <> 'former' and person_id = %s", person)
    last = rows("select school_id from enrolment_state where person_id = %s and valid_to is null", person)
    assert present == last


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("欧阳", True), ("娜娜", True), ("欧阳娜娜", True), ("ouyang", True), ("oynn", True), ("OYNN", True),
        ("娜", True), ("欧阳娜娜x", False), ("ny", False), ("王", False),
    ],
)  # fmt: skip
@pytest.mark.capability("C-QRY-01", page="/students/")
def test_the_search_box_finds_by_name_pinyin_and_initials(place: Place, text: str, hit: bool) -> None:
    person = enrol(place, name="欧阳娜娜", sex="2")
    with act_as(place.user("registrar", "a1")) as actor:
        assert [r.person_id for r in queries.search(actor, text).rows] == ([person] if hit else [])


def test_pages_follow_by_key_without_losing_or_repeating_anybody(place: Place) -> None:
    people = {enrol(place, name=f"王{c}") for c in "一二三四五六七"}
    seen: list[uuid.UUID] = []
    after = ""
    with act_as(place.user("county_clerk", "a")) as actor:
        while True:
            page = queries.search(actor, "", after=after, limit=3)
            seen += [r.person_id for r in page.rows]
            after = page.next
            if not after:
                break
    assert len(seen) == 7
    assert set(seen) == people


def test_day_and_moment_are_shanghais(place: Place) -> None:
    assert midnight(date(2026, 9, 1)) == datetime.fromisoformat("2026-09-01T00:00:00+08:00")
