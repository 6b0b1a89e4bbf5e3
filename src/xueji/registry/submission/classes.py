"""Reading classes for the comparison of heads with names: one class, all classes of a school, all schools of a county."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.orgs.grades import class_label

from . import causes
from .models import ClassCheck, ClassCheckLine
from .terms import Term

PAGE = 50
_MOST = 200


@dataclass(frozen=True)
class Pupil:
    """A child on the list of a class."""

    person_id: uuid.UUID
    name: str
    sex: str
    seat: int | None
    guest: bool


def pupils(class_id: int) -> list[Pupil]:
    """Who is to sit in the class: registered there and borrowed, studying now; one query."""
    with connection.cursor() as c:
        c.execute(
            "select person_id, name, sex, class_seat, kind = 2 from roster where class_id = %s"
            " and reason in ('enrolled', 'guest') and status = 1 order by class_seat nulls last, pinyin_sort, person_id"
            " limit %s",
            [class_id, _MOST],
        )
        return [Pupil(*r) for r in c.fetchall()]


def roll(ids: Iterable[uuid.UUID]) -> bytes:
    """A digest of who is on a list: tells later whether it is still the same."""
    return hashlib.sha256("".join(sorted(str(i) for i in ids)).encode()).digest()


@dataclass(frozen=True)
class ClassRow:
    """A class in the table of a school."""

    class_id: int
    label: str
    listed: int
    check: ClassCheck | None
    teacher: str = ""

    @property
    def changed(self) -> bool:
        """Whether the list has another length than when it was compared."""
        return self.check is not None and self.check.listed != self.listed


def of_school(school_id: int, term: Term, *, only: tuple[int, ...] = ()) -> list[ClassRow]:
    """The classes of a school (or `only` these) with pupils and what their comparison came to. Two queries."""
    with connection.cursor() as c:
        c.execute(
            "select k.id, k.stage, k.cohort_year, k.number, s.system,"
            "  (select count(*) from roster r where r.class_id = k.id and r.reason in ('enrolled', 'guest')"
            "    and r.status = 1)"
            " from school_class k join school s on s.org_id = k.school_id"
            " where k.school_id = %s and k.closed_on is null and (%s::int[] = '{}' or k.id = any(%s))"
            " order by k.stage = 'S', k.stage = 'J', k.cohort_year desc, k.number limit %s",
            [school_id, list(only), list(only), _MOST],
        )
        rows = c.fetchall()
    held = {
        x.class_id: x
        for x in ClassCheck.objects.filter(school_id=school_id, year=term.year, term=term.number)
    }
    day = today()
    return [
        ClassRow(i, class_label(stage, cohort, number, system, day), n, held.get(i))
        for i, stage, cohort, number, system, n in rows
        if n or i in held
    ]


def lines(check_ids: Iterable[int]) -> dict[int, list[dict[str, Any]]]:
    """What did not agree, by comparison, in words. One query."""
    out: dict[int, list[dict[str, Any]]] = {}
    for x in ClassCheckLine.objects.filter(check_of_id__in=list(check_ids)).order_by("pk")[:500]:
        out.setdefault(x.check_of_id, []).append(
            {"row": x, "cause": causes.WORDS.get(x.cause, x.cause), "open": x.settled_at is None}
        )
    return out


@dataclass(frozen=True)
class SchoolRow:
    """A school in the table of an authority."""

    school_id: int
    name: str
    phone: str
    classes: int
    verified: int
    reported: int
    listed: int
    present: int
    lacking: int
    extra: int
    excused: int
    last: datetime | None
    key: str = field(default="")

    @property
    def done(self) -> bool:
        """Whether every class has been verified."""
        return self.verified >= self.classes

    @property
    def balanced(self) -> bool:
        """账实相符 in every class that was compared."""
        return self.done and not self.lacking and not self.extra


def of_schools(
    actor: Any, term: Term, *, after: str = "", only: str = "", text: str = ""
) -> tuple[list[SchoolRow], str]:
    """Schools under the actor's unit with what their classes' comparison came to, one page by name; one query.

    `only` is "open" (not all classes verified) or "diff" (a difference was found).
    """
    having = {
        "open": " and coalesce(v.verified, 0) < q.classes",
        "diff": " and coalesce(v.lacking, 0) + coalesce(v.extra, 0) > 0",
    }.get(only, "")
    with connection.cursor() as c:
        c.execute(
            "with ours as (select o.id, o.name, o.phone, s.county_id from school s join org o on o.id = s.org_id"
            "  where o.path like %s and o.valid_to is null),"
            " q as (select r.school_id, count(distinct r.class_id) as classes, count(*) as heads from roster r"
            "  join ours on ours.id = r.school_id where r.reason in ('enrolled', 'guest') and r.status = 1"
            "  and r.class_id is not null group by 1),"
            " v as (select school_id, count(*) filter (where state = 'verified') as verified,"
            "  count(*) filter (where state = 'reported') as reported, sum(listed) as listed, sum(present) as present,"
            "  sum(lacking) as lacking, sum(extra) as extra, sum(excused) as excused, max(at) as last"
            "  from class_check where year = %s and term = %s group by 1)"
            " select ours.id, ours.name, ours.phone, q.classes, coalesce(v.verified, 0), coalesce(v.reported, 0),"
            "  q.heads, coalesce(v.present, 0), coalesce(v.lacking, 0), coalesce(v.extra, 0), coalesce(v.excused, 0),"
            "  v.last, ours.name || '|' || ours.id as key"
            " from ours join q on q.school_id = ours.id left join v on v.school_id = ours.id"
            f" where ours.name || '|' || ours.id > %s and (%s = '' or ours.name like %s){having}"
            " order by key limit %s",
            [actor.org_path + "%", term.year, term.number, after, text, f"%{_escaped(text)}%", PAGE + 1],
        )
        rows = [SchoolRow(*r) for r in c.fetchall()]
    return rows[:PAGE], rows[PAGE - 1].key if len(rows) > PAGE else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def label_of(class_id: int) -> str:
    """三年级(2)班. One query."""
    with connection.cursor() as c:
        c.execute(
            "select k.stage, k.cohort_year, k.number, s.system from school_class k join school s on s.org_id = k.school_id"
            " where k.id = %s",
            [class_id],
        )
        row = c.fetchone()
    return class_label(row[0], row[1], row[2], row[3], today()) if row else _("班级")
