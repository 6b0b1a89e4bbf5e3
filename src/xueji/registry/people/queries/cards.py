"""A person at a glance, the papers, the numbers, the family: all of it masked, all of it under row-level
security.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django.db import connection
from django.http import Http404
from django.utils.translation import gettext as _

from xueji.ground.crypto import vault
from xueji.ground.policy.library import library
from xueji.ground.standards.codes import UnknownCode, table
from xueji.ground.standards.identity import SEX_WORDS
from xueji.ground.standards.masking import mask_identity, mask_phone, mask_student_number

from .. import groups, numbering, places

LIMIT = 500


def code_label(codeset: str, code: str) -> str:
    """The name of a code, or the code itself when its table does not know it."""
    if not code:
        return ""
    try:
        return table(codeset).label(code)
    except UnknownCode:
        return code


def kind_label(prefix: str) -> str:
    """What kind of national number a letter means."""
    return {"G": _("正式学籍号"), "J": _("正式学籍号（无身份证号）"), "L": _("临时学籍号")}.get(prefix, "")


@lru_cache(maxsize=256)
def scheme_title(scheme: str) -> str:
    """What the policy pack calls a local number (学籍辅号)."""
    packs = library()
    found = (s.title for name in packs.ids() for s in packs.pack(name).schemes if s.id == scheme)
    return next(found, _("学籍辅号"))


def check_label(state: str) -> str:
    """Chinese word of the comparison with the population register."""
    return {"passed": _("已核验"), "failed": _("核验未通过"), "unchecked": _("待核验")}.get(state, state)


@dataclass(frozen=True)
class PersonCard:
    """What a page shows of a person. `identity` and `number` are masked."""

    person_id: uuid.UUID
    name: str
    former_name: str
    pinyin: str
    sex: str
    birth_date: date
    ethnicity: str
    nationality: str
    check_state: str
    merged_into: uuid.UUID | None
    version: int
    id_type: str
    identity: str
    number_prefix: str
    number: str
    has_photo: bool

    @property
    def sex_label(self) -> str:
        """男 or 女."""
        return SEX_WORDS.get(self.sex, "")

    @property
    def ethnicity_label(self) -> str:
        """Name of the ethnic group."""
        return code_label("ethnicity", self.ethnicity)

    @property
    def nationality_label(self) -> str:
        """Name of the country."""
        return code_label("country_gb2659", self.nationality)

    @property
    def id_type_label(self) -> str:
        """Name of the paper's type."""
        return code_label("id_type", self.id_type)

    @property
    def check_label(self) -> str:
        """Whether the identity was compared with the population register."""
        return check_label(self.check_state)

    @property
    def number_kind(self) -> str:
        """Temporary or formal number; the letter gives no more and no fewer rights."""
        return kind_label(self.number_prefix)


def card(actor: Any, person_id: uuid.UUID) -> PersonCard:
    """One person. Raises Http404 when the actor may not see the whole record."""
    found = cards(actor, [person_id])
    if not found:
        raise Http404
    return found[person_id]


def cards(actor: Any, person_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, PersonCard]:
    """Those of these people that the actor may see, by key, in one query (at most 500: ask page by page)."""
    with connection.cursor() as c:
        c.execute(
            "select p.person_id, p.name, p.former_name, p.pinyin, p.sex, p.birth_date, p.ethnicity,"
            "  p.nationality, p.check_state, p.merged_into, p.version, d.doc_no, d.id_type, d.sealed,"
            "  n.number_no, n.prefix, n.sealed, n.doc_no, nd.sealed, f.person_id is not null"
            " from person p"
            " left join identity_document d on d.person_id = p.person_id and d.until is null"
            " left join student_number n on n.person_id = p.person_id and n.scheme = %s"
            "   and n.state = 'current'"
            " left join identity_document nd on nd.person_id = n.person_id and nd.doc_no = n.doc_no"
            " left join person_photo f on f.person_id = p.person_id"
            " where p.person_id = any(%s::uuid[])",
            [places.NATIONAL, list(person_ids)[:LIMIT]],
        )
        rows = c.fetchall()
    identity = groups.may(actor, "identity")
    return {row[0]: _card(row, identity) for row in rows}


def _card(row: tuple[Any, ...], identity_too: bool) -> PersonCard:
    person_id = row[0]
    doc_no, id_type, doc_sealed, number_no, prefix, number_sealed, number_doc, number_doc_sealed = row[11:19]
    if not identity_too:
        id_type = doc_sealed = None
    identity = vault.open(doc_sealed, places.document(person_id, doc_no)) if doc_sealed else ""
    number = _masked_number(person_id, number_no, number_sealed, number_doc, number_doc_sealed)
    shown: tuple[Any, ...] = (id_type or "", mask_identity(identity), prefix or "", number, row[19])
    values: tuple[Any, ...] = row[:11] + shown
    return PersonCard(*values)


def _masked_number(
    person_id: uuid.UUID,
    number_no: int | None,
    sealed: bytes | None,
    doc_no: int | None,
    doc_sealed: bytes | None,
) -> str:
    """A number masked; one that contains the identity number is derived from its document."""
    if doc_no is not None and doc_sealed is not None:
        return mask_student_number(
            numbering.formal(vault.open(doc_sealed, places.document(person_id, doc_no)))
        )
    if number_no is not None and sealed is not None:
        return mask_student_number(vault.open(sealed, places.number(person_id, number_no)))
    return ""


@dataclass(frozen=True)
class DocumentRow:
    """An identity document held now (`until` None) or before."""

    doc_no: int
    id_type: str
    label: str
    masked: str
    since: datetime
    until: datetime | None


