"""Reading the review after entry."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from ..models import ReviewResult
from .roster import PAGE


@dataclass(frozen=True)
class Entrant:
    """A pupil of the entry grade with what the review said, if it was held."""

    person_id: uuid.UUID
    name: str
    sex: str
    class_id: int | None
    result: str
    parts: list[str]
    reason: str
    by_name: str

    @property
    def label(self) -> str:
        """The result in words."""
        return str(ReviewResult(self.result).label) if self.result else ""


def entrants(
    school_id: int,
    year: int,
    *,
    persons: Sequence[uuid.UUID] | None = None,
    result: str = "",
    page: int = 0,
    limit: int = PAGE,
) -> list[Entrant]:
    """Pupils who entered the school's stages in this year: by class and number. `result` narrows: waiting, or a result."""
    where = ""
    values: list[Any] = []
    if persons is not None:
        where, values, limit = " and r.person_id = any(%s::uuid[])", [list(persons)], len(persons)
    elif result == "waiting":
        where = " and v.result is null"
    elif result:
        where, values = " and v.result = %s", [result]
    with connection.cursor() as c:
        c.execute(
            "select r.person_id, r.name, r.sex, r.class_id, coalesce(v.result, ''), coalesce(v.parts, '{}'),"
            " coalesce(v.reason, ''), coalesce(v.by_name, '') from roster r left join entry_review v"
            " on v.school_id = r.school_id and v.person_id = r.person_id and v.cohort_year = r.cohort_year"
            " where r.school_id = %s and r.kind = 1 and r.reason = 'enrolled' and r.status < 10 and r.cohort_year = %s"
            + where
            + " order by r.class_id nulls last, r.class_seat nulls last, r.pinyin_sort, r.person_id limit %s offset %s",
            [school_id, year, *values, limit + 1, PAGE * min(page, 1000)],
        )
        return [Entrant(*row) for row in c.fetchall()]


def counts(school_id: int, year: int) -> dict[str, int]:
    """Entrants by result; `waiting` are those without."""
    with connection.cursor() as c:
        c.execute(
            "select coalesce(v.result, 'waiting'), count(*) from roster r left join entry_review v"
            " on v.school_id = r.school_id and v.person_id = r.person_id and v.cohort_year = r.cohort_year"
            " where r.school_id = %s and r.kind = 1 and r.reason = 'enrolled' and r.status < 10 and r.cohort_year = %s"
            " group by 1",
            [school_id, year],
        )
        found = dict(c.fetchall())
    return {key: found.get(key, 0) for key in ("waiting", *ReviewResult.values)}
