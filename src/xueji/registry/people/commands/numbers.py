"""Student numbers: the national one's life (L, J, G), numbers of local schemes, serials without gaps."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.duty import commands as duty
from xueji.ground.policy.model import NumberScheme
from xueji.ground.policy.schemes import make_number, serial_limit, serial_scope
from xueji.ground.standards.idtypes import RESIDENT
from xueji.ground.standards.masking import mask_student_number

from .. import numbering, places
from ..errors import IllegalNumber, NumberProtected, NumberTaken, SerialsExhausted
from ..places import NATIONAL
from . import _rows


def issue_national_number(
    actor: Any, person_id: uuid.UUID, *, division: str, at: datetime, event_id: uuid.UUID | None = None
) -> int:
    """Give a child that has none the temporary number L (NAT-NUM-15, C-NUM-04); returns its number within
    the child.

    `division` is the school's. Whoever records children may, and whoever decides the case that asks for it. Raises
    `IllegalNumber` if the child has a national number, Http404.
    """
    if not actor.can("case.decide"):
        actor.require("student.edit")
    _rows.require_sight(person_id)
    with transaction.atomic(), acting("writer"):
        person = _rows.lock(person_id)
        if _current(person_id) is not None:
            raise IllegalNumber(_("该生已有全国学籍号，一人只有一个"))
        number_no = write_temporary(person, division, at=at, event_id=event_id)
    record(
        actor,
        "people.number.issue",
        object_type="person",
        object_id=person_id,
        person_id=person_id,
        after={"prefix": numbering.TEMPORARY, "number_no": number_no},
    )
    return number_no


def write_temporary(person: _rows.Locked, division: str, *, at: datetime, event_id: uuid.UUID | None) -> int:
    """Draw an L number that nobody ever had and write it as the current one."""
    tried: set[int] = set()
    while (tail := numbering.draw(tried)) is not None:
        tried.add(tail)
        value = numbering.temporary(division, person.birth_date, tail)
        number_no = _write(person, NATIONAL, value, "L", at=at, event_id=event_id)
        if number_no is not None:
            return number_no
    raise SerialsExhausted(_("这一天出生的临时学籍号已经用完"))


def propose_temporary(wanted: Sequence[tuple[str, date]]) -> list[str]:
    """L numbers for many children at once, none given before and none twice; `wanted` is (division, birth)
    each.

    Inside a transaction, in a writing role (`intake` or `writer`). Nothing is reserved: the insert into
    `number_lookup` decides. Three statements at most, however many children.
    """
    out: list[str | None] = [None] * len(wanted)
    used: dict[str, set[int]] = {}
    for _round in range(3):
        open_places = [i for i, value in enumerate(out) if value is None]
        if not open_places:
            break
        for i in open_places:
            division, birth = wanted[i]
            taken = used.setdefault(numbering.stem(division, birth), set())
            tail = numbering.draw(taken)
            if tail is None:
                raise SerialsExhausted(_("这一天出生的临时学籍号已经用完"))
            taken.add(tail)
            out[i] = numbering.temporary(division, birth, tail)
        given = _given([places.number_index(NATIONAL, str(out[i])) for i in open_places])
        for i in open_places:
            if places.number_index(NATIONAL, str(out[i])) in given:
                out[i] = None
    if any(value is None for value in out):
        raise SerialsExhausted(_("临时学籍号编号失败，请重试"))
    return [str(value) for value in out]


def _given(indexes: list[bytes]) -> set[bytes]:
    with connection.cursor() as c:
        c.execute(
            "select bidx from number_lookup where scheme = %s and bidx = any(%s::bytea[])",
            [NATIONAL, indexes],
        )
        return {bytes(row[0]) for row in c.fetchall()}


def promote(
    actor: Any,
    person_id: uuid.UUID,
    to: str,
    *,
    at: datetime,
    division: str = "",
    event_id: uuid.UUID | None = None,
    reason: str = "",
) -> int:
    """Make a temporary number formal: L to G or J, J to G (NAT-NUM-10 to 12, C-NUM-03, C-NUM-05).

    G takes a resident identity number that the population register confirmed; J is for children without one
    and takes the `division` of the school. The former number stays in the history. Raises `IllegalNumber`,
    Http404.
    """
    actor.require("case.decide")
    _rows.require_sight(person_id)
    with transaction.atomic(), acting("writer"):
        person = _rows.lock(person_id)
        current = _current(person_id)
        if current is None or (current[1], to) not in {("L", "G"), ("L", "J"), ("J", "G")}:
            raise IllegalNumber(_("只有临时学籍号（L）和无身份证号的学籍号（J）可以转为正式学籍号"))
        document = _document(person_id)
        if to == "G":
            if document is None or document[1] != RESIDENT:
                raise IllegalNumber(_("没有居民身份证号，不能编制以G开头的学籍号"))
            if person.check_state != "passed":
                raise IllegalNumber(_("身份信息还没有核验通过，暂时保留现在的学籍号"))
            number_no = _write_formal(person, document, at=at, event_id=event_id)
        else:
            if document is not None and document[1] == RESIDENT:
                raise IllegalNumber(_("该生有居民身份证号，应当编制以G开头的学籍号"))
            serial = allocate_serials(
                "national.J",
                numbering.stem(division, person.birth_date),
                1,
                limit=numbering.J_SERIALS,
            )[0]
            value = numbering.formal_without_id(division, person.birth_date, serial)
            _close(person_id, at)
            number_no = _taken(_write(person, NATIONAL, value, "J", at=at, event_id=event_id, reason=reason))
    record(
        actor,
        "people.number.promote",
        object_type="person",
        object_id=person_id,
        person_id=person_id,
        before={"prefix": current[1], "number_no": current[0]},
        after={"prefix": to, "number_no": number_no},
    )
    return number_no


def follow_identity(person: _rows.Locked, *, at: datetime, event_id: uuid.UUID | None) -> int | None:
    """After a changed identity number: a G number is made anew, the old one becomes former (NAT-NUM-14).

    L and J stay as they are, and so does a G number when the new paper is none of residents. In a writing
    role.
    """
    current = _current(person.person_id)
    document = _document(person.person_id)
    if current is None or current[1] != "G" or document is None or document[1] != RESIDENT:
        return None
    return _write_formal(person, document, at=at, event_id=event_id)


def add_number(
    actor: Any,
    person_id: uuid.UUID,
    scheme: str,
    value: str,
    *,
    at: datetime,
    event_id: uuid.UUID | None = None,
) -> int:
    """Give the child a number of a local scheme (学籍辅号, C-NUM-09). Raises `NumberTaken`, `IllegalNumber`,
    Http404.
    """
    actor.require("student.edit")
    if scheme == NATIONAL or scheme.startswith(NATIONAL + "."):
        raise IllegalNumber(_("全国学籍号由系统生成，不能手工填写"))
    _rows.require_sight(person_id)
    with transaction.atomic(), acting("writer"):
        person = _rows.lock(person_id)
        authorisation = duty.require_edit(
            actor, person_id, "basic", readers=person.readers, klasses=person.klasses
        )
        if _current(person_id, scheme) is not None:
            raise IllegalNumber(_("该生已有这种编号"))
        number_no = _taken(_write(person, scheme, value, "", at=at, event_id=event_id))
        duty.keep_edit(actor, person_id, "basic", ["auxiliary_number"], authorisation)
    record(
        actor,
        "people.number.add",
        object_type="person",
        object_id=person_id,
        person_id=person_id,
        after={"scheme": scheme, "number": mask_student_number(value), "number_no": number_no},
    )
    return number_no


def void_number(
    actor: Any,
    person_id: uuid.UUID,
    number_no: int,
    *,
    reason: str,
    at: datetime,
    event_id: uuid.UUID | None = None,
    proof: uuid.UUID | None = None,
) -> None:
    """Strike a number off. It is kept, marked, still finds the child, and is never given again (Settled 7).

    A G number is protected (NAT-NUM-13, C-NUM-07): only a province's head may, with the case (`proof`) that
    holds the papers. Raises `NumberProtected`, `IllegalNumber`, Http404.
    """
    actor.require("case.decide")
    if not reason.strip():
        raise IllegalNumber(_("请写明作废原因"))
    _rows.require_sight(person_id)
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        _rows.lock(person_id)
        c.execute(
            "select prefix, state, scheme from student_number where person_id = %s and number_no = %s",
            [person_id, number_no],
        )
        row = c.fetchone()
        if row is None or row[1] == "voided":
            raise IllegalNumber(_("没有可以作废的编号"))
        if row[0] == "G" and (actor.role != "province_head" or proof is None):
            raise NumberProtected(
                _("以G开头的学籍号不得删除。确属问题学籍的，由省级提交证明材料报教育部处理")
            )
        c.execute(
            "update student_number set state = 'voided', until = coalesce(until, %s), reason = %s,"
            " event_id = coalesce(%s, event_id) where person_id = %s and number_no = %s",
            [at, reason.strip()[:100], event_id, person_id, number_no],
        )
    record(
        actor,
        "people.number.void",
        object_type="person",
        object_id=person_id,
        person_id=person_id,
        purpose=reason.strip()[:200],
        before={"scheme": row[2], "prefix": row[0], "number_no": number_no, "state": row[1]},
        after={"state": "voided", "proof": str(proof) if proof else None},
    )


def allocate_serials(scheme: str, run: str, count: int, *, limit: int = 0) -> range:
    """The next `count` serials of a run, in one statement whose row is the run's lock until the transaction
    ends.

    A transaction that rolls back gives its serials back: no gap (HEB-NUM-02). Needs a transaction and a
    writing role (`writer` or `intake`). Raises `SerialsExhausted` beyond `limit`.
    """
    if count < 1:
        return range(0)
    with connection.cursor() as c:
        c.execute(
            "insert into number_counter as n (scheme, run, last) values (%s, %s, %s)"
            " on conflict (scheme, run) do update set last = n.last + excluded.last returning last",
            [scheme, run, count],
        )
        last = int(c.fetchone()[0])
    if limit and last > limit:
        raise SerialsExhausted(_("编号已用完：这一段最多 %(limit)d 个") % {"limit": limit})
    return range(last - count + 1, last + 1)


def allocate_aux(scheme: NumberScheme, parts: Mapping[str, str | int], count: int) -> list[str]:
    """The next `count` numbers of a scheme of a policy pack whose fixed parts are `parts`, without gaps.

    Needs a transaction and a writing role; set-based, two statements for any count. Raises
    `SerialsExhausted`, and ValueError (in words) for parts that do not fit or a scheme reserved to the
    nation (NAT-NUM-02).
    """
    serial = next(field.name for field in scheme.fields if field.kind == "serial")
    make_number(scheme, {**parts, serial: 1})
    run = serial_scope(scheme, {**parts, serial: 1})
    numbers = allocate_serials(scheme.id, run, count, limit=serial_limit(scheme))
    return [make_number(scheme, {**parts, serial: n}) for n in numbers]


# --- parts -------------------------------------------------------------------------------------------------


def _current(person_id: uuid.UUID, scheme: str = NATIONAL) -> tuple[int, str, int | None] | None:
    """(number_no, prefix, doc_no) of the number in force."""
    with connection.cursor() as c:
        c.execute(
            "select number_no, prefix, doc_no from student_number"
            " where person_id = %s and scheme = %s and state = 'current'",
            [person_id, scheme],
        )
        row: tuple[int, str, int | None] | None = c.fetchone()
        return row


def _document(person_id: uuid.UUID) -> tuple[int, str, str] | None:
    """(doc_no, type, number) of the document in force."""
    with connection.cursor() as c:
        c.execute(
            "select doc_no, id_type, sealed from identity_document where person_id = %s and until is null",
            [person_id],
        )
        row = c.fetchone()
    return (row[0], row[1], vault.open(row[2], places.document(person_id, row[0]))) if row else None


def _close(person_id: uuid.UUID, at: datetime, scheme: str = NATIONAL) -> None:
    with connection.cursor() as c:
        c.execute(
            "update student_number set state = 'former', until = %s"
            " where person_id = %s and scheme = %s and state = 'current'",
            [at, person_id, scheme],
        )


def _write_formal(
    person: _rows.Locked, document: tuple[int, str, str], *, at: datetime, event_id: uuid.UUID | None
) -> int:
    """G of a document: only the lookup row knows its value, the number's row points to the document."""
    doc_no, _type, identity = document
    number_no = _rows.next_no("student_number", "number_no", person.person_id)
    bidx = places.number_index(NATIONAL, numbering.formal(identity))
    claimed = _rows.claim(
        "number_lookup", scheme=NATIONAL, bidx=bidx, person_id=person.person_id, number_no=number_no
    )
    _close(person.person_id, at)
    if not claimed:
        return _take_up(person, bidx)
    _rows.insert(
        "student_number",
        person_id=person.person_id,
        number_no=number_no,
        scheme=NATIONAL,
        prefix="G",
        doc_no=doc_no,
        state="current",
        since=at,
        reason="",
        event_id=event_id,
        readers=person.readers,
        klasses=person.klasses,
    )
    return number_no


