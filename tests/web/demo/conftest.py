"""A small demonstration in a database of its own, built once for the module and only read by its tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from tests.bed import cluster, template_name

from xueji import config
from xueji.ground.standards import divisions
from xueji.web import demo


@dataclass
class Built:
    """What `build` told, and the owner's connection to what it made."""

    accounts: demo.DemoAccounts
    owner: psycopg.Connection
    said: list[str]


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: Any) -> Iterator[Built]:
    """Size S of a fixed seed. Django points at it while the module's tests run."""
    from django.db import connections

    name = f"test_demo_{os.getpid()}"
    owner = config.owner_dsn()
    with cluster().connect() as admin:
        admin.execute(f"drop database if exists {name} with (force)")
        admin.execute(
            f"create database {name} template {template_name()} owner {owner.user} strategy file_copy"
        )
    connection = connections["default"]
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    said: list[str] = []
    with django_db_blocker.unblock(), divisions.demo():
        accounts = demo.build("S", seed=11, progress=said.append)
        with psycopg.connect(**owner.as_database(name).kwargs(), autocommit=True) as c:  # type: ignore[arg-type]
            yield Built(accounts, c, said)
        connections.close_all()
    connection.settings_dict["NAME"] = before
    with cluster().connect() as admin:
        admin.execute(f"drop database {name} with (force)")
