"""Links dated ahead: rosters, readers and head-counts follow when their day has come."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from xueji.ground.db.scope import acting

from ..timeline import CubeKey, deltas
from .chains import links_of, lock, sex_of
from .headcount import add_to_cube
from .roster import bring_along


def activate_due(now: datetime | None = None) -> int:
    """Bring rosters, readers and head-counts along for links whose day has come. Idempotent; returns how many.

    All its people are locked first, and head-counts are written last, so that it never waits in a circle with
    somebody who changes one of them.
    """
    now = now or timezone.now()
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "select person_id from pending_link where valid_from <= %s order by valid_from, person_id limit 5000",
            [now],
        )
        people_due = list({row[0] for row in c.fetchall()})
        if not people_due:
            return 0
        lock(c, people_due)
        return activate(c, people_due, now)


def activate(c: Any, person_ids: list[uuid.UUID], now: datetime) -> int:
    """What came into force for these people (locked) and was not brought along yet, each chain in its order.

    Every step does this first: a roster must not be led back to a link that a later one has followed.
    """
    c.execute(
        "delete from pending_link where person_id = any(%s::uuid[]) and valid_from <= %s"
        " returning person_id, kind, valid_from",
        [person_ids, now],
    )
    due = sorted(c.fetchall(), key=lambda row: row[2])
    counts: Counter[CubeKey] = Counter()
    for person_id, kind, valid_from in due:
        links = links_of(c, person_id, kind)
        at = next((i for i, x in enumerate(links) if x.valid_from == valid_from), None)
        if at is not None:
            before = links[at - 1] if at else None
            bring_along(c, before, links[at])
            counts.update(deltas(before, links[at], sex_of(c, person_id)))
    add_to_cube(c, counts)
    return len(due)
