"""Lines about a pupil that a teacher writes: a home visit, an observation (C-COL-21)."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.registry.enrolment import queries as enrolment

from ..errors import CollectError
from ..models import PupilNote
from ..notes import place_of
from ..words import STAFF_NOTES

LONGEST = 800


def add_note(actor: Any, person_id: uuid.UUID, *, kind: str, text: str) -> PupilNote:
    """Write a line about a pupil of the own class. Raises PermissionDenied, Http404, `CollectError`."""
    actor.require("collect.note")
    row = enrolment.get_row(actor, person_id)
    if row.former or row.class_id not in actor.classes:
        raise Http404
    if kind not in STAFF_NOTES or len(text.strip()) < 2:
        raise CollectError(_("请选择是哪一种记录, 并写下内容"))
    with transaction.atomic():
        with acting("writer"):
            note = PupilNote.objects.create(
                person_id=person_id,
                school_id=row.school_id,
                kind=kind,
                user_id=actor.user_id,
                user_name=actor.user_name[:60],
            )
            PupilNote.objects.filter(pk=note.pk).update(
                sealed=vault.seal(text.strip()[:LONGEST], place_of(note.pk))
            )
        record(
            actor,
            "collect.note",
            object_type="pupil_note",
            object_id=note.pk,
            person_id=person_id,
            after={"kind": kind},
        )
    return note


def drop_note(actor: Any, person_id: uuid.UUID, note_id: int) -> None:
    """Delete a line: whoever wrote it, or the family the one it wrote. Raises Http404."""
    note = PupilNote.objects.filter(pk=note_id, person_id=person_id).first()
    if note is None or not (note.user_id == actor.user_id or (note.by_family and actor.is_portal)):
        raise Http404
    with transaction.atomic():
        with acting("writer"):
            PupilNote.objects.filter(pk=note_id).delete()
        record(
            actor,
            "collect.note.drop",
            object_type="pupil_note",
            object_id=note_id,
            person_id=person_id,
            before={"kind": note.kind},
        )
