"""Which state of the packs a transaction sees: a token that every entered transaction reads with its first statement.

Stands alone, so that the accounts room can carry the token along in its own statement; see `versions`.
"""

from __future__ import annotations

from django.db import connection

COLUMN = "(select token from policy_state)"
"""What a statement selects to learn the token."""


def seen(token: object) -> None:
    """Remember the token for the transaction that is open."""
    block = connection.atomic_blocks[0] if connection.in_atomic_block else None
    connection._xueji_policy = (block, None if token is None else str(token))  # type: ignore[attr-defined]


def token() -> str | None:
    """The token of the open transaction (one query where nobody has read it yet); None when only files speak.

    Outside a transaction, and where the database cannot be asked, files alone speak.
    """
    if not connection.in_atomic_block:
        return None
    held = getattr(connection, "_xueji_policy", None)
    if held is None or held[0] is not connection.atomic_blocks[0]:
        refresh()
        held = connection._xueji_policy  # type: ignore[attr-defined]
    found: str | None = held[1]
    return found


def refresh() -> None:
    """Read the token anew: whoever has just taken the lock on it must not go on with an older one."""
    with connection.cursor() as c:
        c.execute(f"select {COLUMN}")
        seen(c.fetchone()[0])
