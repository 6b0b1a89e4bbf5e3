"""毕业去向: where graduates went, recorded by their school (C-GRA-06)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.standards import codes

from ..errors import YearlyError
from ..models import ListKind, ListStatus
from ._base import note, opened, own, require_status

TABLE = "graduate_to_byqx"


def record_destinations(
    actor: Any, *, list_id: uuid.UUID, person_ids: Sequence[uuid.UUID], code: str, place: str = ""
) -> int:
    """Record where some graduates of a list went; recorded again, the later word holds. Returns how many.

    Raises PermissionDenied, Http404, `YearlyError`.
    """
    actor.require("case.start")
    if code not in {c for c, _name in codes.table(TABLE).choices()}:
        raise YearlyError(_("请选择毕业去向"))
    with opened(actor, list_id) as row:
        own(actor, row)
        require_status(row, (ListStatus.DONE, ListStatus.APPROVED))
        if row.kind == ListKind.UNDO:
            raise YearlyError(_("回退名册没有毕业去向"))
        with connection.cursor() as c:
            c.execute(
                "insert into graduate_destination (person_id, stage, county_id, school_id, code, place, recorded_by, recorded_at)"
                " select person_id, %s, county_id, school_id, %s, %s, %s, %s from graduation_item"
                " where list_id = %s and event_id is not null and person_id = any(%s::uuid[])"
                " on conflict (person_id, stage) do update set code = excluded.code, place = excluded.place,"
                "  recorded_by = excluded.recorded_by, recorded_at = excluded.recorded_at",
                [
                    row.stage,
                    code,
                    place.strip()[:100],
                    actor.user_name,
                    timezone.now(),
                    list_id,
                    list(person_ids),
                ],
            )
            n = int(c.rowcount)
        if not n:
            raise YearlyError(_("请先勾选学生"))
        note(
            row,
            actor,
            "destination",
            _("%(n)s 人: %(word)s") % {"n": n, "word": codes.table(TABLE).label(code)},
            rows=n,
        )
    return n
