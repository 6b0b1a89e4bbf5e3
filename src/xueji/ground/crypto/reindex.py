"""A new index key: every blind index is hashed once more with it, in one transaction, while nobody is at work.

The new index of a value is the keyed hash of its former index (`Ring.index_chain`), so nothing has to be opened, also not
what exists as an index only, such as invitation codes. It cannot be done under the feet of writers: equality of numbers
must hold at every moment, and a process that still has the former key would claim a number a second time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from xueji import config

from . import keyring, suites, vault
from .errors import KeyInUse
from .keyring import Key, Ring

#: Every column that holds a blind index. A test compares it with the database.
COLUMNS: tuple[tuple[str, str], ...] = (
    ("identity_lookup", "bidx"),
    ("number_lookup", "bidx"),
    ("roster", "last6"),
    ("staged_row", "id_bidx"),
    ("staged_row", "number_bidx"),
    ("staged_row", "aux_bidx"),
    ("staged_row", "last6"),
    ("invitation", "code"),
    ("privacy_complaint", "code"),
)
_BATCH = 10_000


@dataclass(frozen=True)
class Done:
    """What a run did: the key now in use and the values hashed anew by "table.column"."""

    key: Key
    values: dict[str, int]


def others_at_work(connection: Any) -> int:
    """How many connections web, worker and commands hold to this database."""
    with connection.cursor() as c:
        c.execute(
            "select count(*) from pg_stat_activity where datname = current_database() and usename = %s",
            [config.APP_ROLE],
        )
        return int(c.fetchone()[0])


def run(connection: Any, *, family: suites.Family | None = None) -> Done:
    """Put a new index key into use. `connection` is the owner's (psycopg), not inside a transaction.

    The key is written to the file before, not yet in use; which one is in use stands in the database and is committed
    with the values, so that a crash at any moment leaves one whole state (`keys.check` brings the file along). Raises
    `KeyInUse` while anybody is at work, and `KeyMissing`.
    """
    for _attempt in range(5):  # whoever has just been stopped takes a moment to be gone
        busy = others_at_work(connection)
        if not busy:
            break
        time.sleep(0.2)
    if busy:
        raise KeyInUse(
            _("还有 %(n)s 个连接在使用数据库。更换查重密钥要先停止服务（systemctl stop xueji）") % {"n": busy}
        )
    with keyring.locked():
        ring = keyring.load()
        suite = suites.FAMILIES[family][1] if family else ring.active("index").suite
        new = replace(keyring.new_key("index", suite, ring.keys), active=False)
        # A key that an earlier, broken run left behind was never used: it makes place.
        kept = tuple(k for k in ring.keys if k.purpose != "index" or k in ring.index_chain)
        keyring.save(Ring((*kept, new)))
        once_more = suites.keyed_hash(new.suite, new.secret)
        values: dict[str, int] = {}
        with connection.transaction(), connection.cursor() as c:
            tables = sorted({table for table, _column in COLUMNS})
            c.execute("set local lock_timeout = '10s'")
            c.execute(f"lock table {', '.join(tables)} in access exclusive mode")
            c.execute("create temp table new_index (former bytea primary key, next bytea) on commit drop")
            for table, column in COLUMNS:
                values[f"{table}.{column}"] = _again(connection, c, table, column, once_more)
            c.execute("update vault_key set state = 'former' where purpose = 'index'")
            c.execute(
                "insert into vault_key (key_id, purpose, suite, fingerprint, state, created_at)"
                " values (%s, 'index', %s, %s, 'active', %s)",
                [new.id, new.suite, new.fingerprint, new.created_at],
            )
        keyring.save(Ring(kept).with_active(replace(new, active=True)))
    vault.forget()
    return Done(new, values)


def _again(connection: Any, c: Any, table: str, column: str, once_more: Any) -> int:
    """Hash one column anew; returns how many different values it had."""
    c.execute("truncate new_index")
    with connection.cursor(name=f"former_{table}_{column}") as former:
        former.execute(f"select distinct {column} from {table} where {column} is not null")
        pairs = [(bytes(value), once_more(bytes(value))) for (value,) in _rows(former)]
    with c.connection.cursor() as loading, loading.copy("copy new_index from stdin (format binary)") as copy:
        copy.set_types(["bytea", "bytea"])
        for pair in pairs:
            copy.write_row(pair)
    c.execute(f"update {table} t set {column} = n.next from new_index n where t.{column} = n.former")
    return len(pairs)


def _rows(cursor: Any) -> Iterator[Any]:
    while found := cursor.fetchmany(_BATCH):
        yield from found
