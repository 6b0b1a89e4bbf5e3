"""Working days of the official calendar, terms and school years."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xueji.ground.policy.calendar import (
    Term,
    add_workdays,
    anchors,
    days_off,
    deadline,
    is_covered,
    is_workday,
    school_year_of,
    term_of,
    workdays_between,
)

TERMS = [
    Term(2025, 1, date(2025, 9, 1), date(2026, 1, 23)),
    Term(2025, 2, date(2026, 3, 2), date(2026, 7, 3)),
    Term(2026, 1, date(2026, 9, 1), date(2027, 1, 22)),
]
days = st.dates(date(2015, 1, 1), date(2060, 1, 1))


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2026-10-01", False),
        ("2026-10-10", True),
        ("2026-02-14", True),
        ("2026-02-17", False),
        ("2026-11-21", False),
        ("2026-11-23", True),
        ("2020-01-31", False),
        ("2027-10-01", True),
    ],
)
def test_holidays_and_made_up_days_are_known(day: str, works: bool) -> None:
    assert is_workday(date.fromisoformat(day)) is works


def test_years_without_a_notice_are_marked() -> None:
    assert [is_covered(date(year, 6, 1)) for year in (2018, 2019, 2026, 2027)] == [False, True, True, False]
    assert deadline(date(2026, 11, 23), 10).due == date(2026, 12, 7)
    assert not deadline(date(2026, 11, 23), 10).estimated
    assert deadline(date(2026, 12, 28), 10).estimated
    assert deadline(date(2026, 11, 23), 10).left(date(2026, 12, 8)) == -1


def test_ten_working_days_skip_the_national_holiday() -> None:
    assert add_workdays(date(2026, 9, 28), 10) == date(2026, 10, 16)
    assert add_workdays(date(2026, 10, 3), 1) == date(2026, 10, 8)
    assert add_workdays(date(2026, 10, 8), -1) == date(2026, 9, 30)
    assert workdays_between(date(2026, 9, 28), date(2026, 10, 16)) == 10
    assert date(2026, 10, 10) not in days_off(date(2026, 10, 1), date(2026, 10, 10))


@given(days, st.integers(1, 400))
def test_adding_and_counting_agree(day: date, count: int) -> None:
    due = add_workdays(day, count)
    assert is_workday(due)
    assert workdays_between(day, due) == count
    assert workdays_between(day, due - timedelta(days=1)) == count - 1
    back = add_workdays(day, -count)
    assert is_workday(back)
    assert back < day
    assert workdays_between(back, day) == count - 1 + is_workday(day)


@given(days, days)
def test_counting_is_antisymmetric(start: date, end: date) -> None:
    assert workdays_between(start, end) == -workdays_between(end, start)


def test_days_outside_the_table_are_refused() -> None:
    with pytest.raises(ValueError, match="outside"):
        is_workday(date(1999, 1, 1))
    with pytest.raises(ValueError, match="leave the calendar"):
        add_workdays(date(2070, 12, 30), 30)


@pytest.mark.parametrize(
    ("day", "year", "number"),
    [("2026-09-01", 2026, 1), ("2026-08-31", 2025, 2), ("2027-01-31", 2026, 1), ("2027-02-01", 2026, 2)],
)
def test_built_in_terms_are_marked_as_estimated(day: str, year: int, number: int) -> None:
    term = term_of(date.fromisoformat(day))
    assert (term.school_year, term.number, term.estimated) == (year, number, True)
    assert term.start <= date.fromisoformat(day) <= term.end
    assert school_year_of(date.fromisoformat(day)) == year


@pytest.mark.parametrize(
    ("day", "year", "number", "estimated"),
    [
        ("2026-02-10", 2025, 1, False),
        ("2026-03-02", 2025, 2, False),
        ("2026-08-28", 2025, 2, False),
        ("2026-11-22", 2026, 1, False),
        ("2027-01-25", 2026, 1, False),
        ("2027-03-10", 2026, 2, True),
        ("2025-08-01", 2024, 2, True),
    ],
)
def test_terms_set_by_an_authority_come_first(day: str, year: int, number: int, estimated: bool) -> None:
    term = term_of(date.fromisoformat(day), TERMS)
    assert (term.school_year, term.number, term.estimated) == (year, number, estimated)


def test_terms_read_in_words() -> None:
    assert term_of(date(2026, 11, 22), TERMS).label == "2026-2027学年第一学期"
    assert term_of(date(2026, 3, 2), TERMS).label == "2025-2026学年第二学期"


def test_only_days_that_were_set_become_facts() -> None:
    assert anchors(date(2026, 11, 22), []) == {}
    assert anchors(date(2026, 3, 5), TERMS) == {
        "calendar.term_start": date(2026, 3, 2),
        "calendar.term_end": date(2026, 7, 3),
        "calendar.year_start": date(2025, 9, 1),
        "calendar.year_end": date(2026, 7, 3),
        "calendar.next_term_start": date(2026, 9, 1),
        "calendar.next_term_end": date(2027, 1, 22),
    }
    assert anchors(date(2026, 11, 22), TERMS) == {
        "calendar.term_start": date(2026, 9, 1),
        "calendar.term_end": date(2027, 1, 22),
    }
