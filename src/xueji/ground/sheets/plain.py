"""Long lists whose worksheet is written the usual way, read piece by piece without the native reader.

Programs write a list of texts as `<c r="A2" s="1" t="s"><v>7</v></c>` and nothing else: places of shared texts. Such
rows are cut from the XML here, so that several processes can each take a part of one sheet and nobody lays out the
whole. Whatever is not plainly so is not read here at all: the first rows (headings, merged cells) and shared texts with
marks in them go to the native reader in a small package of their own, any other sheet goes to it as a whole.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from operator import itemgetter
from typing import Any

from .cells import Cell
from .errors import SheetError
from .guard import Limits, check_members, column_number, too_wide
from .plain_texts import STRINGS, NotPlain, Texts
from .read import SheetReader, open_sheet

#: Rows up to this number are read by the native reader.
TOP = 20
_PIECE = 2 << 20
_LONGEST_ROW = 1 << 20
#: Bytes of shapes that are kept, by a rough reckoning (in truth up to twice and a half of it).
_MOST_KEPT = 32 << 20
#: Bytes of shared texts, and of all members but these and the worksheet, that are laid out as a whole.
_MOST_TEXTS = 64 << 20
_MOST_OTHERS = 32 << 20
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_DIGITS = b"0123456789"
_SPACED = bytes(byte if byte in _DIGITS else 32 for byte in range(256))
_ROW_END = b"</row>"
_ROW = re.compile(rb'(?:<row [^<>]*/>)*<row r="([1-9][0-9]{0,6})"(?: [A-Za-z0-9:]+="[^"<>&]*")*>')
#: A row's cells without their digits.
_CELL = re.compile(rb'<c r="([A-Z]{1,3})"( s="")?(?: t="s">(<v></v>)</c>|(?: t="s")?/>|></c>)')
#: Cells of one column merged downwards: what stands in the first holds for all of them.
_FALLING = re.compile(rb'<mergeCell ref="([A-Z]{1,3})[0-9]{1,7}:\1([0-9]{1,7})"')
_NUMBER = re.compile(rb"<v>([0-9]{1,9})</v>")


@dataclass(frozen=True, slots=True)
class Plan:
    """How a plain sheet is read: its member of the package, the number of its pieces, the last row below `TOP` that holds
    anything (0: none does), texts that were read natively.
    """

    member: str
    pieces: int
    last_row: int
    odd: dict[int, Cell]


@dataclass(frozen=True, slots=True)
class _Shape:
    """Rows with the same cells filled in the same way: where numbers stand among all digits of the row."""

    numbers: int
    cells: int
    columns: int
    filled: bool
    places: Callable[[list[str]], tuple[str, ...]]
    values: Callable[[list[str]], tuple[str, ...]]
    #: None when the filled cells stand side by side from the first column on.
    order: Callable[[list[Cell]], tuple[Cell, ...]] | None


def look_plain(data: bytes, limits: Limits) -> tuple[SheetReader, PlainSheet] | None:
    """A reader of the first rows and one of the others; None for everything that is not plainly a list of texts.

    None says nothing about the file: `open_sheet` reads it, or refuses it and says why.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            entries = package.infolist()
            names = {entry.filename: entry for entry in entries}
            check_members(entries, limits)
            sheets = [entry for name, entry in names.items() if _SHEET.fullmatch(name)]
            if len(names) != len(entries) or STRINGS not in names or not sheets:
                return None
            # Other compressions unpack without a bound.
            if any(
                entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in entries
            ):
                return None
            member = max(sheets, key=lambda entry: entry.file_size).filename
            others = [entry.file_size for entry in entries if entry.filename not in (member, STRINGS)]
            if names[STRINGS].file_size > _MOST_TEXTS or sum(others) > _MOST_OTHERS:
                return None
            texts = Texts.of(_read(package, STRINGS))
            scan = _Scan(limits)
            with package.open(member) as stream:
                scan.run(stream)
            odd = texts.read_odd(limits)
            plan = Plan(member, scan.pieces, scan.last, odd)
            sheet = PlainSheet(data, plan, limits, texts.values(odd, limits))
            reader = _top(package, member, scan, texts, limits)
        _compare(reader, sheet, scan)
    except Exception:  # damaged, refused or merely unusual: whoever reads it the long way says what it is
        return None
    return reader, sheet


