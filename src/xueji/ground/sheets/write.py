"""Writing workbooks and CSV: tables, import templates, error books.

Every text is written as a text: nothing that a person typed becomes a formula or a link. Identifiers keep all
their digits because their columns are text. Only features that WPS keeps are used: classic notes, lists on a
hidden sheet.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Literal

import xlsxwriter
from django.utils.translation import gettext_lazy as _
from xlsxwriter.utility import xl_col_to_name

from .cells import ERROR_COLUMN, clean_control, is_dangerous, neutralise

MAX_ROWS = 1_048_576
TEMPLATE_ROWS = 10_000
ColumnKind = Literal["text", "number", "date"]
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": True,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetColumn:
    """One column of an export. `number` only for what is counted; every code, number of a document or phone
    is text.
    """

    label: str
    kind: ColumnKind = "text"
    width: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateField:
    """One column of an import template. `codes` names a list in `code_tables`; `identity` adds a gentle
    length check.
    """

    label: str
    required: bool = False
    help: str = ""
    example: str = ""
    codes: str = ""
    identity: bool = False
    width: float | None = None
    locked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RowIssue:
    """What is wrong with one row: `row` counts the data rows from 0, `column` from 0; None concerns the whole
    row.
    """

    row: int
    column: int | None
    message: str


def as_text(value: object) -> str:
    """A value as it stands in a text column: dates as 2026-11-22, truth as 是/否, None empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M") if value.time() != time() else value.strftime("%Y-%m-%d")
    if isinstance(value, date):
        return value.isoformat()
    return clean_control(str(value))


def _wide(text: str) -> float:
    return sum(2.1 if unicodedata.east_asian_width(char) in "WF" else 1.05 for char in text)


def _width(label: str, given: float | None) -> float:
    return given if given is not None else min(40.0, max(10.0, _wide(label) + 4))


class _Book:
    """A workbook in the making, with the few formats that all of ours share."""

    def __init__(self) -> None:
        self.buffer = io.BytesIO()
        self.book: Any = xlsxwriter.Workbook(self.buffer, dict(_OPTIONS))
        add = self.book.add_format
        self.text = add({"num_format": "@", "locked": False, "valign": "vcenter"})
        self.shut = add({"num_format": "@", "locked": True, "valign": "vcenter", "bg_color": "#F0F2F5"})
        # The quote mark tells programs that the text is a text even when its cell is edited: titles, notes and headings
        # carry names of schools and what somebody typed above a sheet.
        self.quoted = add({"num_format": "@", "locked": False, "valign": "vcenter", "quote_prefix": True})
        self.red = add(
            {
                "quote_prefix": True,
                "num_format": "@",
                "bg_color": "#FDECEA",
                "font_color": "#B42318",
                "border": 1,
                "border_color": "#B42318",
            }
        )
        self.day = add({"num_format": "yyyy-mm-dd", "locked": False, "valign": "vcenter"})
        self.note = add({"font_color": "#4E5969", "font_size": 9, "quote_prefix": True})
        self.title = add({"bold": True, "font_size": 14, "quote_prefix": True})
        head = {
            "bold": True,
            "quote_prefix": True,
            "border": 1,
            "border_color": "#7A8699",
            "text_wrap": True,
            "align": "center",
            "valign": "vcenter",
        }
        self.head = add({**head, "bg_color": "#EEF4FC", "num_format": "@"})
        self.must = add({**head, "bg_color": "#FFF4E0", "font_color": "#8F5200", "num_format": "@"})
        self.wrap = add({"text_wrap": True, "valign": "top", "quote_prefix": True})

    def put(self, sheet: Any, row: int, column: int, value: str, form: Any = None) -> None:
        """Write a text, never a formula."""
        if value or form in (self.red,):
            sheet.write_string(
                row, column, value, self.quoted if form is None and is_dangerous(value) else form
            )

    def bytes(self) -> bytes:
        """Close and hand over the file."""
        self.book.close()
        return self.buffer.getvalue()


def _page(sheet: Any, title: str, watermark: str, header_row: int) -> None:
    def esc(text: str) -> str:
        return text.replace("&", "&&")[:100]

    sheet.set_header(f"&L{esc(title)}&R{esc(watermark)}")
    sheet.set_footer("&C第 &P 页 / 共 &N 页")
    sheet.set_paper(9)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(header_row)


