"""采集核对单 of a class: what is on record of each child, for families without a phone to check and sign (C-COL-04, C-COL-11)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.paper.collection_form import (
    MAX_FIELDS,
    CollectionBatch,
    CollectionForm,
    render_collection_forms,
)
from xueji.ground.standards import fields as national_form
from xueji.ground.standards import purposes

from . import queries
from .held import Held, held, shown

_LATE = ("relation_note", "ethnicity", "household_division", "id_type", "position")


def sheets(actor: Any, task_id: int, class_id: int, person_ids: Sequence[uuid.UUID] = ()) -> bytes:
    """One page a child as PDF, numbers and addresses masked, with what each item is for at the end; audited with
    everybody on it. Raises PermissionDenied, Http404.
    """
    actor.require("collect.check")
    task = queries.task(actor, task_id)
    rows = [
        r for r in queries.of_class(actor, task_id, class_id) if not person_ids or r.person_id in person_ids
    ]
    if not rows:
        raise Http404
    known = held(actor, [r.person_id for r in rows])
    asked = _asked(task.fields)
    label = queries.class_words(class_id)
    pdf = render_collection_forms(
        CollectionBatch(
            school_name=actor.org_name,
            term_name=task.title[:30],
            forms=[_one(asked, known.get(r.person_id, Held()), label, r.seat) for r in rows],
            purposes=[
                (_named(f, task.fields), p.purpose, p.refusing)
                for f in asked
                if f.member != 2 and (p := purposes.of_field(f.key))
            ],
            printed_by=actor.user_name,
            printed_at=timezone.localtime().replace(microsecond=0),
            reference=_("截止 %s, 签字后交班主任") % task.due_on.isoformat(),
        )
    )
    record(
        actor,
        "collect.print",
        object_type="collect_task",
        object_id=task_id,
        row_count=len(rows),
        persons=[r.person_id for r in rows],
        after={"class": class_id},
    )
    return pdf


def _asked(levels: dict[str, str]) -> list[national_form.Field]:
    """Fields of the sheet: key facts, the child's, the members'; what does not fit on a page is left to the phone."""
    found = [f for f in national_form.fields() if levels.get(f.key, "none") != "none"]
    keys = [f for f in found if f.is_key][:8]
    rest = sorted(
        (f for f in found if not f.is_key),
        key=lambda f: (f.member, f.key.endswith(_LATE) if f.member else False, f.index),
    )
    return keys + rest[:MAX_FIELDS]


def _named(spec: national_form.Field, levels: dict[str, str]) -> str:
    return spec.name + (_("(选填)") if levels.get(spec.key) == "may" and spec.basis == "consent" else "")


def _one(asked: list[national_form.Field], values: Held, label: str, seat: int | None) -> CollectionForm:
    pairs = [(f, f.name, shown(f, values.values.get(f.key, ""), family=True)) for f in asked]
    return CollectionForm(
        class_name=label,
        class_number=str(seat or ""),
        key_fields=[(name, value) for f, name, value in pairs if f.is_key],
        fields=[(name, value) for f, name, value in pairs if not f.is_key],
    )
