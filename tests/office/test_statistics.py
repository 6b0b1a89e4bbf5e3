"""Head-counts and movements: they agree with the children counted one by one, whatever happened to them."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import Http404
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.children import enrol
from tests.helpers import Place, act_as, login, make_county, seeing_all

from xueji.ground.accounts.actor import today
from xueji.ground.db.scope import acting
from xueji.ground.policy.statuses import Status
from xueji.office.statistics import chart, flows, names, periods, queries, units
from xueji.office.statistics.queries import Count, hide_small
from xueji.registry.enrolment import commands
from xueji.registry.enrolment.timeline import Step, end_of, midnight

START = date(2026, 9, 1)
STUDYING, SUSPENDED, GONE, ABROAD, GRADUATED = 1, 2, 11, 4, 12


@pytest.fixture
def place(db: None) -> Place:
    return make_county()


def step(
    place: Place, person: uuid.UUID, business: str, to: int, on: date, school: str = "a1", **more: Any
) -> None:
    with act_as(place.user("registrar", school)) as actor:
        commands.apply_step(actor, Step(person, business, to, midnight(on), **more))


def counted(place: Place, day: date, **where: Any) -> int:
    """In school at the end of a day, child by child, past every filter of the reports."""
    keys = " and ".join(f"{k} = %s" for k in where) or "true"
    with seeing_all(), connection.cursor() as c:
        c.execute(
            "select count(*) from enrolment_state where kind = 1 and status = 1 and valid_from < %s"
            f" and (valid_to is null or valid_to >= %s) and {keys}",
            [end_of(day), end_of(day), *where.values()],
        )
        return int(c.fetchone()[0])


def table(
    place: Place, role: str, at: str, start: date, end: date, by: Any = "unit", **more: Any
) -> queries.Movement:
    with act_as(place.user(role, at)) as actor:
        return queries.movement(actor, units.resolve(actor, more.pop("org", None)), start, end, by=by, **more)


# --- the walk of random lives -------------------------------------------------------------------------------------

#: from status -> what may happen, to which status, and whether it needs a place at the other school
MOVES: dict[int, list[tuple[str, int, str]]] = {
    STUDYING: [
        ("suspend", SUSPENDED, ""), ("transfer", STUDYING, "move"), ("abroad", ABROAD, ""), ("leave", 5, ""),
        ("repeat", STUDYING, "back"), ("change_class", STUDYING, ""), ("graduate", GRADUATED, ""),
        ("death", 17, ""), ("transfer_out", GONE, ""), ("withdraw", 15, ""),
    ],
    SUSPENDED: [("resume", STUDYING, ""), ("suspend_extend", SUSPENDED, ""), ("death", 17, "")],
    ABROAD: [("return", STUDYING, ""), ("transfer", STUDYING, "move")],
    5: [("return", STUDYING, "")],
    GRADUATED: [("undo_finish", STUDYING, "")],
    15: [("transfer", STUDYING, "move")],
}  # fmt: skip


def live(place: Place, choose: Callable[[int], int]) -> None:
    """Enrol some children and let things happen to them, as `choose` (n -> below n) decides."""
    schools = ("a1", "a2", "b1")
    for i in range(4):
        at = schools[choose(3)]
        person = enrol(
            place, at, name=f"王{'一二三四'[i]}", sex="12"[choose(2)], cohort=2024 + choose(3), on=START
        )
        status, day, cohort = STUDYING, START, None
        for _turn in range(choose(5)):
            options = MOVES.get(status, [])
            if not options:
                break
            business, to, where = options[choose(len(options))]
            day += timedelta(days=choose(12))
            more: dict[str, Any] = {}
            if where == "move":
                at = schools[(schools.index(at) + 1 + choose(2)) % 3]
                cohort = 2024 + choose(3)
                klass = place.klass(at, "P", cohort)
                more = {"school_id": klass.school_id, "class_id": klass.pk}
            elif where == "back":
                klass = place.klass(at, "P", 2026)
                more = {"class_id": klass.pk, "cohort_year": 2026, "stage": "P"}
            step(place, person, business, to, day, at, **more)
            status = to


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(seed=st.integers(0, 10**9), cuts=st.tuples(st.integers(0, 60), st.integers(0, 60)))
def test_movement_balances_and_heads_are_recounted_after_anything(
    place: Place, seed: int, cuts: tuple[int, int]
) -> None:
    from django.db import transaction

    with transaction.atomic():
        dice = random.Random(seed)
        live(place, dice.randrange)
        start, end = (START - timedelta(days=3) + timedelta(days=n) for n in sorted(cuts))
        for role, at, where in (
            ("registrar", "a1", {"school_id": place.org("a1").pk}),
            ("registrar", "b1", {"school_id": place.org("b1").pk}),
            ("county_clerk", "a", {"county_id": place.org("a").pk}),
            ("city_clerk", "city1", {}),
        ):
            for by in ("unit", "grade", "sex"):
                move = table(place, role, at, start, end, by)
                assert move.balanced, (role, at, by, move)
                assert move.total.opening == counted(place, start - timedelta(days=1), **where)
                assert move.total.closing == counted(place, end, **where)
            with act_as(place.user(role, at)) as actor:
                heads = queries.headcount(actor, units.resolve(actor), end)
                assert heads.total.total == counted(place, end, **where)
                assert sum(g.total for g in heads.by_grade) == heads.total.total
                assert heads.total.men + heads.total.women == heads.total.total
                if role == "registrar":
                    _names_match(actor, start, end)
        transaction.set_rollback(True)


def _names_match(actor: Any, start: date, end: date) -> None:
    """Every figure of a school's table by grade has as many names behind it."""
    target = units.resolve(actor)
    move = queries.movement(actor, target, start, end, by="grade")
    for row in move.rows:
        stage, cohort = "PJS"[int(row.key[0]) - 1], 9999 - int(row.key[1:])
        for column in flows.COLUMNS:
            page = names.people(target, names.Wanted(column.key, start, end, stage, cohort))
            assert len(page.rows) == row.flow[column.key], (row.label, column.key, page.rows)
        page = names.people(target, names.Wanted("present", start, end, stage, cohort))
        assert len(page.rows) == row.closing


