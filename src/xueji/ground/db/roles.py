"""The database's roles (architecture, Settled 5), set up by the same command that migrates.

- the owner runs migrations;
- `xueji_app` is what web and worker log in as: it owns nothing, inherits nothing, and row-level security binds it;
- `xueji_writer`, `xueji_intake`, `xueji_audit` are stepped into by commands for the length of a statement block
  (`xueji.ground.db.scope.acting`); they cannot log in;
- `xueji_search` owns the search functions, which filter by scope themselves;
- `xueji_relink` owns the one function that may relink a chain.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

from xueji.config import APP_ROLE, Dsn

STEP_INTO = ("xueji_writer", "xueji_intake", "xueji_audit")
FUNCTION_OWNERS = ("xueji_search", "xueji_relink")


def ensure_database(admin: psycopg.Connection, owner: Dsn) -> None:
    """As superuser of the embedded server: the owner role and its database."""
    have = admin.execute("select 1 from pg_roles where rolname = %s", (owner.user,)).fetchone()
    verb = sql.SQL("alter" if have else "create")
    admin.execute(
        sql.SQL("{} role {} login createrole nosuperuser nobypassrls password {}").format(
            verb, sql.Identifier(owner.user), sql.Literal(owner.password)
        )
    )
    if not admin.execute("select 1 from pg_database where datname = %s", (owner.name,)).fetchone():
        admin.execute(
            sql.SQL("create database {} owner {} encoding 'UTF8' template template0").format(
                sql.Identifier(owner.name), sql.Identifier(owner.user)
            )
        )


def ensure_roles(owner: psycopg.Connection, app_password: str) -> None:
    """As owner (needs CREATEROLE): the application's roles and their memberships. Idempotent."""
    with owner.transaction():
        owner.execute("select pg_advisory_xact_lock(7310001)")
        names = {r[0] for r in owner.execute("select rolname from pg_roles where rolname like 'xueji%'")}
        for name in (*STEP_INTO, *FUNCTION_OWNERS):
            if name not in names:
                owner.execute(sql.SQL("create role {} nologin noinherit").format(sql.Identifier(name)))
        # A new role has no attribute that is not named; to name one again takes a right that the owner lacks.
        verb = sql.SQL("alter" if APP_ROLE in names else "create")
        owner.execute(
            sql.SQL("{} role {} login noinherit password {}").format(
                verb, sql.Identifier(APP_ROLE), sql.Literal(app_password)
            )
        )
        for name in STEP_INTO:
            owner.execute(sql.SQL("grant {} to {}").format(sql.Identifier(name), sql.Identifier(APP_ROLE)))
        for name in (
            *STEP_INTO,
            *FUNCTION_OWNERS,
        ):  # the owner lends functions, and brings first rows as a writer
            owner.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(name)))
        everyone = sql.SQL(", ").join(map(sql.Identifier, (APP_ROLE, *STEP_INTO, *FUNCTION_OWNERS)))
        owner.execute("revoke create on schema public from public")
        owner.execute(sql.SQL("grant usage on schema public to {}").format(everyone))
        makers = sql.SQL(", ").join(map(sql.Identifier, FUNCTION_OWNERS))
        owner.execute(sql.SQL("grant create on schema public to {}").format(makers))
