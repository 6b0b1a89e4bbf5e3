"""学籍验章: which registers are handed in and endorsed for a school year (C-ENR-17). The only code that reads them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.orgs.grades import start_year_of
from xueji.ground.policy.statuses import Status
from xueji.ground.waiting import Ask, Heap

from .models import RegisterStamp, StampState

PAGE = 100
_KEY = re.compile(r"([0-3])-(\d{1,9})")


@dataclass(frozen=True)
class Register:
    """A school's register as it stands now: how many, by status, a digest, and new pupils without a class."""

    total: int
    counts: dict[str, int]
    digest: str
    waiting: int


@dataclass(frozen=True)
class Line:
    """A school of the list with its endorsement of the year, if any."""

    school_id: int
    name: str
    stamp: RegisterStamp | None
    late: bool

    @property
    def state(self) -> str:
        """Code of the state; empty while nothing was handed in."""
        return self.stamp.state if self.stamp else ""


@dataclass(frozen=True)
class Listed:
    """A page of the list; how many schools there are, how many of them endorsed, and the key of the next page."""

    lines: list[Line]
    total: int
    done: int
    following: str


def due(year: int) -> date:
    """The last day: registers are endorsed in September of each year."""
    return date(year, 9, 30)


def registers(school_ids: Iterable[int], year: int) -> dict[int, Register]:
    """The registers of schools as they stand now, in one query. Where the rosters are seen.

    Whoever has an open record is on the register; the digest changes with who, in which class and in which status.
    """
    with connection.cursor() as c:
        c.execute(
            "select r.school_id, r.status, count(*),"
            "  md5(string_agg(r.person_id::text || ':' || coalesce(r.class_id, 0)::text, ',' order by r.person_id)),"
            "  count(*) filter (where r.class_id is null and r.status = 1 and r.cohort_year = %s)"
            " from roster r where r.school_id = any(%s) and r.kind = 1 and r.reason = 'enrolled' and r.status < 10"
            " group by r.school_id, r.status order by r.school_id, r.status",
            [year, list(school_ids)],
        )
        found: dict[int, list[tuple[Any, ...]]] = {}
        for school, *row in c.fetchall():
            found.setdefault(school, []).append(tuple(row))
    return {
        school: Register(
            sum(r[1] for r in rows),
            {str(Status(r[0]).label): r[1] for r in rows},
            hashlib.sha256("|".join(f"{r[0]}:{r[2]}" for r in rows).encode()).hexdigest(),
            sum(r[3] for r in rows),
        )
        for school, rows in found.items()
    }


def of_year(actor: Any, year: int, *, after: str = "") -> Listed:
    """The schools in the actor's scope with their endorsement, those that wait first, a hundred at a time; two queries.

    A school that was closed before the year began is not asked for its register.
    """
    actor.require("stamp.view")
    key = _KEY.fullmatch(after)
    with connection.cursor() as c:
        c.execute(
            "with listed as (select o.id, o.name, case m.state when 'asked' then 0 when 'returned' then 1"
            "   when 'stamped' then 3 else 2 end as place from org o join school s on s.org_id = o.id"
            "  left join register_stamp m on m.school_id = o.id and m.start_year = %s"
            "  where o.path like %s and (o.valid_to is null or o.valid_to > %s)),"
            " sums as (select count(*) as total, count(*) filter (where place = 3) as done from listed)"
            " select l.id, l.name, l.place, sums.total, sums.done from listed l cross join sums"
            " where (l.place, l.id) > (%s, %s) order by l.place, l.id limit %s",
            [
                year,
                f"{actor.org_path}%",
                date(year, 9, 1),
                *((int(key[1]), int(key[2])) if key else (-1, 0)),
                PAGE + 1,
            ],
        )
        rows = c.fetchall()
    shown = rows[:PAGE]
    held = {
        s.school_id: s
        for s in RegisterStamp.objects.filter(start_year=year, school_id__in=[r[0] for r in shown])
    }
    over = today() > due(year)
    total, done = rows[0][3:] if rows else (0, 0)
    return Listed(
        [
            Line(
                pk,
                name,
                held.get(pk),
                over and (pk not in held or held[pk].state != StampState.STAMPED),
            )
            for pk, name, *_rest in shown
        ],
        total,
        done,
        f"{shown[-1][2]}-{shown[-1][0]}" if len(rows) > PAGE else "",
    )


def waiting(actor: Any) -> Ask[list[Heap]]:
    """Registers that wait for the actor's endorsement; for a school, one that came back."""
    school = actor.org_kind == "school"
    where = (
        "s.school_id = %(org)s and s.state = 'returned'"
        if school
        else "s.state = 'asked' and o.path like %(path)s"
    )
    kind = _("退回待重新提交") if school else _("待验章")

    def read(rows: list[dict[str, Any]]) -> list[Heap]:
        n = int(rows[0]["n"])
        return [Heap(_("学籍验章"), n, "/yearly/stamps/", _("%s 所学校") % n, kind)] if n else []

    return Ask(
        "select count(*) as n from register_stamp s join org o on o.id = s.school_id"
        f" where s.start_year = %(year)s and {where}",
        {"org": actor.org_id, "path": f"{actor.org_path}%", "year": start_year_of(today())},
        read,
    )