@pytest.mark.capability("C-RPT-03")
def test_a_child_coming_and_one_going_on_one_day_are_both_in_the_table(place: Place) -> None:
    goes = enrol(place, "a1", name="李去", cohort=2025)
    comes = enrol(place, "b1", name="李来", cohort=2025)
    day = date(2026, 10, 8)
    for person, to in ((goes, "b1"), (comes, "a1")):
        klass = place.klass(to, "P", 2025)
        step(place, person, "transfer", STUDYING, day, to, school_id=klass.school_id, class_id=klass.pk)
    for role, at in (("registrar", "a1"), ("registrar", "b1"), ("county_clerk", "a"), ("county_clerk", "b")):
        total = table(place, role, at, date(2026, 10, 1), date(2026, 10, 31)).total
        assert (total.flow["transfer_in"], total.flow["transfer_out"]) == (1, 1), (role, at)
        assert (total.opening, total.closing, total.balanced) == (1, 1, True)


@pytest.mark.capability("C-RPT-03")
def test_the_columns_hold_what_the_national_form_asks_for(place: Place) -> None:
    pupils = [enrol(place, "a1", name=f"赵{n}", cohort=2025) for n in "甲乙丙丁戊"]
    day = date(2026, 10, 12)
    step(place, pupils[0], "suspend", SUSPENDED, day)
    step(place, pupils[0], "resume", STUDYING, day + timedelta(days=10))
    step(place, pupils[1], "death", int(Status.DECEASED), day)
    step(place, pupils[2], "abroad", ABROAD, day)
    step(place, pupils[3], "graduate", GRADUATED, day)
    move = table(place, "registrar", "a1", START, date(2026, 10, 31), "sex")
    assert {k: n for k, n in move.total.flow.items() if n} == {
        "enrol": 5, "resume": 1, "suspend": 1, "death": 1, "other_out": 1, "graduate": 1,
    }  # fmt: skip
    assert (move.total.opening, move.total.closing) == (0, 2)