def documents(actor: Any, person_id: uuid.UUID) -> list[DocumentRow]:
    """The person's papers, newest first; none for whoever may not see identity."""
    if not groups.may(actor, "identity"):
        return []
    with connection.cursor() as c:
        c.execute(
            "select doc_no, id_type, sealed, since, until from identity_document where person_id = %s"
            " order by doc_no desc limit 50",
            [person_id],
        )
        return [
            DocumentRow(
                no,
                id_type,
                code_label("id_type", id_type),
                mask_identity(vault.open(sealed, places.document(person_id, no))),
                since,
                until,
            )
            for no, id_type, sealed, since, until in c.fetchall()
        ]


@dataclass(frozen=True)
class NumberRow:
    """A student number held now or before."""

    number_no: int
    scheme: str
    prefix: str
    masked: str
    state: str
    since: datetime
    until: datetime | None
    reason: str

    @property
    def label(self) -> str:
        """What kind of number it is."""
        return kind_label(self.prefix) or scheme_title(self.scheme)

    @property
    def state_label(self) -> str:
        """In force, former or struck off."""
        return {"current": _("当前"), "former": _("曾用"), "voided": _("已作废")}.get(self.state, "")


def numbers(actor: Any, person_id: uuid.UUID) -> list[NumberRow]:
    """Every number the person has or had, national first, newest first (C-NUM-05, C-NUM-08)."""
    with connection.cursor() as c:
        c.execute(
            "select n.number_no, n.scheme, n.prefix, n.sealed, n.doc_no, d.sealed, n.state, n.since, n.until,"
            "  n.reason from student_number n"
            " left join identity_document d on d.person_id = n.person_id and d.doc_no = n.doc_no"
            " where n.person_id = %s order by (n.scheme = %s) desc, n.number_no desc limit 50",
            [person_id, places.NATIONAL],
        )
        return [
            NumberRow(
                no,
                scheme,
                prefix,
                _masked_number(person_id, no, sealed, doc_no, doc_sealed),
                state,
                since,
                until,
                reason,
            )
            for no, scheme, prefix, sealed, doc_no, doc_sealed, state, since, until, reason in c.fetchall()
        ]


@dataclass(frozen=True)
class GuardianRow:
    """A family member. `phone` and `id_number` are masked; `has` names the sealed values that can be
    revealed.
    """

    guardian_no: int
    name: str
    relation: str
    relation_note: str
    is_guardian: bool
    phone: str
    id_type: str
    id_number: str
    has: tuple[str, ...]
    since: date | None
    until: date | None

    @property
    def relation_label(self) -> str:
        """父亲, 母亲 ... with the note that explains 其他."""
        label = code_label("guardian_relation_template", self.relation)
        return f"{label}（{self.relation_note}）" if self.relation_note else label

    @property
    def id_type_label(self) -> str:
        """Name of the paper's type."""
        return code_label("id_type", self.id_type)


def guardians(actor: Any, person_id: uuid.UUID) -> list[GuardianRow]:
    """The person's family members in the order of the form; what the actor may not see of them is blank."""
    if not groups.may(actor, "family"):
        return []
    contact, identity = groups.may(actor, "contact"), groups.may(actor, "identity")
    with connection.cursor() as c:
        c.execute(
            "select guardian_no, name, relation, relation_note, is_guardian, sealed, since, until"
            " from guardian where person_id = %s order by guardian_no limit 50",
            [person_id],
        )
        out = []
        for no, name, relation, note, is_guardian, sealed, since, until in c.fetchall():
            values = vault.open_json(sealed, places.guardian(person_id, no)) if sealed else {}
            out.append(
                GuardianRow(
                    no,
                    name,
                    relation,
                    note,
                    is_guardian,
                    mask_phone(values.get("phone")) if contact else "",
                    (values.get("id_type") or "") if identity else "",
                    mask_identity(values.get("id_number")) if identity else "",
                    tuple(
                        sorted(
                            k
                            for k, v in values.items()
                            if v and all(groups.may(actor, g) for g in groups.of_value(f"guardian:{no}:{k}"))
                        )
                    ),
                    since,
                    until,
                )
            )
        return out


def former_names(actor: Any, person_id: uuid.UUID) -> list[tuple[str, datetime]]:
    """Names that the person bore, with the moment until which, newest first."""
    with connection.cursor() as c:
        c.execute(
            "select name, until from person_name where person_id = %s order by name_no desc limit 50",
            [person_id],
        )
        return [(name, until) for name, until in c.fetchall()]


@dataclass(frozen=True)
class Portrait:
    """What the photo's address needs of a person."""

    name: str
    sex: str
    file_id: uuid.UUID | None


def portrait(actor: Any, person_id: uuid.UUID) -> Portrait:
    """The stored file of the photo in force, if there is one. Raises Http404 for a child out of scope."""
    with connection.cursor() as c:
        c.execute(
            "select p.name, p.sex, f.file_id from person p"
            " left join person_photo f on f.person_id = p.person_id where p.person_id = %s",
            [person_id],
        )
        row = c.fetchone()
    if row is None:
        raise Http404
    return Portrait(*row)


def auxiliary_numbers(actor: Any, person_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """The current auxiliary number (学籍辅号) of each of these people who has one, masked; nobody's without the right to
    identity. One query.
    """
    if not groups.may(actor, "identity"):
        return {}
    with connection.cursor() as c:
        c.execute(
            "select distinct on (person_id) person_id, number_no, sealed from student_number"
            " where person_id = any(%s::uuid[]) and scheme <> %s and state = 'current'"
            " order by person_id, number_no desc",
            [list(person_ids), places.NATIONAL],
        )
        return {p: _masked_number(p, no, sealed, None, None) for p, no, sealed in c.fetchall()}
