"""What waits for somebody: asked of many rooms in one statement, so that the first page does not grow by one a room.

A room says what it would ask (`Ask`) and how its answer is read. Whoever draws a page gathers the asks of the rooms that
he knows and sends them together; the rooms need not know of each other, nor of him.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Generic, TypeVar

from django.db import connection

Rows = list[dict[str, Any]]
T = TypeVar("T")


@dataclass(frozen=True)
class Ask(Generic[T]):
    """A statement of a room with named values (`%(org)s`), and what becomes of its rows.

    Rows arrive as dictionaries by column; days and keys arrive as text (see `day`).
    """

    sql: str
    args: Mapping[str, Any]
    read: Callable[[Rows], T]


@dataclass(frozen=True)
class Heap:
    """Work of one kind that waits: how much, since when or until when, and the address where it is done."""

    title: Any
    n: int
    url: str
    count: str = ""
    kind: Any = ""
    since: date | None = None
    due: date | None = None
    late: bool = field(default=False)


def day(value: str | None) -> date | None:
    """A day as a row of an `Ask` holds it."""
    return date.fromisoformat(value) if value else None


def gather(asks: Mapping[str, Ask[Any] | None]) -> dict[str, Any]:
    """What the asks bring, by their names, in one statement; none for those that are None. No ask, no statement."""
    sent = {name: ask for name, ask in asks.items() if ask is not None}
    out: dict[str, Any] = dict.fromkeys(asks)
    if not sent:
        return out
    parts: list[str] = []
    values: dict[str, Any] = {}
    for n, ask in enumerate(sent.values()):
        # Names of values are each ask's own.
        sql = ask.sql.replace("%(", f"%(q{n}_")
        parts.append(f"(select coalesce(jsonb_agg(to_jsonb(x)), '[]'::jsonb) from ({sql}) x)")
        values |= {f"q{n}_{key}": value for key, value in ask.args.items()}
    with connection.cursor() as c:
        c.execute("select " + ", ".join(parts), values)
        row = c.fetchone()
    for (name, ask), found in zip(sent.items(), row, strict=True):
        out[name] = ask.read(json.loads(found) if isinstance(found, str) else found)
    return out


def alone(ask: Ask[T]) -> T:
    """What one ask brings by itself; one statement."""
    found: T = gather({"": ask})[""]
    return found
