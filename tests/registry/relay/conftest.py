"""Two installations for a test: databases of their own that really commit, gone afterwards."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connections
from tests.bed import cluster, template_name
from tests.children import id_number  # noqa: F401 - brings the made-up divisions
from tests.registry.relay.two import Clock, Installation, Network, connect, make

from xueji import config

_COUNTER = itertools.count()


@pytest.fixture
def databases(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Two clones of the migrated template; the second without traces of the bed's keys."""
    owner = config.owner_dsn()
    names = [f"test_relay_{os.getpid()}_{next(_COUNTER)}" for _ in range(2)]
    with cluster().connect() as admin:
        for name in names:
            admin.execute(
                f"create database {name} template {template_name()} owner {owner.user} strategy file_copy"
            )
    with psycopg.connect(**owner.as_database(names[1]).kwargs(), autocommit=True) as c:  # type: ignore[arg-type]
        c.execute("delete from vault_key")
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield names
    with cluster().connect() as admin:
        for name in names:
            admin.execute(f"drop database {name} with (force)")


@pytest.fixture
def sides(databases: list[str], tmp_path: Path) -> Iterator[tuple[Installation, Installation]]:
    """The losing installation A and the receiving one B, which know each other."""
    before = connections["default"]
    a = make("A99", databases[0], tmp_path, fresh_keys=False)
    b = make("B99", databases[1], tmp_path, fresh_keys=True)
    connect(a, b)
    yield a, b
    for side in (a, b):
        side.wrapper.close()
    connections["default"] = before


@pytest.fixture
def mixed_sides(databases: list[str], tmp_path: Path) -> Iterator[tuple[Installation, Installation]]:
    """A with the international algorithms, B with the national ones."""
    before = connections["default"]
    a = make("A99", databases[0], tmp_path, fresh_keys=False)
    b = make("B99", databases[1], tmp_path, fresh_keys=True, family="gm")
    connect(a, b)
    yield a, b
    for side in (a, b):
        side.wrapper.close()
    connections["default"] = before


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def network(sides: tuple[Installation, Installation], clock: Clock) -> Network:
    """A good network."""
    return Network(list(sides), clock, random.Random(1))
