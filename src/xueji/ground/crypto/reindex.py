"""A new index key while people work: every blind index is hashed once more with it.

The new index of a value is the keyed hash of its former index (`Ring.index_chain`), so nothing has to be opened, also not
what exists as an index only, such as invitation codes. Three steps:

1. *Pairs*, while everybody works: each index that exists and its successor go into a table whose two columns are both
   unique. This is nearly all of the work.
2. *Swap*, behind the gate (`people/sql/gate.sql`): who has passed it is waited for, who comes is held for a moment. What was
   added since is paired, lookups and codes take their successors, the new key is written down as the one in force, all in
   one transaction. Whoever passes the gate afterwards is told the new key (`vault.follow`).
3. *Afterwards*, while everybody works: what is only searched (`SEARCHED`) is renewed in small steps; until it is, searches
   ask for the former index too (`vault.indexes`).

A crash leaves the former state (before the swap) or the new one with the third step to be done, which the next call of
`run` or `finish` does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _
from psycopg.errors import DeadlockDetected

from . import keyring, suites, vault
from .errors import KeyInUse
from .keyring import Key, Ring

#: Every column that holds a blind index and takes its successor at the swap. A test compares all with the database.
COLUMNS: tuple[tuple[str, str], ...] = (
    ("identity_lookup", "bidx"),
    ("number_lookup", "bidx"),
    ("staged_row", "id_bidx"),
    ("staged_row", "number_bidx"),
    ("staged_row", "aux_bidx"),
    ("staged_row", "last6"),
    ("invitation", "code"),
    ("privacy_complaint", "code"),
    ("adm_applicant", "id_bidx"),
    ("adm_child", "id_bidx"),
)
#: Columns that are only searched, through `vault.indexes`: renewed after the swap.
SEARCHED: tuple[tuple[str, str], ...] = (("roster", "last6"),)
GATE = 7310005
PAIRS = "index_renewal"
_BATCH = 10_000
_STEP = 1_000


@dataclass(frozen=True)
class Done:
    """What a run did: the key now in use, values hashed anew by "table.column", and how long people were held."""

    key: Key
    values: dict[str, int]
    held_s: float = 0.0
    seconds: float = field(default=0.0, compare=False)


def prepare(family: suites.Family | None = None) -> Key:
    """Make the next index key and keep it in the file, not yet in use; the one that is there already is returned.

    For installations of several machines: the file is copied to all of them before `run`. Raises `KeyMissing`.
    """
    with keyring.locked():
        ring = keyring.load()
        suite = suites.FAMILIES[family][1] if family else ring.active("index").suite
        waiting = [k for k in ring.keys if k.purpose == "index" and k not in ring.index_chain]
        for key in waiting:
            if key.suite == suite:
                return key
        new = replace(keyring.new_key("index", suite, ring.keys), active=False)
        keyring.save(Ring((*(k for k in ring.keys if k not in waiting), new)))
    return new


def run(connection: Any, *, family: suites.Family | None = None, patience: float = 600.0) -> Done:
    """Put a new index key into use. `connection` is the owner's (psycopg, autocommit), not inside a transaction.

    People go on working; for the swap they are held for some seconds per million numbers. `patience` is how many seconds
    a moment is waited for in which nobody is at work between the gate and the end of a transaction (an import that is
    being checked takes as long as it takes). Raises `KeyInUse` when there was none, `KeyMissing`.
    """
    began = time.monotonic()
    finish(connection)
    new = prepare(family)
    once_more = suites.keyed_hash(new.suite, new.secret)
    connection.execute(f"drop table if exists {PAIRS}")
    connection.execute(
        f"create table {PAIRS} (former bytea primary key, next bytea not null unique, key_id text not null)"
    )
    for table, column in (*COLUMNS, *SEARCHED):
        _pair(connection, table, column, new.id, once_more)
    with _nobody_between(connection, patience), connection.transaction():
        held = time.monotonic()
        values = _swap(connection, new, once_more)
    held_s = time.monotonic() - held
    with keyring.locked():
        ring = keyring.load()
        rest = tuple(k for k in ring.keys if k.id != new.id)
        keyring.save(Ring(rest).with_active(replace(new, active=True)))
    vault.forget()
    values |= finish(connection)
    return Done(replace(new, active=True), values, held_s, time.monotonic() - began)


def finish(connection: Any) -> dict[str, int]:
    """The third step, where a run has left it; {} when there is nothing to do. `connection` as for `run`."""
    if connection.execute("select to_regclass(%s)", [PAIRS]).fetchone()[0] is None:
        return {}
    in_force = connection.execute(
        f"select count(*) from {PAIRS} p join vault_key k using (key_id) where k.state = 'active' and k.purpose = 'index'"
    ).fetchone()[0]
    done: dict[str, int] = {}
    if in_force:
        connection.execute(f"analyze {PAIRS}")
        for table, column in SEARCHED:
            done[f"{table}.{column}"] = _afterwards(connection, table, column)
    connection.execute(f"drop table {PAIRS}")
    return done


def _pair(connection: Any, table: str, column: str, key_id: str, once_more: Callable[[bytes], bytes]) -> None:
    """Enter the successors of a column's values that have none yet."""
    new = (
        f"select distinct t.{column} from {table} t where t.{column} is not null"
        f" and not exists (select 1 from {PAIRS} p where p.former = t.{column})"
    )
    with (
        connection.transaction(),
        connection.cursor(name=f"former_{table}_{column}") as former,
        connection.cursor() as c,
    ):
        former.execute(new)
        while found := former.fetchmany(_BATCH):
            with c.copy(f"copy {PAIRS} from stdin (format binary)") as copy:
                copy.set_types(["bytea", "bytea", "text"])
                for (value,) in found:
                    copy.write_row((bytes(value), once_more(bytes(value)), key_id))
        c.execute(f"analyze {PAIRS}")


