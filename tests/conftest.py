"""The test bed: one PostgreSQL for the run, migrated once into a template, cloned for each worker.

The tests connect as the application's own role, which owns nothing and is bound by row-level security.
XUEJI_TEST_PG=15 runs them on Debian's PostgreSQL 15 instead of the embedded server.
"""

from __future__ import annotations

import fcntl
import itertools
import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import settings as hypothesis_settings
from tests.bed import BED, CHROMIUM, FLAGS, cluster, template_name

from xueji import config

_COUNTER = itertools.count()

# Machines that decide about a landing try the same examples each time; people's runs go on looking for new ones.
hypothesis_settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    hypothesis_settings.load_profile("ci")


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """Clone the migrated template for this worker and point Django at the clone, as the application's role."""
    from django.db import connections

    from xueji.ground.db import migrate

    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"test_{worker}"
    owner = config.owner_dsn()
    with (BED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server = cluster()
        server.ensure()
        with server.connect() as admin:
            have = admin.execute(
                "select 1 from pg_database where datname = %s", (template_name(),)
            ).fetchone()
        template = owner.as_database(template_name())
        if not have:
            migrate.prepare_server(owner=template, cluster=server)
            with django_db_blocker.unblock():  # type: ignore[attr-defined]
                migrate.migrate(owner=template)
                _first_start(template)
                _keys_begin_high(template)
        with server.connect() as admin:
            admin.execute(f"drop database if exists {name} with (force)")
            admin.execute(
                f"create database {name} template {template_name()} owner {owner.user} strategy file_copy"
            )
    connection = connections["default"]
    connection.close_pool()
    connection.close()
    connection.settings_dict["NAME"] = name
    yield
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        connection.close_pool()
        connection.close()


@pytest.fixture
def own_database(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[str]:
    """A database of its own for a test that really commits: threads, servers, crashes. Gone afterwards.

    (pytest-django's transactional tests empty tables instead, which this database rightly refuses.)
    """
    from django.db import connections

    name = f"test_own_{os.getpid()}_{next(_COUNTER)}"
    connection = connections["default"]
    before = connection.settings_dict["NAME"]
    with cluster().connect() as admin:
        admin.execute(
            f"create database {name} template {template_name()} owner {config.owner_dsn().user} strategy file_copy"
        )
    connection.close()
    connection.settings_dict["NAME"] = name
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield name
        connections.close_all()
    connection.settings_dict["NAME"] = before
    with cluster().connect() as admin:
        admin.execute(f"drop database {name} with (force)")


@pytest.fixture
def as_owner(own_database: str) -> Iterator[psycopg.Connection]:
    """The owner's own connection to the test's database: what an administrator of the database could do."""
    owner = config.owner_dsn().as_database(own_database)
    with psycopg.connect(**owner.kwargs(), autocommit=True) as connection:  # type: ignore[arg-type]
        yield connection


def _first_start(owner: config.Dsn) -> None:
    """What the first start of every installation does: make the keys and write their fingerprints down."""
    from xueji.ground.crypto import keys

    with psycopg.connect(**owner.kwargs()) as c, c.cursor() as cursor:  # type: ignore[arg-type]
        keys.check(cursor)


#: Where the keys of these tables begin: each passes a power of ten in every run, and no two of them share keys, so that
#: a test or a page that counts on few digits, or takes the key of one thing for that of another, fails at once.
_KEYS = {"org": 9_990, "account_user": 99_900, "school_class": 9_999_900}


def _keys_begin_high(owner: config.Dsn) -> None:
    with psycopg.connect(**owner.kwargs()) as c:  # type: ignore[arg-type]
        for table, key in _KEYS.items():
            c.execute("select setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, key])


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright; what needs it is skipped where there is none.

    One for the whole worker: Playwright cannot be started twice in one thread.
    """
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed here: browser journeys did not run")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


#: Rooms whose tests share something that takes long to make for each worker: an installation with a demo, the attacked
#: world; and the demo's clones with a browser. The first stand at the head of the first half, the others of the second.
_FIRST = ("tests/web/cli/", "tests/attacks/")
_SECOND = ("tests/journeys/", "tests/pages/", "tests/web/demo/")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep such tests side by side, in the random order that they have: `--dist worksteal` cuts the list into halves, and
    what is cheap to take over from the other worker comes last in each.
    """

    def room(item: pytest.Item, names: tuple[str, ...]) -> int:
        return next((i for i, name in enumerate(names) if item.nodeid.startswith(name)), len(names))

    first = sorted((i for i in items if room(i, _FIRST) < len(_FIRST)), key=lambda i: room(i, _FIRST))
    second = sorted((i for i in items if room(i, _SECOND) < len(_SECOND)), key=lambda i: room(i, _SECOND))
    taken = {*map(id, first), *map(id, second)}
    others = [i for i in items if id(i) not in taken]
    cut = max(0, len(items) // 2 - len(first))
    items[:] = first + others[:cut] + second + others[cut:]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "capability(id, page=None): the test shows this capability of the catalogue"
    )
    config.addinivalue_line("markers", "rule(id): the test shows this rule of the catalogue")
    config.addinivalue_line("markers", "browser: needs Chromium")
    config.addinivalue_line("markers", "slow: part of make test-full only")
    config.addinivalue_line("markers", "fuzz: the many random requests of make test-full, on several workers")
