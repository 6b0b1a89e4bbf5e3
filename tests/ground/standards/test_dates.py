"""Dates and months as people write them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xueji.ground.standards.dates import parse_date, parse_month

FIRST = date(2019, 9, 1)


@pytest.mark.parametrize(
    "raw",
    [
        "20190901",
        "2019-9-1",
        "2019/9/1",
        "2019.9.1",
        "2019年9月1日",
        "2019-09-01 00:00:00",
        "2019-09-01T08:30",
        "２０１９－０９－０１",
        " 2019 年 9 月 1 日 ",
        20190901,
        20190901.0,
        FIRST,
        datetime(2019, 9, 1, 8, 30),
    ],
)
def test_usual_ways_of_writing_a_day_are_understood(raw):
    assert parse_date(raw) == (FIRST, False, None)


@pytest.mark.parametrize("raw", [43709, 43709.0, 43709.5, "43709"])
def test_a_spreadsheet_number_is_understood_and_reported(raw):
    assert parse_date(raw) == (FIRST, True, None)


@pytest.mark.parametrize("raw", [None, "", "   "])
def test_an_empty_cell_is_no_date_and_no_problem(raw):
    assert parse_date(raw) == (None, False, None)
    assert parse_month(raw) == (None, False, None)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("2020-02-30", "date.impossible"),
        ("20191301", "date.impossible"),
        ("1820-01-01", "date.year"),
        ("201909", "date.no_day"),
        ("2019年9月", "date.no_day"),
        ("昨天", "date.format"),
        ("19-9-1", "date.format"),
        (12, "date.format"),
        (float("nan"), "date.format"),
        (True, "date.format"),
    ],
)
def test_what_is_no_day_is_refused_with_a_reason(raw, code):
    result = parse_date(raw)
    assert result.value is None
    assert result.problem is not None
    assert result.problem.code == code


def test_the_message_names_the_impossible_day():
    problem = parse_date("2020-02-30").problem
    assert problem is not None
    assert problem.message == "日期 2020-02-30 不存在"


@pytest.mark.parametrize(
    "raw", ["201909", 201909, 201909.0, "2019-9", "2019/09", "2019.9", "2019年9月", "２０１９０９"]
)
def test_usual_ways_of_writing_a_month_are_understood(raw):
    assert parse_month(raw) == (FIRST, False, None)


@pytest.mark.parametrize("raw", ["2019-09-15", date(2019, 9, 15), 43720, "20190915"])
def test_a_day_is_taken_as_its_month_and_reported(raw):
    assert parse_month(raw) == (FIRST, True, None)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("201913", "month.impossible"),
        (2019.1, "month.ambiguous"),
        ("九月", "month.format"),
        ("182009", "date.year"),
    ],
)
def test_what_is_no_month_is_refused_with_a_reason(raw, code):
    problem = parse_month(raw).problem
    assert problem is not None
    assert problem.code == code


@given(
    st.dates(date(1927, 5, 18), date(2099, 12, 31)),
    st.sampled_from(["%Y%m%d", "%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日"]),
)
def test_every_day_survives_writing_and_reading(day, form):
    assert parse_date(day.strftime(form)).value == day
    assert parse_date((day - date(1899, 12, 30)) // timedelta(days=1)).value == day


@given(st.text() | st.integers() | st.floats() | st.booleans() | st.dates() | st.datetimes())
def test_nothing_makes_reading_fail(raw):
    for result in (parse_date(raw), parse_month(raw)):
        assert result.value is None or result.problem is None
