"""Serial numbers inside a class (班内学号): given on entry at the end of the row, given anew when a class is numbered.

A number of somebody who left is not given to another until the class is numbered anew (C-NUM-12). The counter's row is
the lock: two who put children into one class at once wait for each other, and no number is given twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting


def take(c: Any, class_ids: Iterable[int], wanted: Iterable[int]) -> dict[int, int]:
    """The first of `wanted` new numbers for each class; the rest follow without a gap. One statement.

    Runs in the writing role. Whoever writes head-counts in the same transaction holds them first
    (`commands.hold_counts`), so that nobody waits in a circle.
    """
    c.execute(
        "insert into class_serial as s (class_id, school_id, county_id, last)"
        " select k.id, k.school_id, h.county_id, w.n + coalesce((select max(r.class_seat) from roster r"
        "   where r.class_id = k.id and r.reason <> 'former'), 0)"
        " from unnest(%s::int[], %s::int[]) as w(class_id, n) join school_class k on k.id = w.class_id"
        " join school h on h.org_id = k.school_id order by k.id"
        " on conflict (class_id) do update set last = greatest(s.last, (select coalesce(max(r.class_seat), 0)"
        "   from roster r where r.class_id = excluded.class_id and r.reason <> 'former'))"
        "   + (select w.n from unnest(%s::int[], %s::int[]) as w(class_id, n) where w.class_id = excluded.class_id)"
        " returning class_id, last",
        [*(2 * [list(class_ids), list(wanted)])],
    )
    n = dict(zip(class_ids, wanted, strict=True))
    return {class_id: last - n[class_id] + 1 for class_id, last in c.fetchall()}


def renumber(actor: Any, class_id: int, order: Sequence[uuid.UUID], *, how: str) -> int:
    """Give the children of a class the numbers 1, 2, 3 ... in this order; returns how many (C-ENR-05, C-NUM-12).

    `order` must name everybody who sits in the class now, once; else nothing is written and 0 comes back. `how` says in
    words by what the order was made. A fixed number of statements. Needs a transaction; the caller has checked the
    actor's right and that the class is his.
    """
    now = timezone.now()
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "select 1 from person where person_id = any(%s::uuid[]) order by person_id for update",
            [list(order)],
        )
        take(c, [class_id], [0])  # holds the counter: nobody comes in meanwhile
        c.execute(
            "select person_id from roster where class_id = %s and reason <> 'former' for update", [class_id]
        )
        if {row[0] for row in c.fetchall()} != set(order) or len(set(order)) != len(order):
            return 0
        c.execute(
            "update enrolment_state s set class_seat = w.seat"
            " from unnest(%s::uuid[]) with ordinality as w(person_id, seat)"
            " where s.person_id = w.person_id and s.class_id = %s and s.valid_from <= %s"
            " and (s.valid_to is null or s.valid_to > %s)",
            [list(order), class_id, now, now],
        )
        c.execute(
            "update roster r set class_seat = w.seat from unnest(%s::uuid[]) with ordinality as w(person_id, seat)"
            " where r.person_id = w.person_id and r.class_id = %s and r.reason <> 'former'",
            [list(order), class_id],
        )
        # Whoever comes in on a later day has a number beyond these already, or gets one now.
        c.execute(
            "update class_serial set last = greatest(%s, (select coalesce(max(s.class_seat), 0)"
            " from pending_link p join enrolment_state s on s.person_id = p.person_id and s.kind = p.kind"
            " and s.valid_from = p.valid_from where s.class_id = %s)), numbered_at = %s, numbered_how = %s"
            " where class_id = %s",
            [len(order), class_id, now, how[:60], class_id],
        )
        c.execute(
            "select sha256(string_agg(person_id::text || ':' || class_seat::text, ',' order by class_seat)::bytea)"
            " from roster where class_id = %s and reason <> 'former'",
            [class_id],
        )
        digest = bytes(c.fetchone()[0] or b"")
    record(
        actor,
        "enrolment.seats",
        object_type="class",
        object_id=class_id,
        after={"pupils": len(order), "order": how},
        row_count=len(order),
        digest=digest,
    )
    return len(order)
