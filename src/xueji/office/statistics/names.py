"""The children behind a figure, by name, page by page; row-level security decides which of them are seen."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from xueji.ground.standards.identity import SEX_WORDS
from xueji.registry.enrolment.models import REGISTERED
from xueji.registry.enrolment.timeline import end_of, local_day, midnight

from . import flows
from .queries import PRESENT
from .units import Target


@dataclass(frozen=True)
class Name:
    """A child behind a figure: who, where, and for movements what happened when."""

    person_id: uuid.UUID
    name: str
    sex: str
    school: str
    stage: str
    cohort_year: int
    system: str
    at: date
    business: str
    pinyin_sort: str

    @property
    def sex_label(self) -> str:
        """男 or 女."""
        return SEX_WORDS.get(self.sex, "")


@dataclass(frozen=True)
class NamePage:
    """A page of names; `next` continues it, empty at the end."""

    rows: list[Name]
    next: str = ""


@dataclass(frozen=True)
class Wanted:
    """Which figure: `column` of the movement table or `present` (in school at the end of `end`), narrowed."""

    column: str
    start: date
    end: date
    stage: str = ""
    cohort: int | None = None
    sex: str = ""


_SELECT = (
    "select r.person_id, r.name, r.sex, o.short_name, x.stage, x.cohort_year, s.system, x.at, x.business, r.pinyin_sort"
    " from ({inner}) x"
    " join roster r on r.county_id = x.county_id and r.school_id = x.school_id and r.person_id = x.person_id and r.kind = x.kind"
    " join org o on o.id = x.school_id join school s on s.org_id = x.school_id where {where}"
    " order by r.pinyin_sort, r.person_id, x.at limit %s"
)
_LINK = "l.county_id, l.school_id, l.person_id, l.kind, l.stage, l.cohort_year"


def people(target: Target, wanted: Wanted, *, after: str = "", limit: int = 50) -> NamePage:
    """The children of one figure, by pinyin. `target` must be a school or have schools as rows (ValueError)."""
    if not target.names_possible:
        raise ValueError("names are listed for a school or the schools of a county")
    schools = list(target.schools if target.schools is not None else (u.org_id for u in target.units))
    if wanted.column == "present":
        inner, values = _present(schools, wanted.end)
    elif flows.BY_KEY[wanted.column].direction == "in":
        inner, values = _came(schools, wanted)
    else:
        inner, values = _went(schools, wanted)
    parts = ["true"]
    for condition, value in (
        ("x.stage = %s", wanted.stage), ("x.cohort_year = %s", wanted.cohort), ("r.sex = %s", wanted.sex),
    ):  # fmt: skip
        if value:
            parts.append(condition)
            values.append(value)
    sort, _bar, rest = after.rpartition("|")
    if sort:
        person, _at, moment = rest.partition("@")
        try:
            values += [sort, uuid.UUID(person), datetime.fromisoformat(moment)]
            parts.append("(r.pinyin_sort, r.person_id, x.at) > (%s, %s, %s)")
        except ValueError:
            values = values[:-1] if values and values[-1] == sort else values
    with connection.cursor() as c:
        c.execute(_SELECT.format(inner=inner, where=" and ".join(parts)), [*values, limit + 1])
        found = c.fetchall()
    rows = [
        Name(r[0], r[1], r[2], r[3], r[4], r[5], r[6], local_day(r[7]), r[8], r[9]) for r in found[:limit]
    ]
    last = found[limit - 1] if len(found) > limit else None
    return NamePage(rows, f"{last[9]}|{last[0]}@{last[7].isoformat()}" if last else "")


def _present(schools: list[int], day: date) -> tuple[str, list[Any]]:
    return (
        f"select {_LINK}, l.valid_from as at, l.business from enrolment_state l where l.school_id = any(%s)"
        " and l.kind = %s and l.status = %s and l.valid_from < %s and (l.valid_to is null or l.valid_to >= %s)",
        [schools, REGISTERED, PRESENT, end_of(day), end_of(day)],
    )


def _businesses(column: flows.Column, name: str) -> tuple[str, list[Any]]:
    if column.businesses:
        return f"{name} = any(%s)", [sorted(column.businesses)]
    return f"{name} <> all(%s)", [flows.named_businesses(column.direction)]


def _came(schools: list[int], wanted: Wanted) -> tuple[str, list[Any]]:
    """Links in school whose predecessor, as far as it is in the same school, was another place of the count."""
    business, values = _businesses(flows.BY_KEY[wanted.column], "l.business")
    return (
        f"select {_LINK}, l.valid_from as at, l.business from enrolment_state l where l.school_id = any(%s)"
        f" and l.kind = %s and l.status = %s and l.valid_from >= %s and l.valid_from < %s and {business}"
        " and not exists (select 1 from enrolment_state b where b.person_id = l.person_id and b.kind = l.kind"
        "   and b.valid_to = l.valid_from and b.status = l.status and b.school_id = l.school_id"
        "   and b.stage = l.stage and b.cohort_year = l.cohort_year)",
        [schools, REGISTERED, PRESENT, midnight(wanted.start), end_of(wanted.end), *values],
    )


def _went(schools: list[int], wanted: Wanted) -> tuple[str, list[Any]]:
    """Links in school that an event of the same school ended; the next one may lie where the reader sees nothing."""
    business, values = _businesses(flows.BY_KEY[wanted.column], "e.business")
    return (
        f"select {_LINK}, l.valid_to as at, e.business from event e join enrolment_state l"
        "   on l.person_id = e.person_id and l.valid_to = e.valid_at and l.school_id = e.school_id"
        f" where e.school_id = any(%s) and e.valid_at >= %s and e.valid_at < %s and {business}"
        " and l.kind = %s and l.status = %s"
        " and not exists (select 1 from enrolment_state n where n.person_id = l.person_id and n.kind = l.kind"
        "   and n.valid_from = l.valid_to and n.status = l.status and n.school_id = l.school_id"
        "   and n.stage = l.stage and n.cohort_year = l.cohort_year)"
        " and not exists (select 1 from event y where y.person_id = e.person_id and y.valid_at = e.valid_at"
        "   and y.school_id = e.school_id and y.business = e.business and y.event_id > e.event_id)",
        [schools, midnight(wanted.start), end_of(wanted.end), *values, REGISTERED, PRESENT],
    )
