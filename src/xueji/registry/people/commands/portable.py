"""A person's record as it travels to another installation and back: everything in clear, to be sealed on the way.

Keys inside of the person (document and number counts) are made anew where the record arrives: a child may have been
there before. What identifies the person travels whole: papers and numbers held now and before.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.crypto import vault
from xueji.ground.standards.identity import normalise_identity
from xueji.ground.standards.idtypes import id_types
from xueji.ground.standards.pinyin import pinyin_of

from .. import numbering, places
from ..errors import BadValue, NumberTaken
from . import _rows, identity, persons

_PERSON = (
    "name",
    "former_name",
    "sex",
    "birth_date",
    "ethnicity",
    "nationality",
    "check_state",
)
_STATES = frozenset({"current", "former", "voided"})
_CHECKS = frozenset({"unchecked", "passed", "failed", "manual", "verified"})
MOST = 60


def take_out(person_id: uuid.UUID) -> dict[str, Any]:
    """All that is known of a person, as JSON in clear. In a writing role; the caller has checked and audits."""
    with connection.cursor() as c:
        c.execute(f"select {', '.join(_PERSON)} from person where person_id = %s", [person_id])
        out: dict[str, Any] = dict(zip(_PERSON, c.fetchone(), strict=True))
        out |= {"person_id": str(person_id), "birth_date": out["birth_date"].isoformat()}
        c.execute(
            "select doc_no, id_type, sealed, since, until from identity_document where person_id = %s"
            " order by doc_no",
            [person_id],
        )
        papers = {
            no: {
                "id_type": id_type,
                "number": vault.open(sealed, places.document(person_id, no)),
                "since": since.isoformat(),
                "until": until.isoformat() if until else None,
            }
            for no, id_type, sealed, since, until in c.fetchall()
        }
        out["documents"] = list(papers.values())
        c.execute(
            "select number_no, scheme, prefix, doc_no, sealed, state, since, until, reason from student_number"
            " where person_id = %s order by number_no",
            [person_id],
        )
        out["numbers"] = [
            {
                "scheme": scheme,
                "prefix": prefix,
                "number": numbering.formal(papers[doc_no]["number"])
                if doc_no is not None
                else vault.open(sealed, places.number(person_id, no)),
                "derived": doc_no is not None,
                "state": state,
                "since": since.isoformat(),
                "until": until.isoformat() if until else None,
                "reason": reason,
            }
            for no, scheme, prefix, doc_no, sealed, state, since, until, reason in c.fetchall()
        ]
        c.execute("select name, until from person_name where person_id = %s order by name_no", [person_id])
        out["names"] = [{"name": name, "until": until.isoformat()} for name, until in c.fetchall()]
        c.execute(
            "select guardian_no, name, relation, relation_note, is_guardian, sealed, since, until from guardian"
            " where person_id = %s order by guardian_no",
            [person_id],
        )
        out["guardians"] = [
            {
                "name": name,
                "relation": relation,
                "relation_note": note,
                "is_guardian": legal,
                "sealed": vault.open_json(sealed, places.guardian(person_id, no)) if sealed else {},
                "since": since.isoformat() if since else None,
                "until": until.isoformat() if until else None,
            }
            for no, name, relation, note, legal, sealed, since, until in c.fetchall()
        ]
        c.execute("select data, sealed from person_profile where person_id = %s", [person_id])
        row = c.fetchone()
        data, sealed = row if row else ({}, None)
        open_part = data if isinstance(data, dict) else json.loads(data or "{}")
        out["profile"] = open_part | (
            vault.open_json(sealed, places.profile(person_id)) if sealed is not None else {}
        )
    return out


def take_in(
    record: Mapping[str, Any], *, readers: Sequence[int], klasses: Sequence[int], at: datetime
) -> uuid.UUID:
    """Write a person that came from another installation; returns its key here.

    A person who was here before, known by any of the papers, is brought up to date and keeps the key of then. In a
    writing role; the caller has made sure that nobody else's present record is meant, and audits. Raises `BadValue`,
    `IdentityTaken`, `NumberTaken`.
    """
    try:
        return _take_in(record, list(readers), list(klasses), at)
    except (KeyError, TypeError, AttributeError) as error:
        raise BadValue(_("对方发来的学籍档案不完整")) from error


def holder_of(record: Mapping[str, Any]) -> uuid.UUID | None:
    """Who here holds or held one of the papers or numbers of a travelling record. In a writing role."""
    with connection.cursor() as c:
        for paper in record.get("documents", [])[:MOST]:
            c.execute(
                "select person_id from identity_lookup where id_type = %s and bidx = %s",
                [
                    paper["id_type"],
                    places.identity_index(paper["id_type"], normalise_identity(paper["number"])),
                ],
            )
            if row := c.fetchone():
                return uuid.UUID(str(row[0]))
        for number in record.get("numbers", [])[:MOST]:
            c.execute(
                "select person_id from number_lookup where scheme = %s and bidx = %s",
                [number["scheme"], places.number_index(number["scheme"], number["number"])],
            )
            if row := c.fetchone():
                return uuid.UUID(str(row[0]))
    return None


def _take_in(record: Mapping[str, Any], readers: list[int], klasses: list[int], at: datetime) -> uuid.UUID:
    name = persons.clean_name(record["name"])
    keys = pinyin_of(name)
    born = date.fromisoformat(record["birth_date"])
    person_id = holder_of(record) or _key_for(uuid.UUID(record["person_id"]), name, born)
    if record["sex"] not in {"0", "1", "2", "9"} or record["check_state"] not in _CHECKS:
        raise BadValue(_("对方发来的学籍档案不完整"))
    with connection.cursor() as c:
        c.execute(
            "insert into person (person_id, name, pinyin, initials, pinyin_sort, former_name, sex, birth_date,"
            "  ethnicity, nationality, check_state, version, created_at, readers, klasses)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 1, %s, %s, %s)"
            " on conflict (person_id) do update set name = excluded.name, pinyin = excluded.pinyin,"
            "  initials = excluded.initials, pinyin_sort = excluded.pinyin_sort,"
            "  former_name = excluded.former_name, sex = excluded.sex, birth_date = excluded.birth_date,"
            "  ethnicity = excluded.ethnicity, nationality = excluded.nationality,"
            "  check_state = excluded.check_state, version = person.version + 1",
            [
                person_id, name, keys.full, keys.initials, keys.sort,
                persons.clean_name(record["former_name"]) if record["former_name"] else "",
                record["sex"], born, record["ethnicity"], record["nationality"], record["check_state"],
                timezone.now(), readers, klasses,
            ],
        )  # fmt: skip
    person = _rows.lock(person_id)
    numbers_of_papers = _papers(person, record["documents"][:MOST], at)
    _numbers(person, record["numbers"][:MOST], numbers_of_papers, at)
    _names(person, record["names"][:MOST])
    _family(person, record["guardians"][:MOST])
    _profile(person, record["profile"])
    return person_id


def _key_for(key: uuid.UUID, name: str, born: date) -> uuid.UUID:
    """The key that the record brings; a new one if somebody else has it here: nobody's record is written over."""
    with connection.cursor() as c:
        c.execute("select name, birth_date from person where person_id = %s", [key])
        row = c.fetchone()
    return key if row is None or row == (name, born) else uuid.uuid4()


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _papers(person: _rows.Locked, papers: Sequence[Mapping[str, Any]], at: datetime) -> dict[str, int]:
    """Claim and write the papers; returns the number that each has here, by its own number."""
    out: dict[str, int] = {}
    with connection.cursor() as c:
        c.execute(
            "update identity_document set until = %s where person_id = %s and until is null",
            [at, person.person_id],
        )
        for paper in papers:
            value = normalise_identity(str(paper["number"]))
            if paper["id_type"] not in id_types() or not 4 <= len(value) <= 30:
                raise BadValue(_("对方发来的证件号码不能识别"))
            wanted = _rows.next_no("identity_document", "doc_no", person.person_id)
            no = identity.claim(person.person_id, paper["id_type"], value, wanted)
            until = _moment(paper["until"])
            if no != wanted:
                c.execute(
                    "update identity_document set until = %s where person_id = %s and doc_no = %s",
                    [until, person.person_id, no],
                )
            else:
                _rows.insert(
                    "identity_document",
                    person_id=person.person_id,
                    doc_no=no,
                    id_type=paper["id_type"],
                    sealed=vault.seal(value, places.document(person.person_id, no)),
                    since=_moment(paper["since"]) or at,
                    until=until,
                    readers=person.readers,
                    klasses=person.klasses,
                )
            out[value] = no
    return out


