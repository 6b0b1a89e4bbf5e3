"""Looks into a legacy .xls before the reader does: where its cells claim to stand, and whether it is
encrypted.

The reader lays out the rectangle of all cells; a place beyond column 256, which the format knows only as a
number, would make it ask for more memory than any machine has.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .errors import SheetError
from .guard import Limits

_END = 0xFFFFFFFA  # sector numbers from here on are marks, not sectors
_BOUNDSHEET, _EOF, _FILEPASS = 0x0085, 0x000A, 0x002F
# Records that begin with row and column: formula, blank, number, label, bool, RK, label SST, and the multiple
# ones.
_CELLS = {0x0006, 0x0201, 0x0203, 0x0204, 0x0205, 0x027E, 0x00D6, 0x00FD, 0x00BD, 0x00BE}


class _Compound:
    """A compound file: a small file system inside a file (MS-CFB)."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        shift, mini_shift = struct.unpack_from("<HH", data, 30)
        if shift not in (9, 12) or mini_shift != 6:
            raise SheetError("broken")
        self.size = 1 << shift
        directory, _signature, self.cutoff, mini_fat = struct.unpack_from("<4I", data, 48)
        difat = list(struct.unpack_from("<109I", data, 76))
        following, count = struct.unpack_from("<2I", data, 68)
        while following < _END and count > 0 and len(difat) < len(data) // 4:
            sector = struct.unpack(f"<{self.size // 4}I", self._sector(following))
            difat += sector[:-1]
            following, count = sector[-1], count - 1
        self.fat: list[int] = []
        for number in difat:
            if number < _END and (number + 2) * self.size <= len(data) + self.size:
                self.fat += struct.unpack(
                    f"<{self.size // 4}I", self._sector(number).ljust(self.size, b"\xff")
                )
        self.entries: dict[str, tuple[int, int]] = {}
        raw = self._chain(directory)
        for at in range(0, len(raw) - 127, 128):
            length = min(struct.unpack_from("<H", raw, at + 64)[0], 64)
            name = raw[at : at + max(length - 2, 0)].decode("utf-16-le", errors="replace")
            start, size = struct.unpack_from("<2I", raw, at + 116)
            if name:
                self.entries.setdefault(name, (start, size))
        self.mini_fat = self._numbers(self._chain(mini_fat)) if mini_fat < _END else []

    @staticmethod
    def _numbers(raw: bytes) -> list[int]:
        return list(struct.unpack(f"<{len(raw) // 4}I", raw[: len(raw) // 4 * 4]))

    def _sector(self, number: int) -> bytes:
        at = (number + 1) * self.size
        return self.data[at : at + self.size]

    def _chain(self, number: int) -> bytes:
        parts, seen = [], set()
        while number < len(self.fat) and number not in seen:
            seen.add(number)
            parts.append(self._sector(number))
            number = self.fat[number]
        return b"".join(parts)

    def stream(self, name: str) -> bytes:
        """The content of one entry."""
        start, size = self.entries[name]
        if size >= self.cutoff:
            return self._chain(start)[:size]
        mini = self._chain(self.entries["Root Entry"][0]) if "Root Entry" in self.entries else b""
        parts, seen = [], set()
        while start < len(self.mini_fat) and start not in seen:
            seen.add(start)
            parts.append(mini[start * 64 : start * 64 + 64])
            start = self.mini_fat[start]
        return b"".join(parts)[:size]


def _records(stream: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Type, start and length of each record from `at` up to the end mark."""
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        yield kind, at + 4, length
        if kind == _EOF:
            return
        at += 4 + length


def check_xls(data: bytes, limits: Limits) -> None:
    """Check a compound file that should be a workbook. Raises `SheetError`."""
    try:
        compound = _Compound(data)
        if {"EncryptedPackage", "EncryptionInfo"} & compound.entries.keys():
            raise SheetError("password")
        name = next((n for n in ("Workbook", "Book", "WORKBOOK", "BOOK") if n in compound.entries), None)
        if name is None:
            raise SheetError("not_sheet")
        stream = compound.stream(name)
        sheets = []
        for kind, at, length in _records(stream, 0):
            if kind == _FILEPASS:
                raise SheetError("password")
            if kind == _BOUNDSHEET and length >= 4:
                sheets.append(struct.unpack_from("<I", stream, at)[0])
        for start in sheets:
            _check_cells(stream, start, limits)
    except SheetError:
        raise
    except (struct.error, ValueError, IndexError, KeyError, OverflowError) as error:
        raise SheetError("broken") from error


def _check_cells(stream: bytes, start: int, limits: Limits) -> None:
    rows = columns = filled = 0
    for kind, at, length in _records(stream, start):
        if kind in _CELLS and length >= 4:
            row, column = struct.unpack_from("<HH", stream, at)
            # A record of several cells is at most as wide as its own bytes.
            last = column + (length // 6 if kind == 0x00BD else 0)
            rows, columns, filled = max(rows, row + 1), max(columns, last + 1), filled + 1
    if rows > limits.max_rows:
        raise SheetError("too_many_rows", rows=rows, limit=limits.max_rows)
    if columns > limits.max_columns:
        raise SheetError("too_many_columns", columns=columns, limit=limits.max_columns)
    if rows * columns > 5_000_000 + 50 * filled:
        raise SheetError("too_many_cells", rows=rows, columns=columns)
