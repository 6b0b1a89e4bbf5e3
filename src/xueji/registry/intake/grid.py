"""The sheet of a batch as a grid: every column, each cell with its state, what it was understood as, what it might be.

Reads only, in the role `intake` after the batch was found in the actor's scope. Numbers, telephones and addresses of
cells that are right stay masked: a person repairs what is wrong, and opens a row as a whole to see the rest (audited).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext_lazy

from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import School
from xueji.ground.sheets.cells import LostDigits
from xueji.ground.standards.fields import fields
from xueji.ground.standards.text import as_text

from . import asked, queries, repair
from .cells import mask
from .columns import EXTRAS, GRADE, STAGE, Mapping
from .models import ImportBatch
from .suggest import Suggestion, neighbours, suggest

PAGE = 30
_RANK = {"error": 3, "warning": 2, "note": 1, "ok": 0}
WORDS = {
    "ok": gettext_lazy("正确"),
    "note": gettext_lazy("已自动改"),
    "warning": gettext_lazy("提醒"),
    "error": gettext_lazy("错误"),
}
#: What a row can be asked for, as the page's filter names it.
STATES = {
    "todo": ("error", "duplicate"),
    "error": ("error",),
    "duplicate": ("duplicate",),
    "warning": ("warning",),
    "good": ("ok", "warning"),
    "all": ("ok", "warning", "error", "duplicate"),
}


@dataclass(frozen=True)
class Column:
    """A column of the grid: a field that the sheet has, or that a fault asks for."""

    key: str
    label: str
    faults: int = 0
    required: bool = False


@dataclass(frozen=True)
class Offer:
    """A value that one click puts into a cell of the row (perhaps the cell beside)."""

    key: str
    value: str
    label: str
    why: str


@dataclass
class GridCell:
    """One cell: `shown` is what may be seen, `value` what an editor begins with (empty where `hidden`)."""

    key: str
    shown: str = ""
    value: str = ""
    hidden: bool = False
    state: str = "ok"
    messages: list[str] = field(default_factory=list)
    understood: str = ""
    offers: list[Offer] = field(default_factory=list)
    person: str = ""

    @property
    def word(self) -> str:
        """The state in a word."""
        return str(WORDS[self.state])


@dataclass
class GridRow:
    """One row of the sheet."""

    row_no: int
    state: str
    cells: list[GridCell]

    @property
    def state_label(self) -> str:
        """Chinese word of the row's state."""
        return queries.state_label(self.state)

    @property
    def tone(self) -> str:
        """Colour of the state's chip."""
        return queries.TONES[self.state]


@dataclass
class Sheet:
    """A page of the grid."""

    columns: list[Column]
    rows: list[GridRow]
    next_after: int | None = None
    alike: list[repair.Alike] = field(default_factory=list)


def columns_of(batch: ImportBatch, *, only: str = "") -> list[Column]:
    """Columns that the sheet has, in the order of the template, and those that faults name. `only` "faulty" leaves out
    the columns in which nothing is wrong; a key leaves that one.
    """
    mapping = Mapping.from_json(queries.columns_of(batch))
    counts: dict[str, int] = {}
    for fault in batch.counts.get("faults", []):
        if isinstance(fault, dict):
            counts[fault["field"]] = counts.get(fault["field"], 0) + fault["n"]
    said = asked.levels(batch.school_id)
    out = [
        Column(f.key, mapping.label(f.key), counts.get(f.key, 0), asked.demands(said, f))
        for f in fields()
        if f.key in mapping.columns or f.key in counts
    ]
    out += [
        Column(k, mapping.label(k) if k in mapping.columns else EXTRAS[k][0], counts.get(k, 0))
        for k in (GRADE, STAGE)
        if k in mapping.columns or k in counts
    ]
    if only == "faulty":
        out = [c for c in out if c.faults or c.key in ("name", "id_number")]
    elif only not in ("", "all"):
        out = [c for c in out if c.key in (only, "name")]
    return out