def write_table(
    columns: Sequence[SheetColumn],
    rows: Iterable[Sequence[object]],
    *,
    title: str = "",
    watermark: str = "",
    notes: Sequence[str] = (),
) -> bytes:
    """A workbook of one sheet: title, notes, frozen header with filter, then the rows as they come.

    Memory stays level whatever the number of rows. The watermark (who exported it, and when) stands above the
    table and on every printed page. Raises `ValueError` beyond what a sheet can hold (1,048,576 rows).
    """
    out = _Book()
    sheet = out.book.add_worksheet("数据")
    for index, column in enumerate(columns):
        sheet.set_column(
            index, index, _width(column.label, column.width), out.day if column.kind == "date" else out.text
        )
    row = 0
    if title:
        sheet.write_string(row, 0, clean_control(title), out.title)
        row += 1
    for note in [*notes, *([watermark] if watermark else [])]:
        sheet.write_string(row, 0, clean_control(note), out.note)
        row += 1
    header_row = row
    for index, column in enumerate(columns):
        sheet.write_string(row, index, column.label, out.head)
    kinds = [column.kind for column in columns]
    for values in rows:
        row += 1
        if row >= MAX_ROWS:
            raise ValueError(f"a sheet holds at most {MAX_ROWS} rows")
        for index, (kind, value) in enumerate(zip(kinds, values, strict=True)):
            if kind == "number" and isinstance(value, (int, float)) and not isinstance(value, bool):
                sheet.write_number(row, index, value)
            elif kind == "date" and isinstance(value, date) and value.year >= 1900:
                sheet.write_datetime(row, index, value, out.day)
            elif value is not None:
                out.put(sheet, row, index, as_text(value))
    sheet.freeze_panes(header_row + 1, min(1, len(columns) - 1))
    sheet.autofilter(header_row, 0, max(row, header_row), len(columns) - 1)
    _page(sheet, title, watermark, header_row)
    return out.bytes()


def write_template(
    fields: Sequence[TemplateField],
    code_tables: Mapping[str, Sequence[str]],
    *,
    meta: Mapping[str, str],
    rows: Iterable[Sequence[object]] = (),
    sheet_name: str = "学生信息",
    notes: Sequence[str] = (),
) -> bytes:
    """An import template: one heading per field with its note, dropdowns from `code_tables`, all columns
    text.

    Headings are locked, data cells are free; sorting, filtering, adding and deleting rows stay allowed.
    `meta` (such as kind and version) is kept as custom properties that `SheetReader.meta` reads back. `rows`
    pre-fills it, for example with a class. A second sheet explains every field and bears the `notes`; columns that are
    `locked` cannot be typed over. Raises `KeyError` when a field names an unknown code table.
    """
    out = _Book()
    book = out.book
    sheet = book.add_worksheet(sheet_name)
    guide = book.add_worksheet("填写说明")
    codes = book.add_worksheet("代码表")
    used = list(dict.fromkeys(field.codes for field in fields if field.codes))
    names = _write_codes(out, codes, used, code_tables)
    for index, field in enumerate(fields):
        sheet.set_column(index, index, _width(field.label, field.width), out.text)
        sheet.write_string(
            0,
            index,
            f"{field.label} *" if field.required else field.label,
            out.must if field.required else out.head,
        )
        sheet.write_comment(0, index, _note(field), {"x_scale": 1.6, "y_scale": 1.1, "author": ""})
        column = xl_col_to_name(index)
        if field.codes:
            sheet.data_validation(
                1, index, TEMPLATE_ROWS, index,
                {
                    "validate": "list", "source": f"={names[field.codes]}",
                    "error_title": field.label[:32], "error_message": str(_("请从下拉列表中选择。")),
                },
            )  # fmt: skip
        elif field.identity:
            sheet.data_validation(
                1, index, TEMPLATE_ROWS, index,
                {
                    "validate": "custom", "value": f"=LEN({column}2)=18", "error_type": "warning",
                    "error_title": field.label[:32],
                    "error_message": str(_("居民身份证号应为18位。其他证件可以继续。")),
                },
            )  # fmt: skip
    for number, values in enumerate(rows, start=1):
        for index, value in enumerate(values):
            form = out.shut if fields[index].locked else out.text
            out.put(sheet, number, index, as_text(value), None if is_dangerous(as_text(value)) else form)
    sheet.set_row(0, 32)
    sheet.freeze_panes(1, 1)
    allowed = (
        "format_cells",
        "format_columns",
        "format_rows",
        "insert_rows",
        "delete_rows",
        "sort",
        "autofilter",
    )
    sheet.protect(
        "", {**dict.fromkeys(allowed, True), "select_locked_cells": True, "select_unlocked_cells": True}
    )
    _write_guide(out, guide, fields, notes)
    for key, value in meta.items():
        book.set_custom_property(key, value, "text")
    return out.bytes()