def _take_up(person: _rows.Locked, bidx: bytes) -> int:
    """Back to an earlier identity number: the child's own former G is in force again."""
    with connection.cursor() as c:
        c.execute(
            "update student_number n set state = 'current', until = null from number_lookup l"
            " where l.scheme = %s and l.bidx = %s and n.person_id = l.person_id and n.number_no = l.number_no"
            " and n.person_id = %s and n.state = 'former' returning n.number_no",
            [NATIONAL, bidx, person.person_id],
        )
        row = c.fetchone()
    if row is None:
        raise NumberTaken(_("这个学籍号已经用过，不能再次使用"))
    return int(row[0])


def _write(
    person: _rows.Locked,
    scheme: str,
    value: str,
    prefix: str,
    *,
    at: datetime,
    event_id: uuid.UUID | None,
    reason: str = "",
) -> int | None:
    """Claim and write a stored number as the current one of its scheme; None if it was ever given."""
    number_no = _rows.next_no("student_number", "number_no", person.person_id)
    bidx = places.number_index(scheme, value)
    if not _rows.claim(
        "number_lookup", scheme=scheme, bidx=bidx, person_id=person.person_id, number_no=number_no
    ):
        return None
    _rows.insert(
        "student_number",
        person_id=person.person_id,
        number_no=number_no,
        scheme=scheme,
        prefix=prefix,
        sealed=vault.seal(value, places.number(person.person_id, number_no)),
        state="current",
        since=at,
        reason=reason[:100],
        event_id=event_id,
        readers=person.readers,
        klasses=person.klasses,
    )
    return number_no


def _taken(number_no: int | None) -> int:
    if number_no is None:
        raise NumberTaken(_("这个编号已经用过，不能再次使用"))
    return number_no
