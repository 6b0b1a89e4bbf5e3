"""Two records that were joined become two again: just what the join wrote is taken back."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting

from .. import places
from ..errors import BadValue
from .joined import Change, as_object


def part(
    kept: uuid.UUID, merged: uuid.UUID, changes: Sequence[Change], *, delete: Callable[[], object]
) -> None:
    """Take a join back: look-ups return, copies go (`delete`, a database function that knows which), rows get what stood
    there before. Facts that were changed since keep their later value.

    Raises `BadValue` when papers or numbers of the record have changed since: they must be settled first.
    """
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "select 1 from person where person_id = any(%s::uuid[]) order by person_id for update",
            [[kept, merged]],
        )
        _require_unchanged(c, kept, changes)
        for table, column in (("identity_lookup", "doc_no"), ("number_lookup", "number_no")):
            pairs = [
                (ch.key[column], ch.before["from"])
                for ch in changes
                if ch.op == "insert" and ch.before.get("looked") and column in ch.key
            ]
            c.execute(
                f"update {table} l set person_id = %s, {column} = v.old from unnest(%s::int[], %s::int[]) as v(new, old)"
                f" where l.person_id = %s and l.{column} = v.new",
                [merged, [p[0] for p in pairs], [p[1] for p in pairs], kept],
            )
        delete()
        for change in reversed(changes):
            if change.op == "update":
                _put_back(c, change)


def _require_unchanged(c: Any, kept: uuid.UUID, changes: Sequence[Change]) -> None:
    """Copies of papers and numbers must still be as the join wrote them, or be there at least."""
    for table, column in (("identity_document", "doc_no"), ("student_number", "number_no")):
        copies = [ch.key[column] for ch in changes if ch.table == table and ch.op == "insert"]
        closed = [
            ch.key[column]
            for ch in changes
            if ch.table == table and ch.op == "update" and ch.key["person_id"] == str(kept)
        ]
        c.execute(f"select max({column}) from {table} where person_id = %s", [kept])
        newest = c.fetchone()[0]
        if newest is not None and newest > max([*copies, *closed], default=newest):
            raise BadValue(_("合并以后证件或学籍号又有变动, 请先更正证件, 再撤销合并"))


def _put_back(c: Any, change: Change) -> None:
    if change.table == "person_profile":
        _put_back_profile(c, uuid.UUID(change.key["person_id"]), change.before)
        return
    values = {k: v for k, v in change.before.items() if k != "new"}
    where = " and ".join(f"{k} = %s" for k in change.key)
    later = change.before.get("new", {})
    types = {
        "until": "timestamptz", "birth_date": "date", "merged_into": "uuid", "file_id": "uuid", "taken_on": "date",
        "readers": "int[]", "klasses": "int[]",
    }  # fmt: skip
    sets = []
    args: list[Any] = []
    for name, value in values.items():
        kind = types.get(name, "text")
        if name in later:  # a fact that was changed since keeps its later value
            sets.append(
                f"{name} = case when {name} is not distinct from %s::{kind} then %s::{kind} else {name} end"
            )
            args += [later[name], value]
        else:
            sets.append(f"{name} = %s::{kind}")
            args.append(value)
    if change.table == "person":
        sets.append("version = version + 1")
    c.execute(f"update {change.table} set {', '.join(sets)} where {where}", [*args, *change.key.values()])


def _put_back_profile(c: Any, kept: uuid.UUID, before: Mapping[str, Any]) -> None:
    c.execute("select data, sealed, withheld from person_profile where person_id = %s", [kept])
    data, sealed, withheld = c.fetchone()
    data = as_object(data)
    secret = vault.open_json(sealed, places.profile(kept)) if sealed else {}
    for values, names, empty in (
        (data, before["filled"], before["empty"]),
        (secret, before["hidden"], before["blank"]),
    ):
        for name in names:
            values.pop(name, None)
        values.update(dict.fromkeys(empty, ""))
    body = vault.seal_json(secret, places.profile(kept)) if secret or before["was_sealed"] else None
    c.execute(
        "update person_profile set data = %s::jsonb, sealed = %s, withheld = %s, guarded = %s where person_id = %s",
        [
            json.dumps(data, ensure_ascii=False),
            body if before["hidden"] else sealed,
            [w for w in withheld if w not in before["refused"]],
            before["guarded"],
            kept,
        ],
    )