def _note(field: TemplateField) -> str:
    parts = [str(_("必填")) if field.required else str(_("选填"))]
    if field.codes:
        parts.append(str(_("从下拉列表中选择")))
    if field.help:
        parts.append(field.help)
    if field.example:
        parts.append(str(_("示例：%(example)s")) % {"example": field.example})
    return f"{field.label}\n" + "\n".join(parts)


def _write_codes(
    out: _Book, sheet: Any, used: list[str], tables: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """The lists, one column each, on a hidden sheet: the long lists that WPS and Excel both keep."""
    names = {}
    lists = [tables[name] for name in used]
    for row in range(max((len(values) for values in lists), default=0) + 1):
        for index, values in enumerate(lists):
            if row == 0:
                sheet.write_string(0, index, used[index], out.head)
            elif row <= len(values):
                out.put(sheet, row, index, as_text(values[row - 1]))
    for index, (name, values) in enumerate(zip(used, lists, strict=True)):
        names[name] = f"xueji_codes_{index + 1}"
        column = xl_col_to_name(index)
        out.book.define_name(names[name], f"=代码表!${column}$2:${column}${max(len(values), 1) + 1}")
    sheet.protect()
    sheet.hide()
    return names


def _write_guide(out: _Book, sheet: Any, fields: Sequence[TemplateField], notes: Sequence[str]) -> None:
    for index, (label, width) in enumerate((("列名", 22), ("是否必填", 10), ("填写要求", 60), ("示例", 28))):
        sheet.set_column(index, index, width)
        sheet.write_string(0, index, label, out.head)
    for row, field in enumerate(fields, start=1):
        rule = field.help or (str(_("从下拉列表中选择")) if field.codes else "")
        values = (field.label, str(_("必填")) if field.required else str(_("选填")), rule, field.example)
        for index, value in enumerate(values):
            sheet.write_string(row, index, value, out.wrap)
    for row, note in enumerate(notes, start=len(fields) + 2):
        sheet.write_string(row, 0, clean_control(note), out.note)
    sheet.freeze_panes(1, 0)


def write_error_book(
    header: Sequence[str], rows: Iterable[Sequence[object]], issues: Iterable[RowIssue]
) -> bytes:
    """The rows as they were sent, with what is wrong: a first column 错误说明, faulty cells red with a note.

    It can be corrected and uploaded again as it is: readers pass over the first column.
    """
    by_row: dict[int, list[RowIssue]] = {}
    for issue in issues:
        by_row.setdefault(issue.row, []).append(issue)
    out = _Book()
    sheet = out.book.add_worksheet("待更正")
    sheet.set_column(0, 0, 48, out.text)
    sheet.write_string(0, 0, ERROR_COLUMN, out.must)
    for index, label in enumerate(header, start=1):
        sheet.set_column(index, index, _width(label, None), out.text)
        sheet.write_string(0, index, clean_control(label), out.head)
    for number, values in enumerate(rows):
        found = by_row.get(number, [])
        row = number + 1
        if found:
            told = "；".join(
                f"{header[i.column]}：{i.message}"
                if i.column is not None and i.column < len(header)
                else i.message
                for i in found
            )
            out.put(sheet, row, 0, as_text(told), out.red)
        faulty: dict[int, list[str]] = {}
        for issue in found:
            if issue.column is not None:
                faulty.setdefault(issue.column, []).append(issue.message)
        cells = list(values) + [""] * (max(faulty, default=-1) + 1 - len(values))
        for index, value in enumerate(cells):
            if index in faulty:
                out.put(sheet, row, index + 1, as_text(value), out.red)
                note = clean_control("；".join(faulty[index]))[:1000]
                sheet.write_comment(row, index + 1, note, {"x_scale": 1.6, "author": ""})
            else:
                out.put(sheet, row, index + 1, as_text(value))
    sheet.freeze_panes(1, 1)
    return out.bytes()


def write_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """CSV in UTF-8 with a byte-order mark, which Excel and WPS open as it is; formulas are neutralised."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([neutralise(as_text(label)) for label in header])
    for row in rows:
        writer.writerow([neutralise(as_text(value)) for value in row])
    return buffer.getvalue().encode("utf-8-sig")
