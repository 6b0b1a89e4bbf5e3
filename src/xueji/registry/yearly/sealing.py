"""验印: which lists end a compulsory stage, and whether the county has sealed their certificates (C-GRA-04)."""

from __future__ import annotations

import uuid

from django.db import connection

from .models import GraduationList, GraduationLog, ListKind, ListStatus

SEAL = "seal"


def of_compulsory_stage(row: GraduationList) -> bool:
    """Whether certificates of a compulsory stage follow from a list: primary or junior, and no roll-back."""
    return row.stage in ("P", "J") and row.kind != ListKind.UNDO


def took_effect(row: GraduationList) -> bool:
    """Whether the list is approved and in force."""
    return row.status == ListStatus.DONE


def seal_of(row: GraduationList) -> GraduationLog | None:
    """Who sealed the certificates of a list and when, or None."""
    return GraduationLog.objects.filter(list=row, action=SEAL).order_by("id").first()


def undone(row: GraduationList) -> set[uuid.UUID]:
    """Children whose result was rolled back after this list took effect: one query."""
    with connection.cursor() as c:
        c.execute(
            "select i.person_id from graduation_item i join graduation_list l on l.list_id = i.list_id"
            " where l.kind = 'undo' and l.status = 'done' and l.school_id = %s and l.stage = %s and l.ended_at > %s"
            "   and i.event_id is not null limit 5000",
            [row.school_id, row.stage, row.ended_at],
        )
        return {r[0] for r in c.fetchall()}
