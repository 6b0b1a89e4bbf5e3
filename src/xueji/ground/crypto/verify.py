"""Proving that what is sealed opens: every key that the database needs is at hand, and a sample of each column opens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.db.problems import Problem

from . import keyring, vault
from .columns import COLUMNS, SealedColumn
from .errors import KeyMissing, Tampered

#: Rows of each column that are opened unless told otherwise.
SAMPLE = 200
_LARGE = 50_000


def problems(connection: Any, *, sample: int = SAMPLE) -> Iterator[Problem]:
    """For `xueji verify keys`, as owner on a psycopg connection. Nothing that was sealed is ever shown."""
    try:
        ring = keyring.load()
        vault.ready()
    except KeyMissing as error:
        yield Problem("keys.file", str(error), "")
        return
    have = {k.id for k in ring.keys if k.purpose == "data"}
    with connection.cursor() as cursor:
        for column in COLUMNS:
            name = f"{column.table}.{column.column}"
            for key_id, count in _used(cursor, column):
                if key_id not in have:
                    text = _("%(n)s 个值用密钥 %(id)s 加密，但密钥文件中没有它") % {"n": count, "id": key_id}
                    yield Problem("keys.missing", text, name)
            for row, blob in _sample(cursor, column, sample):
                if blob[1 : vault.HEAD].hex() in have and not opens(column, row, blob):
                    key = ":".join(map(str, row[: len(column.keys)]))
                    yield Problem("keys.sealed", _("加密内容打不开"), f"{name}:{key}")


def opens(column: SealedColumn, row: tuple[Any, ...], blob: bytes) -> bool:
    """Whether a value opens at one of its places."""
    for place in column.places(row):
        try:
            vault.open_bytes(blob, place)
        except (Tampered, KeyMissing):
            continue
        return True
    return False


def _used(cursor: Any, column: SealedColumn) -> list[tuple[str, int]]:
    cursor.execute(
        f"select encode(substring({column.column} from 2 for 4), 'hex'), count(*) from {column.table}"
        f" where {column.column} is not null group by 1 order by 1"
    )
    return list(cursor.fetchall())


def _sample(cursor: Any, column: SealedColumn, sample: int) -> list[tuple[tuple[Any, ...], bytes]]:
    """Rows from anywhere in the table; of a large one only some pages are read."""
    cursor.execute("select reltuples from pg_class where oid = to_regclass(%s)", [column.table])
    rows = float(cursor.fetchone()[0])
    some = (
        f" tablesample system ({max(0.01, min(100.0, 400.0 * sample / rows)):.4f})" if rows > _LARGE else ""
    )
    cursor.execute(
        f"select {', '.join(column.read)}, {column.column} from {column.table}{some}"
        f" where {column.column} is not null order by random() limit %s",
        [sample],
    )
    return [(tuple(row[:-1]), bytes(row[-1])) for row in cursor.fetchall()]
