"""Rows of a takeover as they are kept until they are on record: sealed, read in the role `intake` alone."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection

from xueji.ground.crypto import vault

from .models import RowState
from .reading import Understood


@dataclass(frozen=True)
class Staged:
    """A row as it lies in staging, opened."""

    row_no: int
    state: str
    person_id: uuid.UUID
    values: dict[str, Any]
    number: str
    former: list[str]
    status: int
    stage: str
    cohort: int
    class_number: int | None
    begins: date | None
    links: list[dict[str, Any]] = field(default_factory=list)
    pending: list[dict[str, str]] = field(default_factory=list)

    @property
    def seat_key(self) -> tuple[str, int, int] | None:
        """Stage, cohort and number of the class."""
        return (self.stage, self.cohort, self.class_number) if self.class_number else None


def place_of(takeover_id: int, row_no: int) -> str:
    """Where a row's sealed values belong."""
    return f"takeover_row.sealed:{takeover_id}:{row_no}"


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (date, datetime)) else value


def _packed(row: Understood) -> str:
    return json.dumps(
        {
            "values": {k: _plain(v) for k, v in row.values.items() if v not in (None, "")},
            "number": row.number,
            "former": row.former,
            "begins": _plain(row.begins),
            "links": [
                {
                    "business": x.business,
                    "from": x.from_status,
                    "status": x.status,
                    "begins": x.begins.isoformat(),
                    "cohort": x.cohort_year,
                    "with_class": x.with_class,
                    "detail": x.detail,
                }
                for x in row.links
            ],
            "pending": [p.as_json() for p in row.pending],
        },
        ensure_ascii=False,
    )


def load(takeover_id: int, rows: Sequence[tuple[Understood, str, uuid.UUID]]) -> None:
    """Put rows (with state and key) into staging, in one COPY and one statement."""
    with connection.cursor() as c:
        c.execute("create temp table takeover_in (like takeover_row including defaults) on commit drop")
        columns = "takeover_id, row_no, state, person_id, name, sex, stage, cohort_year, class_number, status, issues, sealed"
        with c.copy(f"copy takeover_in ({columns}) from stdin") as copy:
            for row, state, person in rows:
                copy.write_row(
                    [
                        takeover_id,
                        row.row_no,
                        state,
                        person,
                        (row.values.get("name") or "")[:100],
                        row.values.get("sex") or "",
                        row.stage,
                        row.cohort or None,
                        row.class_number,
                        row.status,
                        json.dumps(row.issues, ensure_ascii=False),
                        vault.seal(_packed(row), place_of(takeover_id, row.row_no)),
                    ]
                )
        c.execute(f"insert into takeover_row ({columns}) select {columns} from takeover_in")
        c.execute("drop table takeover_in")


def read(takeover_id: int, states: Iterable[str], *, row_no: int | None = None) -> list[Staged]:
    """Rows in these states, opened, in their order."""
    with connection.cursor() as c:
        c.execute(
            "select row_no, state, person_id, status, stage, cohort_year, class_number, sealed from takeover_row"
            " where takeover_id = %s and state = any(%s) and (%s::int is null or row_no = %s) order by row_no",
            [takeover_id, list(states), row_no, row_no],
        )
        lines = c.fetchall()
    out = []
    for number, state, person, status, stage, cohort, klass, sealed in lines:
        inside = json.loads(vault.open(sealed, place_of(takeover_id, number)))
        begins = inside["begins"]
        out.append(
            Staged(
                number, state, person, inside["values"], inside["number"], inside["former"], status, stage, cohort or 0,
                klass, date.fromisoformat(begins) if begins else None, inside["links"], inside["pending"],
            )
        )  # fmt: skip
    return out


def drop(takeover_id: int) -> None:
    """Forget the rows: nothing of the sheet stays but counts, differences and the hash."""
    with connection.cursor() as c:
        c.execute("delete from takeover_row where takeover_id = %s", [takeover_id])


def mark(takeover_id: int, before: RowState, after: RowState, row_no: int | None = None) -> int:
    """Set the state of rows; returns how many."""
    with connection.cursor() as c:
        c.execute(
            "update takeover_row set state = %s where takeover_id = %s and state = %s and (%s::int is null or row_no = %s)",
            [after, takeover_id, before, row_no, row_no],
        )
        return int(c.rowcount)


def cells(takeover_id: int) -> dict[tuple[str, int, int, str], int]:
    """How many children the register will hold of this export, by stage, cohort, status and sex."""
    with connection.cursor() as c:
        c.execute(
            "select stage, cohort_year, status, sex, count(*) from takeover_row where takeover_id = %s"
            " and state in ('new', 'here', 'done') group by 1, 2, 3, 4",
            [takeover_id],
        )
        return {(stage, cohort or 0, status, sex): n for stage, cohort, status, sex, n in c.fetchall()}


def counts(takeover_id: int) -> dict[str, int]:
    """Rows by state."""
    with connection.cursor() as c:
        c.execute("select state, count(*) from takeover_row where takeover_id = %s group by 1", [takeover_id])
        found = dict(c.fetchall())
    return {str(s): int(found.get(s, 0)) for s in RowState}
