"""A new index key while people work: every number is found as before, none is claimed twice, a crash harms nothing."""

from __future__ import annotations

import random
import re
import threading
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from xueji import config
from xueji.ground.crypto import backups, keyring, keys, reindex, vault
from xueji.ground.crypto.errors import KeyInUse, KeyMissing, KeysExist
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
def filled(
    strict_gate: None, key_file: Path, own_database: str, as_owner: psycopg.Connection
) -> psycopg.Connection:
    """Forty claimed numbers under the keys of this test's own file."""
    as_owner.execute("delete from vault_key")
    keys.create()
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


@pytest.mark.capability("C-SEC-02")
def test_people_claim_and_find_numbers_while_the_key_is_renewed(filled: psycopg.Connection) -> None:
    """The operator renews the index key at noon; four clerks go on entering children, some of them twice; at the end
    every number is on record once and found, under a key that none of them was told of.
    """
    stop, ready = threading.Event(), threading.Barrier(5)
    claimed: list[str] = []
    errors: list[str] = []
    tries = [0] * 4

    def clerk(which: int) -> None:
        rng = random.Random(which)
        try:
            ready.wait()
            while not stop.is_set():
                number = f"99010120160309{rng.randrange(400):04d}"
                if _claim(number):
                    claimed.append(number)
                assert not _claim(number) and not _claim(rng.choice(NUMBERS))
                tries[which] += 1
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}")
        finally:
            connection.close()

    clerks = [threading.Thread(target=clerk, args=(n,)) for n in range(4)]
    for thread in clerks:
        thread.start()
    ready.wait()
    first = reindex.run(filled)
    second = reindex.run(filled, family="gm")
    before = sum(tries)
    while sum(tries) < before + 40 and not errors:
        stop.wait(0.01)
    stop.set()
    for thread in clerks:
        thread.join()
    assert errors == []
    assert len(claimed) == len(set(claimed)) > 0
    assert [k.id for k in keyring.load().index_chain][1:] == [first.key.id, second.key.id]
    assert vault.index_key() == second.key.id
    assert not any(_claim(n) for n in [*NUMBERS, *claimed])
    count = filled.execute("select count(*), count(distinct bidx) from identity_lookup").fetchone()
    assert count == (len(NUMBERS) + len(claimed),) * 2


def test_it_waits_for_whoever_is_between_computing_and_using(filled: psycopg.Connection) -> None:
    before = keyring.load().active("index")
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        index = vault.index("id:1", NUMBERS[0])
        with pytest.raises(KeyInUse, match="没有改动任何内容"):
            reindex.run(filled, patience=0.2)
        c.execute("select 1 from identity_lookup where bidx = %s", [index])
        assert c.fetchone()
    assert keyring.load().active("index") == before
    waiting = reindex.prepare()
    assert not waiting.active and reindex.prepare() == waiting
    assert reindex.run(filled).key.id == waiting.id


def test_a_machine_without_the_new_key_does_nothing_rather_than_something_wrong(
    filled: psycopg.Connection, key_file: Path
) -> None:
    old = key_file.read_bytes()
    reindex.run(filled)
    new = key_file.read_bytes()
    key_file.write_bytes(old)
    vault.forget()
    with pytest.raises(KeyMissing, match="复制过来"):
        _claim(NUMBERS[0])
    key_file.write_bytes(new)
    vault.forget()
    assert not _claim(NUMBERS[0])


def test_what_is_only_searched_is_found_before_it_is_renewed(
    filled: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = vault.index("last6", "090018")
    for (name,) in filled.execute(
        "select conname from pg_constraint where conrelid = 'roster'::regclass and contype = 'f'"
    ).fetchall():
        filled.execute(f'alter table roster drop constraint "{name}"')  # rows without people do here
    filled.execute(
        "insert into roster (county_id, school_id, person_id, kind, reason, since, stage, cohort_year, status, name, pinyin,"
        " initials, pinyin_sort, grams, sex, birth_date, number_prefix, last6, check_state, open_case, problem)"
        " select 1, 2, gen_random_uuid(), 1, 'enrolled', now(), 'P', 2022, 1, '田禾', 'tianhe', 'th', 'tian2 he2', '{}', '1',"
        " date '2015-03-09', 'L', %s, 'unchecked', '', false from generate_series(1, 2500)",
        [former],
    )
    with monkeypatch.context() as m:
        m.setattr(reindex, "_afterwards", lambda *a: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            reindex.run(filled)
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        now, before = vault.indexes("last6", "090018")
        assert before == former and now == vault.index("last6", "090018") != former
        c.execute("select count(*) from roster where last6 = any(%s)", [[now, before]])
        assert c.fetchone() == (2500,)
    assert reindex.finish(filled) == {"roster.last6": 2500}
    assert filled.execute("select distinct last6 from roster").fetchall() == [(now,)]
    assert reindex.finish(filled) == {}


def test_a_crash_before_and_after_the_commit_leaves_one_whole_state(
    filled: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = keyring.save, []

    def save(ring: Any, *args: Any, **kwargs: Any) -> None:
        calls.append(1)
        if len(calls) == 1:  # the key of the broken run waits in the file: this is the one after the commit
            raise OSError("power")
        real(ring, *args, **kwargs)

    with monkeypatch.context() as m:
        m.setattr(reindex, "_swap", lambda *a: 1 / 0)
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
    assert set(found) == {*reindex.COLUMNS, *reindex.SEARCHED}
    # A new kind of index: enter its column in reindex.COLUMNS. (The audit keeps no index that is looked up.)
    kinds = set()
    for path in Path(vault.__file__).parents[2].rglob("*.py"):
        kinds |= set(re.findall(r"""vault\.index\(\s*f?["']([a-z0-9]+)""", path.read_text(encoding="utf-8")))
    assert kinds == {"id", "no", "last6", "invite", "complaint", "audit"}
    assert config.APP_ROLE == "xueji_app"
