"""Writing the audit. Called by commands inside their own transaction, so that deed and entry stand or fall together."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import connection
from django.utils import timezone

from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting

from .models import AuditEntry

#: How many pupils one entry names.
MOST_PERSONS = 2000
#: How many queued views one flush takes.
_FLUSH = 20_000


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
    persons: Iterable[uuid.UUID] | None = None,
) -> None:
    """Append one entry. `who` is an Actor or a `Who`. Must run inside the transaction of the deed.

    `persons` are the pupils whom a list, a search, a print or an export showed (the first `MOST_PERSONS` are kept; a
    mass deed carries a digest of its rows instead), so that "who looked at this child" finds it.
    """
    _count()
    shown = list(islice(dict.fromkeys(persons), MOST_PERSONS)) if persons is not None else []
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
                    person_ids=shown or None,
                )
            ]
        )


def record_each(
    who: Any,
    action: str,
    deeds_: Iterable[tuple[uuid.UUID, dict[str, Any] | None, dict[str, Any] | None]],
    *,
    object_type: str = "",
    object_id: object = "",
) -> None:
    """As `record` for one deed on each of many pupils, (pupil, before, after), in one statement. For edits of ordinary
    data in bulk, where each pupil's entry says what was there before.
    """
    _count()
    at = timezone.now()
    with acting("audit"):
        AuditEntry.objects.bulk_create(
            [
                AuditEntry(
                    at=at,
                    user_id=who.user_id,
                    user_name=who.user_name,
                    role=who.role,
                    org_id=who.org_id,
                    address=who.address,
                    action=action,
                    object_type=object_type,
                    object_id=str(object_id),
                    person_id=person_id,
                    before=before,
                    after=after,
                    row_count=1,
                )
                for person_id, before, after in deeds_
            ]
        )


def note(
    who: Any,
    action: str,
    *,
    object_type: str = "",
    object_id: object = "",
    person_id: uuid.UUID | None = None,
    purpose: str = "",
) -> None:
    """Queue a plain view of a page: one statement, no disk write of its own; the worker takes it into the audit.

    Only for looking at one page. What is shown in plain, found, printed, exported or done takes `record`.
    """
    _count()
    with connection.cursor() as c:
        c.execute(
            "select xueji_audit_note(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                who.user_id,
                who.user_name,
                who.role,
                who.org_id,
                who.address,
                action,
                object_type,
                str(object_id),
                person_id,
                purpose,
            ],
        )


def deeds() -> int:
    """How many entries this connection has written so far: tells whether a view wrote one."""
    return getattr(connection, "_xueji_deeds", 0)


def _count() -> None:
    connection._xueji_deeds = deeds() + 1  # type: ignore[attr-defined]


def flush() -> int:
    """Take queued views into the audit; returns how many. Writers and other flushes do not wait for it."""
    with connection.cursor() as c:
        c.execute("select xueji_audit_flush(%s)", [_FLUSH])
        return int(c.fetchone()[0])


def changed(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    sealed: Mapping[str, tuple[str | None, str | None]] | None = None,
) -> dict[str, dict[str, Any]]:
    """`before` and `after` of an entry, cut to what differs: `record(..., **changed(old, new))`.

    Open fields keep their values. Of `sealed` ones (key -> old, new) only a keyed digest is kept: it shows that a value
    changed, and whether two are equal, and nothing else.
    """
    old = {k: v for k, v in before.items() if after.get(k) != v}
    new = {k: v for k, v in after.items() if before.get(k) != v}
    for key, (was, now) in (sealed or {}).items():
        if was != now:
            old[key], new[key] = veil(key, was), veil(key, now)
    return {"before": old, "after": new}


def veil(key: str, value: str | None) -> str:
    """A sealed field's value as the audit may hold it: a keyed digest, bound to the field; empty stays empty."""
    return f"digest:{vault.index(f'audit:{key}', value).hex()[:32]}" if value else ""
