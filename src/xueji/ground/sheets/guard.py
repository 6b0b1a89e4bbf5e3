"""Looks at a file before the reader does: its real kind, its unpacked size, and the range that it claims.

The reader lays a sheet out as a full rectangle. Two cells in far corners would cost gigabytes, so positions
are read from the raw XML first.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
import zlib
from dataclasses import dataclass

from .errors import SheetError

OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_CHUNK = 1 << 20
_LONGEST_TAG = 32_768
_ANY_CELL = re.compile(rb"<(?:[^\s<>/:]+:)?c(?:[\s/][^<>]*)?>")
_ANY_ROW = re.compile(rb"<(?:[^\s<>/:]+:)?row(?:[\s/][^<>]*)?>")
_PLACE = re.compile(rb"\sr\s*=\s*[\"']([^\"']*)")
_CELL_PLACE = re.compile(rb"([A-Za-z]{1,4})([0-9]{1,12})")
_ROW_PLACE = re.compile(rb"([0-9]{1,12})")
_USUAL_ROW = re.compile(rb'<c r="[A-Z]{1,4}([0-9]{1,12})"')
_USUAL_COLUMN = re.compile(rb'<c r="([A-Z]{1,4})')
_WIDE_XML = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")
_DIMENSION = re.compile(rb"<(?:\w+:)?dimension\s[^<>]*?ref=[\"'][A-Z]+[0-9]+:([A-Z]+)([0-9]+)[\"']")
_PROPERTY = re.compile(r'<property[^>]*\bname="([^"]*)"[^>]*>\s*<vt:\w+>([^<]*)</vt:\w+>', re.S)
_EXCEL_ROWS, _EXCEL_COLUMNS = 1_048_576, 16_384


@dataclass(frozen=True, slots=True)
class Limits:
    """What is still read. The defaults take a big batch and keep one upload below some 2 GB of memory."""

    max_bytes: int = 200 * 1024 * 1024
    max_rows: int = 1_000_000
    max_columns: int = 300
    max_cell: int = 32_767
    max_cells: int = 40_000_000
    max_unpacked: int = 2 * 1024 * 1024 * 1024
    max_ratio: int = 250


DEFAULT_LIMITS = Limits()


def kind_of(data: bytes) -> str:
    """`xlsx`, `ods`, `xls` or `text`, from the content. Raises `SheetError` for everything that is no sheet."""
    if not data.strip(b"\0 \t\r\n\xef\xbb\xbf"):
        raise SheetError("empty")
    if data.startswith(b"PK"):
        return "ods" if _is_ods(data) else "xlsx"
    if data.startswith(OLE):
        return "xls"
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<html", b"<!doctype", b"<table", b"<meta", b"<head", b"<body", b"<style", b"<div")):
        raise SheetError("html")
    if head.startswith(b"<?xml"):
        raise SheetError("html" if b"<html" in head else "unsupported")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text"
    if b"\0" in data[:65536] or head.startswith(
        (b"%pdf", b"\x89png", b"gif8", b"\xff\xd8\xff", b"rar!", b"7z\xbc")
    ):
        raise SheetError("not_sheet")
    return "text"


def _is_ods(data: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            names = package.namelist()
    except Exception:  # what is wrong with it is said by the check of its kind
        return False
    return "content.xml" in names and "xl/workbook.xml" not in names


def column_number(letters: bytes | str) -> int:
    """`A` is 1, `AA` is 27."""
    number = 0
    for char in letters if isinstance(letters, bytes) else letters.encode():
        number = number * 26 + char - 64
    return number


def column_letters(number: int) -> str:
    """1 is `A`, 27 is `AA`."""
    out = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        out = chr(65 + rest) + out
    return out


def check_package(data: bytes, limits: Limits) -> dict[str, str]:
    """Check an xlsx package and return its custom properties. Raises `SheetError`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            entries = package.infolist()
            names = {entry.filename for entry in entries}
            _check_members(entries, names, limits)
            for entry in entries:
                # Every member: a relationship may call any of them a worksheet.
                _check_range(package, entry, limits)
            return _properties(package) if "docProps/custom.xml" in names else {}
    except SheetError:
        raise
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, KeyError, RuntimeError) as error:
        # RuntimeError: an encrypted member; NotImplementedError (its subclass): an unknown compression
        raise SheetError("broken") from error
    except Exception as error:  # struct.error, lzma.LZMAError and others of damaged directories
        raise SheetError("broken") from error


def check_members(entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    """Refuse packages that unpack to more than anybody sends, and compressions that no program of sheets uses: a few
    kilobytes of them may unpack to a hundred megabytes at once. Raises `SheetError`: `zip_bomb`, `broken`.
    """
    if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in entries):
        raise SheetError("broken")
    total = sum(entry.file_size for entry in entries)
    if total > limits.max_unpacked or len(entries) > 10_000:
        raise SheetError("zip_bomb")
    for entry in entries:
        if entry.file_size > 50 * 1024 * 1024 and entry.file_size > limits.max_ratio * max(
            entry.compress_size, 1
        ):
            raise SheetError("zip_bomb")


def _check_members(entries: list[zipfile.ZipInfo], names: set[str], limits: Limits) -> None:
    check_members(entries, limits)
    if "xl/workbook.xml" not in names:
        if "xl/workbook.bin" in names or "content.xml" in names:
            raise SheetError("unsupported")
        raise SheetError("broken" if any(n.startswith("xl/") for n in names) else "not_sheet")


