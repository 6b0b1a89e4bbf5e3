"""Rows that come back: opened, changed, checked again and put in the old one's place. In the role `intake`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from xueji.ground.crypto import vault
from xueji.ground.sheets.cells import Cell
from xueji.ground.sheets.read import SheetReader
from xueji.ground.standards.text import as_text

from . import staging
from .checker import Checker
from .columns import ROW, Mapping
from .packing import unpack
from .places import SchoolFacts
from .suggest import neighbours, suggest


def opened(person_id: Any, raw: bytes | memoryview) -> list[Any]:
    """What was typed in a row, unsealed."""
    return list(unpack(vault.open(raw, f"staged_row.raw:{person_id}")))


def raw_row(batch_id: int, row_no: int) -> list[Any] | None:
    """What was typed in a row."""
    found = raw_rows(batch_id, [row_no])
    return found.get(row_no)


def raw_rows(batch_id: int, row_numbers: Sequence[int] | None = None) -> dict[int, list[Any]]:
    """What was typed in these rows, or (None) in all that cannot be published as they are."""
    with connection.cursor() as c:
        c.execute(
            "select row_no, person_id, raw from staged_row where batch_id = %s"
            + (" and row_no = any(%s)" if row_numbers is not None else " and state in ('error', 'duplicate')")
            + " order by row_no limit 50000",
            [batch_id, list(row_numbers)] if row_numbers is not None else [batch_id],
        )
        return {row: opened(person, raw) for row, person, raw in c.fetchall()}


def replace_rows(batch_id: int, school: SchoolFacts, mapping: Mapping, rows: dict[int, list[Cell]]) -> None:
    """Check rows and stage them instead of the former ones of the same numbers."""
    checker = Checker(school, mapping)
    lines = checker.check(sorted(rows.items()))
    staging.drop(batch_id, sorted(rows))
    staging.load(staging.encode(batch_id, lines))


@dataclass(frozen=True)
class Alike:
    """Rows of a batch in which the same was typed into a field and is wrong there."""

    key: str
    column: str
    typed: str
    message: str
    rows: tuple[int, ...]

    @property
    def n(self) -> int:
        """How many rows."""
        return len(self.rows)


#: What is a child's own is wrong in each row for itself: nobody gives forty children one name or one number.
OWN = ("name", "number", "phone", "serial", "email")


def is_own(key: str) -> bool:
    """Whether a field is a child's own, so that nobody mends it for many rows at once."""
    return any(word in key for word in OWN)


def alike(batch_id: int, mapping: Mapping, *, most: int = 2_000) -> list[Alike]:
    """Faults that can be mended for many rows at once, most frequent first; nothing of batches with more than `most`
    faulty rows, whose error book is the quicker way.
    """
    with connection.cursor() as c:
        c.execute(
            "select row_no, person_id, raw, issues from staged_row where batch_id = %s and state = 'error'"
            " order by row_no limit %s",
            [batch_id, most + 1],
        )
        found = c.fetchall()
    if len(found) > most:
        return []
    groups: dict[tuple[str, str], list[int]] = {}
    told: dict[tuple[str, str], tuple[str, str]] = {}
    for row_no, person, raw, issues in found:
        cells = None
        for issue in _list(issues):
            key = issue["field"]
            if issue["severity"] != "error" or is_own(key):
                continue
            cells = cells if cells is not None else opened(person, raw)
            at = mapping.columns.get(key)
            typed = as_text(cells[at]) if at is not None and at < len(cells) else ""
            rows = groups.setdefault((key, typed), [])
            if not rows or rows[-1] != row_no:
                rows.append(row_no)
            told.setdefault((key, typed), (issue["column"], issue["message"]))
    out = [
        Alike(key, *told[key, typed][:1], typed, told[key, typed][1], tuple(rows))
        for (key, typed), rows in groups.items()
    ]
    return sorted((a for a in out if a.n > 1), key=lambda a: (-a.n, a.key, a.typed))[:30]


def offered(
    batch_id: int, mapping: Mapping, key: str, school: SchoolFacts, most: int
) -> list[tuple[int, str, list[Any]]]:
    """(row, value, what was typed) of the rows in which `key` is wrong, or disagrees with the identity number, and for
    which exactly one value is offered; of the first `most` faulty rows.
    """
    codes = {"sex": "id.sex_differs", "birth_date": "id.birth_differs"}
    with connection.cursor() as c:
        c.execute(
            "select row_no, person_id, raw, issues from staged_row where batch_id = %s and state = 'error'"
            " and (issues @> %s::jsonb or issues @> %s::jsonb) order by row_no limit %s",
            [
                batch_id,
                json.dumps([{"field": key, "severity": "error"}]),
                json.dumps([{"field": "id_number", "code": codes.get(key, "none")}]),
                most,
            ],
        )
        found = c.fetchall()
    out = []
    for row_no, person, raw, issues in found:
        cells = opened(person, raw)

        def typed(name: str, cells: list[Any] = cells) -> Any:
            at = mapping.columns.get(name)
            return cells[at] if at is not None and at < len(cells) else ""

        values = set()
        for issue in _list(issues):
            if issue["field"] == key:
                values |= {
                    s.value
                    for s in suggest(key, issue["code"], typed, today=school.today, school_code=school.code)
                }
            elif issue["field"] == "id_number":
                beside = neighbours(issue["code"], typed, today=school.today)
                values |= {beside[key].value} if key in beside else set()
        if len(values) == 1:
            out.append((row_no, values.pop(), cells))
    return out


def corrections(reader: SheetReader, came: Mapping, mapping: Mapping, batch_id: int) -> dict[int, list[Any]]:
    """Rows of an error book that are rows of the batch still: the cells it has replace the former ones."""
    changed: dict[int, dict[str, Any]] = {}
    for row in reader.rows(after=came.header_row):
        at = came.columns[ROW]
        number = str(row.cells[at]) if at < len(row.cells) else ""
        if number.isdigit():
            changed[int(number)] = {
                key: row.cells[place] if place < len(row.cells) else ""
                for key, place in came.columns.items()
                if key != ROW
            }
    rows = raw_rows(batch_id, sorted(changed))
    for row_no, cells in rows.items():
        for key, value in changed[row_no].items():
            place = mapping.place(key)
            cells.extend([""] * (place + 1 - len(cells)))
            cells[place] = value
    return rows


def faults(batch_id: int, limit: int = 100_000) -> list[dict[str, Any]]:
    """Every finding of a batch: row, field, column, original, understood, code, message, severity; notes too."""
    with connection.cursor() as c:
        c.execute(
            "select row_no, issues, notes from staged_row where batch_id = %s and (issues <> '[]' or notes <> '[]')"
            " order by row_no limit %s",
            [batch_id, limit],
        )
        out = []
        for row_no, issues, notes in c.fetchall():
            out += [{"row": row_no, **i} for i in _list(issues)]
            out += [
                {"row": row_no, **n, "code": "note", "message": "", "severity": "note"} for n in _list(notes)
            ]
        return out


def _list(value: Any) -> list[dict[str, Any]]:
    return json.loads(value) if isinstance(value, str) else value
