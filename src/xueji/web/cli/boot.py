"""From a bare process to a usable installation: server, roles, migrations, keys, Django."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from xueji import config

if TYPE_CHECKING:
    from xueji.ground.db.cluster import Cluster


class Refused(Exception):
    """The command cannot go on; the message says why and what to do. Exit status 2."""


def say(text: str) -> None:
    """A line of progress for the person at the terminal (standard error: standard output is for results)."""
    print(text, file=sys.stderr, flush=True)


def setup_django() -> None:
    """Configure Django once."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xueji.settings")
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()


def start_database() -> tuple[Cluster | None, bool]:
    """The embedded server running (None with DATABASE_URL), and whether this process started it.

    Commands attach to a running server and never start a second one.
    """
    from xueji.ground.db.cluster import ClusterError
    from xueji.ground.db.migrate import embedded_cluster

    if not config.embedded():
        return None, False
    cluster = embedded_cluster()
    try:
        return cluster, cluster.ensure()
    except ClusterError as e:
        raise Refused(str(e)) from e


def migrate() -> str:
    """Roles, migrations, functions, rights, keys. Returns what the migrations printed."""
    import psycopg

    from xueji.ground.db import migrate as m

    cluster = m.embedded_cluster() if config.embedded() else None
    try:
        m.prepare_server(cluster=cluster)
    except (m.ServerTooOld, psycopg.OperationalError) as e:
        raise Refused(f"数据库不能使用: {e}") from e
    setup_django()
    out = m.migrate(verbosity=1)
    check_keys()
    return out


def pending_migrations() -> int:
    """How many migrations this database lacks; Django must be set up."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def check_keys() -> None:
    """Refuse to go on when the key file does not fit the database: losing it must never go unnoticed."""
    from django.db import connection, transaction

    from xueji.ground.crypto import keys
    from xueji.ground.crypto.errors import KeyMissing

    try:
        with transaction.atomic(), connection.cursor() as c:
            keys.check(c)
    except KeyMissing as e:
        raise Refused(str(e)) from e


def ready() -> tuple[Cluster | None, bool]:
    """For commands that need an existing, up-to-date installation. Raises `Refused` with what to do."""
    import psycopg
    from django.db import OperationalError

    cluster, started = start_database()
    setup_django()
    try:
        pending = pending_migrations()
    except (OperationalError, psycopg.Error) as e:
        raise Refused(f"连不上数据库({e})。第一次使用请先运行: xueji migrate") from e
    if pending:
        raise Refused(f"数据库还有 {pending} 个升级步骤没有执行。请先运行: xueji migrate")
    check_keys()
    return cluster, started
