"""The small demo county for tests that want a whole place with everybody in it: built once a run, cloned for each use."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.bed import BED, cluster

from xueji import config

DEMO_TEMPLATE = "xueji_demo_template"


def template(django_db_blocker: Any) -> dict[str, Any]:
    """Build the template database unless this run has it; returns what `xueji.web.demo.build` told about it."""
    from django.db import connections

    from xueji.web import demo

    facts = BED / "demo.json"
    with (BED / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not facts.exists():
            owner = config.owner_dsn().user
            with cluster().connect() as admin:
                admin.execute(f"drop database if exists {DEMO_TEMPLATE} with (force)")
                admin.execute(
                    f"create database {DEMO_TEMPLATE} template xueji_template owner {owner} strategy file_copy"
                )
            connection = connections["default"]
            before = connection.settings_dict["NAME"]
            connection.close()
            connection.settings_dict["NAME"] = DEMO_TEMPLATE
            try:
                with django_db_blocker.unblock():
                    built = demo.as_json(demo.build("S", seed=7, progress=lambda _text: None))
                    connection.close()
            finally:
                connection.settings_dict["NAME"] = before
            facts.write_text(json.dumps(built, ensure_ascii=False, default=str))
    return dict(json.loads(facts.read_text()))


def clone(name: str) -> None:
    """A database of that name, as the demo was when it was built."""
    owner = config.owner_dsn().user
    with cluster().connect() as admin:
        admin.execute(f"drop database if exists {name} with (force)")
        admin.execute(f"create database {name} template {DEMO_TEMPLATE} owner {owner} strategy file_copy")


@contextmanager
def using(name: str, django_db_blocker: Any) -> Iterator[None]:
    """Django points at that database, of this thread and of others, and commits to it."""
    from django.db import connections

    connection = connections["default"]
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        with django_db_blocker.unblock():
            yield
            connections.close_all()
    finally:
        connection.settings_dict["NAME"] = before
