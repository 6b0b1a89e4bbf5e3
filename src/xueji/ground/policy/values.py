"""Typed values of packs and facts: durations, dates, comparison, and how they read in Chinese."""

from __future__ import annotations

import calendar as _month_calendar
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from xueji.ground.policy.words import _

_DURATION = re.compile(r"^P(?=\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?$")
_WORKDAYS = re.compile(r"^(\d+)WD$")
_ANCHOR = re.compile(
    r"^(term_start|term_end|next_term_start|next_term_end|year_start|year_end)(?:([+-])(\d+)d)?$"
)


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time as legal texts give it: calendar months and days, or working days."""

    months: int = 0
    days: int = 0
    workdays: int = 0

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read ``P1Y``, ``P3M``, ``P2W``, ``P14D`` or ``10WD`` (working days); ValueError otherwise."""
        if match := _WORKDAYS.match(text):
            return cls(workdays=int(match[1]))
        if match := _DURATION.match(text):
            years, months, weeks, days = (int(part or 0) for part in match.groups())
            return cls(months=years * 12 + months, days=weeks * 7 + days)
        raise ValueError(f"not a duration: {text!r}")

    def after(self, start: date) -> date:
        """The day that lies this long after ``start``; the last day of a month is not overrun."""
        if self.workdays:
            from xueji.ground.policy.calendar import add_workdays

            return add_workdays(start, self.workdays)
        month = start.month - 1 + self.months
        year, month = start.year + month // 12, month % 12 + 1
        day = min(start.day, _month_calendar.monthrange(year, month)[1])
        return date(year, month, day) + timedelta(days=self.days)

    def size(self) -> float:
        """Rough number of days, good for telling which of two lengths is longer."""
        return self.months * 30.436875 + self.days + self.workdays * 7 / 5

    def __str__(self) -> str:
        if self.workdays:
            return f"{self.workdays}WD"
        years, months = divmod(self.months, 12)
        text = (f"{years}Y" if years else "") + (f"{months}M" if months else "")
        return "P" + text + (f"{self.days}D" if self.days or not text else "")


@dataclass(frozen=True, slots=True)
class Anchor:
    """A day named by the school calendar, with an offset in days: ``term_start+14d``."""

    name: str
    offset: int = 0

    @classmethod
    def parse(cls, text: str) -> Anchor:
        """Read an anchor; ValueError when the name is not one of the calendar's."""
        match = _ANCHOR.match(text)
        if not match:
            raise ValueError(f"not an anchor: {text!r}")
        offset = int(match[3] or 0)
        return cls(match[1], -offset if match[2] == "-" else offset)

    def __str__(self) -> str:
        return self.name + (f"{self.offset:+d}d" if self.offset else "")


@dataclass(frozen=True, slots=True)
class Span:
    """A period between two anchors or dates, both days included."""

    start: date | Anchor
    end: date | Anchor

    def __str__(self) -> str:
        return f"{self.start}..{self.end}"


class FactError(ValueError):
    """A fact has a type that the rules cannot use; names the field."""


def as_date(value: Any, field: str = "") -> date:
    """A date from a date, a moment or an ISO text; FactError otherwise."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value[:10])
        except ValueError:
            pass
    raise FactError(f"{field}: {value!r} is not a date")


def anchor_or_date(text: Any) -> date | Anchor:
    """One end of a window; ValueError when neither a date nor an anchor."""
    if isinstance(text, date):
        return as_date(text)
    if not isinstance(text, str):
        raise ValueError(f"not a date or anchor: {text!r}")
    try:
        return Anchor.parse(text)
    except ValueError:
        return date.fromisoformat(text)


def _contains_all(left: Any, right: Any) -> bool:
    return set(right) <= set(left)


def _subset(left: Any, right: Any) -> bool:
    return set(left) <= set(right)


def _in_order(left: Any, right: Any) -> bool:
    """All of ``right`` stand in ``left``, one after the other; others may stand between them."""
    rest = iter(left)
    return all(item in rest for item in right)


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "in": lambda left, right: left in right,
    "not in": lambda left, right: left not in right,
    "contains all": _contains_all,
    "subset": _subset,
    "in order": _in_order,
}
ORDERING = frozenset({"<", "<=", ">", ">="})
MEMBERSHIP = frozenset({"in", "not in"})
SET_OPERATORS = frozenset({"contains all", "subset", "in order"})


def plain(value: Any) -> Any:
    """A value as JSON keeps it, so that stored facts and findings compare equal after a round trip."""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(value[key]) for key in value}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (Duration, Anchor, Span)):
        return str(value)
    return value


def speak(value: Any) -> str:
    """A value in Chinese words, for sentences."""
    if value is None:
        return _("未填写")
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, (list, tuple, set, frozenset)):
        return "、".join(speak(item) for item in value) or _("无")
    if isinstance(value, Duration):
        return _speak_duration(value)
    if isinstance(value, str) and (_DURATION.match(value) or _WORKDAYS.match(value)):
        return _speak_duration(Duration.parse(value))
    if isinstance(value, Span):
        return f"{_speak_anchor(value.start)}至{_speak_anchor(value.end)}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _speak_duration(value: Duration) -> str:
    if value.workdays:
        return _("%d个工作日") % value.workdays
    years, months = divmod(value.months, 12)
    parts = [_("%d年") % years if years else "", _("%d个月") % months if months else ""]
    if value.days or not (years or months):
        parts.append(_("%d天") % value.days)
    return "".join(parts)


def anchor_word(name: str) -> str:
    """A day of the school calendar in Chinese."""
    return {
        "term_start": _("学期开学日"),
        "term_end": _("学期结束日"),
        "next_term_start": _("下学期开学日"),
        "next_term_end": _("下学期结束日"),
        "year_start": _("学年开始日"),
        "year_end": _("学年结束日"),
    }[name]


def _speak_anchor(value: date | Anchor) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if not value.offset:
        return anchor_word(value.name)
    pattern = _("%(anchor)s后%(days)d天") if value.offset > 0 else _("%(anchor)s前%(days)d天")
    return pattern % {"anchor": anchor_word(value.name), "days": abs(value.offset)}
