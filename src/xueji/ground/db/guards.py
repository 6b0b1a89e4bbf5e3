"""Who may do what with each table: row-level security and grants, made from one declaration per table.

Every room that has tables declares them in its `tables.py` as `TABLES: list[Table]`; `apply` (run by every
migration) makes the database match, and a test fails on a table that nobody declared. Policies use columns of
the row itself and the scope read once in a sub-select; on Citus, where a policy may hold no sub-query, the same
declaration is written without it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import import_module, util
from typing import Any, Literal

Home = Literal["person", "lookup", "county", "reference", "local", "framework"]


@dataclass(frozen=True)
class Scope:
    """Which columns of a row decide who sees it; the words name columns, empty ones do not take part.

    `orgs` are columns with one organisation's id, `readers` columns with an array of them; `klass`/`klasses`
    the same for classes, `person` the column of the person, `user` a column holding the user's own id. A `condition`
    is SQL of its own, for rows that no such column decides.
    """

    orgs: tuple[str, ...] = ()
    readers: str = ""
    klass: str = ""
    klasses: str = ""
    person: str = ""
    user: str = ""
    condition: str = ""

    def expression(self, *, citus: bool = False) -> str:
        """The policy's condition in SQL."""

        def read(what: str) -> str:
            # The setting itself, not `xueji_scope_...()`: the planner would take in the function's body anew for
            # each policy of each statement, which cost more than the policy does.
            kind = {"persons": "uuid[]", "user": "bigint"}.get(what, "int[]")
            setting = f"nullif(current_setting('xueji.{what}', true), '')::{kind}"
            return f"xueji_scope_{what}()" if citus else f"(select {setting})"

        parts = [f"{c} = any({read('orgs')}::int[])" for c in self.orgs]
        if self.readers:
            parts.append(f"{self.readers} && {read('orgs')}::int[]")
        if self.klass:
            parts.append(f"{self.klass} = any({read('classes')}::int[])")
        if self.klasses:
            parts.append(f"{self.klasses} && {read('classes')}::int[]")
        if self.person:
            parts.append(f"{self.person} = any({read('persons')}::uuid[])")
        if self.user:
            parts.append(f"{self.user} = {read('user')}")
        if self.condition:
            parts.append(f"({self.condition})")
        return "(" + " or ".join(parts) + ")"


@dataclass(frozen=True)
class Table:
    """One table: where it would live on many machines, whose rows are seen by the application, who may write.

    `scope` None means that the table holds nothing about students: then `app` rights are ordinary grants.
    The writing roles see and write every row: their commands check, and they cannot log in.
    """

    name: str
    home: Home
    scope: Scope | None = None
    app: str = "select"
    writer: str = "select, insert, update"
    intake: str = ""
    audit: str = ""
    search: str = ""
    extra: tuple[str, ...] = field(default_factory=tuple)

    def statements(self, *, citus: bool = False) -> list[str]:
        """The SQL that makes rights and policies of this table as declared."""
        t = f'"{self.name}"'
        out = [
            f"revoke all on {t} from public, xueji_app, xueji_writer, xueji_intake, xueji_audit, xueji_search,"
            " xueji_relink"
        ]
        rights = {
            "xueji_app": self.app,
            "xueji_writer": self.writer,
            "xueji_intake": self.intake,
            "xueji_audit": self.audit,
            "xueji_search": self.search,
        }
        out += [f"grant {what} on {t} to {who}" for who, what in rights.items() if what]
        if self.scope is None:
            out.append(f"alter table {t} disable row level security")
        else:
            out.append(f"alter table {t} enable row level security")
            if self.app:
                out.append(
                    f"create policy seen on {t} for select to xueji_app using {self.scope.expression(citus=citus)}"
                )
            for role in ("writer", "intake", "audit", "search"):
                if rights[f"xueji_{role}"]:
                    out.append(
                        f"create policy by_{role} on {t} to xueji_{role} using (true) with check (true)"
                    )
        return out + list(self.extra)


def withheld(table: str, what: Literal["school", "contact", "case"], *, column: str = "person_id") -> str:
    """A fence in addition to the scope: rows of children of whom this parent's account may not see that (children.sql).

    For staff and for most families the list is empty, and the fence costs one comparison.
    """
    # Says what xueji_no_school() and its sisters say. A call would cost more than all the rest of the policies, and the
    # planner takes a function for dear, which led it to worse plans for lists.
    settings = ("school", "contact") if what == "case" else (what,)
    lists = " || ".join(f"nullif(current_setting('xueji.no_{s}', true), '')::uuid[]" for s in settings)
    whose = "current_setting('xueji.family', true) = current_setting('xueji.user', true)"
    return (
        f'create policy withheld on "{table}" as restrictive for select to xueji_app'
        f" using (({column} = any((select case when {whose} then {lists} end)::uuid[])) is not true)"
    )


def declared() -> list[Table]:
    """Every table that the installed rooms declare, and the framework's own."""
    from django.apps import apps

    out: list[Table] = []
    for config in apps.get_app_configs():
        name = f"{config.name}.tables"
        if util.find_spec(name) is not None:
            out += import_module(name).TABLES
    return out + FRAMEWORK


def apply(cursor: Any, tables: Iterable[Table] | None = None) -> None:
    """As owner: make rights and policies match the declarations. Idempotent, part of every migration."""
    tables = list(declared() if tables is None else tables)
    cursor.execute("select tablename, policyname from pg_policies where schemaname = 'public'")
    names = {t.name for t in tables}
    for table, policy in cursor.fetchall():
        if table in names:
            cursor.execute(f'drop policy "{policy}" on "{table}"')
    for table in tables:
        for statement in table.statements():
            cursor.execute(statement)
    cursor.execute(
        "grant usage, select on all sequences in schema public to xueji_app, xueji_writer, xueji_intake, xueji_audit"
    )


_ALL = "select, insert, update, delete"
FRAMEWORK = [
    Table("django_session", "framework", app=_ALL, writer=""),
    Table("django_migrations", "framework", writer=""),
    Table("django_content_type", "framework", writer=""),
    Table("auth_permission", "framework", writer=""),
    Table("auth_group", "framework", writer=""),
    Table("auth_group_permissions", "framework", writer=""),
    *(
        Table(f"procrastinate_{t}", "framework", app=_ALL, writer=_ALL)
        for t in ("events", "periodic_defers", "workers")
    ),
    # The worker fetches without a scope; in a request, what jobs were given is nobody's to read (jobs/sql/queue.sql).
    Table(
        "procrastinate_jobs",
        "framework",
        app=_ALL,
        writer=_ALL,
        extra=(
            "alter table procrastinate_jobs enable row level security",
            "create policy worker on procrastinate_jobs to xueji_app"
            " using ((select xueji_scope_user()) is null) with check ((select xueji_scope_user()) is null)",
            "create policy by_writer on procrastinate_jobs to xueji_writer using (true) with check (true)",
        ),
    ),
]
