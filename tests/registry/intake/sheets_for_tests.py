"""Sheets for the tests of the intake: the bench's invented rows for a test school, with faults planted by field."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import xlsxwriter

from bench import sheets
from xueji.ground.standards.fields import field, fields
from xueji.registry.intake.models import ImportBatch


def body(count: int, code: str, *, start: int = 0) -> list[list[Any]]:
    """Clean rows of the full template for the school with this code."""
    return [list(row) for row in sheets.rows(count, code, start=start)]


def put(rows: list[list[Any]], at: int, **values: Any) -> None:
    """Set cells of row `at` (from 0) by field key."""
    for key, value in values.items():
        rows[at][field(key).index] = value


def book(rows: Sequence[Sequence[Any]], head: Sequence[str] | None = None) -> bytes:
    """An ordinary workbook with texts, numbers and dates as they are given."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "default_date_format": "yyyy-mm-dd"}) as out:
        sheet = out.add_worksheet("学生信息")
        for at, label in enumerate(head or sheets.header()):
            sheet.write_string(0, at, label)
        for number, cells in enumerate(rows, start=1):
            for at, value in enumerate(cells):
                if isinstance(value, str) and not value.startswith("="):
                    sheet.write_string(number, at, value)
                elif value is not None:
                    sheet.write(number, at, value)
    return buffer.getvalue()


def names() -> dict[str, int]:
    """Field keys and their columns."""
    return {f.key: f.index for f in fields()}


def told(found: Mapping[str, Any] | Any) -> dict[tuple[int, str], list[str]]:
    """Messages of a report by (row, field)."""
    out: dict[tuple[int, str], list[str]] = {}
    for fault in found.faults:
        if fault["severity"] != "note":
            out.setdefault((fault["row"], fault["field"]), []).append(fault["message"])
    return out


def fresh(batch: ImportBatch) -> ImportBatch:
    """The batch as it stands now."""
    batch.refresh_from_db()
    return batch
