"""Time passes: everything that cases and timelines have dated moves into the past, which is the same thing.

The server's clock cannot be turned, and statements ask it. So the database's owner of owners moves what is written:
twice, first far away and then back to its new day, that no row meets another on the way.
"""

from __future__ import annotations

import json
import re
from datetime import date, timedelta

from tests.bed import cluster

_TABLES = ("enrolment_state", "enrolment_superseded", "event", "pending_link", "roster", "cube_delta")
_KEPT = {("roster", "birth_date")}
_FAR = 40000
_DAY = re.compile(r"^\d{4}-\d\d-\d\d$")


def pass_days(database: str, days: int) -> None:
    """Let `days` go by, for all that is in a database."""
    with cluster().connect(database) as c, c.transaction():
        c.execute("set local session_replication_role = replica")
        rows = c.execute(
            "select table_name, column_name from information_schema.columns where table_schema = 'public'"
            " and (table_name = any(%s) or table_name like 'case%%')"
            " and data_type in ('date', 'timestamp with time zone')",
            [list(_TABLES)],
        ).fetchall()
        columns: dict[str, list[str]] = {}
        for table, column in rows:
            if (table, column) not in _KEPT:
                columns.setdefault(table, []).append(column)
        for jump in (-_FAR, _FAR - days):
            for table, names in columns.items():
                sets = ", ".join(f"{n} = {n} + make_interval(days => {jump})" for n in names)
                c.execute(f"update {table} set {sets}")  # type: ignore[arg-type]
        for case_id, form in c.execute("select case_id, form from case_").fetchall():
            moved = {k: _moved(k, v, days) for k, v in form.items()}
            if moved != form:
                c.execute(
                    "update case_ set form = %s::jsonb where case_id = %s", [json.dumps(moved), case_id]
                )


def _moved(key: str, value: object, days: int) -> object:
    if isinstance(value, str) and _DAY.match(value) and "birth" not in key:
        return (date.fromisoformat(value) - timedelta(days=days)).isoformat()
    return value
