"""Sealing: the worker's duty. Batches of entries, chained; writers never wait for it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from xueji.ground.db.scope import acting

from .chain import SELECT, Head, entry_digest, seal_digests
from .commands import flush
from .models import AuditSeal

#: One sealer at a time: a chain has one end. Only sealers ask for this lock.
_LOCK = 7310002
#: Entries of one seal.
_BATCH = 5000
#: How far a batch looks back for entries whose transaction ended after a later one's; the first of a day looks further.
LOOK_BACK = timedelta(hours=1)
LOOK_BACK_DAILY = timedelta(days=7)


def duty() -> int:
    """What the worker does at each tick: takes queued views in, then seals all there is; returns how many were sealed."""
    flush()
    now = timezone.now()
    done = 0
    while True:
        sealed = seal(now, most=_BATCH)
        done += sealed
        if sealed < _BATCH:  # what came meanwhile is for the next tick
            return done


def duty_alone() -> int:
    """The same in a transaction of its own: for the command line."""
    with transaction.atomic():
        return duty()


def seal(now: datetime | None = None, *, most: int = _BATCH) -> int:
    """Seal the entries that have none yet, in one batch, chained to the seal before; returns how many.

    Writers never wait for it: it reads what is committed and locks nothing of theirs. An entry whose transaction ends
    after a later one's is sealed by a later batch: each looks back on the last hour's, the first of a day on a week's.
    Seals are numbered without gaps, so that a missing one is seen.
    """
    now = now or timezone.now()
    day = timezone.localdate(now)
    with transaction.atomic(), acting("audit"), connection.cursor() as c:
        c.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        c.execute("select id, day, last_id, sha256, sm3 from audit_seal order by id desc limit 1")
        last = c.fetchone()
        before = (bytes(last[3]), bytes(last[4])) if last else (b"", b"")
        floor = _floor(c, last, day, now)
        c.execute(
            f"select {SELECT} from audit_entry e where e.id >= %s and not exists (select 1 from"
            " (select unnest(entry_ids) as id from audit_seal where last_id >= %s) s where s.id = e.id)"
            " order by e.id limit %s",
            [floor, floor, most],
        )
        rows = c.fetchall()
        if not rows:
            return 0
        digests = [entry_digest(r) for r in rows]
        head = Head(last[0] + 1 if last else 1, day, now, [r[0] for r in rows])
        sha256, sm3 = seal_digests(before, head, digests)
        AuditSeal.objects.bulk_create(
            [
                AuditSeal(
                    id=head.id,
                    version=head.version,
                    sealed_at=now,
                    day=day,
                    first_id=rows[0][0],
                    last_id=max(rows[-1][0], last[2] if last else 0),
                    entry_ids=head.entry_ids,
                    entry_hashes=b"".join(digests),
                    sha256=sha256,
                    sm3=sm3,
                )
            ]
        )
    return len(rows)


def _floor(c: Any, last: tuple[Any, ...] | None, day: date, now: datetime) -> int:
    """From which id on to look for entries without a seal: past everything that was sealed before the time looked back on."""
    if last is None:
        return 0
    back = LOOK_BACK if last[1] == day else LOOK_BACK_DAILY
    c.execute("select max(last_id) from audit_seal where sealed_at <= %s", [now - back])
    return int(c.fetchone()[0] or -1) + 1