class PlainSheet:
    """The rows below the first `TOP`."""

    def __init__(self, data: bytes, plan: Plan, limits: Limits, strings: list[Cell] | None = None) -> None:
        self._data, self.plan = data, plan
        self._shapes = _Shapes(limits)
        if strings is None:
            with zipfile.ZipFile(io.BytesIO(data)) as package:
                strings = Texts.of(_read(package, STRINGS)).values(plan.odd, limits)
        self._strings = strings

    def pieces(self, claims: Iterable[int]) -> Iterator[list[tuple[int, list[Cell]]]]:
        """The rows of the claimed pieces (in ascending order), with their numbers. Blank rows are left out.

        Raises `SheetError("broken")` for a cell whose place is not in its row, or that names a text which is not there.
        """
        wanted = iter(claims)
        claim = next(wanted, None)
        with zipfile.ZipFile(io.BytesIO(self._data)) as package, package.open(self.plan.member) as stream:
            for number, piece in enumerate(_cut(stream, [])):
                if claim is None:
                    return
                if number == claim:
                    yield self.rows(piece.split(_ROW_END)[:-1])
                    claim = next(wanted, None)

    def rows(self, raw: Iterable[bytes], after: int | None = None) -> list[tuple[int, list[Cell]]]:
        """These rows as the reader would give them. Raises `SheetError("broken")`."""
        after = TOP if after is None else after
        out: list[tuple[int, list[Cell]]] = []
        strings, shapes = self._strings, self._shapes
        for row in raw:
            at = row.find(b"<c ")
            if at < 0:
                continue
            body = row[at:]
            shape = shapes[body.translate(None, _DIGITS)]
            if shape is None:
                raise SheetError("broken")
            digits = body.translate(_SPACED).decode("ascii").split()
            name = digits[0] if digits else ""
            try:
                number = int(name or 0)
            except ValueError:  # thousands of digits
                raise SheetError("broken") from None
            if number <= after:
                continue
            if (
                len(digits) != shape.numbers
                or shape.places(digits).count(name) != shape.cells
                # Behind the last of them: blank rows may stand before the one that holds the cells.
                or b'<row r="%b"' % name.encode() not in row[row.rfind(b"<row ", 0, at) : at]
            ):
                raise SheetError("broken")
            try:
                cells = [strings[n] for n in map(int, shape.values(digits))]
            except (IndexError, ValueError):
                raise SheetError("broken") from None
            if shape.order is not None:
                cells.append("")
                cells = list(shape.order(cells))
            while cells and cells[-1] == "":
                cells.pop()
            if cells:
                out.append((number, cells))
        return out


def _read(package: zipfile.ZipFile, name: str) -> bytes:
    """A member, as long as the directory says: `ZipFile.read` unpacks all that is there and cuts it then."""
    entry = package.getinfo(name)
    with package.open(entry) as stream:
        return stream.read(entry.file_size)


# --- the worksheet -------------------------------------------------------------------------------------------


