"""Working days of the State Council's calendar, school years and terms.

The table ``standards/workdays_cn.csv`` holds the years whose notice is published; in later years only
weekends are known, and whoever counts there is told so (``is_covered``). It is read on first use.
"""

from __future__ import annotations

import csv
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import Protocol

from xueji.ground.paths import data_dir
from xueji.ground.policy.words import _

FIRST_DAY = date(2010, 1, 1)
LAST_DAY = date(2070, 12, 31)
_BASE = FIRST_DAY.toordinal()


@dataclass(frozen=True, slots=True)
class _Table:
    working: bytes
    """One byte a day from FIRST_DAY: 1 for a working day."""
    total: tuple[int, ...]
    """Working days from FIRST_DAY up to and including each day."""
    years: frozenset[int]
    """Years with an official notice."""


@lru_cache(maxsize=1)
def _table() -> _Table:
    length = LAST_DAY.toordinal() - _BASE + 1
    first_weekday = FIRST_DAY.weekday()
    working = bytearray((first_weekday + offset) % 7 < 5 for offset in range(length))
    years: set[int] = set()
    with (data_dir("standards") / "workdays_cn.csv").open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(line for line in handle if not line.startswith("#")):
            day = date.fromisoformat(row["day"])
            working[day.toordinal() - _BASE] = row["kind"] == "work"
            years.add(day.year)
    return _Table(bytes(working), tuple(accumulate(working)), frozenset(years))


def _offset(day: date) -> int:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"{day} lies outside the working-day calendar")
    return day.toordinal() - _BASE


def is_workday(day: date) -> bool:
    """True for a working day (holidays and make-up days heeded); ValueError outside 2010..2070."""
    return bool(_table().working[_offset(day)])


def is_covered(day: date) -> bool:
    """False where no official notice for the year is loaded, so that only weekends are known."""
    return day.year in _table().years


def add_workdays(day: date, count: int) -> date:
    """The ``count``-th working day after ``day`` (before it when negative); ``day`` itself is not counted.

    With 0 it is ``day``. This is how "N 个工作日内" is counted: the day after receipt is the first.
    """
    if not count:
        return day
    table, offset = _table(), _offset(day)
    reached = table.total[offset]
    wanted = reached + count if count > 0 else reached - table.working[offset] + count + 1
    place = bisect_left(table.total, wanted)
    if wanted < 1 or place >= len(table.total):
        raise ValueError(f"{count} working days from {day} leave the calendar")
    return date.fromordinal(_BASE + place)


def workdays_between(start: date, end: date) -> int:
    """Working days after ``start`` up to and including ``end``; negative when ``end`` is earlier."""
    total = _table().total
    return total[_offset(end)] - total[_offset(start)]


def workdays_within(start: date, end: date, closed: Iterable[tuple[date, date]]) -> int:
    """Working days after ``start`` up to and including ``end`` that lie in a closed period (both ends included)."""
    one = timedelta(days=1)
    spans = sorted((max(first, start + one), min(last, end)) for first, last in closed)
    total, reached = 0, start
    for first, last in spans:  # periods may overlap
        first = max(first, reached + one)
        if first <= last:
            total += workdays_between(first - one, last)
            reached = last
    return total


def add_open_workdays(day: date, count: int, closed: Iterable[tuple[date, date]]) -> date:
    """As ``add_workdays``, leaving out the closed periods: how a clock runs that a pause stops."""
    spans = list(closed)
    due = add_workdays(day, count)
    while True:
        later = add_workdays(day, count + workdays_within(day, due, spans))
        if later == due:
            return due
        due = later


@dataclass(frozen=True, slots=True)
class Deadline:
    """A due day, and whether a year without official notice had to be guessed on the way."""

    due: date
    estimated: bool

    def left(self, today: date) -> int:
        """Working days that remain after ``today``; negative when overdue."""
        return workdays_between(today, self.due)


def deadline(start: date, workdays: int) -> Deadline:
    """The last of ``workdays`` working days counted from the day after ``start``."""
    due = add_workdays(start, workdays)
    return Deadline(due, not all(is_covered(date(year, 1, 1)) for year in range(start.year, due.year + 1)))


class TermRow(Protocol):
    """What this module needs of a stored term."""

    @property
    def school_year(self) -> int: ...
    @property
    def number(self) -> int: ...
    @property
    def start(self) -> date: ...
    @property
    def end(self) -> date: ...


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a school year: 1 autumn, 2 spring. ``estimated`` marks the built-in dates."""

    school_year: int
    number: int
    start: date
    end: date
    estimated: bool = False

    @property
    def label(self) -> str:
        """``2026-2027学年第一学期``."""
        pattern = (
            _("%(first)d-%(second)d学年第一学期")
            if self.number == 1
            else _("%(first)d-%(second)d学年第二学期")
        )
        return pattern % {"first": self.school_year, "second": self.school_year + 1}


def _default_term(school_year: int, number: int) -> Term:
    """Autumn from 1 September, spring from 1 February: built-in dates until an authority sets its own."""
    if number == 1:
        return Term(school_year, 1, date(school_year, 9, 1), date(school_year + 1, 1, 31), True)
    return Term(school_year, 2, date(school_year + 1, 2, 1), date(school_year + 1, 8, 31), True)


def _terms(rows: Iterable[TermRow]) -> list[Term]:
    return sorted(
        (Term(row.school_year, row.number, row.start, row.end) for row in rows), key=lambda term: term.start
    )


def term_of(day: date, rows: Iterable[TermRow] = ()) -> Term:
    """The term that runs on ``day``, or began last before it; ``rows`` are the terms the authority has set.

    A row holds until the next one starts, so that the vacation after a term belongs to it. Without a row
    that reaches the day the built-in dates are used and the result is marked ``estimated``.
    """
    known = _terms(rows)
    guess = _default_term(
        day.year if day.month >= 9 else day.year - 1, 1 if day.month >= 9 or day.month == 1 else 2
    )
    started = [term for term in known if term.start <= day]
    if started:
        latest = started[-1]
        settled = {(term.school_year, term.number) for term in known}
        if day <= latest.end or (guess.school_year, guess.number) in settled:
            return latest
    return guess


def school_year_of(day: date, rows: Iterable[TermRow] = ()) -> int:
    """The year in which the school year of ``day`` began (2026 for 2026-2027); 1 September by default."""
    return term_of(day, rows).school_year


def anchors(day: date, rows: Iterable[TermRow]) -> Mapping[str, date]:
    """The calendar's days as facts (``calendar.term_start`` ...), only those which ``rows`` really give.

    Rules on windows stay unanswered without them: a guessed first day of school lets nobody through.
    """
    terms = _terms(rows)
    current = next((term for term in reversed(terms) if term.start <= day), None)
    following = next((term for term in terms if term.start > day), None)
    found: dict[str, date] = {}
    if current and (day <= current.end or following):
        found |= {"calendar.term_start": current.start, "calendar.term_end": current.end}
        year = [term for term in terms if term.school_year == current.school_year]
        if {term.number for term in year} == {1, 2}:
            found |= {"calendar.year_start": year[0].start, "calendar.year_end": year[-1].end}
    if following:
        found |= {"calendar.next_term_start": following.start, "calendar.next_term_end": following.end}
    return found


def days_off(start: date, end: date) -> list[date]:
    """Every day from ``start`` to ``end`` on which nobody works."""
    span = (end - start).days + 1
    return [day for day in (start + timedelta(days=step) for step in range(span)) if not is_workday(day)]
