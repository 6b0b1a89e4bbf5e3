"""Optional lines about a pupil for the own teachers and the family (C-COL-21): reading."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from xueji.ground.crypto import vault

from .models import PupilNote
from .words import NOTES


@dataclass(frozen=True)
class Note:
    """One line as teachers and family read it."""

    id: int
    kind: str
    text: str
    who: str
    by_family: bool
    at: datetime
    mine: bool

    @property
    def label(self) -> str:
        """Its kind in words."""
        return str(NOTES[self.kind])


def place_of(note_id: int) -> str:
    """Where the text of a line lies, for the vault."""
    return f"pupil_note.sealed:{note_id}"


def of_pupil(actor: Any, person_id: uuid.UUID) -> list[Note]:
    """Lines about a pupil, newest first: row-level security shows them to own teachers and the family alone."""
    rows = PupilNote.objects.filter(person_id=person_id).order_by("-id")[:50]
    return [
        Note(
            r.pk,
            r.kind,
            vault.open(bytes(r.sealed), place_of(r.pk)) if r.sealed else "",
            r.user_name,
            r.by_family,
            r.at,
            r.user_id == actor.user_id,
        )
        for r in rows
    ]
