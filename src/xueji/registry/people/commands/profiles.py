"""Ordinary data of many pupils at once, in a fixed number of statements: what `set_profile` does for one."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import changed, record_each
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.duty import commands as duty

from .. import locks, places
from ..errors import BadValue
from .guarding import _name
from .persons import kind_of, split_profile


def set_profiles(
    actor: Any, wanted: Mapping[uuid.UUID, Mapping[str, str]], *, source: str
) -> dict[uuid.UUID, dict[str, Any]]:
    """Write fields of the national form that are not key information for many pupils (C-COL-07, C-INF); others keep
    their value. All or none; one entry in the audit for each pupil with before and after (sealed values are named, not
    told). `source` says where they came from.

    Returns the differences. Raises `BadValue` for a key field, a field that the family withheld, or data under review;
    Http404 when the actor does not see one of the pupils; PermissionDenied without the head's authorisation. Needs a
    transaction.
    """
    actor.require("student.edit")
    ids = sorted(wanted)
    if not ids:
        return {}
    with connection.cursor() as c:
        c.execute("select count(*) from person where person_id = any(%s::uuid[])", [ids])
        if c.fetchone()[0] != len(ids):
            raise Http404
    kinds = sorted({kind_of(key) for values in wanted.values() for key in values})
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "select person_id, readers, klasses from person where person_id = any(%s::uuid[]) order by person_id for update",
            [ids],
        )
        rows = c.fetchall()
        locks.require_open(ids)
        allowed = {}
        for kind in kinds:
            asked = [r for r in rows if any(kind_of(k) == kind for k in wanted[r[0]])]
            allowed[kind] = duty.require_edits(actor, kind, asked)
        differences = _write(c, ids, wanted)
        for kind in kinds:
            named = {k for values in wanted.values() for k in values if kind_of(k) == kind}
            duty.keep_edits(actor, allowed[kind], kind, sorted(named))
    record_each(
        actor,
        "people.profile.set",
        (
            (
                person,
                differences[person]["before"],
                differences[person]["after"] | {"fields": sorted(wanted[person]), "source": source},
            )
            for person in ids
        ),
        object_type="person",
    )
    return differences


def _write(
    c: Any, ids: list[uuid.UUID], wanted: Mapping[uuid.UUID, Mapping[str, str]]
) -> dict[uuid.UUID, dict[str, Any]]:
    """The fields over those that are kept, in three statements. In the writing role, with the people locked."""
    c.execute(
        "select person_id, data, sealed, withheld from person_profile where person_id = any(%s::uuid[])",
        [ids],
    )
    kept = {p: (data, sealed, withheld) for p, data, sealed, withheld in c.fetchall()}
    differences: dict[uuid.UUID, dict[str, Any]] = {}
    opened: list[str] = []
    closed: list[bytes | None] = []
    for person in ids:
        data, secret = split_profile(wanted[person])
        raw, sealed, withheld = kept.get(person, ({}, None, []))
        old = raw if isinstance(raw, dict) else json.loads(raw or "{}")
        if shut := sorted(set(withheld) & {k for k, v in wanted[person].items() if v}):
            names = "、".join(_name(k) for k in shut)
            raise BadValue(_("家庭不同意提供: %s。请不要填写") % names)
        place = places.profile(person)
        known = vault.open_json(sealed, place) if sealed else {}
        opened.append(json.dumps(old | data, ensure_ascii=False))
        closed.append(vault.seal_json(known | secret, place) if known or secret else None)
        differences[person] = changed(
            {k: old.get(k, "") for k in data}, data, {k: (known.get(k), v) for k, v in secret.items()}
        )
    c.execute(
        "insert into person_profile (person_id, data, sealed, readers, klasses)"
        " select x.person_id, x.data::jsonb, x.sealed, p.readers, p.klasses"
        " from unnest(%s::uuid[], %s::text[], %s::bytea[]) as x(person_id, data, sealed) join person p using (person_id)"
        " on conflict (person_id) do update set data = excluded.data, sealed = excluded.sealed",
        [ids, opened, closed],
    )
    c.execute("update person set version = version + 1 where person_id = any(%s::uuid[])", [ids])
    return differences
