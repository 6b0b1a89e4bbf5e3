"""Rooms above are told when a record is free of problems: cases that wait for it go on."""

from __future__ import annotations

import uuid
from collections.abc import Callable

_told: list[Callable[[uuid.UUID], object]] = []


def on_clear(told: Callable[[uuid.UUID], object]) -> None:
    """Call `told` with the person's key when the last problem of a record is cleared; in the writing role."""
    if told not in _told:
        _told.append(told)


def cleared(person_id: uuid.UUID) -> None:
    """Tell everybody."""
    for told in _told:
        told(person_id)
