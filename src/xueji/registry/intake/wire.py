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
NOTHING = _LENGTH(-1)
_ROW_BEGINS = struct.Struct(">h").pack(len(HEAD) + len(COLUMNS))
_BEGIN = b"PGCOPY\n\xff\r\n\x00" + _LENGTH(0) + _LENGTH(0)
_END = struct.Struct(">h").pack(-1)
_EPOCH = date(2000, 1, 1)
_NO_LIST = _LENGTH(3) + b"\x01[]"


def text(value: str) -> bytes:
    """A text of any kind."""
    data = value.encode()
    return _LENGTH(len(data)) + data


def jsonb(value: str) -> bytes:
    """JSON."""
    data = value.encode()
    return _LENGTH(len(data) + 1) + b"\x01" + data


def bytea(value: bytes) -> bytes:
    """Bytes as they are."""
    return _LENGTH(len(value)) + value


def uuid(value: int) -> bytes:
    """A key that was made as a number."""
    return b"\x00\x00\x00\x10" + value.to_bytes(16, "big")


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


def flag(value: Any) -> bytes:
    """A truth value."""
    return b"\x00\x00\x00\x01\x01" if value else b"\x00\x00\x00\x01\x00"


def int2(value: Any) -> bytes:
    """A small number."""
    return _INT2(2, value)


def _writer(kind: str) -> Callable[[Any], bytes]:
    if kind == "word":
        return _Written(text).__getitem__
    if kind == "int2":
        return int2
    if kind == "int4":
        return lambda value: _INT4(4, value)
    return _PLAIN[kind]


_PLAIN: dict[str, Callable[[Any], bytes]] = {
    "uuid": _uuid, "bytea": bytea, "jsonb": jsonb, "date": _date, "bool": flag, "text": text,
}  # fmt: skip


@lru_cache(maxsize=1)
def _writers() -> tuple[tuple[str, Callable[[Any], bytes]], ...]:
    return tuple((name, _writer(kind)) for name, kind in KINDS.items())


def writer(name: str) -> Callable[[Any], bytes]:
    """How values of a column are written; one that is absent is `NOTHING`."""
    return dict(_writers())[name]


def ok_row(batch_id: int) -> Callable[[int], bytes]:
    """The beginning of rows to which nothing is to be remarked, by their number: up to the notes."""
    batch = _INT8(8, batch_id)
    rest = text("ok") + _NO_LIST
    return lambda row_no: _ROW_BEGINS + batch + _INT4(4, row_no) + rest


def notes(told: list[dict[str, str]]) -> bytes:
    """The notes of a row."""
    return jsonb(_dump(told)) if told else _NO_LIST


def encode(batch_id: int, lines: Iterable[StagedLine]) -> bytes:
    """Rows as one COPY in binary format."""
    return block(encode_rows(batch_id, lines))


def block(rows: Iterable[bytes]) -> bytes:
    """Encoded rows as one COPY."""
    return b"".join((_BEGIN, *rows, _END))


def encode_rows(batch_id: int, lines: Iterable[StagedLine]) -> list[bytes]:
    """Each row in binary format."""
    writers = _writers()
    batch = _INT8(8, batch_id)
    out = []
    for line in lines:
        get = line.values.get
        out.append(
            b"".join(
                (
                    _ROW_BEGINS,
                    batch,
                    _INT4(4, line.row_no),
                    text(line.state),
                    jsonb(_dump(line.issues)) if line.issues else _NO_LIST,
                    notes(line.notes),
                    *[NOTHING if (value := get(name)) is None else write(value) for name, write in writers],
                )
            )
        )
    return out
