"""Looks at an .ods file before the reader does: how far its filled cells reach, with what it repeats written out.

A few bytes of XML can say "this row a million times": the reader would lay it out in full.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from dataclasses import dataclass

from .errors import SheetError
from .guard import Limits, check_members

MIMETYPE = b"application/vnd.oasis.opendocument.spreadsheet"
_CHUNK = 1 << 20
_LONGEST_TAG = 65_536
_TAG = re.compile(rb"<(/?)table:(table|table-row|table-cell|covered-table-cell)((?:\s[^<>]*)?)>|<text:p[\s>]")
_REPEAT = re.compile(rb"table:number-(?:columns|rows)-repeated\s*=\s*[\"']([0-9]{1,12})[\"']")
_VALUE = re.compile(rb"\s(?:office|calcext):(?:value|value-type|date-value|string-value|boolean-value)\s*=")


@dataclass(slots=True)
class _Walk:
    """Where a sheet's reading stands: filled cells count with their repetitions, empty ones only before filled."""

    limits: Limits
    rows: int = 0
    row_times: int = 1
    at: int = 0
    width: int = 0
    cell_times: int = 0
    last_row: int = 0
    widest: int = 0

    def feed(self, text: bytes) -> None:
        for match in _TAG.finditer(text):
            closing, name, rest = match[1], match[2], match[3] or b""
            if name is None:
                self._filled()
            elif name == b"table":
                self.rows = self.last_row = self.widest = 0
            elif name == b"table-row":
                self._row(closing, rest)
            elif not closing:
                self._cell(rest)

    def _cell(self, rest: bytes) -> None:
        if rest.count(b'"') % 2 or rest.count(b"'") % 2:
            raise SheetError("broken")
        self.cell_times = _times(rest)
        self.at += self.cell_times
        if _VALUE.search(rest):
            self._filled()
        if rest.endswith(b"/"):
            self.cell_times = 0

    def _filled(self) -> None:
        if self.cell_times:
            self.width = max(self.width, self.at)

    def _row(self, closing: bytes, rest: bytes) -> None:
        if not closing:
            self.row_times = _times(rest)
            self.at = self.width = 0
        if not closing and not rest.endswith(b"/"):
            return
        self.rows += self.row_times
        if self.width:
            self.last_row = self.rows
            self.widest = max(self.widest, self.width)
        limits = self.limits
        if self.last_row > limits.max_rows:
            raise SheetError("too_many_rows", rows=self.last_row, limit=limits.max_rows)
        if self.widest > limits.max_columns:
            raise SheetError("too_many_columns", columns=self.widest, limit=limits.max_columns)
        if self.last_row * self.widest > limits.max_cells:
            raise SheetError("too_many_cells", rows=self.last_row, columns=self.widest)


def _times(rest: bytes) -> int:
    found = _REPEAT.findall(rest)
    if len(found) > 1:
        raise SheetError("broken")
    return int(found[0]) if found else 1


def check_ods(data: bytes, limits: Limits) -> None:
    """Check an .ods package. Raises `SheetError`: zip_bomb, password, broken, too_many_*, unsupported."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            entries = package.infolist()
            names = {entry.filename for entry in entries}
            check_members(entries, limits)
            if "mimetype" in names and not package.read("mimetype").strip().startswith(MIMETYPE):
                raise SheetError("unsupported")
            if "META-INF/manifest.xml" in names:
                with package.open("META-INF/manifest.xml") as manifest:
                    if b"encryption-data" in manifest.read(_CHUNK):
                        raise SheetError("password")
            _walk(package, limits)
    except SheetError:
        raise
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, KeyError, RuntimeError) as error:
        raise SheetError("broken") from error
    except Exception as error:  # struct.error, lzma.LZMAError and others of damaged directories
        raise SheetError("broken") from error


def _walk(package: zipfile.ZipFile, limits: Limits) -> None:
    walk = _Walk(limits)
    carry = b""
    with package.open("content.xml") as stream:
        head = stream.read(_CHUNK)
        if (
            b"<!DOCTYPE" in head[:4096]
            or b"<!ENTITY" in head[:4096]
            or not head.lstrip(b"\xef\xbb\xbf").startswith(b"<")
        ):
            raise SheetError("broken")
        chunk = head
        while chunk:
            text = carry + chunk
            cut = text.rfind(b">") + 1
            carry, text = text[cut:], text[:cut]
            if len(carry) > _LONGEST_TAG and b"<" in carry[-_LONGEST_TAG:]:
                raise SheetError("broken")
            walk.feed(text)
            chunk = stream.read(_CHUNK)
