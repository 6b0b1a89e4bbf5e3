"""Dates and months as people and spreadsheets write them.

Understood: 20190901, 2019-9-1, 2019/9/1, 2019.9.1, 2019年9月1日, full-width digits, a time after the date,
date objects and the day numbers of spreadsheets. What could mean two days is refused rather than guessed.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.utils.translation import gettext as _

from xueji.ground.standards.problems import Problem
from xueji.ground.standards.text import as_text, compact

FIRST_YEAR, LAST_YEAR = 1900, 2100
_EPOCH = date(1899, 12, 30)
# Day numbers of spreadsheets from 1927 to 2099: five digits, so never mistaken for 201909 or 20190901.
_SERIALS = range(10000, 73051)

_PLAIN = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_PARTED = re.compile(r"([0-9]{4})(?:年|[-/.])([0-9]{1,2})(?:月|[-/.])([0-9]{1,2})日?")
_MONTH_PLAIN = re.compile(r"([0-9]{4})([0-9]{2})")
_MONTH_PARTED = re.compile(r"([0-9]{4})(?:年|[-/.])([0-9]{1,2})月?")
_CLOCK = re.compile(
    r"(?<=[0-9日])[T ]*[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?$"
)


class DateResult(NamedTuple):
    """`value` is None for an empty cell and for a problem; `reinterpreted` tells that a number was read as
    a day (or a day as its month), which a careful import shows to the user.
    """

    value: date | None
    reinterpreted: bool = False
    problem: Problem | None = None


def _bad(code: str, text: str) -> DateResult:
    return DateResult(None, False, Problem(code, text))


def _build(year: str, month: str, day: str, shown: str) -> DateResult:
    try:
        value = date(int(year), int(month), int(day))
    except ValueError:
        return _bad("date.impossible", _("日期 %(value)s 不存在") % {"value": shown})
    return _bounded(value, shown)


def _bounded(value: date, shown: str, reinterpreted: bool = False) -> DateResult:
    if FIRST_YEAR <= value.year <= LAST_YEAR:
        return DateResult(value, reinterpreted)
    text = _("日期 %(value)s 的年份应在%(first)d至%(last)d之间")
    return _bad("date.year", text % {"value": shown, "first": FIRST_YEAR, "last": LAST_YEAR})


def _serial(number: float) -> DateResult:
    return DateResult(_EPOCH + timedelta(days=int(number)), True)


def _unreadable(shown: str) -> DateResult:
    text = _("“%(value)s”不是日期，请写成 2019-09-01 这样的格式")
    return _bad("date.format", text % {"value": shown[:40]})


def parse_date(raw: object) -> DateResult:
    """Read a day. Never raises; an empty cell gives no value and no problem."""
    if isinstance(raw, datetime):
        return _bounded(raw.date(), raw.date().isoformat())
    if isinstance(raw, date):
        return _bounded(raw, raw.isoformat())
    if isinstance(raw, float) and _SERIALS.start <= raw < _SERIALS.stop:
        return _serial(raw)
    shown = as_text(raw)
    if not shown:
        return DateResult(None)
    text = _without_clock(raw)
    if found := _PLAIN.fullmatch(text) or _PARTED.fullmatch(text):
        return _build(found[1], found[2], found[3], shown)
    if len(text) == 5 and text.isdigit() and text.isascii() and int(text) in _SERIALS:
        return _serial(int(text))
    if _MONTH_PLAIN.fullmatch(text) or _MONTH_PARTED.fullmatch(text):
        return _bad("date.no_day", _("“%(value)s”只有年月，请补上日") % {"value": shown[:40]})
    return _unreadable(shown)


def parse_month(raw: object) -> DateResult:
    """Read a month (入学年月: 201909, 2019-9, 2019年9月, a whole date); the value is its first day. Never
    raises.
    """
    if isinstance(raw, date):
        day = parse_date(raw)
        return DateResult(day.value.replace(day=1), True) if day.value else day
    if isinstance(raw, float) and not raw.is_integer() and FIRST_YEAR <= raw <= LAST_YEAR + 1:
        # 2019.1 as a number may have been typed as 2019.10.
        text = _("“%(value)s”分不清是1月还是10月，请写成 201909 这样的格式")
        return _bad("month.ambiguous", text % {"value": raw})
    shown = as_text(raw)
    if not shown:
        return DateResult(None)
    text = _without_clock(raw)
    if found := _MONTH_PLAIN.fullmatch(text) or _MONTH_PARTED.fullmatch(text):
        year, month = found.groups()
        if not 1 <= int(month) <= 12:
            return _bad("month.impossible", _("月份 %(value)s 不存在") % {"value": shown[:40]})
        if not FIRST_YEAR <= int(year) <= LAST_YEAR:
            return _build(year, month, "1", shown)
        return DateResult(date(int(year), int(month), 1))
    day = parse_date(raw)
    if day.value is not None:
        return DateResult(day.value.replace(day=1), True)
    if day.problem is not None and day.problem.code != "date.format":
        return day
    text = _("“%(value)s”不是年月，请写成 201909 这样的格式")
    return _bad("month.format", text % {"value": shown[:40]})


def _without_clock(raw: object) -> str:
    return compact(_CLOCK.sub("", as_text(raw)))
