"""The attacked world: one database for each worker, built once; each test looks at it and leaves no trace."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connections, transaction
from tests.attacks.world import World, committed
from tests.bed import cluster, template_name

from xueji import config


class Undone(Exception):
    """Ends a test's transaction."""


@pytest.fixture(scope="session")
def attacked(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """The world, committed to a database of this worker's own."""
    name = f"attacked_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    owner = config.owner_dsn().user
    with cluster().connect() as admin:
        admin.execute(f"drop database if exists {name} with (force)")
        admin.execute(f"create database {name} template {template_name()} owner {owner} strategy file_copy")
    connection = connections["default"]
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        with django_db_blocker.unblock():
            world = committed()
            connection.close()
    finally:
        connection.settings_dict["NAME"] = before
    world.database = name
    yield world
    with cluster().connect() as admin:
        admin.execute(f"drop database {name} with (force)")


@pytest.fixture
def owner(attacked: World) -> Iterator[psycopg.Connection]:
    """The owner of the tables: sees everything, whatever the policies say."""
    dsn = config.owner_dsn().as_database(attacked.database)
    with psycopg.connect(**dsn.kwargs(), autocommit=True) as c:  # type: ignore[arg-type]
        yield c


@pytest.fixture
def app(attacked: World) -> Iterator[psycopg.Connection]:
    """The application's own role, straight on SQL."""
    dsn = config.app_dsn().as_database(attacked.database)
    with psycopg.connect(**dsn.kwargs()) as c:  # type: ignore[arg-type]
        yield c
        c.rollback()


@pytest.fixture
def superuser(attacked: World) -> Iterator[psycopg.Connection]:
    """Whoever could change policies; what it does is rolled back."""
    with cluster().connect(attacked.database) as c:
        c.autocommit = False
        yield c
        c.rollback()


@pytest.fixture
def site(attacked: World, django_db_blocker: Any) -> Iterator[World]:
    """The world under Django: requests of the test client, undone afterwards."""
    connection = connections["default"]
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = attacked.database
    try:
        with django_db_blocker.unblock():
            try:
                with transaction.atomic():
                    yield attacked
                    raise Undone
            except Undone:
                pass
            connection.close()
    finally:
        connection.settings_dict["NAME"] = before
