"""Records that nobody has updated for long (C-INF-06): no event, no edit, within so many months."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from xueji.ground.accounts.actor import today
from xueji.ground.orgs.grades import class_label

PAGE = 50
CHOICES = (6, 12, 24)

_TOUCHED = (
    "from roster r join school s on s.org_id = r.school_id left join school_class k on k.id = r.class_id"
    " cross join lateral (select greatest("
    "  (select max(e.recorded_at) from event e where e.person_id = r.person_id),"
    "  (select max(d.at) from record_edit d where d.person_id = r.person_id)) as at) t"
    " where r.school_id = %s and r.kind = 1 and r.reason = 'enrolled' and r.status between 1 and 9"
    " and t.at < %s::timestamptz - make_interval(months => %s)"
)


@dataclass(frozen=True)
class Row:
    """A child whose record has rested."""

    person_id: uuid.UUID
    name: str
    place: str
    at: datetime
    key: str


def children(
    actor: Any, months: int, *, after: str = "", now: datetime | None = None
) -> tuple[list[Row], str]:
    """Children of the actor's school whose record nobody touched for so long, longest first, one page; one query."""
    with connection.cursor() as c:
        c.execute(
            "select r.person_id, r.name, r.stage, r.cohort_year, k.number, s.system, t.at,"
            " to_char(t.at at time zone 'UTC', 'YYYYMMDDHH24MISSUS') || '|' || r.person_id as key "
            + _TOUCHED
            + " and to_char(t.at at time zone 'UTC', 'YYYYMMDDHH24MISSUS') || '|' || r.person_id > %s"
            " order by key limit %s",
            [actor.org_id, now or timezone.now(), months, after, PAGE + 1],
        )
        found = c.fetchall()
    day = today()
    rows = [
        Row(f[0], f[1], class_label(f[2], f[3], f[4], f[5], day) if f[4] else "", f[6], f[7]) for f in found
    ]
    return rows[:PAGE], rows[PAGE - 1].key if len(rows) > PAGE else ""


def count(actor: Any, months: int, *, now: datetime | None = None) -> int:
    """How many of them there are."""
    with connection.cursor() as c:
        c.execute("select count(*) " + _TOUCHED, [actor.org_id, now or timezone.now(), months])
        return int(c.fetchone()[0])
