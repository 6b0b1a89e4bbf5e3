"""Identity documents: claimed nation-wide, changed by decided cases, compared with the register."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.standards.identity import IdCheck, check_identity
from xueji.ground.standards.masking import mask_identity

from .. import places
from ..errors import BadValue, IdentityTaken
from . import _rows, numbers


@dataclass(frozen=True)
class IdentityChange:
    """What a change brought: the new document, the rosters' last-six index, the new G number if any."""

    doc_no: int
    last6: bytes
    number_no: int | None


def checked(id_type: str, raw: str, *, sex: str | None, birth: Any) -> IdCheck:
    """Check a number against the standard and the person. Raises `BadValue` with the first error."""
    found = check_identity(id_type, raw, on=timezone.localdate(), sex=sex, birth=birth)
    for problem in found.problems:
        if problem.severity == "error":
            raise BadValue(problem.message)
    return found


def claim(person_id: uuid.UUID, id_type: str, value: str, doc_no: int) -> int:
    """Claim an identity number for a person, for ever; returns the document that holds it: `doc_no`, or an
    earlier one of the same person. Raises `IdentityTaken` if somebody else has or had the number.

    The lookup's primary key decides between two that claim at once, in any schedule of transactions.
    """
    bidx = places.identity_index(id_type, value)
    if _rows.claim("identity_lookup", id_type=id_type, bidx=bidx, person_id=person_id, doc_no=doc_no):
        return doc_no
    with connection.cursor() as c:
        c.execute(
            "select person_id, doc_no from identity_lookup where id_type = %s and bidx = %s",
            [id_type, bidx],
        )
        holder, held = c.fetchone()
    if holder != person_id:
        raise IdentityTaken(_("这个证件号码已经登记在另一名学生名下，不能重复建立学籍"), holder)
    return int(held)


def write_document(
    person: _rows.Locked, id_type: str, value: str, at: datetime, *, doc_no: int | None = None
) -> int:
    """Claim the number and make it the person's current document; returns the document's number.

    A number that the person had before is taken up again: its document is opened anew.
    """
    wanted = doc_no or _rows.next_no("identity_document", "doc_no", person.person_id)
    doc_no = claim(person.person_id, id_type, value, wanted)
    if doc_no != wanted:
        with connection.cursor() as c:
            c.execute(
                "update identity_document set until = null where person_id = %s and doc_no = %s",
                [person.person_id, doc_no],
            )
        return doc_no
    _rows.insert(
        "identity_document",
        person_id=person.person_id,
        doc_no=doc_no,
        id_type=id_type,
        sealed=vault.seal(value, places.document(person.person_id, doc_no)),
        since=at,
        readers=person.readers,
        klasses=person.klasses,
    )
    return doc_no


def change_identity(
    actor: Any,
    person_id: uuid.UUID,
    id_type: str,
    number: str,
    *,
    event_id: uuid.UUID,
    at: datetime,
    verified: bool = True,
) -> IdentityChange:
    """Give the person another identity document (C-INF-04, NAT-CHG-01); the old one is closed and stays
    findable.

    Part of a decided case. `verified` says that the new number was compared with the population register and
    agreed: then a G number follows it (NAT-NUM-14); otherwise the person waits for the check and keeps the
    number. The caller brings the rosters along (`enrolment.commands.correct_roster(person_id,
    last6=change.last6)`). Raises `BadValue`, `IdentityTaken`, Http404.
    """
    actor.require("case.decide")
    _rows.require_sight(person_id)
    with transaction.atomic(), acting("writer"):
        person = _rows.lock(person_id)
        value = checked(id_type, number, sex=person.sex, birth=person.birth_date).value
        if not value:
            raise BadValue(_("请填写证件号码"))
        with connection.cursor() as c:
            c.execute(
                "update identity_document set until = %s where person_id = %s and until is null"
                " returning doc_no, id_type, sealed",
                [at, person_id],
            )
            old = c.fetchone()
            before = {"id_type": old[1], "number": _masked(person_id, old[0], old[2])} if old else None
            doc_no = write_document(person, id_type, value, at)
            c.execute(
                "update person set check_state = %s, version = version + 1 where person_id = %s",
                ["passed" if verified else "unchecked", person_id],
            )
        number_no = numbers.follow_identity(person, at=at, event_id=event_id) if verified else None
    record(
        actor,
        "people.identity.change",
        object_type="person",
        object_id=person_id,
        person_id=person_id,
        before=before,
        after={"id_type": id_type, "number": mask_identity(value), "verified": verified},
    )
    return IdentityChange(doc_no, places.last6_index(value), number_no)


def _masked(person_id: uuid.UUID, doc_no: int, sealed: bytes) -> str:
    return mask_identity(vault.open(sealed, places.document(person_id, doc_no)))


def record_check(actor: Any, person_id: uuid.UUID, passed: bool, *, source: str) -> None:
    """Keep the answer of the comparison with the population register (核验): it opens the way to a G number.

    `source` names the batch or the person that compared. Clerks only, and the case that decides.
    """
    actor.require("case.decide")
    state = "passed" if passed else "failed"
    _rows.require_sight(person_id)
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        before = _rows.lock(person_id).check_state
        c.execute(
            "update person set check_state = %s, version = version + 1 where person_id = %s",
            [state, person_id],
        )
    record(
        actor,
        "people.identity.check",
        object_type="person",
        object_id=person_id,
        person_id=person_id,
        purpose=source,
        before={"check_state": before},
        after={"check_state": state},
    )