def _several(places: list[int]) -> Callable[[list[Any]], tuple[Any, ...]]:
    """`itemgetter` that gives a tuple for any number of places."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda items: tuple(items[at] for at in places)


class _Shapes(dict[bytes, _Shape | None]):
    """The shape of each way in which a row is filled; None for a row that is not plain."""

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self._widest, self._room = limits.max_columns, _MOST_KEPT

    def __missing__(self, skeleton: bytes) -> _Shape | None:
        shape = _shape(skeleton, self._widest)
        # What is kept of a shape grows with its cells, and with the columns between them.
        size = len(skeleton) + 8 * (shape.columns if shape else 0)
        if size <= self._room:
            self._room -= size
            self[skeleton] = shape
        return shape


def _shape(skeleton: bytes, widest: int) -> _Shape | None:
    columns: list[int] = []
    places: list[int] = []
    values: list[int] = []
    filled: list[int] = []
    at = numbers = 0
    while at < len(skeleton):
        cell = _CELL.match(skeleton, at)
        if cell is None:
            return None
        at = cell.end()
        columns.append(column_number(cell[1]))
        places.append(numbers)
        numbers += 2 if cell[2] else 1
        if cell[3]:
            values.append(numbers)
            numbers += 1
            filled.append(columns[-1])
    # Before anything is laid out: what stands at ZZZ would take a list of 18,278 places for each shape.
    if any(left >= right for left, right in pairwise(columns)) or (columns and columns[-1] > widest):
        return None
    width = filled[-1] if filled else 0
    order = None
    if len(filled) != width:
        found = {column: n for n, column in enumerate(filled)}
        order = _several([found.get(column, len(filled)) for column in range(1, width + 1)])
    reach = columns[-1] if columns else 0
    return _Shape(numbers, len(columns), reach, bool(filled), _several(places), _several(values), order)


def _cut(stream: Any, ends: list[bytes]) -> Iterator[bytes]:
    """The rows of a worksheet in pieces, each up to the end of a row; `ends` gets what stands before and behind."""
    carry = b""
    head = True
    while chunk := stream.read(_PIECE):
        text = carry + chunk
        if head:
            begin, mark, text = text.partition(b"<sheetData>")
            if not mark:
                raise NotPlain
            ends.append(begin + mark)
            head = False
        cut = text.rfind(_ROW_END) + len(_ROW_END)
        if cut < len(_ROW_END):
            carry = text
        else:
            carry = text[cut:]
            yield text[:cut]
        if len(carry) > _LONGEST_ROW:
            raise NotPlain
    ends.append(carry)


@dataclass(slots=True)
class _Scan:
    """What one pass over the worksheet tells: that all of it is plain, how far it reaches, its first rows."""

    limits: Limits
    pieces: int = 0
    last: int = 0
    top: list[bytes] = field(default_factory=list)
    ends: list[bytes] = field(default_factory=list)

    def run(self, stream: Any) -> None:
        """Raises `NotPlain`."""
        shapes = _Shapes(self.limits)
        most = self.limits.max_rows
        last = columns = cells = 0
        for piece in _cut(stream, self.ends):
            self.pieces += 1
            if b"<v></v>" in piece:  # a blank cell, not a text: without digits there is no number of one
                raise NotPlain
            for row in piece.split(_ROW_END)[:-1]:
                at = row.find(b"<c ")
                begin = _ROW.fullmatch(row if at < 0 else row[:at])
                if begin is None or not last < (number := int(begin[1])) <= most:
                    raise NotPlain
                last = number
                if number <= TOP:
                    self.top.append(row + _ROW_END)
                    continue
                if at < 0:
                    continue
                shape = shapes[row[at:].translate(None, _DIGITS)]
                if shape is None:
                    raise NotPlain
                cells += shape.cells
                columns = max(columns, shape.columns)
                if shape.filled:
                    self.last = number
        head, tail = self.ends
        if b"<!" in head or not tail.startswith(b"</sheetData>"):
            raise NotPlain
        if any(int(found[2]) > TOP for found in _FALLING.finditer(tail)):
            raise NotPlain
        limits = self.limits
        if too_wide(last, columns, cells, limits):
            raise NotPlain


# --- the first rows ------------------------------------------------------------------------------------------


def _top(package: zipfile.ZipFile, member: str, scan: _Scan, texts: Texts, limits: Limits) -> SheetReader:
    """The package with the first rows alone, opened as any other. Raises `NotPlain`, `SheetError`."""
    rows = b"".join(scan.top)
    others = {
        entry.filename: _read(package, entry.filename)
        for entry in package.infolist()
        if entry.filename not in (member, STRINGS) and not entry.is_dir()
    }
    # As many of the texts as these rows and the other sheets can name.
    named = max((int(n) for part in (rows, *others.values()) for n in _NUMBER.findall(part)), default=0)
    others[STRINGS] = texts.first(named + 1).encode()
    head, tail = scan.ends
    reader = open_sheet(_packed({**others, member: head + rows + tail}), limits=limits)
    try:
        without = open_sheet(_packed({**others, member: head + tail}), limits=limits).sheet_name
    except SheetError:
        without = ""
    # Without these rows another sheet would be read, or none: so it is this one that is meant.
    if without == reader.sheet_name or reader.first_column:
        raise NotPlain
    return reader


def _packed(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for name, content in members.items():
            package.writestr(name, content)
    return out.getvalue()


def _compare(reader: SheetReader, sheet: PlainSheet, scan: _Scan) -> None:
    """Both ways of reading must say the same of the first rows. Raises `NotPlain`."""
    known = {row.number: row.cells for row in reader.rows()}
    same = 0
    for raw in scan.top:
        try:
            found = sheet.rows([raw.removesuffix(_ROW_END)], after=0)
        except SheetError:
            continue
        if any(known.get(number) != cells for number, cells in found):
            raise NotPlain
        same += len(found)
    if not same:
        raise NotPlain
