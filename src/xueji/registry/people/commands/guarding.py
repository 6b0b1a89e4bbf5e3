"""What of a person's data is kept back: homes kept secret, voluntary fields that the family refused."""

from __future__ import annotations

import uuid

from django.db import connection


def guard(person_id: uuid.UUID, on: bool) -> None:
    """Keep a child's address, telephones and family to the present school's office, or open them again.

    Part of a command of the family room, in the writing role.
    """
    with connection.cursor() as c:
        for table in ("person_profile", "guardian"):
            c.execute(
                f"update {table} set guarded = %s where person_id = %s and guarded <> %s",  # nosec B608
                [on, person_id, on],
            )


def withhold(person_id: uuid.UUID, fields: list[str]) -> None:
    """Voluntary fields that are neither shown nor taken from now on, since the family said no; the others open.

    Part of a command of the family room, in the writing role.
    """
    with connection.cursor() as c:
        c.execute("update person_profile set withheld = %s where person_id = %s", [sorted(fields), person_id])
