"""Staged rows on the wire: PostgreSQL's binary COPY format, so that sealed values go as they are.

Neither Django's models nor a database are needed here: the process that reads a sheet starts without them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache
from typing import Any

from .checker import StagedLine
from .packing import dump as _dump

#: Each column that a row brings, with the way in which it is written.
KINDS = {
    "person_id": "uuid", "event_id": "uuid", "raw": "bytea", "name": "word", "pinyin": "word", "initials": "word",
    "pinyin_sort": "word", "grams": "text", "sex": "word", "birth_date": "date", "ethnicity": "word", "nationality": "word",
    "former_name": "word", "id_type": "word", "id_sealed": "bytea", "id_bidx": "bytea", "last6": "bytea",
    "number_prefix": "word", "number_sealed": "bytea", "number_bidx": "bytea", "aux_sealed": "bytea", "aux_bidx": "bytea",
    "stage": "word", "cohort_year": "int2", "class_number": "int2", "class_id": "int4", "class_seat": "int2",
    "enrolled_on": "date", "profile": "jsonb", "profile_sealed": "bytea", "g1_name": "word", "g1_relation": "word",
    "g1_note": "word", "g1_guardian": "bool", "g1_sealed": "bytea", "g2_name": "word", "g2_relation": "word",
    "g2_note": "word", "g2_guardian": "bool", "g2_sealed": "bytea",
}  # fmt: skip
COLUMNS = tuple(KINDS)
HEAD = ("batch_id", "row_no", "state", "issues", "notes")


_INT2, _INT4, _INT8 = struct.Struct(">ih").pack, struct.Struct(">ii").pack, struct.Struct(">iq").pack
_LENGTH = struct.Struct(">i").pack
_NULL = _LENGTH(-1)
_ROW_BEGINS = struct.Struct(">h").pack(len(HEAD) + len(COLUMNS))
_BEGIN = b"PGCOPY\n\xff\r\n\x00" + _LENGTH(0) + _LENGTH(0)
_END = struct.Struct(">h").pack(-1)
_EPOCH = date(2000, 1, 1)
_NO_LIST = _LENGTH(3) + b"\x01[]"


def _text(value: str) -> bytes:
    data = value.encode()
    return _LENGTH(len(data)) + data


def _jsonb(value: str) -> bytes:
    data = value.encode()
    return _LENGTH(len(data) + 1) + b"\x01" + data


def _bytea(value: bytes) -> bytes:
    return _LENGTH(len(value)) + value


def _uuid(value: str) -> bytes:
    return b"\x00\x00\x00\x10" + bytes.fromhex(value.replace("-", ""))


@lru_cache(maxsize=20_000)
def _date(value: date) -> bytes:
    return _INT4(4, (value - _EPOCH).days)


class _Written(dict[Any, bytes]):
    """The written form of each value of one column, made once."""

    def __init__(self, write: Callable[[Any], bytes]) -> None:
        super().__init__()
        self._write = write

    def __missing__(self, value: Any) -> bytes:
        found = self._write(value)
        if len(self) < _REMEMBERED:
            self[value] = found
        return found


_REMEMBERED = 10_000


def _flag(value: Any) -> bytes:
    return b"\x00\x00\x00\x01\x01" if value else b"\x00\x00\x00\x01\x00"


def _writer(kind: str) -> Callable[[Any], bytes]:
    if kind == "word":
        return _Written(_text).__getitem__
    if kind == "int2":
        return lambda value: _INT2(2, value)
    if kind == "int4":
        return lambda value: _INT4(4, value)
    return _PLAIN[kind]


_PLAIN: dict[str, Callable[[Any], bytes]] = {
    "uuid": _uuid, "bytea": _bytea, "jsonb": _jsonb, "date": _date, "bool": _flag, "text": _text,
}  # fmt: skip


@lru_cache(maxsize=1)
def _writers() -> tuple[tuple[str, Callable[[Any], bytes]], ...]:
    return tuple((name, _writer(kind)) for name, kind in KINDS.items())


def encode(batch_id: int, lines: Iterable[StagedLine]) -> bytes:
    """Rows as one COPY in binary format."""
    writers = _writers()
    batch = _INT8(8, batch_id)
    out = [_BEGIN]
    for line in lines:
        get = line.values.get
        out += (
            _ROW_BEGINS,
            batch,
            _INT4(4, line.row_no),
            _text(line.state),
            _jsonb(_dump(line.issues)) if line.issues else _NO_LIST,
            _jsonb(_dump(line.notes)) if line.notes else _NO_LIST,
        )
        out += [_NULL if (value := get(name)) is None else write(value) for name, write in writers]
    out.append(_END)
    return b"".join(out)
