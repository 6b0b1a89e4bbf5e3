"""Reading the numbers of a school (注册学号)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from .roster import Child
from .roster import of_class as roster_of_class


@dataclass(frozen=True)
class Row:
    """A pupil with the number at the school, if one was given, and a remark (转入, 转出)."""

    child: Child
    number: str
    remark: str


def of_class(actor: Any, class_id: int) -> list[Row]:
    """The pupils of a class by serial number, each with the number at the school."""
    people = roster_of_class(actor.org_id, class_id)
    with connection.cursor() as c:
        c.execute(
            "select n.person_id, n.number from school_number n where n.school_id = %s and n.person_id = any(%s::uuid[])",
            [actor.org_id, [p.person_id for p in people]],
        )
        held = dict(c.fetchall())
        c.execute(
            "select distinct on (person_id) person_id,"
            " (valid_at at time zone 'Asia/Shanghai')::date, detail->>'from_school' from event"
            " where business = 'transfer' and school_id = %s and detail->>'direction' = 'in'"
            " and person_id = any(%s::uuid[]) order by person_id, valid_at desc",
            [actor.org_id, [p.person_id for p in people]],
        )
        came: dict[Any, tuple[date, str]] = {row[0]: (row[1], row[2] or "") for row in c.fetchall()}
        c.execute(
            "select id, name from org where id = any(%s)",
            [[int(s) for _d, s in came.values() if s.isdecimal()]],
        )
        schools = dict(c.fetchall())
    return [
        Row(
            p,
            held.get(p.person_id, ""),
            _("%(day)s 由%(school)s转入")
            % {
                "day": came[p.person_id][0],
                "school": schools.get(int(came[p.person_id][1] or 0), _("外校")),
            }
            if p.person_id in came
            else "",
        )
        for p in people
    ]


@dataclass(frozen=True)
class Cancelled:
    """A number of somebody who has left: kept, cancelled, with the remark."""

    name: str
    number: str
    remark: str


def cancelled(actor: Any, cohort: int) -> list[Cancelled]:
    """Numbers of a year whose holders have left the school, at most two hundred."""
    with connection.cursor() as c:
        c.execute(
            "select r.name, n.number, (r.until at time zone 'Asia/Shanghai')::date"
            " from school_number n join roster r on r.person_id = n.person_id"
            " and r.school_id = n.school_id and r.kind = 1 and r.reason = 'former'"
            " where n.school_id = %s and n.cohort_year = %s order by n.nth limit 200",
            [actor.org_id, cohort],
        )
        return [
            Cancelled(name, number, _("%s 离校, 学号注销") % until) for name, number, until in c.fetchall()
        ]