def test_repeating_a_year_shows_by_grade_and_cancels_out_elsewhere(place: Place) -> None:
    pupil = enrol(place, "a1", cohort=2025)
    klass = place.klass("a1", "P", 2026)
    step(place, pupil, "repeat", STUDYING, date(2026, 9, 20), class_id=klass.pk, cohort_year=2026, stage="P")
    by_grade = table(place, "registrar", "a1", date(2026, 9, 2), date(2026, 9, 30), "grade")
    assert [(r.flow["other_in"], r.flow["other_out"]) for r in by_grade.rows] == [(1, 0), (0, 1)]
    by_sex = table(place, "registrar", "a1", date(2026, 9, 2), date(2026, 9, 30), "sex")
    assert (by_sex.total.added, by_sex.total.taken) == (0, 0)


def test_a_cell_that_lost_its_children_is_told_to_be_unbalanced(place: Place) -> None:
    enrol(place, "a1")
    with acting("writer"), connection.cursor() as c:
        c.execute("update cube_delta set n = n + 1 where school_id = %s", [place.org("a1").pk])
    assert not table(place, "registrar", "a1", START, today()).balanced


def test_an_end_before_the_start_is_refused(place: Place) -> None:
    with pytest.raises(ValueError, match="before"):
        table(place, "registrar", "a1", START, START - timedelta(days=1))


# --- head-counts --------------------------------------------------------------------------------------------------


@pytest.mark.capability("C-RPT-02")
def test_heads_are_told_by_grade_of_that_day_by_sex_and_by_status(place: Place) -> None:
    first = enrol(place, "a1", cohort=2024, sex="2", on=date(2024, 9, 1))
    enrol(place, "a1", cohort=2024, sex="1", on=date(2024, 9, 1))
    step(place, first, "suspend", SUSPENDED, date(2026, 3, 2))
    with act_as(place.user("registrar", "a1")) as actor:
        target = units.resolve(actor)
        then = queries.headcount(actor, target, date(2025, 10, 1))
        now = queries.headcount(actor, target, date(2026, 10, 1))
    assert [(g.label, g.men, g.women) for g in then.by_grade if g.total] == [("二年级", 1, 1)]
    assert [(g.label, g.men, g.women) for g in now.by_grade if g.total] == [("三年级", 1, 0)]
    assert (now.on_record, now.total.total) == (2, 1)
    assert ("休学", 1) in now.by_status


def test_grades_follow_years_of_schooling_where_systems_differ(place: Place) -> None:
    with acting("writer"), connection.cursor() as c:
        c.execute("update school set system = '5-4-3' where org_id = %s", [place.org("c1").pk])
    enrol(place, "c1", stage="J", cohort=2026, on=START)  # sixth year, junior already
    enrol(place, "c1", stage="J", cohort=2025, on=START)  # seventh
    enrol(place, "b1", stage="J", cohort=2026, on=START)  # seventh
    with act_as(place.user("province_clerk", "province")) as actor:
        target = units.resolve(actor)
        heads = queries.headcount(actor, target, date(2026, 10, 1))
        move = queries.movement(actor, target, START, date(2026, 10, 1), by="grade")
    assert [(g.label, g.total) for g in heads.by_grade if g.total] == [
        ("六年级(五四制初中)", 1),
        ("七年级", 2),
    ]
    assert [r.title for r in move.rows] == ["2026级初中", "2025级初中 · 七年级"]


def test_units_of_a_city_are_its_counties_and_of_a_county_its_schools(place: Place) -> None:
    for school, n in (("a1", 2), ("a2", 1), ("b1", 1), ("c1", 3)):
        for _i in range(n):
            enrol(place, school)
    day = date(2026, 10, 1)
    seen = {}
    for role, at in (("county_clerk", "a"), ("city_clerk", "city1"), ("province_clerk", "province")):
        with act_as(place.user(role, at)) as actor:
            heads = queries.headcount(actor, units.resolve(actor), day)
            seen[at] = {u.label: u.total for u in heads.by_unit}
    assert seen["a"] == {"青禾县第一小学": 2, "青禾县东乡小学": 1}
    assert seen["city1"] == {"青禾县教育局": 3, "临川县教育局": 1}
    assert seen["province"] == {"甲州市教育局": 4, "乙州市教育局": 3}


