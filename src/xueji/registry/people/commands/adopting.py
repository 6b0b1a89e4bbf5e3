"""A number that another register gave: taken over as it is, never made anew."""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.standards.masking import mask_student_number

from .. import numbering
from ..errors import IllegalNumber
from ..places import NATIONAL
from . import _rows
from .numbers import _close, _current, _document, _taken, _write, _write_formal

_FORM = re.compile(r"[GLJ][0-9A-Z]{18}")


def adopt_number(
    actor: Any, person_id: uuid.UUID, value: str, *, scheme: str = NATIONAL, at: datetime, event_id: uuid.UUID
) -> int:
    """Make the number that the official system shows the child's current one; the former stays in the history.

    For the head who settles a takeover. Raises PermissionDenied, `IllegalNumber` for what is no such number,
    `NumberTaken` when anybody has or had it, Http404.
    """
    actor.require("takeover.sign")
    _rows.require_sight(person_id)
    if scheme == NATIONAL and not _FORM.fullmatch(value):
        raise IllegalNumber(_("学籍号应为 G、L 或 J 加 18 位"))
    with transaction.atomic(), acting("writer"):
        person = _rows.lock(person_id)
        before = _current(person_id, scheme)
        document = _document(person_id)
        if scheme == NATIONAL and document is not None and value == numbering.formal(document[2]):
            number_no = _write_formal(person, document, at=at, event_id=event_id)
        else:
            _close(person_id, at, scheme)
            prefix = value[0] if scheme == NATIONAL else ""
            number_no = _taken(_write(person, scheme, value, prefix, at=at, event_id=event_id))
    record(
        actor,
        "people.number.adopt",
        object_type="person",
        object_id=person_id,
        person_id=person_id,
        before={"number_no": before[0] if before else None},
        after={"scheme": scheme, "number": mask_student_number(value), "number_no": number_no},
    )
    return number_no
