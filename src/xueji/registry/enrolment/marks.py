"""Words beside a pupil's status in lists, said by rooms above: one question for a whole page."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

Marks = Callable[[Sequence[uuid.UUID]], dict[uuid.UUID, str]]

_marks: list[Marks] = []


def add(question: Marks) -> None:
    """Register a question about many pupils; called once, when a room gets ready."""
    if question not in _marks:
        _marks.append(question)


def of(person_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    """What stands beside these pupils."""
    out: dict[uuid.UUID, list[str]] = {}
    for question in _marks if person_ids else ():
        for person, words in question(person_ids).items():
            out.setdefault(person, []).append(words)
    return out
