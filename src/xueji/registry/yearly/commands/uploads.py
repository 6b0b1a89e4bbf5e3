"""A placement list from a sheet: name, number and school by line; the lines that fit are placed, the others told."""

from __future__ import annotations

import re
import uuid
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting
from xueji.ground.sheets.errors import SheetError
from xueji.ground.sheets.read import open_pasted, open_sheet
from xueji.ground.standards.identity import normalise_identity
from xueji.ground.standards.idtypes import RESIDENT
from xueji.ground.standards.names import normalise_name
from xueji.registry.people import places
from xueji.registry.people.queries.lookups import schemes

from ..errors import YearlyError
from . import admission

MOST = 5000


@dataclass(frozen=True)
class Outcome:
    """What became of an uploaded list: how many were placed, and the lines that were not, with the reason."""

    placed: int
    problems: list[tuple[int, str, str]]


def place_list(actor: Any, *, data: bytes, file_name: str, text: str = "") -> Outcome:
    """Place the graduates named in a sheet (姓名, 学籍号或证件号, 升入学校), uploaded or pasted (C-GRA-05).

    A line that names nobody of the pool, or a school that is not the county's, is told and changes nothing. Raises
    PermissionDenied, `YearlyError` for a sheet that cannot be read.
    """
    actor.require("yearly.place")
    lines = _lines(data, file_name, text)
    with transaction.atomic():
        schools = _schools(actor)
        holders = _holders(actor, [line[2] for line in lines])
        problems: list[tuple[int, str, str]] = []
        wanted: dict[int, dict[uuid.UUID, tuple[int, str]]] = defaultdict(dict)
        seen: set[uuid.UUID] = set()
        for no, name, number, school in lines:
            found = [
                p for p in holders.get(_clean(number), ()) if p[1] == (normalise_name(name).value or name)
            ]
            target = schools.get(school.strip())
            if not found:
                problems.append((no, name, _("毕业生中没有姓名和号码都一致的学生")))
            elif target is None:
                problems.append((no, name, _("没有叫“%s”的学校, 或不是本单位主管") % school[:30]))
            elif found[0][0] in seen:
                problems.append((no, name, _("同一名学生在表中出现了两次")))
            else:
                seen.add(found[0][0])
                wanted[target][found[0][0]] = (no, name)
        placed = 0
        for target, persons in wanted.items():
            before = _placed(list(persons))
            for person in before:
                problems.append((*persons[person], _("已经分配, 没有改动")))
            fresh = [p for p in persons if p not in before]
            if not fresh:
                continue
            try:
                placed += admission.place(actor, person_ids=fresh, to_school_id=target)
            except YearlyError as error:
                problems += [(*persons[p], error.message) for p in fresh]
                continue
            now = _placed(fresh)
            problems += [(*persons[p], _("学段与学校不符, 没有分配")) for p in fresh if p not in now]
    return Outcome(placed, sorted(problems))


_HEADINGS = {
    "name": ("姓名", "学生姓名"),
    "number": ("学籍号", "身份证号", "证件号", "身份证件号", "号码"),
    "school": ("升入学校", "初中学校", "分配学校", "学校"),
}


def _lines(data: bytes, file_name: str, text: str) -> list[tuple[int, str, str, str]]:
    """Row number, name, number and school of each line."""
    try:
        sheet = open_sheet(data, filename=file_name) if data else open_pasted(text)
        known = [x for names in _HEADINGS.values() for x in names]
        header = sheet.find_header(known)
        sheet.alone(known)
        heading = {
            key: next((x for x in names if x in header.columns), "") for key, names in _HEADINGS.items()
        }
        lacking = [names[0] for key, names in _HEADINGS.items() if not heading[key]]
        if lacking:
            raise YearlyError(_("表头缺少: %s") % "、".join(lacking))
        out = []
        for no, cells in sheet.records(header):
            name, number, school = (str(cells[heading[key]]).strip() for key in ("name", "number", "school"))
            out.append((no, name, number, school))
            if len(out) > MOST:
                raise YearlyError(_("一次最多 %s 行, 请分开上传") % MOST)
    except SheetError as error:
        raise YearlyError(str(error)) from error
    if not out:
        raise YearlyError(_("表里没有数据"))
    return out


def _clean(number: str) -> str:
    return re.sub(r"[\s-]", "", normalise_identity(number))


def _schools(actor: Any) -> dict[str, int]:
    """The authority's schools by name, short name and code."""
    with connection.cursor() as c:
        c.execute(
            "select s.org_id, o.name, o.short_name, s.school_code from school s join org o on o.id = s.org_id"
            " where s.county_id = %s and o.valid_to is null limit 2000",
            [actor.org_id],
        )
        return {str(word): row[0] for row in c.fetchall() for word in row[1:] if word}


def _holders(actor: Any, numbers: list[str]) -> dict[str, list[tuple[uuid.UUID, str]]]:
    """Graduates of the authority by their numbers: two look-ups for any number of lines."""
    kinds = schemes()
    by_number: dict[bytes, str] = {}
    by_identity: dict[bytes, str] = {}
    for raw in numbers:
        value = _clean(raw)
        if not 6 <= len(value) <= 30:
            continue
        for scheme in kinds:
            by_number[places.number_index(scheme, value)] = value
        body = value[1:] if value[0] == "G" else value
        by_identity[places.identity_index(RESIDENT, body)] = value
    out: dict[str, list[tuple[uuid.UUID, str]]] = defaultdict(list)
    with acting("writer"), connection.cursor() as c:
        for table, keys in (("number_lookup", by_number), ("identity_lookup", by_identity)):
            c.execute(
                f"select l.bidx, r.person_id, r.name from {table} l join roster r on r.person_id = l.person_id"
                " where l.bidx = any(%s) and r.county_id = %s and r.kind = 1 and r.reason = 'enrolled' and r.status = 12",
                [list(keys), actor.org_id],
            )
            for bidx, person, name in c.fetchall():
                value = keys[bytes(bidx)]
                if (person, name) not in out[value]:
                    out[value].append((person, name))
    return out


def _placed(persons: list[uuid.UUID]) -> set[uuid.UUID]:
    with acting("writer"), connection.cursor() as c:
        c.execute(
            "select person_id from admission where person_id = any(%s::uuid[])"
            " and state in ('asked', 'released', 'placed')",
            [persons],
        )
        return {r[0] for r in c.fetchall()}
