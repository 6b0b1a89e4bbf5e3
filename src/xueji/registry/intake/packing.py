"""Cells and values as staging keeps them: what was typed in one text, JSON, array literals."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any

from xueji.ground.sheets.cells import Cell as SheetCell
from xueji.ground.sheets.cells import LostDigits


def _quick_dump() -> Callable[[Any], str]:
    """`JSONEncoder.encode` makes its C encoder anew for every call; five calls a row make it worth keeping one."""
    plain = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return plain.encode
    kept = make(None, plain.default, json.encoder.encode_basestring, None, ":", ",", False, False, True)
    return lambda value: "".join(kept(value, 0))


dump = _quick_dump()


_string = json.encoder.encode_basestring
#: How many values of one field are remembered in their written form.
_REMEMBERED = 8_192


class Fragments(dict[Any, str]):
    """`"key":"value",` for each value of one field, written once; nothing for an absent value."""

    def __init__(self, key: str) -> None:
        super().__init__({None: ""})
        self._head = f"{dump(key)}:"

    def __missing__(self, value: Any) -> str:
        text = value if isinstance(value, str) else f"{value:%Y%m}" if isinstance(value, date) else None
        found = f"{self._head}{_string(text) if text is not None else dump(value)},"
        if len(self) < _REMEMBERED:
            self[value] = found
        return found


class Objects:
    """JSON objects of always the same keys: as `dump` of a dict without its absent values."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._fragments = [Fragments(key) for key in keys]

    def dump(self, values: Sequence[Any]) -> str:
        """`values` in the order of the keys; a date is a month of the form, six digits. '' when all are absent."""
        body = "".join([known[value] for known, value in zip(self._fragments, values, strict=True)])
        return "{" + body[:-1] + "}" if body else ""


_SEPARATOR = "\x1f"


def pack(cells: Sequence[Any]) -> str:
    """A row's cells as one text, to be read back as they were: joined when all are texts, as JSON otherwise."""
    try:
        text = _SEPARATOR.join(cells)
        # An empty cell before one that begins with a bracket would read as JSON.
        if text.count(_SEPARATOR) == len(cells) - 1 and not text.startswith(_SEPARATOR + "["):
            return text.rstrip(_SEPARATOR)
    except TypeError:
        pass
    return _SEPARATOR + dump([_plain(c) for c in cells])


def unpack(text: str) -> list[SheetCell]:
    """Undo `pack`; empty cells at the end are lost."""
    if text.startswith(_SEPARATOR + "["):
        return [restore(c) for c in json.loads(text[1:])]
    return list(text.split(_SEPARATOR))


def _plain(cell: Any) -> Any:
    """A cell in JSON, so that it can be read back as it was."""
    if isinstance(cell, str | bool):
        return cell
    if isinstance(cell, LostDigits):
        return {"lost": cell.shown}
    if isinstance(cell, datetime):
        return {"time": cell.isoformat()}
    if isinstance(cell, date):
        return {"day": cell.isoformat()}
    return str(cell)


def restore(cell: Any) -> SheetCell:
    """Undo `_plain`."""
    if isinstance(cell, dict):
        if "lost" in cell:
            return LostDigits(cell["lost"])
        if "time" in cell:
            return datetime.fromisoformat(cell["time"])
        return date.fromisoformat(cell["day"])
    return cell  # type: ignore[no-any-return]


def array_literal(items: Iterable[str]) -> str:
    """A PostgreSQL text array."""
    return (
        "{" + ",".join(['"' + i.replace("\\", "\\\\").replace('"', '\\"') + '"' for i in sorted(items)]) + "}"
    )
