"""General data that must stay as they are for a while, because somebody outside of this room is looking at them.

Rooms above register a question about children; every edit of general data, family or photo asks it in the writing role.
Key facts and movements are cases with authorities of their own and go on.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

from .errors import BadValue

Lock = Callable[[Sequence[uuid.UUID]], dict[uuid.UUID, str]]

_locks: list[Lock] = []


def register(lock: Lock) -> None:
    """Ask `lock` before every edit. Called once, when a room gets ready."""
    if lock not in _locks:
        _locks.append(lock)


def held(person_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Those of these children whose data somebody holds, and why and with whom. In the writing role."""
    found: dict[uuid.UUID, str] = {}
    for lock in _locks:
        found |= lock(person_ids)
    return found


def require_open(person_ids: Sequence[uuid.UUID]) -> None:
    """Raises `BadValue` with why and with whom, while somebody holds the data of one of these children."""
    for why in held(person_ids).values():
        raise BadValue(why)
