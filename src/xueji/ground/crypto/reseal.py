"""Re-sealing everything under the key in use, in small transactions that can be broken off at any moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from xueji.ground.db.scope import acting

from . import vault
from .columns import COLUMNS, SealedColumn
from .errors import Tampered

Progress = Callable[[str, int], None]


@dataclass
class Report:
    """What a run did: values re-sealed by "table.column", and rows that would not open (left alone)."""

    done: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Values re-sealed in this run."""
        return sum(self.done.values())


def reencrypt(batch: int = 1000, *, progress: Progress | None = None) -> Report:
    """Re-seal every value that is not under the active data key, `batch` rows a transaction.

    Not inside a transaction of the caller. Breaking it off loses nothing: what is done is committed, and the
    next run finds only what is left. Values that do not open are reported, never touched.
    """
    report = Report()
    for column in COLUMNS:
        name = f"{column.table}.{column.column}"
        after: tuple[Any, ...] | None = None
        while True:
            after, count = _one_batch(column, after, batch, report)
            if count:
                report.done[name] = report.done.get(name, 0) + count
                if progress is not None:
                    progress(name, report.done[name])
            if after is None:
                break
    return report


def _one_batch(
    column: SealedColumn, after: tuple[Any, ...] | None, batch: int, report: Report
) -> tuple[tuple[Any, ...] | None, int]:
    """Re-seal the next rows behind `after` in key order; returns the last key looked at (None: no more)."""
    keys = ", ".join(column.keys)
    marks = ", ".join(["%s"] * len(column.keys))
    behind = f"and ({keys}) > ({marks})" if after else ""
    current = bytes.fromhex(vault.active_key_id())
    with transaction.atomic(), acting(column.role), connection.cursor() as c:
        c.execute(
            f"select {', '.join(column.read)}, {column.column} from {column.table}"
            f" where {column.column} is not null and substring({column.column} from 2 for 4) <> %s {behind}"
            f" order by {keys} limit {int(batch)} for update",
            [current, *(after or ())],
        )
        rows = c.fetchall()
        changed = []
        for *key, blob in rows:
            sealed = _again(column, tuple(key), blob)
            if sealed is None:
                report.failed.append(f"{column.table}.{column.column}:{':'.join(map(str, key))}")
            else:
                changed.append((sealed, *key[: len(column.keys)]))
        if changed:
            match = " and ".join(f"{k} = %s" for k in column.keys)
            c.executemany(f"update {column.table} set {column.column} = %s where {match}", changed)
    last = tuple(rows[-1][: len(column.keys)]) if len(rows) == batch else None
    return last, len(changed)


def _again(column: SealedColumn, row: tuple[Any, ...], blob: bytes) -> bytes | None:
    """The value sealed anew for the same place, or None if it opens at none of its places."""
    for place in column.places(row):
        try:
            return vault.seal(vault.open_bytes(blob, place), place)
        except Tampered:
            continue
    return None


def remaining(key_id: str | None = None) -> dict[str, int]:
    """How many values are still sealed with `key_id`, or with any but the active one, by "table.column"."""
    test = "=" if key_id else "<>"
    wanted = bytes.fromhex(key_id or vault.active_key_id())
    found = {}
    for column in COLUMNS:
        with transaction.atomic(), acting(column.role), connection.cursor() as c:
            c.execute(
                f"select count(*) from {column.table}"
                f" where substring({column.column} from 2 for 4) {test} %s",
                [wanted],
            )
            found[f"{column.table}.{column.column}"] = int(c.fetchone()[0])
    return {name: count for name, count in found.items() if count}
