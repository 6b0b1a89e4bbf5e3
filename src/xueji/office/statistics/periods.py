"""The dates of the two pages: read from the address, and the quick choices of periods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.orgs.grades import start_year_of
from xueji.ground.orgs.models import Term


@dataclass(frozen=True)
class Period:
    """A span of whole days."""

    key: str
    label: str
    start: date
    end: date


def read_day(raw: str | None, default: date) -> date:
    """A date of the address, never later than today; anything unreadable gives the default."""
    try:
        day = date.fromisoformat((raw or "").strip())
    except ValueError:
        return default
    return min(max(day, date(1950, 1, 1)), today())


def quick(now: date | None = None) -> list[Period]:
    """This term, this school year, the last month, the last school year; none ends later than today."""
    day = now or today()
    year = start_year_of(day)
    term = Term.objects.filter(starts__lte=day, ends__gte=day).order_by("-starts").first()
    begins = term.starts if term else _term_start(day, year)
    first = day.replace(day=1)
    before = (first - timedelta(days=1)).replace(day=1)
    return [
        Period("term", _("本学期"), begins, day),
        Period("year", _("本学年"), date(year, 9, 1), day),
        Period("month", _("上月"), before, first - timedelta(days=1)),
        Period("last_year", _("上学年"), date(year - 1, 9, 1), date(year, 8, 31)),
    ]


def _term_start(day: date, year: int) -> date:
    second = date(year + 1, 2, 1)
    return second if day >= second else date(year, 9, 1)


def read_period(params: Mapping[str, str]) -> tuple[Period, list[Period], str]:
    """The period of the address (default: this school year), the quick choices, and what was wrong with it."""
    choices = quick()
    default = choices[1]
    start = read_day(params.get("start"), default.start)
    end = read_day(params.get("end"), default.end)
    if end < start:
        return default, choices, _("结束日期早于开始日期, 已改为本学年。请重新选择日期")
    key = next((p.key for p in choices if (p.start, p.end) == (start, end)), "")
    return Period(key, "", start, end), choices, ""
