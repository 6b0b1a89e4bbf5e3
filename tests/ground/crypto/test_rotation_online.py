"""The operator rotates the keys at noon: readers and writers go on, nobody waits, nothing is lost, no number twice."""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone

from xueji.ground.crypto import keyring, keys, vault, verify
from xueji.ground.db.scope import acting

PEOPLE = 30


def _place(person: uuid.UUID) -> str:
    return f"person_profile.sealed:{person}"


def _people() -> list[uuid.UUID]:
    made = [uuid.uuid4() for _n in range(PEOPLE)]
    person = (
        "insert into person (person_id, name, pinyin, initials, pinyin_sort, former_name, sex, birth_date, ethnicity,"
        " nationality, check_state, version, created_at, readers, klasses) values (%s, '田禾', 'tianhe', 'th', 'tian2 he2',"
        " '', '1', %s, '01', 'CHN', 'unchecked', 1, %s, '{}', '{}')"
    )
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        for p in made:
            c.execute(person, [p, date(2015, 3, 9), timezone.now()])
            c.execute(
                "insert into person_profile (person_id, data, sealed, readers, klasses) values (%s, '{}', %s, '{}', '{}')",
                [p, vault.seal("0", _place(p))],
            )
    return made


@pytest.mark.capability("C-SEC-02")
def test_readers_and_writers_go_on_while_the_keys_are_rotated(
    key_file: Path, own_database: str, as_owner: psycopg.Connection
) -> None:
    keys.create()
    with connection.cursor() as c:
        c.execute("select 1")
    people = _people()
    stop = threading.Event()
    errors: list[str] = []
    written: dict[uuid.UUID, int] = dict.fromkeys(people, 0)
    claimed: list[tuple[bytes, int]] = []
    reads = [0]

    def going(work: Callable[[random.Random], None], seed: int) -> threading.Thread:
        def loop() -> None:
            rng = random.Random(seed)
            try:
                while not stop.is_set():
                    work(rng)
            except Exception as error:
                errors.append(f"{type(error).__name__}: {error}")
            finally:
                connection.close()

        return threading.Thread(target=loop)

    def read(rng: random.Random) -> None:
        person = rng.choice(people)
        with transaction.atomic(), acting("writer"), connection.cursor() as c:
            c.execute("select sealed from person_profile where person_id = %s", [person])
            assert vault.open(c.fetchone()[0], _place(person)).isdigit()
        reads[0] += 1

    def write(mine: list[uuid.UUID]) -> Callable[[random.Random], None]:
        def once(rng: random.Random) -> None:
            person = rng.choice(mine)
            value = written[person] + 1
            with transaction.atomic(), acting("writer"), connection.cursor() as c:
                c.execute(
                    "update person_profile set sealed = %s where person_id = %s",
                    [vault.seal(str(value), _place(person)), person],
                )
            written[person] = value

        return once

    def claim(me: int) -> Callable[[random.Random], None]:
        def once(rng: random.Random) -> None:
            bidx = vault.index("id:1", f"99010120150309{rng.randrange(60):04d}")
            with transaction.atomic(), acting("writer"), connection.cursor() as c:
                c.execute(
                    "insert into identity_lookup (id_type, bidx, person_id, doc_no) values ('1', %s, %s, %s)"
                    " on conflict do nothing returning doc_no",
                    [bidx, people[me], me],
                )
                if c.fetchone() is not None:
                    claimed.append((bytes(bidx), me))

        return once

    half = PEOPLE // 2
    threads = [
        *(going(read, n) for n in range(2)),
        going(write(people[:half]), 10),
        going(write(people[half:]), 11),
        *(going(claim(n), 20 + n) for n in range(2)),
    ]
    for t in threads:
        t.start()
    families: list[Any] = ["gm", "standard", None]
    try:
        for family in families:
            before = sum(written.values())
            keys.rotate(family)
            report = keys.reencrypt(7)
            assert report.failed == []
            while sum(written.values()) < before + 20 and not errors:
                stop.wait(0.01)
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert errors == []
    assert reads[0] > 20
    assert len({bidx for bidx, _me in claimed}) == len(claimed) > 0  # each number once
    keys.reencrypt()
    old = [k.id for k in keyring.load().keys if k.purpose == "data" and not k.active]
    assert len(old) == 3 and all(not keys.remaining(k) for k in old)
    assert list(verify.problems(as_owner, sample=50)) == []
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute("select person_id, sealed from person_profile")
        found = {p: int(vault.open(blob, _place(p))) for p, blob in c.fetchall()}
    assert found == written  # re-sealing overwrote nobody's later value


def test_a_value_that_does_not_open_and_a_key_that_is_missing_are_named(
    key_file: Path, own_database: str, as_owner: psycopg.Connection
) -> None:
    keys.create()
    people = _people()
    assert list(verify.problems(as_owner)) == []
    assert keys.values_by_key() == {keyring.load().active("data").id: {"person_profile.sealed": PEOPLE}}
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "update person_profile set sealed = %s where person_id = %s",
            [vault.seal("moved", _place(people[1])), people[0]],
        )
    (found,) = verify.problems(as_owner)
    assert found.check == "keys.sealed" and str(people[0]) in found.key and "moved" not in str(found)
    ring = keyring.load()
    keys.rotate()
    lost = ring.active("data").id
    keyring.save(keyring.Ring(tuple(k for k in keyring.load().keys if k.id != lost)))
    vault.forget()
    problems = list(verify.problems(as_owner))
    assert [p.check for p in problems] == ["keys.missing"] and lost in problems[0].message
