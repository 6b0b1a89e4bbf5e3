"""Bringing a database to the present version: roles, migrations as owner, functions, rights. One command does it all."""

from __future__ import annotations

import io
from pathlib import Path

import psycopg

from xueji import config
from xueji.ground.db import roles
from xueji.ground.db.cluster import Cluster


class ServerTooOld(Exception):
    """The server is older than PostgreSQL 15."""


def embedded_cluster() -> Cluster:
    """The embedded server of this installation."""
    return Cluster(
        pgdata=config.data_dir() / "pg",
        sockets=config.socket_dir(),
        superuser_password=config.secret("superuser_password"),
    )


def prepare_server(*, owner: config.Dsn | None = None, cluster: Cluster | None = None) -> None:
    """Make the owner and the database (embedded server only), and the application's roles. Idempotent.

    Raises `ServerTooOld`; psycopg errors if the server cannot be reached.
    """
    owner = owner or config.owner_dsn()
    if cluster is not None:
        with cluster.connect() as admin:
            roles.ensure_database(admin, owner)
    with psycopg.connect(**owner.kwargs(), autocommit=True) as c:  # type: ignore[arg-type]
        if c.info.server_version < 150000:
            raise ServerTooOld("PostgreSQL 15 or newer is needed")
        roles.ensure_roles(c, config.secret("app_password"))


def migrate(*, owner: config.Dsn | None = None, verbosity: int = 0) -> str:
    """As owner: run Django's migrations, then create functions and rights. Returns what Django printed.

    Needs django.setup() to have run. The connection alias `default` is pointed at the owner for the time being.
    """
    from django.core.management import call_command
    from django.db import connections

    owner = owner or config.owner_dsn()
    connection = connections["default"]
    before = dict(connection.settings_dict)
    connection.close_pool()  # type: ignore[attr-defined]
    connection.close()
    out = io.StringIO()
    try:
        settings = owner.django()
        connection.settings_dict.update(
            {k: settings[k] for k in ("HOST", "PORT", "NAME", "USER", "PASSWORD")}
        )
        connection.settings_dict["OPTIONS"] = dict(owner.options)
        call_command("migrate", verbosity=verbosity, stdout=out, interactive=False)
        with connection.cursor() as c:
            apply_functions(c)
            from xueji.ground.db import guards

            guards.apply(c)
        bootstrap()
    finally:
        connection.close()
        connection.settings_dict.update(before)
    return out.getvalue()


def apply_functions(cursor: object) -> None:
    """Create or replace the functions in the rooms' `sql/` folders, in the order of the installed rooms.

    A function may call one that a later file makes: bodies are checked when they are first run.
    """
    from django.apps import apps

    cursor.execute("set check_function_bodies = off")  # type: ignore[attr-defined]
    for app in apps.get_app_configs():
        folder = Path(app.path) / "sql"
        if folder.is_dir():
            for path in sorted(folder.glob("*.sql")):
                cursor.execute(path.read_text(encoding="utf-8"))  # type: ignore[attr-defined]
    cursor.execute("reset check_function_bodies")  # type: ignore[attr-defined]


def bootstrap() -> None:
    """Let each room bring what it has from its first migration on: `bootstrap.run()`, idempotent, as owner."""
    from importlib import import_module, util

    from django.apps import apps

    for app in apps.get_app_configs():
        name = f"{app.name}.bootstrap"
        if util.find_spec(name) is not None:
            import_module(name).run()
