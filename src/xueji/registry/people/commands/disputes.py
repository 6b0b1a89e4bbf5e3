"""What the end of a dispute does to papers and numbers: the one place where a number changes its owner."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from xueji.ground.audit.commands import record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.standards.idtypes import RESIDENT
from xueji.ground.standards.masking import mask_identity

from .. import numbering, places
from ..places import NATIONAL
from . import _rows, numbers


def award_identity(
    actor: Any,
    id_type: str,
    number: str,
    to: uuid.UUID,
    *,
    at: datetime,
    event_id: uuid.UUID,
    source: str,
) -> uuid.UUID | None:
    """Give a disputed identity number to the person to whom it was decided to belong (C-DUP-05); returns who held it.

    The other person's document closes, a G number made of it is struck off and an L number takes its place. None
    when `to` holds the number already. Part of a decided problem (`source` is its number): the caller has checked.
    """
    actor.require("case.decide")
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        bidx = places.identity_index(id_type, number)
        c.execute(
            "select person_id, doc_no from identity_lookup where id_type = %s and bidx = %s", [id_type, bidx]
        )
        held = c.fetchone()
        if held is not None and held[0] == to:
            return None
        persons = sorted({to, *([held[0]] if held else [])})
        rows = {person: _rows.lock(person) for person in persons}
        loser = rows[held[0]] if held else None
        if loser is not None:
            c.execute(
                "update identity_document set until = %s where person_id = %s and doc_no = %s and until is null",
                [at, loser.person_id, held[1]],
            )
            c.execute("update person set check_state = 'unchecked' where person_id = %s", [loser.person_id])
        doc_no = _rows.next_no("identity_document", "doc_no", to)
        c.execute("update identity_document set until = %s where person_id = %s and until is null", [at, to])
        if loser is None:
            _rows.claim("identity_lookup", id_type=id_type, bidx=bidx, person_id=to, doc_no=doc_no)
        else:
            c.execute(
                "update identity_lookup set person_id = %s, doc_no = %s where id_type = %s and bidx = %s",
                [to, doc_no, id_type, bidx],
            )
        winner = rows[to]
        _rows.insert(
            "identity_document",
            person_id=to,
            doc_no=doc_no,
            id_type=id_type,
            sealed=vault.seal(number, places.document(to, doc_no)),
            since=at,
            readers=winner.readers,
            klasses=winner.klasses,
        )
        c.execute(
            "update person set check_state = 'unchecked', version = version + 1 where person_id = any(%s::uuid[])",
            [persons],
        )
        if loser is not None and id_type == RESIDENT:
            _hand_over(c, loser, winner, number, doc_no, at=at, event_id=event_id, source=source)
    record(
        actor,
        "people.identity.award",
        object_type="person",
        object_id=to,
        person_id=to,
        purpose=source,
        before={"held_elsewhere": loser is not None},
        after={"id_type": id_type, "number": mask_identity(number)},
    )
    return loser.person_id if loser is not None else None


def _hand_over(
    c: Any,
    loser: _rows.Locked,
    winner: _rows.Locked,
    number: str,
    doc_no: int,
    *,
    at: datetime,
    event_id: uuid.UUID,
    source: str,
) -> None:
    """A G number made of the identity number goes with it; whoever lost it gets an L number."""
    bidx = places.number_index(NATIONAL, numbering.formal(number))
    c.execute(
        "select number_no from number_lookup where scheme = %s and bidx = %s and person_id = %s",
        [NATIONAL, bidx, loser.person_id],
    )
    row = c.fetchone()
    if row is None:
        return
    c.execute(
        "update student_number set state = 'voided', until = coalesce(until, %s), reason = %s, event_id = %s"
        " where person_id = %s and number_no = %s returning number_no",
        [at, source[:100], event_id, loser.person_id, row[0]],
    )
    c.execute(
        "select 1 from student_number where person_id = %s and scheme = %s and state = 'current'",
        [loser.person_id, NATIONAL],
    )
    if c.fetchone() is None:
        c.execute(
            "select o.division from roster r join org o on o.id = r.school_id where r.person_id = %s"
            " and r.reason <> 'former' order by r.kind limit 1",
            [loser.person_id],
        )
        found = c.fetchone()
        numbers.write_temporary(loser, found[0] if found else "000000", at=at, event_id=event_id)
    new_no = _rows.next_no("student_number", "number_no", winner.person_id)
    c.execute(
        "update number_lookup set person_id = %s, number_no = %s where scheme = %s and bidx = %s",
        [winner.person_id, new_no, NATIONAL, bidx],
    )
    c.execute(
        "update student_number set state = 'former', until = %s"
        " where person_id = %s and scheme = %s and state = 'current'",
        [at, winner.person_id, NATIONAL],
    )
    _rows.insert(
        "student_number",
        person_id=winner.person_id,
        number_no=new_no,
        scheme=NATIONAL,
        prefix="G",
        doc_no=doc_no,
        state="current",
        since=at,
        reason=source[:100],
        event_id=event_id,
        readers=winner.readers,
        klasses=winner.klasses,
    )


def strike_temporary(
    actor: Any, person_id: uuid.UUID, *, reason: str, at: datetime, event_id: uuid.UUID
) -> None:
    """Strike off the temporary number of a record that ends as false or double; a formal one stays, closed for good
    with its record (NAT-NUM-13). It still finds the record and is never given again."""
    actor.require("case.decide")
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        _rows.lock(person_id)
        c.execute(
            "update student_number set state = 'voided', until = coalesce(until, %s), reason = %s, event_id = %s"
            " where person_id = %s and scheme = %s and state = 'current' and prefix = 'L'",
            [at, reason[:100], event_id, person_id, NATIONAL],
        )
        struck = c.rowcount
    record(
        actor,
        "people.number.void",
        object_type="person",
        object_id=person_id,
        person_id=person_id,
        purpose=reason[:200],
        after={"struck": struck},
    )