def _numbers(
    person: _rows.Locked, numbers: Sequence[Mapping[str, Any]], papers: Mapping[str, int], at: datetime
) -> None:
    with connection.cursor() as c:
        c.execute(
            "update student_number set state = 'former', until = coalesce(until, %s)"
            " where person_id = %s and state = 'current'",
            [at, person.person_id],
        )
        for item in numbers:
            scheme, value, state = str(item["scheme"]), str(item["number"]), str(item["state"])
            if state not in _STATES or not 4 <= len(value) <= 30:
                raise BadValue(_("对方发来的学籍号不能识别"))
            if scheme != places.NATIONAL and state == "current":
                # A number of the other place's own scheme stays findable; here it is one that was borne before.
                state = "former"
            until = _moment(item["until"]) or (at if state != "current" else None)
            no = _rows.next_no("student_number", "number_no", person.person_id)
            bidx = places.number_index(scheme, value)
            if not _rows.claim(
                "number_lookup", scheme=scheme, bidx=bidx, person_id=person.person_id, number_no=no
            ):
                c.execute(
                    "update student_number n set state = %s, until = %s from number_lookup l"
                    " where l.scheme = %s and l.bidx = %s and n.person_id = l.person_id"
                    " and n.number_no = l.number_no and n.person_id = %s",
                    [state, until, scheme, bidx, person.person_id],
                )
                if not c.rowcount:
                    raise NumberTaken(_("这个学籍号在本系统已由另一名学生使用"))
                continue
            doc_no = papers.get(value[1:]) if item["derived"] else None
            _rows.insert(
                "student_number",
                person_id=person.person_id,
                number_no=no,
                scheme=scheme,
                prefix=str(item["prefix"])[:1],
                doc_no=doc_no,
                sealed=None if doc_no else vault.seal(value, places.number(person.person_id, no)),
                state=state,
                since=_moment(item["since"]) or at,
                until=until,
                reason=str(item["reason"])[:100],
                readers=person.readers,
                klasses=person.klasses,
            )


