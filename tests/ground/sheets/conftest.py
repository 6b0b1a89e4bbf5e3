"""A minimal legacy workbook, byte by byte: nothing that we depend on can write one."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest


def record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def text(value: str) -> bytes:
    return struct.pack("<HB", len(value.encode("utf-16-le")) // 2, 1) + value.encode("utf-16-le")


def biff(cells: list[tuple[int, int, object]]) -> bytes:
    """One sheet with the given (row, column, value) cells."""
    strings = [value for _row, _column, value in cells if isinstance(value, str)]
    bof = struct.pack("<HHHHII", 0x0600, 0x0005, 0x0DBB, 0x07CC, 0, 6)
    sst = struct.pack("<II", len(strings), len(strings)) + b"".join(text(value) for value in strings)
    name = "表".encode("utf-16-le")
    globals_ = record(0x0809, bof) + record(0x0042, struct.pack("<H", 1200))
    tail = record(0x00FC, sst) + record(0x000A, b"")
    start = len(globals_) + 4 + 6 + 2 + len(name) + len(tail)
    bound = record(0x0085, struct.pack("<IHBB", start, 0, 1, 1) + name)
    sheet = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0x0DBB, 0x07CC, 0, 6))
    index = 0
    for row, column, value in cells:
        if isinstance(value, str):
            sheet += record(0x00FD, struct.pack("<HHHI", row, column, 0, index))
            index += 1
        else:
            sheet += record(0x0203, struct.pack("<HHHd", row, column, 0, float(value)))  # type: ignore[arg-type]
    return globals_ + bound + tail + sheet + record(0x000A, b"")


def compound(streams: dict[str, bytes]) -> bytes:
    """A compound file of 512-byte sectors; streams are padded beyond the mini-stream limit."""
    sectors: list[bytes] = []
    fat: list[int] = []

    def add(content: bytes) -> int:
        first = len(sectors)
        parts = [content[i : i + 512].ljust(512, b"\0") for i in range(0, len(content), 512)]
        for offset, part in enumerate(parts):
            sectors.append(part)
            fat.append(first + offset + 1 if offset + 1 < len(parts) else 0xFFFFFFFE)
        return first

    def entry(
        name: str, kind: int, start: int, size: int, child: int = 0xFFFFFFFF, right: int = 0xFFFFFFFF
    ) -> bytes:
        raw = (name + "\0").encode("utf-16-le")
        out = raw.ljust(64, b"\0") + struct.pack("<HBBIII", len(raw), kind, 1, 0xFFFFFFFF, right, child)
        return out + b"\0" * 36 + struct.pack("<IQ", start, size)

    names = list(streams)
    directory = [entry("Root Entry", 5, 0xFFFFFFFE, 0, child=1)]
    for number, name in enumerate(names, start=1):
        content = streams[name].ljust(4096, b"\0")
        right = number + 1 if number < len(names) else 0xFFFFFFFF
        directory.append(entry(name, 2, add(content), len(content), right=right))
    directory_start = add(b"".join(directory))
    fat_sector = len(sectors)
    fat.append(0xFFFFFFFD)
    assert len(fat) <= 128, "one sector of the allocation table is enough for a test"
    sectors.append(struct.pack("<128I", *fat, *[0xFFFFFFFF] * (128 - len(fat))))
    header = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
    header += b"\0" * 10 + struct.pack("<IIIIIIII", 1, directory_start, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += struct.pack("<109I", fat_sector, *[0xFFFFFFFF] * 108)
    return header + b"".join(sectors)


@pytest.fixture
def make_xls() -> Callable[[list[tuple[int, int, object]]], bytes]:
    """Gives a whole .xls file for (row, column, value) cells."""
    return lambda cells: compound({"Workbook": biff(cells)})


@pytest.fixture
def make_compound() -> Callable[[dict[str, bytes]], bytes]:
    """Gives a compound file with the named streams."""
    return compound
