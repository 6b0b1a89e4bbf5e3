"""Repair of rows that are not published: in place, or by an error book that goes out and comes back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.sheets.errors import SheetError
from xueji.ground.sheets.read import open_sheet

from .. import books, queries, repair
from ..columns import ROW, map_columns, name_of
from ..columns import Mapping as Columns
from ..errors import IntakeError
from ..parts import MENDED
from .bring import LIMITS, finish, opened, rest


def open_row(actor: Any, batch_id: int, row_no: int) -> dict[str, str]:
    """Everything that was typed in a row, by field, for the page that edits it whole: numbers in full, so it is in the
    audit. Raises Http404, `IntakeError`.
    """
    actor.require("intake.import")
    with transaction.atomic():
        values = queries.typed_values(actor, opened(actor, batch_id), row_no)
        record(
            actor, "intake.open_row", object_type="import_batch", object_id=batch_id, after={"row": row_no}
        )
    return values


def edit_row(actor: Any, batch_id: int, row_no: int, values: Mapping[str, str]) -> queries.RowView:
    """Put other values into a row that is not published, check it again, and the batch's duplicates.

    `values` has field keys; returns the row as it stands now. Raises Http404, `IntakeError`.
    """
    actor.require("intake.import")
    with transaction.atomic():
        batch = opened(actor, batch_id)
        school = queries.import_facts(batch.school_id)
        with acting("intake"):
            mapping = Columns.from_json(queries.columns_of(batch))
            before = repair.raw_row(batch_id, row_no)
            if before is None:
                raise Http404
            for key, text in values.items():
                name_of(key)
                at = mapping.place(key)
                before.extend([""] * (at + 1 - len(before)))
                before[at] = text.strip()
            repair.replace_rows(batch_id, school, mapping, {row_no: before})
            finish(batch_id, school, mapping, {MENDED: True}, assignment=rest(batch))
        record(
            actor,
            "intake.edit_row",
            object_type="import_batch",
            object_id=batch_id,
            after={"row": row_no, "fields": sorted(values)},
        )
    return queries.row(actor, batch_id, row_no)


def fix_alike(actor: Any, batch_id: int, key: str, typed: str, value: str) -> int:
    """Put one value into a field of every row in which the same was typed and is wrong; check them again.

    Returns how many rows. Raises `IntakeError` when there are none any more, Http404.
    """
    actor.require("intake.import")
    with transaction.atomic():
        batch = opened(actor, batch_id)
        school = queries.import_facts(batch.school_id)
        with acting("intake"):
            mapping = Columns.from_json(queries.columns_of(batch))
            found = next(
                (a for a in repair.alike(batch_id, mapping) if (a.key, a.typed) == (key, typed)), None
            )
            if found is None:
                raise IntakeError(_("这些行已经改过了, 请刷新页面查看"))
            rows = repair.raw_rows(batch_id, found.rows)
            at = mapping.place(key)
            for cells in rows.values():
                cells.extend([""] * (at + 1 - len(cells)))
                cells[at] = value.strip()
            repair.replace_rows(batch_id, school, mapping, rows)
            finish(batch_id, school, mapping, {MENDED: True}, assignment=rest(batch))
        record(
            actor,
            "intake.fix_alike",
            object_type="import_batch",
            object_id=batch_id,
            after={"field": key, "rows": len(rows)},
            row_count=len(rows),
        )
    return len(rows)


#: More faulty rows than this are for the workbook.
_MANY = 5_000


def fix_suggested(actor: Any, batch_id: int, key: str) -> int:
    """Put the one value that is offered for a field into every row in which the field is wrong and only one is offered;
    check them again. What is a child's own (name, numbers, telephones) is not mended in bulk.

    Returns how many rows. Raises `IntakeError` when nothing is offered, Http404.
    """
    actor.require("intake.import")
    if repair.is_own(key):
        raise IntakeError(_("姓名、号码这类内容请逐行核对后修改"))
    with transaction.atomic():
        batch = opened(actor, batch_id)
        school = queries.import_facts(batch.school_id)
        with acting("intake"):
            mapping = Columns.from_json(queries.columns_of(batch))
            rows: dict[int, list[Any]] = {}
            for row_no, value, cells in repair.offered(batch_id, mapping, key, school, _MANY):
                at = mapping.place(key)
                cells.extend([""] * (at + 1 - len(cells)))
                cells[at] = value
                rows[row_no] = cells
            if not rows:
                raise IntakeError(_("没有可以按建议修改的行"))
            repair.replace_rows(batch_id, school, mapping, rows)
            finish(batch_id, school, mapping, {MENDED: True}, assignment=rest(batch))
        record(
            actor,
            "intake.fix_alike",
            object_type="import_batch",
            object_id=batch_id,
            after={"field": key, "rows": len(rows), "by": "suggestion"},
            row_count=len(rows),
        )
    return len(rows)


def correct(actor: Any, batch_id: int, data: bytes, filename: str) -> int:
    """Take a corrected error book back: rows of the batch with the numbers in its column 行号 are replaced, nothing
    else changes. Returns how many. Raises `IntakeError` (also for a file that cannot be read), Http404.
    """
    actor.require("intake.import")
    with transaction.atomic():
        batch = opened(actor, batch_id)
        school = queries.import_facts(batch.school_id)
        try:
            reader = open_sheet(data, filename, limits=LIMITS)
            came = map_columns(reader, partial=True, remembered=school.headings, levels=school.levels)
        except SheetError as error:
            raise IntakeError(error.message_zh) from error
        if ROW not in came.columns:
            raise IntakeError(_("这不是从本批次下载的错误清单(没有“行号”列)。整份表格请另外上传为新的批次"))
        mapping = Columns.from_json(queries.columns_of(batch))
        with acting("intake"):
            rows = repair.corrections(reader, came, mapping, batch_id)
            if not rows:
                raise IntakeError(_("没有找到要更正的行: “行号”与本批次未发布的行都对不上"))
            repair.replace_rows(batch_id, school, mapping, rows)
            finish(batch_id, school, mapping, {MENDED: True}, assignment=rest(batch))
        record(
            actor,
            "intake.correct",
            object_type="import_batch",
            object_id=batch_id,
            after={"file": filename[-200:], "rows": len(rows), "sha256": hashlib.sha256(data).hexdigest()},
            row_count=len(rows),
        )
    return len(rows)


def error_book(actor: Any, batch_id: int) -> bytes:
    """The rows that cannot be imported as a workbook to be corrected (C-COL-06). It leaves with personal data, so it
    is in the audit. Raises `IntakeError` when there are none, Http404.
    """
    actor.require("intake.import")
    with transaction.atomic():
        batch = queries.batch(actor, batch_id)
        with acting("intake"):
            rows = repair.raw_rows(batch_id)
            found: dict[int, Any] = {}
            for fault in repair.faults(batch_id):
                if fault["severity"] != "note":
                    found.setdefault(fault["row"], []).append(fault)
        if not rows:
            raise IntakeError(_("没有需要修改的行"))
        record(
            actor, "intake.error_book", object_type="import_batch", object_id=batch_id, row_count=len(rows)
        )
        return books.error_book(Columns.from_json(queries.columns_of(batch)), rows, found)
