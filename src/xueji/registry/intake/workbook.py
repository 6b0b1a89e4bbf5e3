"""A workbook as the intake takes it: every visible sheet that holds pupils, one after the other.

Schools keep a sheet a class. The sheets may differ in the order of their columns; what they hold is laid out like the
first; a sheet without a column for the class is the class that it is called. Row numbers go on from sheet to sheet, so
that each is the only one of its batch; `columns.row_name` says the sheet and the row that the user counts. A sheet that
is not taken is named with the reason, never passed over in silence; so is a row that is no pupil (a total, remarks, who
signed). A class that is typed once and merged over its pupils' rows is the class of each of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.sheets.errors import SheetError
from xueji.ground.sheets.read import SheetReader

from .aside import Aside, is_aside
from .columns import ROW, Levels, Mapping, WrongColumns, map_columns, name_of

#: Sheets that the template brings itself.
OURS = frozenset({"填写说明", "代码表"})

#: Names of sheets that say a class: 一(2)班, 2025级3班, 高一1班.
_CLASS = re.compile(r"[(（]?[0-9一二三四五六七八九十]+[)）]?班")

Row = tuple[int, list[Any]]


class Book:
    """The sheets of one file that hold pupils.

    `mapping` is known at once; `blank`, `aside` and `mapping.sheets` are complete when `rows` is at its end. Raises
    `SheetError`, `WrongColumns` as the first sheet gives them when no sheet can be taken.
    """

    def __init__(
        self, reader: SheetReader, *, remembered: dict[str, str] | None = None, levels: Levels | None = None
    ) -> None:
        self.blank = 0
        self.aside = Aside()
        self._not_taken: list[str] = []
        self._limit = reader.limits.max_rows
        self._taken: list[tuple[SheetReader | str, Mapping, str]] = []
        self._open: Callable[[str], SheetReader | None] = reader.sibling
        refused: SheetError | WrongColumns | None = None
        for name in reader.sheet_names or [reader.sheet_name]:
            leaf = reader if name == reader.sheet_name else reader.sibling(name)
            if leaf is None:
                continue
            called = ""
            try:
                try:
                    mapping = map_columns(leaf, remembered=remembered, levels=levels)
                except WrongColumns as error:
                    if error.missing != [name_of("class_no")] or not _CLASS.search(name):
                        raise
                    mapping, called = error.mapping, name
                    mapping.place("class_no")
            except (SheetError, WrongColumns) as error:
                # Columns that can be matched by hand are a better answer than a sheet without any.
                if refused is None or (isinstance(error, WrongColumns) and isinstance(refused, SheetError)):
                    refused = error
                if name not in OURS:
                    self._not_taken.append(f"{name}: {_reason(error)}")
                continue
            self._taken.append((reader if leaf is reader else name, mapping, called))
        if not self._taken:
            assert refused is not None
            raise refused
        self.mapping = self._taken[0][1]
        self._width = len(self.mapping.header)
        for _leaf, mapping, _called in self._taken[1:]:
            for key in mapping.columns:
                self.mapping.place(key)
            self.mapping.unknown += [label for label in mapping.unknown if label not in self.mapping.unknown]

    @property
    def left_out(self) -> list[str]:
        """What was not read, each with the reason: sheets, and the rows that are no pupils."""
        return self._not_taken + self.aside.lines(self.mapping.sheets)

    @property
    def is_one_sheet(self) -> bool:
        """Whether all of it is the sheet that the reader has open, taken as it stands."""
        return len(self._taken) == 1 and not isinstance(self._taken[0][0], str) and not self._taken[0][2]

    def rows(self) -> Iterator[Row]:
        """Data rows with the numbers under which they are kept; rows of which no known column is filled are left out.

        Raises `SheetError`.
        """
        offset = kept = 0
        self.blank, self.aside = 0, Aside()
        self.mapping.sheets.clear()
        at_class = self.mapping.columns.get("class_no", 0)
        for opened, mapping, called in self._taken:
            leaf = self._open(opened) if isinstance(opened, str) else opened
            if leaf is None:
                continue
            if len(self._taken) > 1:
                self.mapping.sheets.append([offset, leaf.sheet_name])
            order = self._order_of(mapping)
            last = mapping.header_row
            for last, cells, word in numbered(leaf, mapping):
                if word:
                    self.aside.add(offset + last, word)
                    continue
                kept += 1
                if kept > self._limit:
                    raise SheetError("too_many_rows", rows=kept, limit=self._limit)
                if order is not None:
                    cells = _laid_out(cells, order)
                if called:
                    cells += [""] * (at_class + 1 - len(cells))
                    cells[at_class] = called
                yield offset + last, cells
            offset += last
            self.blank += leaf.skipped_blank

    def _order_of(self, mapping: Mapping) -> list[int | None] | None:
        """Where the cells of a sheet come from in the common layout; None where they stand as they are."""
        if mapping is not self.mapping:
            return _order(mapping, self.mapping)
        more = len(self.mapping.header) - self._width
        # Columns of later sheets stand beyond the first one's own, where that one may have cells without a heading.
        return [*range(self._width), *[None] * more] if more else None


def is_data(mapping: Mapping) -> Callable[[Sequence[Any]], bool]:
    """Whether a row below the header holds data: any known column is filled, and it is no heading printed again."""
    places = [at for key, at in mapping.columns.items() if key != ROW]
    telling = mapping.columns.get("name", places[0])
    heading = mapping.header[telling] if telling < len(mapping.header) else ""

    def holds(cells: Sequence[Any]) -> bool:
        width = len(cells)
        if heading and width > telling and cells[telling] == heading and _is_heading(cells, mapping.header):
            return False
        return any(cells[at] != "" for at in places if at < width)

    return holds


def numbered(reader: SheetReader, mapping: Mapping) -> Iterator[tuple[int, list[Any], str]]:
    """Rows of one sheet that hold anything, with the numbers that the user counts and with what `is_aside` says of them; a
    heading printed again on each page is none.
    """
    holds, aside = is_data(mapping), is_aside(mapping.columns)
    falling = reader.falling(after=mapping.header_row)
    # Nobody shares a name or a paper with the row above.
    known = set(mapping.columns.values()) - {mapping.columns.get(k) for k in ("name", "id_number")}
    open_: dict[int, tuple[int, Any]] = {}
    for row in reader.rows(after=mapping.header_row):
        if not holds(row.cells):
            reader.skipped_blank += 1
            continue
        # Looked at as it was typed: what falls from above would stand before what begins it.
        word = aside(row.cells)
        if not word and (falling or open_):
            _let_fall(row.number, row.cells, falling, open_, known)
        yield row.number, row.cells, word


def _let_fall(
    number: int,
    cells: list[Any],
    falling: dict[int, list[tuple[int, int]]],
    open_: dict[int, tuple[int, Any]],
    known: set[int],
) -> None:
    """Put into a row what was typed once in a cell that is merged over it; `open_` are the columns under such a cell."""
    for at, last in falling.pop(number, ()):
        if at in known and at < len(cells) and cells[at] != "":
            open_[at] = (last, cells[at])
    for at, (last, value) in list(open_.items()):
        if number > last:
            del open_[at]
            continue
        cells += [""] * (at + 1 - len(cells))
        if cells[at] == "":
            cells[at] = value


def _is_heading(cells: Sequence[Any], header: list[str]) -> bool:
    return [str(cell)[:100] for cell in cells] == header[: len(cells)]


def _order(mapping: Mapping, main: Mapping) -> list[int | None]:
    """For each column of the first sheet's layout the column of this sheet, or None."""
    order: list[int | None] = [None] * len(main.header)
    for key, at in mapping.columns.items():
        order[main.columns[key]] = at
    for at, label in enumerate(mapping.header):
        if label in mapping.unknown and label in main.header and order[main.header.index(label)] is None:
            order[main.header.index(label)] = at
    return order


def _laid_out(cells: list[Any], order: list[int | None]) -> list[Any]:
    width = len(cells)
    return [cells[at] if at is not None and at < width else "" for at in order]


def _reason(error: SheetError | WrongColumns) -> str:
    if isinstance(error, WrongColumns):
        return _("缺少列 %(names)s") % {"names": "、".join(error.missing[:6])}
    if error.code == "no_header":
        return _("没有找到列名")
    return error.message_zh