def test_central_school_counts_its_own_schools_only(place: Place) -> None:
    enrol(place, "a1")
    enrol(place, "a2")
    with act_as(place.user("central_clerk", "central")) as actor:
        heads = queries.headcount(actor, units.resolve(actor), date(2026, 10, 1))
    assert heads.total.total == 1


def test_nobody_counts_outside_his_scope(place: Place) -> None:
    enrol(place, "b1")
    with act_as(place.user("registrar", "a1")) as actor:
        for key in ("b1", "a", "province"):
            with pytest.raises(Http404):
                units.resolve(actor, place.org(key).pk)
        # Even a target made by hand shows nothing of another school: row-level security stands below.
        target = units.Target(1, "school", "", (place.org("b").pk,), (place.org("b1").pk,), (), {}, True)
        assert queries.headcount(actor, target, date(2026, 10, 1)).total.total == 0
        assert names.people(target, names.Wanted("present", START, START)).rows == []


def test_small_rows_are_covered_with_a_second_one() -> None:
    rows = [Count("1", "甲", 20, 21, 41), Count("2", "乙", 2, 30, 32), Count("3", "丙", 9, 9, 18)]
    hide_small(rows)
    assert [r.hidden for r in rows] == [False, True, True]


def test_names_go_on_by_key_without_loss_or_repetition(place: Place) -> None:
    everybody = {enrol(place, "a1", name="同名" if i % 2 else f"孙{'甲乙丙丁戊己庚'[i]}") for i in range(7)}
    seen: list[uuid.UUID] = []
    with act_as(place.user("registrar", "a1")) as actor:
        after = ""
        while True:
            page = names.people(
                units.resolve(actor), names.Wanted("enrol", START, START), after=after, limit=3
            )
            seen += [r.person_id for r in page.rows]
            after = page.next
            if not after:
                break
    assert len(seen) == 7
    assert set(seen) == everybody


def test_a_school_sees_the_name_of_the_child_that_went_to_another_county(place: Place) -> None:
    child = enrol(place, "a1", name="钱远行", cohort=2025)
    klass = place.klass("b1", "P", 2025)
    step(
        place,
        child,
        "transfer",
        STUDYING,
        date(2026, 10, 8),
        "b1",
        school_id=klass.school_id,
        class_id=klass.pk,
    )
    with act_as(place.user("registrar", "a1")) as actor:
        page = names.people(units.resolve(actor), names.Wanted("transfer_out", START, date(2026, 10, 31)))
    assert [(r.name, r.at) for r in page.rows] == [("钱远行", date(2026, 10, 8))]


# --- dates and drawing --------------------------------------------------------------------------------------------


def test_quick_periods_follow_the_school_calendar(place: Place) -> None:
    got = {p.key: (p.start, p.end) for p in periods.quick(date(2026, 11, 22))}
    assert got == {
        "term": (date(2026, 9, 1), date(2026, 11, 22)),
        "year": (date(2026, 9, 1), date(2026, 11, 22)),
        "month": (date(2026, 10, 1), date(2026, 10, 31)),
        "last_year": (date(2025, 9, 1), date(2026, 8, 31)),
    }
    assert periods.quick(date(2027, 3, 5))[0].start == date(2027, 2, 1)


@pytest.mark.parametrize("raw", ["", "2026-13-01", "昨天", None, "9999-01-01", "0001-01-01"])
def test_an_unreadable_day_is_never_an_error(raw: str | None) -> None:
    assert date(1950, 1, 1) <= periods.read_day(raw, today()) <= today()


def test_the_chart_escapes_labels_and_needs_no_style() -> None:
    svg = chart.bars([("<b>", 1, 2)], title='"><script>')
    assert "<b>" not in svg
    assert "<script>" not in svg
    assert "style=" not in svg
    assert chart.bars([("一年级", 0, 0)], title="x") == ""


# --- pages --------------------------------------------------------------------------------------------------------


@pytest.fixture
def clerk(place: Place, client: Client) -> Client:
    enrol(place, "a1", name="周一")
    return login(client, place.user("county_clerk", "a"))