def _names(person: _rows.Locked, names: Sequence[Mapping[str, Any]]) -> None:
    with connection.cursor() as c:
        c.execute("select name from person_name where person_id = %s", [person.person_id])
        known = {row[0] for row in c.fetchall()}
    for item in names:
        if item["name"] not in known:
            _rows.insert(
                "person_name",
                person_id=person.person_id,
                name_no=_rows.next_no("person_name", "name_no", person.person_id),
                name=persons.clean_name(item["name"]),
                until=_moment(item["until"]),
                event_id=uuid.uuid4(),
                readers=person.readers,
                klasses=person.klasses,
            )


def _family(person: _rows.Locked, family: Sequence[Mapping[str, Any]]) -> None:
    """The family as the other side knows it; members that only this side knew end today."""
    with connection.cursor() as c:
        for no, item in enumerate(family, 1):
            new = persons.NewGuardian(
                name=item["name"],
                relation=str(item["relation"])[:2],
                relation_note=str(item["relation_note"])[:30],
                is_guardian=bool(item["is_guardian"]),
                sealed=item["sealed"],
            )
            c.execute(
                "insert into guardian (person_id, guardian_no, name, relation, relation_note, is_guardian, sealed,"
                "  since, until, readers, klasses) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
                " on conflict (person_id, guardian_no) do update set name = excluded.name,"
                "  relation = excluded.relation, relation_note = excluded.relation_note,"
                "  is_guardian = excluded.is_guardian, sealed = excluded.sealed, since = excluded.since,"
                "  until = excluded.until",
                [
                    person.person_id, no, persons.clean_name(new.name), new.relation, new.relation_note,
                    new.is_guardian, persons.sealed_guardian(person.person_id, no, new),
                    item["since"], item["until"], person.readers, person.klasses,
                ],
            )  # fmt: skip
        c.execute(
            "update guardian set until = %s where person_id = %s and guardian_no > %s and until is null",
            [timezone.localdate(), person.person_id, len(family)],
        )


def _profile(person: _rows.Locked, values: Mapping[str, str]) -> None:
    data, secret = persons.split_profile(values)
    with connection.cursor() as c:
        c.execute(
            "insert into person_profile (person_id, data, sealed, readers, klasses)"
            " values (%s, %s::jsonb, %s, %s, %s) on conflict (person_id) do update set data = excluded.data,"
            " sealed = excluded.sealed",
            [
                person.person_id,
                json.dumps(data, ensure_ascii=False),
                vault.seal_json(secret, places.profile(person.person_id)) if secret else None,
                person.readers,
                person.klasses,
            ],
        )
