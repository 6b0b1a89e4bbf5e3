"""Reading what people send: xlsx, xls, ods, CSV in any Chinese encoding, and rows pasted from a sheet.

A user's file is only ever read, never edited and sent back: an error book is written afresh (`write.py`).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import python_calamine as calamine

from .cells import ERROR_COLUMN, Cell, read_cell, restore
from .errors import SheetError
from .guard import DEFAULT_LIMITS, Limits, check_package, column_letters, kind_of
from .ods import check_ods
from .ole import check_xls
from .zipped import ZippedText, check_zipped, is_zipped_text

T = TypeVar("T")
HEADER_ROWS = 10
_MARKS = re.compile(r"[\s　*＊★]+|[（(](?:必填|选填)[）)]")
_BRACKETS = str.maketrans("（）：", "():")
_BAD_TEXT = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True, slots=True)
class Row:
    """A row as read: its number in the sheet (1 = first) and its cells."""

    number: int
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Header:
    """Where the table begins. `columns` maps a known name to its place; the rest is named for the report."""

    row_number: int
    columns: dict[str, int]
    unknown: list[str]
    repeated: list[str]
    missing: list[str]


def plain_label(text: str) -> str:
    """A heading without marks, spaces and line breaks, brackets in one width: how headings are compared."""
    return _MARKS.sub("", text).translate(_BRACKETS)


def _plain_row(raw: Sequence[object]) -> int:
    """The length of a row of texts that `read_cell` would leave as they are, joined; 0 when that is not certain.

    Looked at as one text: what is printable holds none of the characters that are dropped or replaced, and without a
    blank there is nothing to trim, without an apostrophe no number that is marked as a text.
    """
    try:
        text = ",".join(raw)  # type: ignore[arg-type]
    except TypeError:
        return 0
    if " " in text or "+" in text or "'" in text or "’" in text or "‘" in text or "＇" in text:
        return 0
    return len(text) if text.isprintable() else 0


@dataclass(slots=True)
class SheetReader:
    """One opened table. Rows can be read again and again; `skipped_blank` counts those of the last pass."""

    kind: str
    sheet_name: str
    sheet_names: list[str]
    meta: dict[str, str]
    limits: Limits
    first_column: int
    _source: Callable[[], Iterator[Sequence[object]]]
    _merged: list[tuple[tuple[int, int], tuple[int, int]]] = field(default_factory=list)
    skipped_blank: int = 0
    _other: Callable[[str], SheetReader | None] | None = None

    def rows(self, *, after: int = 0) -> Iterator[Row]:
        """Rows with at least one filled cell, below row number `after`, as a stream.

        Raises `SheetError`: `too_many_rows`, `too_many_columns`, `cell_too_long`, `broken`.
        """
        self.skipped_blank = 0
        limits = self.limits
        kept = blank_run = 0
        for number, raw in enumerate(self._source(), start=1):
            if number <= after:
                continue
            plain = _plain_row(raw)
            cells: list[Cell] = list(raw) if plain else [read_cell(value) for value in raw]  # type: ignore[arg-type]
            while cells and cells[-1] == "":
                cells.pop()
            if not cells:
                blank_run += 1
                if blank_run > limits.max_rows:
                    raise SheetError("too_many_rows", rows=number, limit=limits.max_rows)
                continue
            self.skipped_blank += blank_run
            blank_run = 0
            kept += 1
            if kept > limits.max_rows:
                raise SheetError("too_many_rows", rows=number, limit=limits.max_rows)
            if len(cells) > limits.max_columns:
                raise SheetError("too_many_columns", columns=len(cells), limit=limits.max_columns)
            if not 0 < plain <= limits.max_cell and any(
                isinstance(cell, str) and len(cell) > limits.max_cell for cell in cells
            ):
                raise SheetError("cell_too_long", row=number, limit=limits.max_cell)
            yield Row(number, cells)
        self.skipped_blank += blank_run

    def falling(self, *, after: int = 0) -> dict[int, list[tuple[int, int]]]:
        """Cells of one column that are merged downwards below row number `after`: first row -> (column, last row). Only the
        first of them holds what is meant for all.
        """
        found: dict[int, list[tuple[int, int]]] = {}
        for (row0, column0), (row1, column1) in self._merged:
            if column0 == column1 and row0 < row1 and row0 >= after and column0 >= self.first_column:
                found.setdefault(row0 + 1, []).append((column0 - self.first_column, row1 + 1))
        return found

    def sibling(self, name: str) -> SheetReader | None:
        """Another visible sheet of the same workbook (`sheet_names`); None when it holds nothing. Raises `SheetError`."""
        return self._other(name) if self._other is not None else None

    def find_header(self, known: Collection[str], *, required: Collection[str] = ()) -> Header:
        """The row among the first ten that holds most of the `known` names (at least two, or all of fewer).

        Merged headings are followed downwards; a heading under a group (`监护人一` above `姓名`) is also
        tried as `监护人一姓名`. Raises `SheetError("no_header")`.
        """
        names = {plain_label(name): name for name in known}
        top = self._top()
        best: tuple[int, dict[str, int], list[str], list[str]] | None = None
        for index, labels in enumerate(top[:HEADER_ROWS]):
            groups = _groups(top[index - 1]) if index else []
            found = _match(labels, groups, names)
            if best is None or len(found[0]) > len(best[1]):
                best = (index + 1, *found)
        if best is None or len(best[1]) < max(1, min(2, len(names))):
            shown = "、".join(list(required or known)[:6])
            raise SheetError("no_header", rows=HEADER_ROWS, names=shown)
        number, columns, unknown, repeated = best
        return Header(number, columns, unknown, repeated, [name for name in required if name not in columns])

    def alone(self, known: Collection[str]) -> None:
        """See to it that no other visible sheet of the workbook is a list of the same kind: nobody would miss its rows
        until it is too late. Raises `SheetError("many_sheets")`.
        """
        more = []
        for name in self.sheet_names:
            leaf = self.sibling(name) if name != self.sheet_name else None
            if leaf is None:
                continue
            try:
                header = leaf.find_header(known)
            except SheetError:
                continue
            if next(leaf.rows(after=header.row_number), None) is not None:
                more.append(name)
        if more:
            raise SheetError("many_sheets", name=self.sheet_name, names="、".join(more[:10]))

    def records(self, header: Header) -> Iterator[tuple[int, dict[str, Cell]]]:
        """Each data row below the header as (row number, known name -> cell); absent cells are the empty
        text.
        """
        places = list(header.columns.items())
        for row in self.rows(after=header.row_number):
            cells, width = row.cells, len(row.cells)
            record = {name: cells[at] if at < width else "" for name, at in places}
            if any(cell != "" for cell in record.values()):
                yield row.number, record
            else:
                self.skipped_blank += 1

    def column_letter(self, index: int) -> str:
        """The letter that the person sees above column `index` of this table."""
        return column_letters(self.first_column + index + 1)

    def _top(self) -> list[list[str]]:
        """The first rows as texts, merged cells carried downwards."""
        top: list[list[str]] = []
        for raw in self._source():
            top.append([str(read_cell(value)) for value in raw])
            if len(top) == HEADER_ROWS:
                break
        for (row0, column0), (row1, _column1) in self._merged:
            at = column0 - self.first_column
            if row0 < len(top) and 0 <= at < len(top[row0]):
                for row in range(row0 + 1, min(row1 + 1, len(top))):
                    if at < len(top[row]) and not top[row][at]:
                        top[row][at] = top[row0][at]
        return top


def _groups(labels: list[str]) -> list[str]:
    """The group heading above each column: a merged group stands in its first cell and holds to the next."""
    out, last = [], ""
    for label in labels:
        last = label or last
        out.append(last)
    return out


def _match(
    labels: list[str], groups: list[str], names: dict[str, str]
) -> tuple[dict[str, int], list[str], list[str]]:
    columns: dict[str, int] = {}
    unknown: list[str] = []
    repeated: list[str] = []
    for index, label in enumerate(labels):
        own = plain_label(label)
        if not own or own == ERROR_COLUMN:
            continue
        grouped = plain_label(groups[index]) + own if index < len(groups) else own
        name = names.get(grouped) or names.get(own)
        if name is None:
            unknown.append(label)
        elif name in columns:
            repeated.append(label)
        else:
            columns[name] = index
    return columns, unknown, repeated


def open_sheet(
    source: bytes | str | Path,
    filename: str = "",
    *,
    sheet: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    guarded: bool = True,
) -> SheetReader:
    """Open a file (its bytes, or a path). What it is, is read from its content; `filename` only helps with
    text.

    `sheet` names a worksheet; otherwise the first visible one that holds anything. Without `guarded` somebody else
    looks at the file at the same time (`look_at`) and stops this process when it is refused; its custom properties
    are not read then. Raises `SheetError` with one of the codes empty, not_sheet, unsupported, html, password,
    too_large, zip_bomb, too_many_rows, too_many_columns, too_many_cells, cell_too_long, broken, no_sheet, and
    nothing else.
    """
    if isinstance(source, bytes):
        size, data = len(source), source
    else:
        path = Path(source)
        size = path.stat().st_size
        data = b""
    if size > limits.max_bytes:
        raise SheetError("too_large", size=-(-size >> 20) or 1, limit=limits.max_bytes >> 20)
    if not isinstance(source, bytes):
        data = Path(source).read_bytes()
    kind = kind_of(data)
    if kind == "xlsx" and is_zipped_text(data):
        if guarded:
            check_zipped(data, limits)
        return _zipped_reader(ZippedText(data), limits, None)
    if kind == "text":
        delimiter = "\t" if filename.lower().endswith(".tsv") else None
        return _text_reader(_decode(data), "csv", limits, delimiter)
    meta = _look_inside(data, kind, limits) if guarded else {}
    return _workbook_reader(data, kind, meta, sheet, limits)


def look_at(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> None:
    """What `open_sheet` looks for before it lets the native reader in. Raises `SheetError`."""
    if len(data) > limits.max_bytes:
        raise SheetError("too_large", size=-(-len(data) >> 20) or 1, limit=limits.max_bytes >> 20)
    kind = kind_of(data)
    if kind == "xlsx" and is_zipped_text(data):
        check_zipped(data, limits)
    elif kind != "text":
        _look_inside(data, kind, limits)


def _look_inside(data: bytes, kind: str, limits: Limits) -> dict[str, str]:
    if kind == "xlsx":
        return check_package(data, limits)
    if kind == "ods":
        check_ods(data, limits)
    else:
        check_xls(data, limits)
    return {}


def open_pasted(text: str, *, limits: Limits = DEFAULT_LIMITS) -> SheetReader:
    """Rows copied from a sheet and pasted into a text box (tab separated; commas are taken too). As
    `open_sheet`.
    """
    if not text.strip():
        raise SheetError("empty")
    if len(text) > limits.max_bytes:
        raise SheetError("too_large", size=len(text) >> 20, limit=limits.max_bytes >> 20)
    return _text_reader(text, "paste", limits, "\t" if "\t" in text else None)


def _workbook_reader(
    data: bytes, kind: str, meta: dict[str, str], sheet: str | None, limits: Limits
) -> SheetReader:
    book = _guarded(lambda: calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)))
    visible = [
        m.name
        for m in book.sheets_metadata
        if m.visible == calamine.SheetVisibleEnum.Visible and m.typ == calamine.SheetTypeEnum.WorkSheet
    ]
    if sheet is not None and sheet not in book.sheet_names:
        raise SheetError("no_sheet", name=sheet)

    def reader(name: str) -> SheetReader | None:
        opened = _guarded(lambda: book.get_sheet_by_name(name))
        if opened.start is None:
            return None

        def source() -> Iterator[Sequence[object]]:
            return iter(opened.iter_rows())

        merged = _guarded(lambda: opened.merged_cell_ranges or [])
        return SheetReader(
            kind, name, visible, meta, limits, opened.start[1], source, list(merged), _other=reader
        )

    for name in [sheet] if sheet is not None else visible:
        if (found := reader(name)) is not None:
            return found
    raise SheetError("empty")


def _guarded(work: Callable[[], T]) -> T:
    """Run the native reader; whatever it does on a damaged file becomes a `SheetError`."""
    try:
        return work()
    except calamine.PasswordError as error:
        raise SheetError("password") from error
    except Exception as error:
        raise SheetError("broken") from error
    except BaseException as error:
        # A panic of the native code is no Exception; anything else (a stop signal) goes on.
        if type(error).__name__ == "PanicException":
            raise SheetError("broken") from error
        raise


def _decode(data: bytes) -> str:
    """Text of a CSV: by its byte-order mark, else UTF-8, else GB 18030 (which contains GBK and GB 2312)."""
    try:
        if data.startswith(b"\xef\xbb\xbf"):
            text = data.decode("utf-8-sig")
        elif data.startswith((b"\xff\xfe", b"\xfe\xff")):
            text = data.decode("utf-16")
        else:
            try:
                text = data.decode("utf-8")
            except UnicodeDecodeError:
                text = data.decode("gb18030")
    except UnicodeDecodeError as error:
        raise SheetError("not_sheet") from error
    _refuse_bad(text[:100_000])
    return text


def _refuse_bad(head: str) -> None:
    if _BAD_TEXT.search(head):
        raise SheetError("not_sheet")


def _sniff_delimiter(text: str) -> str:
    """The separator that cuts the first lines into most columns, evenly."""
    sample = [line for line in text[:20_000].splitlines()[:20] if line.strip()][:10]
    best, best_score = ",", 0.0
    for candidate in (",", "\t", ";", "|", "，"):
        try:
            widths = [len(row) for row in csv.reader(sample, delimiter=candidate)]
        except csv.Error:
            continue
        if not widths or max(widths) < 2:
            continue
        common = max(set(widths), key=lambda w: (widths.count(w), w))
        score = common * widths.count(common) / len(widths) if common > 1 else max(widths) / len(widths)
        if score > best_score:
            best, best_score = candidate, score
    return best


def _text_reader(text: str, kind: str, limits: Limits, delimiter: str | None) -> SheetReader:
    if not text.strip():
        raise SheetError("empty")
    sep = delimiter or _sniff_delimiter(text)

    def source() -> Iterator[Sequence[object]]:
        return _cut(io.StringIO(text, newline=""), sep, limits)

    return SheetReader(kind, "", [], {}, limits, 0, source)


def _zipped_reader(packed: ZippedText, limits: Limits, delimiter: str | None) -> SheetReader:
    head = packed.head()
    if not head.strip():
        raise SheetError("empty")
    _refuse_bad(head)
    sep = delimiter or _sniff_delimiter(head)

    def source() -> Iterator[Sequence[object]]:
        return _cut(packed.lines(), sep, limits)

    return SheetReader("csv", "", [], {}, limits, 0, source)


def _cut(lines: Iterable[str], sep: str, limits: Limits) -> Iterator[Sequence[object]]:
    reader = csv.reader(lines, delimiter=sep)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # a field beyond the csv module's own limit
            raise SheetError("cell_too_long", row=reader.line_num, limit=limits.max_cell) from error
        # Only an apostrophe protects a cell from being run as a formula; hardly any row has one.
        yield [restore(value) for value in row] if any(value[:1] == "'" for value in row) else row
