"""Plain values of many children for a file that somebody's head allowed: the wide door beside `reveal`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.crypto import vault
from xueji.ground.duty import queries as duty

from .. import numbering, places

GROUPS = ("identity", "number", "phone", "address")
_STEP = 500


def release(
    actor: Any, person_ids: Sequence[uuid.UUID], groups: Sequence[str], *, purpose: str, about: str
) -> dict[uuid.UUID, dict[str, str]]:
    """The asked groups of values of those children whom the actor sees; read under row-level security.

    The caller has checked that it is allowed (office.exports) and works inside the request's transaction, which is
    committed before any byte of the answer leaves. Noted with the children and the application. Raises
    PermissionDenied.
    """
    actor.require("export.apply")
    if not duty.done(actor):
        raise PermissionDenied(_("查看完整信息前, 请先签署保密承诺书并完成保密培训"))
    wanted = [g for g in GROUPS if g in groups]
    out: dict[uuid.UUID, dict[str, str]] = {p: {} for p in person_ids}
    for some in _pieces(list(person_ids)):
        if "identity" in wanted or "number" in wanted:
            for person, group, value in _numbers(some):
                if group in wanted:
                    out[person][group] = value
        if "phone" in wanted or "address" in wanted:
            for person, group, value in _contacts(some):
                if group in wanted:
                    out[person].setdefault(group, value)
    record(
        actor,
        "people.release",
        object_type="export",
        object_id=about,
        purpose=purpose[:200],
        after={"groups": wanted},
        row_count=len(out),
        persons=list(out),
    )
    return out


def _pieces(ids: list[uuid.UUID]) -> Iterator[list[uuid.UUID]]:
    for i in range(0, len(ids), _STEP):
        yield ids[i : i + _STEP]


def _numbers(ids: list[uuid.UUID]) -> Iterator[tuple[uuid.UUID, str, str]]:
    with connection.cursor() as c:
        c.execute(
            "select d.person_id, d.doc_no, d.sealed from identity_document d"
            " where d.person_id = any(%s::uuid[]) and d.until is null",
            [ids],
        )
        for person, no, sealed in c.fetchall():
            yield person, "identity", vault.open(sealed, places.document(person, no))
        c.execute(
            "select n.person_id, n.number_no, n.sealed, n.doc_no, d.sealed from student_number n"
            " left join identity_document d on d.person_id = n.person_id and d.doc_no = n.doc_no"
            " where n.person_id = any(%s::uuid[]) and n.scheme = %s and n.state = 'current'",
            [ids, places.NATIONAL],
        )
        for person, no, sealed, doc_no, doc_sealed in c.fetchall():
            if doc_no is not None and doc_sealed is not None:
                yield (
                    person,
                    "number",
                    numbering.formal(vault.open(doc_sealed, places.document(person, doc_no))),
                )
            elif sealed is not None:
                yield person, "number", vault.open(sealed, places.number(person, no))


def _contacts(ids: list[uuid.UUID]) -> Iterator[tuple[uuid.UUID, str, str]]:
    with connection.cursor() as c:
        c.execute("select person_id, sealed from person_profile where person_id = any(%s::uuid[])", [ids])
        for person, sealed in c.fetchall():
            values = vault.open_json(sealed, places.profile(person)) if sealed else {}
            home = values.get("current_address") or values.get("home_address")
            if home:
                yield person, "address", str(home)
        c.execute(
            "select person_id, guardian_no, sealed from guardian where person_id = any(%s::uuid[]) and until is null"
            " order by person_id, is_guardian desc, guardian_no",
            [ids],
        )
        for person, no, sealed in c.fetchall():
            values = vault.open_json(sealed, places.guardian(person, no)) if sealed else {}
            for group in ("phone", "address"):
                if values.get(group):
                    yield person, group, str(values[group])
