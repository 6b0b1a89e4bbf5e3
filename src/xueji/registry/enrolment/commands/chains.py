"""The links of a child's chains inside a command: locked, read, written; how the audit tells of one."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connection

from ..timeline import LINK_COLUMNS, Link


def lock(c: Any, person_ids: list[uuid.UUID]) -> None:
    """Wait for whoever changes these people, in one order for all; the person's row is the lock of its chains."""
    c.execute(
        "select 1 from person where person_id = any(%s::uuid[]) order by person_id for update", [person_ids]
    )


def links_of(c: Any, person_id: uuid.UUID, kind: int) -> list[Link]:
    """Every link of a chain, oldest first."""
    c.execute(
        f"select {LINK_COLUMNS} from enrolment_state where person_id = %s and kind = %s order by valid_from",
        [person_id, kind],
    )
    return [Link(*row) for row in c.fetchall()]


def last_link(person_id: uuid.UUID, kind: int) -> Link | None:
    """The open link of a chain."""
    with connection.cursor() as c:
        c.execute(
            f"select {LINK_COLUMNS} from enrolment_state"
            " where person_id = %s and kind = %s and valid_to is null",
            [person_id, kind],
        )
        row = c.fetchone()
    return Link(*row) if row else None


def insert_link(c: Any, link: Link) -> None:
    """Write a link down as it is."""
    c.execute(
        f"insert into enrolment_state ({LINK_COLUMNS}) values ({', '.join(['%s'] * 14)})",
        [getattr(link, name.strip()) for name in LINK_COLUMNS.split(",")],
    )


def sex_of(c: Any, person_id: uuid.UUID) -> str:
    """By which sex the child is counted now."""
    c.execute("select sex from person where person_id = %s", [person_id])
    return str(c.fetchone()[0])


def slim(link: Link) -> dict[str, Any]:
    """A link for the audit: places and status, no names."""
    return {
        "from": link.valid_from.isoformat(),
        "status": link.status,
        "school": link.school_id,
        "class": link.class_id,
        "cohort": link.cohort_year,
    }
