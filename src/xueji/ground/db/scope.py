"""Entering a scope, and stepping into a writing role: the two things that happen to a database session.

The scope is set once, first thing in the outermost transaction, by a database function that executes SET LOCAL:
it ends with the transaction and cannot leak to the next user of the connection. With nothing set every policy
is false and no row is seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

from django.db import DatabaseError, connection, transaction

from xueji.ground.crypto import vault

GATE = "xueji_index_gate()"
"""What a statement selects to pass the gate of the index key: see `passed`."""

Role = Literal["writer", "intake", "audit"]


@contextmanager
def acting(role: Role) -> Iterator[None]:
    """Step into a writing role for a block inside a transaction, and back to the role held before.

    Only commands do this, after they have checked the actor's right. On an error inside a savepoint the
    roll-back of that savepoint restores the role, so nothing is left behind.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("a writing role needs a transaction")
    before = getattr(connection, "_xueji_role", None)
    with connection.cursor() as c:
        if not _is_past_gate():
            c.execute(f"select {GATE}")
            passed(c.fetchone()[0])
        c.execute(f"set local role xueji_{role}")
    connection._xueji_role = role  # type: ignore[attr-defined]
    try:
        yield
    except BaseException:
        connection._xueji_role = before  # type: ignore[attr-defined]
        # After a database error the session takes no statement; the roll-back then restores the role by itself.
        with suppress(DatabaseError):
            _restore(before)
        raise
    connection._xueji_role = before  # type: ignore[attr-defined]
    _restore(before)


def passed(index_key: str | None) -> None:
    """This transaction holds the gate of the index key until it ends, and `index_key` is in force as long.

    A renewal of that key (`crypto.reindex`) waits for all who hold it; so what was computed behind the gate is
    claimed and looked up under the same key. Raises `KeyMissing`.
    """
    transaction.on_commit(_gate)
    vault.follow(index_key)


def _gate() -> None:
    """Stands in the list of what is done after the commit: Django drops it exactly when the database drops the lock."""


def _is_past_gate() -> bool:
    return any(entry[1] is _gate for entry in connection.run_on_commit)


def _restore(before: str | None) -> None:
    with connection.cursor() as c:
        c.execute(f"set local role xueji_{before}" if before else "set local role none")
