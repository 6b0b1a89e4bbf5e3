"""A new index key in a quiet hour: every number is found as before, none can be claimed twice, a crash harms nothing."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from xueji import config
from xueji.ground.crypto import backups, keyring, keys, reindex, vault
from xueji.ground.crypto.errors import KeyInUse, KeysExist
from xueji.ground.db.scope import acting

NUMBERS = [f"99010120150309{n:04d}" for n in range(40)]


def _claim(number: str) -> bool:
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "insert into identity_lookup (id_type, bidx, person_id, doc_no) values ('1', %s, %s, 1)"
            " on conflict do nothing returning doc_no",
            [vault.index("id:1", number), uuid.uuid4()],
        )
        return c.fetchone() is not None


def _away() -> None:
    """This process lets go of the database, as a stopped service has."""
    connection.close()
    if hasattr(connection, "close_pool"):
        connection.close_pool()


def _check() -> None:
    with transaction.atomic(), connection.cursor() as c:
        keys.check(c)


@pytest.fixture
def filled(key_file: Path, own_database: str, as_owner: psycopg.Connection) -> psycopg.Connection:
    """Forty claimed numbers under the keys of this test's own file."""
    keys.create()
    as_owner.execute("delete from vault_key")
    _check()
    assert all(_claim(n) for n in NUMBERS)
    _away()
    return as_owner


@pytest.mark.parametrize("family", ["standard", "gm"])
def test_numbers_are_found_and_unique_under_the_new_key(filled: psycopg.Connection, family: Any) -> None:
    before = keyring.load().active("index")
    done = reindex.run(filled, family=family)
    assert done.values["identity_lookup.bidx"] == len(NUMBERS)
    ring = keyring.load()
    assert ring.active("index").id == done.key.id and [k.id for k in ring.index_chain] == [
        before.id,
        done.key.id,
    ]
    assert ring.active("index").suite == {"standard": "hmac-sha256", "gm": "hmac-sm3"}[family]
    assert not any(_claim(n) for n in NUMBERS)
    assert _claim("990101201503099999")
    _check()
    _away()
    again = reindex.run(filled)
    assert again.values["identity_lookup.bidx"] == len(NUMBERS) + 1
    assert len(keyring.load().index_chain) == 3
    assert not any(_claim(n) for n in [*NUMBERS, "990101201503099999"])


def test_nobody_is_at_work_meanwhile(filled: psycopg.Connection) -> None:
    with connection.cursor() as c:
        c.execute("select 1")
    before = keyring.load()
    with pytest.raises(KeyInUse, match="停止服务"):
        reindex.run(filled)
    assert keyring.load() == before
    _away()


def test_a_crash_before_and_after_the_commit_leaves_one_whole_state(
    filled: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = keyring.save, []

    def save(ring: Any, *args: Any, **kwargs: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise OSError("power")
        real(ring, *args, **kwargs)

    with monkeypatch.context() as m:
        m.setattr(reindex, "_again", lambda *a: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            reindex.run(filled)
    vault.forget()
    _check()
    assert not any(_claim(n) for n in NUMBERS)  # nothing happened but a key too many in the file
    assert len(keyring.load().index_chain) == 1
    _away()
    with monkeypatch.context() as m:
        m.setattr(keyring, "save", save)
        with pytest.raises(OSError, match="power"):
            reindex.run(filled)
    vault.forget()
    _check()  # the database has the new index already: the file follows
    assert len(keyring.load().index_chain) == 2
    assert not any(_claim(n) for n in NUMBERS)


def test_copies_of_before_and_after_belong_together(
    filled: psycopg.Connection, key_file: Path, tmp_path: Path
) -> None:
    backups.backup(tmp_path / "old.json", "correct horse battery")
    reindex.run(filled)
    backups.backup(tmp_path / "new.json", "correct horse battery")
    ring = keyring.load()
    backups.restore(tmp_path / "old.json", "correct horse battery")
    assert keyring.load() == ring
    key_file.unlink()
    vault.forget()
    keys.create()
    with pytest.raises(KeysExist):
        backups.restore(tmp_path / "new.json", "correct horse battery")


def test_every_blind_index_is_among_those_that_are_renewed(as_owner: psycopg.Connection) -> None:
    found = as_owner.execute(
        "select c.relname, a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid"
        " where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace"
        " and a.atttypid = 'bytea'::regtype and not a.attisdropped"
        " and (a.attname like '%bidx' or a.attname in ('last6', 'code'))"
    ).fetchall()
    assert set(found) == set(reindex.COLUMNS)
    # A new kind of index: enter its column in reindex.COLUMNS. (The audit keeps no index that is looked up.)
    kinds = set()
    for path in Path(vault.__file__).parents[2].rglob("*.py"):
        kinds |= set(re.findall(r"""vault\.index\(\s*f?["']([a-z0-9]+)""", path.read_text(encoding="utf-8")))
    assert kinds == {"id", "no", "last6", "invite", "complaint", "audit"}
    assert config.APP_ROLE == "xueji_app"
