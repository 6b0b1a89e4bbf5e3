"""Writing the audit. Called by commands inside their own transaction, so that deed and entry stand or fall together."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from xueji.ground.db.scope import acting

from .chain import SELECT, entry_digest, seal_digests
from .models import AuditEntry, AuditSeal


@dataclass(frozen=True)
class Who:
    """The acting person as the audit needs it. `Actor` of the accounts room has the same attributes."""

    user_id: int | None
    user_name: str
    role: str
    org_id: int | None
    address: str = ""


def record(
    who: Any,
    action: str,
    *,
    object_type: str = "",
    object_id: object = "",
    person_id: uuid.UUID | None = None,
    purpose: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    row_count: int = 1,
    digest: bytes | None = None,
) -> None:
    """Append one entry. `who` is an Actor or a `Who`. Must run inside the transaction of the deed."""
    with acting("audit"):
        AuditEntry.objects.bulk_create(
            [
                AuditEntry(
                    at=timezone.now(),
                    user_id=who.user_id,
                    user_name=who.user_name,
                    role=who.role,
                    org_id=who.org_id,
                    address=who.address,
                    action=action,
                    object_type=object_type,
                    object_id=str(object_id),
                    person_id=person_id,
                    purpose=purpose,
                    before=before,
                    after=after,
                    row_count=row_count,
                    digest=digest,
                )
            ]
        )


def seal(now: datetime | None = None, *, most: int = 5000) -> int:
    """Seal the entries that have none yet, in one batch, chained to the seal before; returns how many.

    Writers never wait for it. An entry whose transaction ends after a later one's is sealed by a later batch: usually
    within the hour that each batch looks back on; the first batch of a day looks for stragglers of any age.
    """
    now = now or timezone.now()
    day = timezone.localdate(now)
    with transaction.atomic(), acting("audit"), connection.cursor() as c:
        c.execute("select pg_advisory_xact_lock(7310002)")  # one sealer at a time: a chain has one end
        c.execute("select day, last_id, sha256, sm3 from audit_seal order by id desc limit 1")
        last = c.fetchone()
        before = (bytes(last[2]), bytes(last[3])) if last else (b"", b"")
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
        sha256, sm3 = seal_digests(before, day, digests)
        AuditSeal.objects.bulk_create(
            [
                AuditSeal(
                    sealed_at=now,
                    day=day,
                    first_id=rows[0][0],
                    last_id=rows[-1][0],
                    entry_ids=[r[0] for r in rows],
                    entry_hashes=b"".join(digests),
                    sha256=sha256,
                    sm3=sm3,
                )
            ]
        )
    return len(rows)


def _floor(c: Any, last: tuple[Any, ...] | None, day: date, now: datetime) -> int:
    """From which id on to look for entries without a seal."""
    if last is None:
        return 0
    c.execute("select exists (select 1 from audit_entry where id > %s)", [last[1]])
    if last[0] != day and c.fetchone()[0]:
        return 0
    c.execute("select min(first_id) from audit_seal where sealed_at > %s", [now - timedelta(hours=1)])
    return int(c.fetchone()[0] or last[1] + 1)