@contextmanager
def _nobody_between(connection: Any, patience: float) -> Iterator[None]:
    """Hold the gate shut. It is tried again and again rather than waited for: a waiting one would stop all who come."""
    until = time.monotonic() + patience
    while not connection.execute("select pg_try_advisory_lock(%s)", [GATE]).fetchone()[0]:
        if time.monotonic() > until:
            raise KeyInUse(
                _(
                    "等了 %(n)s 秒, 一直有业务在进行(例如正在检查的导入)。没有改动任何内容, 请换一个清闲的时间再运行"
                )
                % {"n": int(patience)}
            )
        time.sleep(0.05)
    try:
        yield
    finally:
        connection.execute("select pg_advisory_unlock(%s)", [GATE])


def _swap(connection: Any, new: Key, once_more: Callable[[bytes], bytes]) -> dict[str, int]:
    """Inside a transaction, behind the gate: what was added since, then the successors, then the key."""
    c = connection
    tables = sorted({table for table, _column in (*COLUMNS, *SEARCHED)})
    c.execute("set local lock_timeout = '10s'")
    c.execute(f"lock table {', '.join(tables)} in share row exclusive mode")
    for table, column in (*COLUMNS, *SEARCHED):
        _pair(c, table, column, new.id, once_more)
    values = {}
    for table, column in COLUMNS:
        done = c.execute(f"update {table} t set {column} = n.next from {PAIRS} n where t.{column} = n.former")
        values[f"{table}.{column}"] = done.rowcount
    c.execute("update vault_key set state = 'former' where purpose = 'index'")
    c.execute(
        "insert into vault_key (key_id, purpose, suite, fingerprint, state, created_at)"
        " values (%s, 'index', %s, %s, 'active', %s)",
        [new.id, new.suite, new.fingerprint, new.created_at],
    )
    return values


def _afterwards(connection: Any, table: str, column: str) -> int:
    """Renew what is left of a searched column, some values at a time, until a look over all finds none.

    A row may be written from a former copy of itself while this runs, so a look that finds nothing ends it, not one
    pass.
    """
    total = 0
    left = True
    while left:
        last = b""
        while True:
            try:
                row = connection.execute(
                    f"with chunk as (select former, next from {PAIRS} where former > %s order by former limit {_STEP}),"
                    f" done as (update {table} t set {column} = chunk.next from chunk where t.{column} = chunk.former"
                    " returning 1)"
                    " select (select former from chunk order by former desc limit 1), (select count(*) from done)",
                    [last],
                ).fetchone()
            except DeadlockDetected:
                continue
            if row[0] is None:
                break
            last, total = bytes(row[0]), total + row[1]
        left = connection.execute(
            f"select exists (select 1 from {table} t join {PAIRS} p on p.former = t.{column})"
        ).fetchone()[0]
    return total
