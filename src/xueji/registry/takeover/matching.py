"""An export against the record: who is here, who is only there, and in which fields the two differ.

A fixed number of statements for any number of rows. Runs in the role `intake`; what leaves this module is masked.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from xueji.ground.crypto import vault
from xueji.ground.policy.statuses import Status
from xueji.ground.standards.fields import fields
from xueji.ground.standards.masking import mask_identity, mask_student_number
from xueji.registry.intake.cells import mask
from xueji.registry.intake.keys import Keys
from xueji.registry.intake.places import SchoolFacts
from xueji.registry.people import numbering, places

from .layout import NUMBER, STATUS
from .models import DifferenceKind, RowState
from .reading import Understood


@dataclass(frozen=True)
class Here:
    """A child of this school's register as the record has it."""

    person_id: uuid.UUID
    name: str
    sex: str
    birth_date: date
    status: int
    stage: str
    cohort: int
    class_number: int | None


@dataclass(frozen=True)
class Difference:
    """One difference, masked."""

    kind: str
    name: str
    place: str
    row_no: int | None = None
    person_id: uuid.UUID | None = None
    field: str = ""
    here: str = ""
    there: str = ""


@dataclass(frozen=True)
class Matched:
    """Every row with its state and the key of its child, and all differences."""

    rows: list[tuple[Understood, str, uuid.UUID]]
    differences: list[Difference]


def match(rows: Sequence[Understood], school: SchoolFacts, given: set[str]) -> Matched:
    """Find each row's child. `given` are the keys that the sheet has columns for: only those are compared."""
    holders = _holders(rows)
    roster = register(school.org_id)
    by_name: dict[tuple[str, str, str], list[Here]] = {}
    for one in roster.values():
        by_name.setdefault((one.name, one.sex, one.birth_date.isoformat()), []).append(one)
    keys = Keys()
    out: list[tuple[Understood, str, uuid.UUID]] = []
    pairs: list[tuple[Understood, Here]] = []
    found: list[Difference] = []
    taken: dict[uuid.UUID, int] = {}
    for row in rows:
        persons = {holders[k] for k in _lookups(row) if k in holders}
        if not persons:
            born = row.values.get("birth_date")
            same = by_name.get((row.values.get("name") or "", row.values.get("sex") or "", str(born)), [])
            persons = (
                {x.person_id for x in same} if len(same) == 1 and not row.values.get("id_number") else set()
            )
        if len(persons) == 1:
            row.known()
        if len(persons) > 1:
            row.fault(NUMBER, _("学籍号和身份证件号在本系统属于两名学生, 请先查明"))
        person = next(iter(persons)) if len(persons) == 1 else None
        if person in taken:
            row.fault("name", _("与第 %s 行是本系统的同一名学生") % taken[person])
        own = roster.get(person) if person else None
        if row.faulty:
            state = RowState.ERROR
        elif person is None:
            state = RowState.NEW
        else:
            state = RowState.HERE if own else RowState.ELSEWHERE
        if person is not None:
            taken.setdefault(person, row.row_no)
        key = person or uuid.UUID(keys.next())
        out.append((row, str(state), key))
        shown = place_words(row.stage, row.cohort, row.class_number, school)
        if state in (RowState.NEW, RowState.ELSEWHERE):
            there = Status(row.status).label
            note = _("在本系统的其他学校, 要办转学") if state == RowState.ELSEWHERE else ""
            found.append(
                Difference(
                    DifferenceKind.THERE, row.values["name"], shown, row.row_no, None, "", note, str(there)
                )
            )
        if own is not None and state == RowState.HERE:
            pairs.append((row, own))
            found += [
                Difference(
                    DifferenceKind.PENDING,
                    own.name,
                    shown,
                    row.row_no,
                    own.person_id,
                    p.business,
                    "",
                    _pending(p),
                )
                for p in row.pending
            ]
    found += _compare(pairs, school, given)
    found += [
        Difference(
            DifferenceKind.HERE, one.name, place_words(one.stage, one.cohort, one.class_number, school), None,
            one.person_id, "", str(Status(one.status).label), "",
        )
        for one in roster.values()
        # Who left long ago need not stand in an export of those who are there.
        if one.person_id not in taken and Status(one.status).is_open
    ]  # fmt: skip
    return Matched(out, found)


def place_words(stage: str, cohort: int, number: int | None, school: SchoolFacts) -> str:
    """三年级(2)班, or the cohort of those without a class."""
    if not stage or not cohort:
        return ""
    return school.label(stage, cohort, number) if number else _("%s级") % cohort


def _pending(p: Any) -> str:
    when = p.on.isoformat() if p.on else ""
    return " ".join(x for x in (p.word, when, p.progress, p.holder) if x)[:200]


def _lookups(row: Understood) -> list[tuple[str, bytes]]:
    keys: list[tuple[str, bytes]] = []
    if row.values.get("id_number"):
        kind = row.values["id_type"]
        keys.append(("id:" + kind, places.identity_index(kind, row.values["id_number"])))
    keys += [("no:", places.number_index(places.NATIONAL, n)) for n in (row.number, *row.former) if n]
    return keys


