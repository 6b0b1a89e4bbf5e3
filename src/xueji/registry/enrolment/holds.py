"""Records that must stay as they are for a while, because somebody outside of this room has taken them in hand.

Rooms above register a question about many children at once; every change of a chain asks it. The answer has, for those
who are held, why nothing may change now, in words. Asked with the people's rows locked, so that a hold and a change
never pass each other.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from .errors import IllegalStep

Hold = Callable[[Sequence[uuid.UUID]], dict[uuid.UUID, str]]

_holds: list[Hold] = []
_lifted: ContextVar[bool] = ContextVar("xueji_hold_lifted", default=False)


def register(hold: Hold) -> None:
    """Ask `hold` before every change of a chain. Called once, when a room gets ready."""
    if hold not in _holds:
        _holds.append(hold)


def reasons(person_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Those of these children whose records may not change now, and why. Must run in the writing role."""
    out: dict[uuid.UUID, str] = {}
    for hold in _holds:
        out |= hold(person_ids)
    return out


def reason(person_id: uuid.UUID) -> str:
    """Why this child's record may not change now; empty when it may. Must run in the writing role."""
    return reasons([person_id]).get(person_id, "")


@contextmanager
def lifted() -> Iterator[None]:
    """For the room that holds a record: its own change of it goes through."""
    token = _lifted.set(True)
    try:
        yield
    finally:
        _lifted.reset(token)


def require_free(person_id: uuid.UUID) -> None:
    """Raises `IllegalStep` while somebody holds the record."""
    if not _lifted.get() and (words := reason(person_id)):
        raise IllegalStep(words)
