"""All that the tables say of two records, in a form that can be compared: sealed values opened, the traces that a merge and
its undoing leave on purpose (their events, the links that were believed meanwhile) left out.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connection
from tests.helpers import seeing_all

from xueji.ground.crypto import vault
from xueji.registry.duplicates.attached import ATTACHED

#: Not the record's content: counters, and what only the audit role reads.
_SKIPPED = {"audit_entry", "audit_queued", "staged_row"}
_TRACES = {"event", "enrolment_superseded"}
_COUNTERS = {"version", "touched_at", "updated_at"}
_PLACES = {
    "identity_document": "identity_document.sealed:{person_id}:{doc_no}",
    "student_number": "student_number.sealed:{person_id}:{number_no}",
    "person_profile": "person_profile.sealed:{person_id}",
    "guardian": "guardian.sealed:{person_id}:{guardian_no}",
}


def digest(*persons: uuid.UUID) -> dict[str, list[str]]:
    """Every row of these people in every table that is attached to a person."""
    out: dict[str, list[str]] = {}
    with seeing_all(), connection.cursor() as c:
        c.execute(
            "select relname from pg_class where relkind = 'r' and relname = any(%s)"
            " and has_table_privilege('xueji_writer', oid, 'select')",
            [sorted(set(ATTACHED) - _SKIPPED - _TRACES)],
        )
        for table in sorted(row[0] for row in c.fetchall()):
            c.execute(f"select * from {table} where person_id = any(%s::uuid[])", [list(persons)])
            names = [d.name for d in c.description]
            rows = [dict(zip(names, row, strict=True)) for row in c.fetchall()]
            out[table] = sorted(_line(table, row) for row in rows)
        c.execute(
            "select person_id, event_id from event where person_id = any(%s::uuid[]) and not (detail ? 'merge')"
            " and business not in ('merge', 'unmerge') order by 1, 2",
            [list(persons)],
        )
        out["event"] = [str(row) for row in c.fetchall()]
        c.execute(
            "select problem_id, state, due_on, outcome from problem_record where problem_id in"
            " (select problem_id from problem_side where person_id = any(%s::uuid[])) order by 1",
            [list(persons)],
        )
        out["problem_record"] = [str(row) for row in c.fetchall()]
        c.execute(
            "select county_id, school_id, kind, stage, cohort_year, sex, status, sum(n) from cube_delta"
            " group by 1, 2, 3, 4, 5, 6, 7 having sum(n) <> 0 order by 1, 2, 3, 4, 5, 6, 7"
        )
        out["cube_delta"] = [str(row) for row in c.fetchall()]
    return out


def _line(table: str, row: dict[str, Any]) -> str:
    if table in _PLACES and row["sealed"] is not None:
        where = _PLACES[table].format(**row)
        opened = vault.open_json if table in ("person_profile", "guardian") else vault.open
        row["sealed"] = opened(row["sealed"], where)
    return str(sorted((k, str(v)) for k, v in row.items() if k not in _COUNTERS))