def _holders(rows: Sequence[Understood]) -> dict[tuple[str, bytes], uuid.UUID]:
    """Who holds or held the numbers of the sheet, in the whole installation; a merged record is its heir."""
    wanted = [key for row in rows for key in _lookups(row)]
    identities = [(k[3:], b) for k, b in wanted if k.startswith("id:")]
    with connection.cursor() as c:
        c.execute(
            "select 'id:' || l.id_type, l.bidx, coalesce(p.merged_into, p.person_id)"
            " from unnest(%s::text[], %s::bytea[]) w(id_type, bidx)"
            " join identity_lookup l on l.id_type = w.id_type and l.bidx = w.bidx join person p on p.person_id = l.person_id"
            " union all select 'no:', l.bidx, coalesce(p.merged_into, p.person_id)"
            " from unnest(%s::bytea[]) w(bidx) join number_lookup l on l.scheme = %s and l.bidx = w.bidx"
            " join person p on p.person_id = l.person_id",
            [
                [t for t, _b in identities],
                [b for _t, b in identities],
                [b for k, b in wanted if k == "no:"],
                places.NATIONAL,
            ],
        )
        return {(kind, bytes(bidx)): person for kind, bidx, person in c.fetchall()}


def register(school_id: int) -> dict[uuid.UUID, Here]:
    """The present register of a school. In the role `intake`."""
    with connection.cursor() as c:
        c.execute(
            "select r.person_id, r.name, r.sex, r.birth_date, r.status, r.stage, r.cohort_year, k.number from roster r"
            " left join school_class k on k.id = r.class_id where r.school_id = %s and r.kind = 1 and r.reason = 'enrolled'",
            [school_id],
        )
        return {row[0]: Here(*row) for row in c.fetchall()}


# --- fields ------------------------------------------------------------------------------------------------


def _compare(
    pairs: Sequence[tuple[Understood, Here]], school: SchoolFacts, given: set[str]
) -> list[Difference]:
    """What differs between a row and the child's record, field by field; only what the sheet says something about."""
    if not pairs:
        return []
    record = opened([one.person_id for _row, one in pairs])
    names = {f.key: f for f in fields()}
    out: list[Difference] = []
    for row, one in pairs:
        kept = record.get(one.person_id, {})
        shown = place_words(one.stage, one.cohort, one.class_number, school)
        there: dict[str, Any] = {k: v for k, v in row.values.items() if k in given and v not in (None, "")}
        there.pop("id_type", None)
        # What the record keeps elsewhere: family in its own rows, the place on the roster.
        there = {
            k: v
            for k, v in there.items()
            if not k.startswith("member") and k not in ("class_serial", "entry_month")
        }
        if row.number:
            there[NUMBER] = row.number
        if STATUS in given:
            there[STATUS] = str(Status(row.status).label)
        there["class_no"] = place_words(row.stage, row.cohort, row.class_number, school)
        here = {
            **kept,
            "name": one.name,
            "sex": one.sex,
            "birth_date": one.birth_date.isoformat(),
            STATUS: str(Status(one.status).label),
            "class_no": shown,
        }
        for key, value in there.items():
            new, old = str(value), str(here.get(key) or "")
            if new == old or (key == "class_no" and not row.class_number):
                continue
            out.append(
                Difference(
                    DifferenceKind.FIELD, one.name, shown, row.row_no, one.person_id, key, display(key, old, names),
                    display(key, new, names),
                )
            )  # fmt: skip
    return out


def display(key: str, value: str, names: Mapping[str, Any]) -> str:
    """A value as it may be shown: codes in words, numbers masked."""
    if not value:
        return "—"
    if key in (NUMBER, "auxiliary_number"):
        return mask_student_number(value)
    if key == "id_number":
        return mask_identity(value)
    spec = names.get(key)
    if spec is not None and spec.table is not None:
        try:
            return str(spec.table.label(value))[:200]
        except (KeyError, ValueError):
            return value[:200]
    return mask(key, value)[:200]


def opened(persons: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[str, str]]:
    """Papers, numbers and the profile of many children, opened: one statement each."""
    out: dict[uuid.UUID, dict[str, str]] = {p: {} for p in persons}
    with connection.cursor() as c:
        c.execute(
            "select p.person_id, p.ethnicity, p.nationality, p.former_name, f.data, f.sealed from person p"
            " left join person_profile f on f.person_id = p.person_id where p.person_id = any(%s)",
            [list(persons)],
        )
        for person, ethnicity, nationality, former, data, sealed in c.fetchall():
            opened = data if isinstance(data, dict) else json.loads(data or "{}")
            secret = vault.open_json(sealed, places.profile(person)) if sealed else {}
            out[person] |= {**opened, **secret}
            out[person] |= {"ethnicity": ethnicity, "nationality": nationality, "former_name": former}
        c.execute(
            "select person_id, doc_no, sealed from identity_document where person_id = any(%s) and until is null",
            [list(persons)],
        )
        documents: dict[tuple[uuid.UUID, int], str] = {}
        for person, doc_no, sealed in c.fetchall():
            value = documents[(person, doc_no)] = vault.open(sealed, places.document(person, doc_no))
            out[person]["id_number"] = value
        c.execute(
            "select person_id, number_no, scheme, doc_no, sealed from student_number"
            " where person_id = any(%s) and state = 'current'",
            [list(persons)],
        )
        for person, number_no, scheme, doc_no, sealed in c.fetchall():
            if sealed:
                value = vault.open(sealed, places.number(person, number_no))
            else:
                value = numbering.formal(documents.get((person, doc_no), ""))
            out[person][NUMBER if scheme == places.NATIONAL else "auxiliary_number"] = value
    return out