@dataclass(slots=True)
class _Extent:
    """How far the filled cells of a sheet reach, and how many there are."""

    rows: int = 0
    columns: int = 0
    filled: int = 0

    def add(self, rows: int, columns: int, filled: int) -> None:
        self.rows, self.columns = max(self.rows, rows), max(self.columns, columns)
        self.filled += filled

    def beyond(self, limits: Limits) -> bool:
        return self.rows > limits.max_rows or self.columns > limits.max_columns or self.too_wide(limits)

    def too_wide(self, limits: Limits) -> bool:
        return too_wide(self.rows, self.columns, self.filled, limits)


def too_wide(rows: int, columns: int, filled: int, limits: Limits) -> bool:
    """Whether a table spans more than anybody fills."""
    area = rows * max(columns, 1)
    return area > limits.max_cells or area > 5_000_000 + 50 * filled


def _check_range(package: zipfile.ZipFile, entry: zipfile.ZipInfo, limits: Limits) -> None:
    extent = _Extent()
    carry = b""
    first, is_sheet = True, False
    with package.open(entry) as stream:
        while chunk := stream.read(_CHUNK):
            text = carry + chunk
            if first:
                if text.startswith(_WIDE_XML):
                    raise SheetError("broken")
                _check_dimension(text, limits)
                first = False
            is_sheet = is_sheet or b"sheetData" in text
            # Work up to the last complete tag; what follows is read again with the next chunk.
            cut = text.rfind(b">") + 1
            carry, text = text[cut:], text[:cut]
            if len(carry) > _LONGEST_TAG:
                if is_sheet:
                    raise SheetError("broken")
                carry = b""
            quick = _quick_extent(text)
            if quick is None or quick.beyond(limits):
                quick = _exact_extent(text)
            extent.add(quick.rows, quick.columns, quick.filled)
    if extent.rows > limits.max_rows:
        raise SheetError("too_many_rows", rows=extent.rows, limit=limits.max_rows)
    if extent.columns > limits.max_columns:
        raise SheetError("too_many_columns", columns=extent.columns, limit=limits.max_columns)
    if extent.too_wide(limits):
        raise SheetError("too_many_cells", rows=extent.rows, columns=extent.columns)


def _quick_extent(text: bytes) -> _Extent | None:
    """The extent when every cell is written the usual way, `<c r="A1" ...>`; None when not sure.

    Several times faster than the exact way. It counts cells that hold nothing but a format too.
    """
    rows = _USUAL_ROW.findall(text)
    cells = text.count(b"<c ")
    # One `r=` a cell and one a row: a second one in a tag would be a place that is not seen here.
    if len(rows) != cells or text.count(b"r=") != cells + text.count(b"<row r="):
        return None
    if text.count(b"<c") != cells or b":c" in text or b" =" in text:
        return None
    if any(blank in text for blank in (b"\t", b"\n", b"\r")):
        return None
    if not rows:
        return _Extent()
    columns = max(map(column_number, set(_USUAL_COLUMN.findall(text))))
    return _Extent(max(map(int, set(rows))), columns, len(rows))


def _exact_extent(text: bytes) -> _Extent:
    """The extent of the cells that hold something, however they are written.

    Raises `SheetError("broken")` for what no program writes and what could hide a place from us: a ">" inside
    an attribute, a place given twice or in a strange form.
    """
    extent = _Extent()
    loose = False
    for match in _ANY_CELL.finditer(text):
        place = _place(match[0], _CELL_PLACE)
        if match[0].endswith(b"/>"):
            continue
        if place is None:
            loose = True
            extent.add(0, 0, 1)
        else:
            extent.add(int(place[2]), column_number(place[1].upper()), 1)
    if loose:  # cells without a place of their own stand in the row that holds them
        for match in _ANY_ROW.finditer(text):
            place = _place(match[0], _ROW_PLACE)
            if place is not None:
                extent.add(int(place[1]), 0, 0)
    return extent


def _place(tag: bytes, form: re.Pattern[bytes]) -> re.Match[bytes] | None:
    """The one place that a tag gives, or None when it gives none."""
    if tag.count(b'"') % 2 or tag.count(b"'") % 2:
        raise SheetError("broken")
    given = _PLACE.findall(tag)
    if not given:
        return None
    place = form.fullmatch(given[0])
    if len(given) > 1 or place is None:
        raise SheetError("broken")
    return place


def _check_dimension(text: bytes, limits: Limits) -> None:
    """A range beyond what any program can make was written by hand to exhaust a reader."""
    found = _DIMENSION.search(text)
    if not found:
        return
    columns, rows = column_number(found[1][:8]), int(found[2][:18])
    if rows > max(_EXCEL_ROWS, limits.max_rows):
        raise SheetError("too_many_rows", rows=rows, limit=limits.max_rows)
    if columns > _EXCEL_COLUMNS:
        raise SheetError("too_many_columns", columns=columns, limit=limits.max_columns)


def _properties(package: zipfile.ZipFile) -> dict[str, str]:
    with package.open("docProps/custom.xml") as stream:
        text = stream.read(100_000).decode("utf-8", errors="replace")
    return {html.unescape(name): html.unescape(value) for name, value in _PROPERTY.findall(text)}
