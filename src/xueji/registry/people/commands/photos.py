"""Photos of many pupils at once, in a fixed number of statements."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction
from django.http import Http404

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.duty import commands as duty

from .. import locks


def set_photos(actor: Any, photos: Mapping[uuid.UUID, uuid.UUID], *, source: str = "upload") -> None:
    """Make stored pictures the photos in force (C-COL-09, C-COL-10): person -> file. All or none.

    The files become the pupils' own: who may read the pupil may open them. Raises Http404 when the actor does not see
    one of the pupils, PermissionDenied without the head's authorisation (C-ROL-04). Needs a transaction.
    """
    actor.require("student.edit")
    if not photos:
        return
    ids = sorted(photos)
    with connection.cursor() as c:
        c.execute("select count(*) from person where person_id = any(%s::uuid[])", [ids])
        if c.fetchone()[0] != len(ids):
            raise Http404
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "select person_id, readers, klasses from person where person_id = any(%s::uuid[]) order by person_id for update",
            [ids],
        )
        rows = c.fetchall()
        locks.require_open(ids)
        allowed = duty.require_edits(actor, "photo", rows)
        c.execute(
            "insert into person_photo (person_id, file_id, taken_on, source, readers, klasses)"
            " select p.person_id, x.file_id, null, %s, p.readers, p.klasses"
            " from unnest(%s::uuid[], %s::uuid[]) as x(person_id, file_id) join person p using (person_id)"
            " on conflict (person_id) do update set file_id = excluded.file_id, taken_on = excluded.taken_on,"
            "  source = excluded.source",
            [source, ids, [photos[i] for i in ids]],
        )
        c.execute(
            "update stored_file f set purpose = 'photo', person_id = p.person_id, readers = p.readers, klasses = p.klasses"
            " from unnest(%s::uuid[], %s::uuid[]) as x(person_id, file_id) join person p using (person_id)"
            " where f.id = x.file_id",
            [ids, [photos[i] for i in ids]],
        )
        duty.keep_edits(actor, allowed, "photo", ["photo"])
    record(
        actor,
        "people.photo.set",
        object_type="file" if len(ids) == 1 else "",
        object_id=photos[ids[0]] if len(ids) == 1 else "",
        person_id=ids[0] if len(ids) == 1 else None,
        after={
            "source": source,
            "pupils": len(ids),
            "authorisations": sorted({a for a in allowed.values() if a}),
        },
        row_count=len(ids),
        persons=ids,
    )