def page(
    batch: ImportBatch, *, show: str, fault: str = "", only: str = "", after: int = 0, limit: int = PAGE
) -> Sheet:
    """One page of the grid, in the order of the sheet, and what can be mended in many rows at once."""
    columns = columns_of(batch, only=only)
    query = _ROW + " and row_no > %s"
    args: list[Any] = [batch.pk, after]
    if fault:
        query += " and issues @> %s::jsonb and state <> 'ok'"
        args.append(json.dumps([{"field": fault}]))
    elif show == "noted":
        query += " and notes <> '[]'"
    else:
        query += " and state = any(%s)"
        args.append(list(STATES.get(show, STATES["todo"])))
    mapping = Mapping.from_json(queries.columns_of(batch))
    code = _school_code(batch)
    with transaction.atomic(), acting("intake"), connection.cursor() as c:
        c.execute(query + " order by row_no limit %s", [*args, limit + 1])
        found = c.fetchall()
        alike = repair.alike(batch.pk, mapping) if batch.counts.get("error", 0) > 1 and not after else []
    today = timezone.localdate()
    rows = [_row(line, mapping, columns, today, code) for line in found[:limit]]
    if fault:
        alike = [a for a in alike if a.key == fault]
    return Sheet(columns, rows, rows[-1].row_no if len(found) > limit else None, alike)


def one(batch: ImportBatch, row_no: int, *, only: str = "") -> GridRow:
    """One row as the grid shows it. Raises Http404."""
    with transaction.atomic(), acting("intake"), connection.cursor() as c:
        c.execute(_ROW + " and row_no = %s", [batch.pk, row_no])
        line = c.fetchone()
    if line is None:
        raise Http404
    mapping = Mapping.from_json(queries.columns_of(batch))
    return _row(line, mapping, columns_of(batch, only=only), timezone.localdate(), _school_code(batch))


_ROW = "select row_no, state, issues, notes, person_id, raw from staged_row where batch_id = %s"


def _school_code(batch: ImportBatch) -> str:
    return str(School.objects.filter(pk=batch.school_id).values_list("school_code", flat=True).first() or "")


def _row(
    line: Sequence[Any], mapping: Mapping, columns: Sequence[Column], today: date, school_code: str
) -> GridRow:
    row_no, state, issues, notes, person, raw = line
    typed_cells = repair.opened(person, raw)

    def typed(key: str) -> Any:
        at = mapping.columns.get(key)
        return typed_cells[at] if at is not None and at < len(typed_cells) else ""

    cells = {c.key: GridCell(c.key) for c in columns}
    for note in queries.as_json(notes):
        if note["field"] in cells:
            cell = cells[note["field"]]
            cell.state, cell.understood = "note", note["understood"]
    told = [(i, i.get("severity", "error")) for i in queries.as_json(issues)]
    for issue, severity in told:
        cell = cells.get(issue["field"]) or GridCell(issue["field"])
        if _RANK[severity] > _RANK[cell.state]:
            cell.state = severity
        if issue["message"] not in cell.messages:
            cell.messages.append(issue["message"])
        cell.person = cell.person or issue.get("person", "")
        if severity == "error":
            cell.offers += offers(issue["field"], issue["code"], typed, mapping, today, school_code)
    for cell in cells.values():
        value = typed(cell.key)
        text = value.shown if isinstance(value, LostDigits) else as_text(value)
        cell.shown = text if cell.state == "error" else mask(cell.key, value)
        cell.hidden = cell.shown != text
        cell.value = "" if cell.hidden else text
    return GridRow(row_no, state, list(cells.values()))


def offers(key: str, code: str, typed: Any, mapping: Mapping, today: date, school_code: str) -> list[Offer]:
    """What one click may put into a faulty cell, or into the cell beside it that disagrees with it."""
    out = [
        Offer(key, s.value, "", s.why)
        for s in suggest(key, code, typed, today=today, school_code=school_code)
    ]
    beside: dict[str, Suggestion] = neighbours(code, typed, today=today) if key == "id_number" else {}
    return out + [Offer(k, s.value, mapping.label(k), s.why) for k, s in beside.items()]
