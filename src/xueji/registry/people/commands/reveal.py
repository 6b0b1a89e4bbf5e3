"""Plain text for a stated purpose: the only door behind the masks.

Reveal is a POST request of its own. It reads under row-level security, writes the audit entry, and gives the
text back inside the request's transaction; the middleware commits that transaction before any byte of the
answer leaves, and an answer whose commit failed is never sent. So the entry is always there before the text
is. Callers outside of a request open the transaction themselves and use the text only after it has ended.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from xueji.ground.audit.commands import record
from xueji.ground.crypto import vault
from xueji.ground.duty import queries as duty

from .. import groups, numbering, places
from ..errors import PurposeNeeded
from ..places import NATIONAL

#: Purposes offered as buttons; another may be typed.
REVEAL_PURPOSES = (
    gettext_noop("核对证件"),
    gettext_noop("联系监护人"),
    gettext_noop("办理业务"),
    gettext_noop("处理问题学籍"),
)
_SHORTEST = 4


def reveal(actor: Any, person_id: uuid.UUID, what: str, purpose: str) -> str:
    """One sensitive value in plain text (C-SEC-02); needs a stated purpose, a permission, and sight of the
    child.

    `what`: "identity" (document in force), "document:<no>", "number" (national number in force),
    "number:<no>", "phone" (the child's), "field:<key>" (national form), "guardian:<no>" (phone),
    "guardian:<no>:<key>". Raises `PurposeNeeded`, PermissionDenied, Http404 for children out of scope and
    values that are not there. The value's field group needs its own right besides.
    """
    actor.require("identity.reveal")
    groups.require(actor, what)
    if not duty.done(actor):
        raise PermissionDenied(_("查看完整信息前, 请先签署保密承诺书并完成保密培训"))
    stated = " ".join(purpose.split())[:200]
    if len(stated) < _SHORTEST:
        raise PurposeNeeded(_("请说明查看的用途（至少4个字）"))
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("reveal needs the transaction of its request")
    if getattr(connection, "_xueji_role", None) is not None:
        raise transaction.TransactionManagementError("reveal reads in the actor's own scope")
    text = _read(person_id, what)
    record(
        actor,
        "people.identity.reveal",
        object_type="person",
        object_id=what,
        person_id=person_id,
        purpose=stated,
    )
    return text


def _read(person_id: uuid.UUID, what: str) -> str:
    kind, _sep, rest = what.partition(":")
    if kind in ("identity", "document") and (kind == "document") == bool(rest):
        return _document(person_id, _whole(rest) if rest else None)
    if kind == "number":
        return _number(person_id, _whole(rest) if rest else None)
    if what == "phone":
        return _profile(person_id, "phone")
    if kind == "field":
        return _profile(person_id, rest)
    if kind == "guardian":
        no, _sep, key = rest.partition(":")
        return _guardian(person_id, _whole(no), key or "phone")
    raise Http404


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        raise Http404
    return int(text)


def _one(sql: str, args: list[Any]) -> tuple[Any, ...]:
    with connection.cursor() as c:
        c.execute(sql, args)
        row: tuple[Any, ...] | None = c.fetchone()
    if row is None:
        raise Http404
    return row


def _document(person_id: uuid.UUID, doc_no: int | None) -> str:
    which = "doc_no = %s" if doc_no is not None else "until is null"
    no, sealed = _one(
        f"select doc_no, sealed from identity_document where person_id = %s and {which}",
        [person_id, *([doc_no] if doc_no is not None else [])],
    )
    return vault.open(sealed, places.document(person_id, no))


def _number(person_id: uuid.UUID, number_no: int | None) -> str:
    which = "number_no = %s" if number_no is not None else "scheme = %s and state = 'current'"
    no, doc_no, sealed = _one(
        f"select number_no, doc_no, sealed from student_number where person_id = %s and {which}",
        [person_id, number_no if number_no is not None else NATIONAL],
    )
    if doc_no is not None:
        return numbering.formal(_document(person_id, doc_no))
    return vault.open(sealed, places.number(person_id, no))


def _profile(person_id: uuid.UUID, key: str) -> str:
    (sealed,) = _one("select sealed from person_profile where person_id = %s", [person_id])
    values = vault.open_json(sealed, places.profile(person_id)) if sealed else {}
    return _filled(values, key)


def _guardian(person_id: uuid.UUID, no: int, key: str) -> str:
    (sealed,) = _one("select sealed from guardian where person_id = %s and guardian_no = %s", [person_id, no])
    values = vault.open_json(sealed, places.guardian(person_id, no)) if sealed else {}
    return _filled(values, key)


def _filled(values: dict[str, str], key: str) -> str:
    if not values.get(key):
        raise Http404
    return str(values[key])
