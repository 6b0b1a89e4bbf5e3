"""Statements that several commands share. All run inside a transaction, in a writing role."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.http import Http404
from django.utils.translation import gettext as _

from ..errors import BadValue

#: Tables of this room whose rows say who may read them.
READABLE = (
    "person",
    "person_profile",
    "person_name",
    "guardian",
    "identity_document",
    "student_number",
    "person_photo",
)


@dataclass(frozen=True)
class Locked:
    """The person's row, held until the transaction ends: two changes of one child follow each other."""

    person_id: uuid.UUID
    name: str
    former_name: str
    sex: str
    birth_date: date
    check_state: str
    readers: list[int]
    klasses: list[int]


def require_sight(person_id: uuid.UUID) -> None:
    """Raises Http404 unless the actor sees the whole record of this child.

    Asked before a command steps into its writing role. Inside another command (the decision of a case, say) the
    writing role is held already and that command has checked.
    """
    with connection.cursor() as c:
        c.execute("select 1 from person where person_id = %s", [person_id])
        if c.fetchone() is None:
            raise Http404


def lock(person_id: uuid.UUID) -> Locked:
    """Lock the person's row. Raises Http404 when there is none, `BadValue` for a record that was merged into another."""
    with connection.cursor() as c:
        c.execute(
            "select person_id, name, former_name, sex, birth_date, check_state, readers, klasses, merged_into"
            " from person where person_id = %s for update",
            [person_id],
        )
        row = c.fetchone()
    if row is None:
        raise Http404
    if row[-1] is not None:
        raise BadValue(_("这份档案已经合并到另一份档案, 请在那一份上办理"))
    return Locked(*row[:-1])


def next_no(table: str, column: str, person_id: uuid.UUID) -> int:
    """The next number within a person's rows; safe while the person's row is locked."""
    with connection.cursor() as c:
        c.execute(f"select coalesce(max({column}), 0) + 1 from {table} where person_id = %s", [person_id])
        return int(c.fetchone()[0])


def insert(table: str, **values: Any) -> None:
    """Insert one row."""
    marks = ", ".join(["%s"] * len(values))
    with connection.cursor() as c:
        c.execute(f"insert into {table} ({', '.join(values)}) values ({marks})", list(values.values()))


def claim(table: str, **values: Any) -> bool:
    """Insert a lookup row unless its key is there; waits for a transaction that is claiming the same key."""
    marks = ", ".join(["%s"] * len(values))
    with connection.cursor() as c:
        c.execute(
            f"insert into {table} ({', '.join(values)}) values ({marks}) on conflict do nothing",
            list(values.values()),
        )
        return bool(c.rowcount)
