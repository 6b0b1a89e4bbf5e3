"""What went before, as checks need it: the present run of suspensions, a stay as a guest, how many a grade has.

Must run in the writing role, as `subject` does.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from xueji.ground.policy.statuses import Status
from xueji.registry.enrolment.models import GUEST, REGISTERED
from xueji.registry.enrolment.timeline import local_day


@dataclass(frozen=True)
class Period:
    """One period of an absence: since when, and until when it was granted."""

    since: datetime
    start: date
    end: date | None
    reason: str
    cohort_year: int


def run_of(person_id: uuid.UUID, status: Status) -> list[Period]:
    """The periods of one status that follow each other up to now, oldest first; empty when the child is not in it."""
    with connection.cursor() as c:
        c.execute(
            "select e.status, e.valid_from, v.detail ->> 'planned_start', v.detail ->> 'planned_end',"
            "  coalesce(v.detail ->> 'reason', ''), e.cohort_year"
            " from enrolment_state e"
            " left join event v on v.person_id = e.person_id and v.event_id = e.event_id"
            " where e.person_id = %s and e.kind = %s and e.valid_from <= clock_timestamp()"
            " order by e.valid_from desc, e.event_id limit 50",
            [person_id, REGISTERED],
        )
        rows = c.fetchall()
    out: list[Period] = []
    for found, since, start, end, reason, cohort in rows:
        if found != status:
            break
        out.append(
            Period(
                since,
                date.fromisoformat(start) if start else local_day(since),
                date.fromisoformat(end) if end else None,
                reason,
                cohort,
            )
        )
    return out[::-1]


def guest_school(person_id: uuid.UUID) -> int | None:
    """The school where the child is a guest (借读) now."""
    with connection.cursor() as c:
        c.execute(
            "select school_id from enrolment_state where person_id = %s and kind = %s and valid_to is null"
            " and status < 10 and valid_from <= clock_timestamp()",
            [person_id, GUEST],
        )
        row = c.fetchone()
    return row[0] if row else None


def grade_counts(school_id: int, stage: str, cohort_year: int) -> tuple[int, int]:
    """How many a grade has whose record is open, and how many of them are suspended."""
    with connection.cursor() as c:
        c.execute(
            "select count(*) filter (where status < 10), count(*) filter (where status = %s) from roster"
            " where county_id = (select county_id from school where org_id = %s) and school_id = %s and stage = %s"
            " and cohort_year = %s and kind = %s and reason <> 'former'",
            [int(Status.SUSPENDED), school_id, school_id, stage, cohort_year, REGISTERED],
        )
        enrolled, suspended = c.fetchone()
    return int(enrolled), int(suspended)