@pytest.mark.capability("C-RPT-02", page="/statistics/")
def test_the_page_of_heads_shows_totals_chart_and_way_down(place: Place, clerk: Client) -> None:
    body = clerk.get("/statistics/").content.decode()
    assert "青禾县第一小学" in body
    assert '<svg class="xj-chart"' in body
    assert f"/statistics/?org={place.org('a1').pk}&amp;day={today()}" in body
    school = clerk.get(f"/statistics/?org={place.org('a1').pk}").content.decode()
    assert "一年级" in school


@pytest.mark.capability("C-RPT-03", page="/statistics/movement/")
def test_the_page_of_movement_balances_and_leads_to_names(place: Place, clerk: Client) -> None:
    body = clerk.get("/statistics/movement/?start=2026-09-01&end=2026-09-30").content.decode()
    assert "平衡 ✓" in body
    link = re.search(r'href="(/statistics/names/\?[^"]*column=enrol)"', body)
    assert link
    listed = clerk.get(link.group(1).replace("&amp;", "&")).content.decode()
    assert "周一" in listed


@pytest.mark.parametrize("path", ["headcount", "movement"])
@pytest.mark.parametrize(("form", "magic"), [("xlsx", b"PK"), ("pdf", b"%PDF-")])
def test_both_tables_leave_as_files_and_are_noted(clerk: Client, path: str, form: str, magic: bytes) -> None:
    answer = clerk.get(f"/statistics/{path}.{form}")
    assert answer.status_code == 200
    assert answer.content.startswith(magic)
    assert "attachment" in answer["Content-Disposition"]
    with acting("audit"), connection.cursor() as c:
        c.execute(
            "select after->>'form' from audit_entry where action = 'statistics.export' order by id desc"
        )
        assert c.fetchone()[0] == form


def test_wrong_dates_are_told_and_strange_addresses_do_not_exist(place: Place, clerk: Client) -> None:
    assert (
        "结束日期早于开始日期"
        in clerk.get("/statistics/movement/?start=2026-10-02&end=2026-10-01").content.decode()
    )
    for path in (
        "/statistics/?org=0", "/statistics/?org=abc", f"/statistics/?org={place.org('b').pk}",
        "/statistics/headcount.exe", "/statistics/names/?column=secret",
        f"/statistics/names/?org={place.org('province').pk}&column=enrol",
    ):  # fmt: skip
        assert clerk.get(path).status_code == 404, path


@pytest.mark.parametrize("role", ["class_teacher", "teacher"])
def test_teachers_have_no_statistics(place: Place, client: Client, role: str) -> None:
    login(client, place.user(role, "a1"))
    for path in ("/statistics/", "/statistics/movement/", "/statistics/names/?column=enrol"):
        assert client.get(path).status_code == 403


@pytest.mark.parametrize(
    ("path", "limit"),
    [("/statistics/", 8), ("/statistics/movement/", 9), ("/statistics/names/?column=enrol", 8)],
)
def test_queries_per_page_do_not_grow(clerk: Client, place: Place, path: str, limit: int) -> None:
    from django.test.utils import CaptureQueriesContext

    for _i in range(5):
        enrol(place, "a2")
    with CaptureQueriesContext(connection) as seen:
        assert clerk.get(path).status_code == 200
    # One of them enters the look into the audit.
    assert len([q for q in seen if "SAVEPOINT" not in q["sql"]]) == limit, [q["sql"][:120] for q in seen]


@pytest.mark.capability("C-PRO-05")
def test_two_dates_give_how_many_were_kept_and_lost(place: Place) -> None:
    pupils = [enrol(place, "a1", name=f"钱{n}", cohort=2025) for n in "甲乙丙丁戊己庚辛"]
    day = date(2026, 10, 12)
    step(place, pupils[0], "leave", int(Status.AWAY), day)
    step(place, pupils[1], "missing", int(Status.MISSING), day)
    step(place, pupils[2], "abroad", ABROAD, day)
    step(place, pupils[3], "graduate", GRADUATED, day)
    for by in ("grade", "sex"):
        move = table(place, "registrar", "a1", START, date(2026, 10, 31), by)
        assert (move.had, move.lost, move.kept) == (8, 2, 75.0), by
    before = table(place, "registrar", "a1", date(2026, 8, 1), date(2026, 8, 2), "sex")
    assert before.kept is None
