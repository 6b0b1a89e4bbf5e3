"""A family member corrected by the school's confirmation of what the family itself wrote (采集核对)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import changed, record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting

from .. import places
from ..errors import BadValue
from . import _rows
from .guarding import MEMBER, refuse_withheld
from .persons import NewGuardian, clean_name, sealed_guardian

_NEEDED = ("name", "relation")


def change_guardian(
    actor: Any,
    person_id: uuid.UUID,
    guardian_no: int | None,
    *,
    parts: Mapping[str, str],
    sealed: Mapping[str, str],
    event_id: uuid.UUID,
) -> int:
    """Change some values of a family member, or add one (`guardian_no` None), by a decision of the school; what is not
    named stays. `parts`: name, relation, relation_note, is_guardian ("1" or "0"). Returns its number.

    Raises PermissionDenied, `BadValue`, Http404.
    """
    actor.require("case.decide")
    _rows.require_sight(person_id)
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        person = _rows.lock(person_id)
        refuse_withheld(person_id, [MEMBER + k for k, v in sealed.items() if v])
        old: dict[str, Any] = {}
        kept: dict[str, str] = {}
        if guardian_no is None:
            if any(not parts.get(k) for k in _NEEDED):
                raise BadValue(_("新的家庭成员要有姓名和关系"))
            guardian_no = _rows.next_no("guardian", "guardian_no", person_id)
            _insert(person, guardian_no, _as_new(parts, sealed, {}, {}))
        else:
            c.execute(
                "select name, relation, relation_note, is_guardian, sealed from guardian"
                " where person_id = %s and guardian_no = %s and until is null",
                [person_id, guardian_no],
            )
            row = c.fetchone()
            if row is None:
                raise BadValue(_("没有这位家庭成员"))
            old = {
                "name": row[0],
                "relation": row[1],
                "relation_note": row[2],
                "is_guardian": "1" if row[3] else "0",
            }
            kept = vault.open_json(row[4], places.guardian(person_id, guardian_no)) if row[4] else {}
            new = _as_new(parts, sealed, old, kept)
            c.execute(
                "update guardian set name = %s, relation = %s, relation_note = %s, is_guardian = %s, sealed = %s"
                " where person_id = %s and guardian_no = %s",
                [
                    clean_name(new.name),
                    new.relation,
                    new.relation_note,
                    new.is_guardian,
                    sealed_guardian(person_id, guardian_no, new),
                    person_id,
                    guardian_no,
                ],
            )
        c.execute("update person set version = version + 1 where person_id = %s", [person_id])
    difference = _differences(old, parts, kept, sealed, event_id)
    record(
        actor,
        "people.guardian.change",
        object_type="guardian",
        object_id=guardian_no,
        person_id=person_id,
        before=difference["before"],
        after=difference["after"],
    )
    return guardian_no


def _insert(person: _rows.Locked, no: int, new: NewGuardian) -> None:
    with connection.cursor() as c:
        # A home that is kept secret stays so for whoever joins the family later.
        c.execute("select 1 from guardian where person_id = %s and guarded limit 1", [person.person_id])
        guarded = c.fetchone() is not None
    _rows.insert(
        "guardian",
        person_id=person.person_id,
        guardian_no=no,
        name=clean_name(new.name),
        relation=new.relation,
        relation_note=new.relation_note,
        is_guardian=new.is_guardian,
        sealed=sealed_guardian(person.person_id, no, new),
        since=timezone.localdate(),
        guarded=guarded,
        readers=person.readers,
        klasses=person.klasses,
    )


def _as_new(
    parts: Mapping[str, str], sealed: Mapping[str, str], old: Mapping[str, str], kept: Mapping[str, str]
) -> NewGuardian:
    now = {**old, **parts}
    return NewGuardian(
        now["name"],
        now["relation"],
        relation_note=now.get("relation_note", ""),
        is_guardian=now.get("is_guardian", "1") == "1",
        sealed={**kept, **sealed},
    )


def _differences(
    old: Mapping[str, Any],
    parts: Mapping[str, str],
    kept: Mapping[str, str],
    sealed: Mapping[str, str],
    event_id: uuid.UUID,
) -> dict[str, dict[str, Any]]:
    # Names of relatives are their personal data: of them, too, the audit keeps digests alone.
    open_parts = {k: v for k, v in parts.items() if k != "name"}
    hidden: dict[str, tuple[str | None, str | None]] = {k: (kept.get(k), v) for k, v in sealed.items()}
    if "name" in parts:
        hidden["name"] = (old.get("name"), parts["name"])
    found = changed({k: old.get(k, "") for k in open_parts}, open_parts, hidden)
    return {"before": found["before"], "after": found["after"] | {"event": str(event_id)}}
