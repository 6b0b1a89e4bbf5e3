"""Two records of one child become one: papers, numbers, names, family and form of the one that ends are
copied to the one that goes on, look-ups follow, and every change is told so that `parting` can take back just these.

Nothing is deleted by `join`: the record that ends keeps its rows, closed. Who may, and that two people decided, is the
business of the room that calls (duplicates).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting

from .. import places
from ..errors import BadValue
from ..places import NATIONAL
from .joined import Change, Joined, as_kept, as_object

#: Facts of the person that may be taken from either record.
FACTS = ("name", "sex", "birth_date", "ethnicity", "nationality", "former_name")
_PERSON = (
    "name, pinyin, initials, pinyin_sort, former_name, sex, birth_date, ethnicity, nationality, check_state, merged_into,"
    " readers, klasses"
)


def join(
    kept: uuid.UUID, merged: uuid.UUID, take: Mapping[str, str], *, at: datetime, event_id: uuid.UUID
) -> Joined:
    """Copy what `merged` has to `kept` and point the one to the other; `take` says for each fact ("name", "sex",
    "birth_date", "ethnicity", "nationality", "former_name", "identity", "photo") whose holds: "kept" or "merged".

    Needs the transaction of the deciding command. A fixed number of statements. Raises `BadValue` when one of the two
    is part of another record already, Http404.
    """
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        a, b = _both(c, kept, merged)
        out = Joined([], {})
        theirs = {what for what, whose in take.items() if whose == "merged"}
        papers = _papers(c, out, kept, merged, a, at, theirs="identity" in theirs)
        _numbers(c, out, kept, merged, a, papers, at, event_id, theirs="identity" in theirs)
        _names(c, out, kept, a, b, at, event_id, theirs)
        _family(c, out, kept, merged, a)
        _profile(c, out, kept, merged, a)
        _photo(c, out, kept, merged, a, theirs="photo" in theirs)
        _facts(c, out, kept, merged, a, b, theirs)
    return out


def _both(c: Any, kept: uuid.UUID, merged: uuid.UUID) -> tuple[dict[str, Any], dict[str, Any]]:
    c.execute(
        f"select person_id, {_PERSON} from person where person_id = any(%s::uuid[]) order by person_id for update",
        [[kept, merged]],
    )
    names = [d.name for d in c.description]
    rows = {row[0]: dict(zip(names, row, strict=True)) for row in c.fetchall()}
    if kept not in rows or merged not in rows or kept == merged:
        raise BadValue(_("要合并的档案不存在"))
    if rows[kept]["merged_into"] or rows[merged]["merged_into"]:
        raise BadValue(_("其中一份档案已经合并到别的档案, 请刷新后重新核对"))
    return rows[kept], rows[merged]


def _insert(c: Any, table: str, columns: str, rows: Sequence[Sequence[Any]], conflict: str = "") -> None:
    """Many rows in one statement."""
    if rows:
        one = "(" + ", ".join(["%s"] * len(rows[0])) + ")"
        c.execute(
            f"insert into {table} ({columns}) values {', '.join([one] * len(rows))} {conflict}",
            [value for row in rows for value in row],
        )


def _papers(
    c: Any,
    out: Joined,
    kept: uuid.UUID,
    merged: uuid.UUID,
    a: dict[str, Any],
    at: datetime,
    *,
    theirs: bool,
) -> dict[int, int]:
    """Copies of the papers; returns their numbers at `kept` by those at `merged`."""
    c.execute("select coalesce(max(doc_no), 0) from identity_document where person_id = %s", [kept])
    last = c.fetchone()[0]
    if theirs:
        _close(c, out, "identity_document", "doc_no", "until is null", kept, {"until": at})
    c.execute(
        "select doc_no, id_type, sealed, since, until from identity_document where person_id = %s order by doc_no",
        [merged],
    )
    rows, number = [], {}
    for no, (doc_no, id_type, sealed, since, until) in enumerate(c.fetchall(), last + 1):
        number[doc_no] = no
        value = vault.open(sealed, places.document(merged, doc_no))
        rows.append(
            (kept, no, id_type, vault.seal(value, places.document(kept, no)), since,
             until if theirs or until else at, a["readers"], a["klasses"])
        )  # fmt: skip
    _close(c, out, "identity_document", "doc_no", "until is null", merged, {"until": at})
    _insert(
        c, "identity_document", "person_id, doc_no, id_type, sealed, since, until, readers, klasses", rows
    )
    looked = _follow(c, "identity_lookup", "doc_no", kept, merged, number)
    out.changes += [
        Change("identity_document", "insert", {"doc_no": new}, {"from": old, "looked": old in looked})
        for old, new in number.items()
    ]
    return number


def _numbers(
    c: Any,
    out: Joined,
    kept: uuid.UUID,
    merged: uuid.UUID,
    a: dict[str, Any],
    papers: Mapping[int, int],
    at: datetime,
    event_id: uuid.UUID,
    *,
    theirs: bool,
) -> None:
    """Every number comes along and goes on finding the child; the national one in force is that of the papers taken."""
    c.execute(
        "select person_id, number_no, scheme, prefix, doc_no, sealed, state, since, until, reason, event_id"
        " from student_number where person_id = any(%s::uuid[]) order by number_no",
        [[kept, merged]],
    )
    found = c.fetchall()
    mine = [r for r in found if r[0] == kept]
    brought = [r for r in found if r[0] == merged]
    last = max((r[1] for r in mine), default=0)
    held = {r[2] for r in mine if r[6] == "current"}
    national = theirs and any(r[2] == NATIONAL and r[6] == "current" for r in brought)
    if national:
        _close(
            c, out, "student_number", "number_no", "state = 'current' and scheme = 'national'", kept,
            {"state": "former", "until": at},
        )  # fmt: skip
        held.discard(NATIONAL)
    rows, number = [], {}
    for no, (_p, old, scheme, prefix, doc_no, sealed, state, since, until, reason, own_event) in enumerate(
        brought, last + 1
    ):
        number[old] = no
        if state == "current" and scheme in held:
            state, until = "former", at
        body = None
        if sealed is not None:
            body = vault.seal(vault.open(sealed, places.number(merged, old)), places.number(kept, no))
        rows.append(
            (kept, no, scheme, prefix, papers.get(doc_no) if doc_no else None, body, state, since, until, reason,
             own_event or event_id, a["readers"], a["klasses"])
        )  # fmt: skip
    _close(
        c, out, "student_number", "number_no", "state = 'current'", merged, {"state": "former", "until": at}
    )
    _insert(
        c, "student_number",
        "person_id, number_no, scheme, prefix, doc_no, sealed, state, since, until, reason, event_id, readers, klasses",
        rows,
    )  # fmt: skip
    looked = _follow(c, "number_lookup", "number_no", kept, merged, number)
    out.changes += [
        Change("student_number", "insert", {"number_no": new}, {"from": old, "looked": old in looked})
        for old, new in number.items()
    ]


def _follow(
    c: Any, lookup: str, column: str, kept: uuid.UUID, merged: uuid.UUID, number: Mapping[int, int]
) -> set[int]:
    """The blind indexes of `merged` find `kept` from now on."""
    back = {new: old for old, new in number.items()}
    c.execute(
        f"update {lookup} l set person_id = %s, {column} = v.new from unnest(%s::int[], %s::int[]) as v(old, new)"
        f" where l.person_id = %s and l.{column} = v.old returning l.{column}",
        [kept, list(number), list(number.values()), merged],
    )
    return {back[row[0]] for row in c.fetchall()}


def _close(
    c: Any,
    out: Joined,
    table: str,
    column: str,
    where: str,
    person: uuid.UUID,
    values: dict[str, Any],
) -> None:
    """Set values on the rows in force of a person, remembering what stood there."""
    names = ", ".join(values)
    c.execute(
        f"with old as (select {column}, {names} from {table} where person_id = %s and {where})"
        f" update {table} t set {', '.join(f'{n} = %s' for n in values)} from old"
        f" where t.person_id = %s and t.{column} = old.{column} returning t.{column},"
        f" {', '.join(f'old.{n}' for n in values)}",
        [person, *values.values(), person],
    )
    for row in c.fetchall():
        before = {n: as_kept(v) for n, v in zip(values, row[1:], strict=True)}
        out.changes.append(Change(table, "update", {"person_id": str(person), column: row[0]}, before))


def _names(
    c: Any,
    out: Joined,
    kept: uuid.UUID,
    a: dict[str, Any],
    b: dict[str, Any],
    at: datetime,
    event_id: uuid.UUID,
    theirs: set[str],
) -> None:
    """Names that the child bore in either record stay findable as former ones."""
    c.execute(
        "select person_id, name_no, name, until from person_name where person_id = any(%s::uuid[]) order by name_no",
        [[kept, b["person_id"]]],
    )
    found = c.fetchall()
    last = max((no for person, no, _n, _u in found if person == kept), default=0)
    known = {name for person, _no, name, _u in found if person == kept}
    known.add(b["name"] if "name" in theirs else a["name"])
    rows: list[tuple[Any, ...]] = []
    other = a["name"] if "name" in theirs else b["name"]
    for name, until in [*((n, u) for p, _no, n, u in found if p != kept), (other, at)]:
        if name not in known:
            known.add(name)
            rows.append((kept, last + len(rows) + 1, name, until, event_id, a["readers"], a["klasses"]))
    _insert(c, "person_name", "person_id, name_no, name, until, event_id, readers, klasses", rows)
    out.changes += [Change("person_name", "insert", {"name_no": row[1]}) for row in rows]


def _family(c: Any, out: Joined, kept: uuid.UUID, merged: uuid.UUID, a: dict[str, Any]) -> None:
    """Family members whom only the other record knows; the same name and relation is the same person."""
    c.execute(
        "select person_id, guardian_no, name, relation, relation_note, is_guardian, sealed, since, until, guarded"
        " from guardian where person_id = any(%s::uuid[]) order by guardian_no",
        [[kept, merged]],
    )
    found = c.fetchall()
    mine = {(r[2], r[3]): r[1] for r in found if r[0] == kept}
    last = max((r[1] for r in found if r[0] == kept), default=0)
    rows: list[tuple[Any, ...]] = []
    for _p, old, name, relation, note, legal, sealed, since, until, guarded in (
        r for r in found if r[0] == merged
    ):
        if (name, relation) in mine:
            out.guardians[old] = mine[name, relation]
            continue
        no = last + len(rows) + 1
        out.guardians[old] = no
        body = None
        if sealed is not None:
            values = vault.open_json(sealed, places.guardian(merged, old))
            body = vault.seal_json(values, places.guardian(kept, no))
        rows.append(
            (kept, no, name, relation, note, legal, body, since, until, guarded, a["readers"], a["klasses"])
        )
        out.changes.append(Change("guardian", "insert", {"guardian_no": no}, {"from": old}))
    _insert(
        c, "guardian",
        "person_id, guardian_no, name, relation, relation_note, is_guardian, sealed, since, until, guarded, readers,"
        " klasses",
        rows,
    )  # fmt: skip


def _profile(c: Any, out: Joined, kept: uuid.UUID, merged: uuid.UUID, a: dict[str, Any]) -> None:
    """Fields of the form that `kept` lacks; what the family refused there is not taken from elsewhere either."""
    c.execute(
        "select person_id, data, sealed, withheld, guarded from person_profile where person_id = any(%s::uuid[])",
        [[kept, merged]],
    )
    found = {row[0]: row[1:] for row in c.fetchall()}
    if merged not in found:
        return
    data, sealed, withheld, guarded = found.get(kept, ("{}", None, [], False))
    data, theirs = as_object(data), as_object(found[merged][0])
    secret = vault.open_json(sealed, places.profile(kept)) if sealed else {}
    secrets = vault.open_json(found[merged][1], places.profile(merged)) if found[merged][1] else {}
    refused = set(withheld) | set(found[merged][2])
    filled = {k: v for k, v in theirs.items() if v and not data.get(k) and k not in refused}
    hidden = {k: v for k, v in secrets.items() if v and not secret.get(k) and k not in refused}
    body = vault.seal_json(secret | hidden, places.profile(kept)) if secret or hidden else None
    if kept not in found:
        _insert(
            c, "person_profile", "person_id, data, sealed, withheld, guarded, readers, klasses",
            [(kept, json.dumps(filled, ensure_ascii=False), body, sorted(refused), found[merged][3], a["readers"],
              a["klasses"])],
        )  # fmt: skip
        out.changes.append(Change("person_profile", "insert", {}))
        return
    c.execute(
        "update person_profile set data = %s::jsonb, sealed = %s, withheld = %s, guarded = guarded or %s"
        " where person_id = %s",
        [
            json.dumps(data | filled, ensure_ascii=False),
            body if hidden else sealed,
            list(withheld) + sorted(refused - set(withheld)),
            found[merged][3],
            kept,
        ],
    )
    before = {
        "filled": sorted(filled),
        "hidden": sorted(hidden),
        "empty": sorted(k for k in filled if k in data),
        "blank": sorted(k for k in hidden if k in secret),
        "refused": sorted(refused - set(withheld)),
        "guarded": guarded,
        "was_sealed": sealed is not None,
    }
    out.changes.append(Change("person_profile", "update", {"person_id": str(kept)}, before))


def _photo(
    c: Any, out: Joined, kept: uuid.UUID, merged: uuid.UUID, a: dict[str, Any], *, theirs: bool
) -> None:
    c.execute(
        "select person_id, file_id, taken_on, source from person_photo where person_id = any(%s::uuid[])",
        [[kept, merged]],
    )
    found = {row[0]: row[1:] for row in c.fetchall()}
    if merged not in found or (kept in found and not theirs):
        return
    c.execute(
        "insert into person_photo (person_id, file_id, taken_on, source, readers, klasses) values (%s, %s, %s, %s, %s, %s)"
        " on conflict (person_id) do update set file_id = excluded.file_id, taken_on = excluded.taken_on,"
        " source = excluded.source",
        [kept, *found[merged], a["readers"], a["klasses"]],
    )
    if kept in found:
        before = dict(zip(("file_id", "taken_on", "source"), map(as_kept, found[kept]), strict=True))
        out.changes.append(Change("person_photo", "update", {"person_id": str(kept)}, before))
    else:
        out.changes.append(Change("person_photo", "insert", {}))
    # Whoever reads the record that goes on opens the picture.
    c.execute(
        "with old as (select id, readers, klasses from stored_file where id = %s)"
        " update stored_file f set readers = %s, klasses = %s from old where f.id = old.id"
        " returning old.readers, old.klasses",
        [found[merged][0], a["readers"], a["klasses"]],
    )
    for readers, klasses in c.fetchall():
        key = {"id": str(found[merged][0])}
        out.changes.append(Change("stored_file", "update", key, {"readers": readers, "klasses": klasses}))


def _facts(
    c: Any,
    out: Joined,
    kept: uuid.UUID,
    merged: uuid.UUID,
    a: dict[str, Any],
    b: dict[str, Any],
    theirs: set[str],
) -> None:
    """The facts of the person as they were decided; the other record points to this one."""
    new: dict[str, Any] = {}
    for fact in FACTS:
        taken = b[fact] if fact in theirs else a[fact]
        if not taken and fact in ("ethnicity", "former_name"):
            taken = a[fact] or b[fact]
        if taken != a[fact]:
            new[fact] = taken
    if "name" in new:
        new |= {key: b[key] for key in ("pinyin", "initials", "pinyin_sort")}
    if "identity" in theirs and b["check_state"] != a["check_state"]:
        new["check_state"] = b["check_state"]
    for person, values, row in ((kept, new, a), (merged, {"merged_into": kept}, b)):
        sets = "".join(f"{name} = %s, " for name in values)
        c.execute(
            f"update person set {sets}version = version + 1 where person_id = %s", [*values.values(), person]
        )
        before = {name: as_kept(row[name]) for name in values}
        before["new"] = {name: as_kept(value) for name, value in values.items()}
        out.changes.append(Change("person", "update", {"person_id": str(person)}, before))
