"""Lists and figures of admission: who has not entered, origins, the check-in, who is registered elsewhere, differences."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.db.models import Count
from django.utils.translation import gettext_lazy

from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.ground.standards import divisions

from .commands.children import WHEREABOUTS
from .models import Applicant, Clearance, State
from .queries import PAGE, Filters, is_school

TABS = (
    ("missing", gettext_lazy("还没有入学")),
    ("entered", gettext_lazy("已入学或已录取")),
    ("elsewhere", gettext_lazy("在外就读")),
    ("all", gettext_lazy("全部")),
)


@dataclass(frozen=True)
class ChildRow:
    """A child of the roster and where it stands."""

    id: uuid.UUID
    name: str
    sex: str
    birth_date: date
    area: str
    kindergarten: str
    year: int
    whereabouts: str
    note: str
    school: str
    status: int | None
    candidate: str
    owner: str

    @property
    def state(self) -> str:
        """Where the child is, in words."""
        if self.status is not None:
            return str(gettext_lazy("已入学: %s")) % self.school
        if self.candidate:
            return str(State(self.candidate).label)
        return str(WHEREABOUTS[self.whereabouts]) if self.whereabouts else str(gettext_lazy("还没有入学"))


_CHILDREN = (
    " from adm_child c join org w on w.id = c.school_id"
    " left join lateral (select s.status, s.school_id, o.name from identity_lookup l"
    "   join enrolment_state s on s.person_id = l.person_id and s.kind = 1 and s.valid_to is null"
    "   and s.status between 1 and 9 join org o on o.id = s.school_id"
    "   where l.id_type = c.id_type and l.bidx = c.id_bidx limit 1) e on true"
    " left join lateral (select a.state, a.school_id from adm_applicant a where a.id_bidx = c.id_bidx"
    "   and a.id_type = c.id_type and a.year = c.year and a.state in ('entered', 'sent', 'approved', 'reported')"
    "   order by a.state limit 1) a on true"
    " where c.year = %(year)s and "
)
_TAB = {
    "missing": " and e.status is null and a.state is null and c.whereabouts not in ('elsewhere', 'deferred', 'moved')",
    "entered": " and (e.status is not null or a.state is not null)",
    "elsewhere": " and (c.whereabouts = 'elsewhere' or e.school_id <> c.school_id)",
    "all": "",
}


def _side(actor: Any) -> str:
    return "c.school_id = %(org)s" if is_school(actor) else "c.county_id = any(%(orgs)s)"


def children(
    actor: Any, year: int, tab: str, after: str = "", limit: int = PAGE
) -> tuple[list[ChildRow], str]:
    """The roster of a year by name (C-ENR-01): one statement, in the role that sees where children are registered.

    Only children of the actor's own roster are read; of a record elsewhere nothing but the school is told.
    """
    where = _side(actor) + _TAB.get(tab, "")
    given: dict[str, Any] = {"org": actor.org_id, "orgs": list(actor.orgs), "year": year, "n": limit + 1}
    name, bar, key = after.rpartition("|")
    if bar:
        where += " and (c.name, c.id::text) > (%(name)s, %(key)s)"
        given |= {"name": name, "key": key[:36]}
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "select c.id, c.name, c.sex, c.birth_date, c.area, c.kindergarten, c.year, c.whereabouts, c.note,"
            f" coalesce(e.name, ''), e.status, coalesce(a.state, ''), w.name{_CHILDREN}{where}"
            " order by c.name, c.id::text limit %(n)s",
            given,
        )
        found = [ChildRow(*r) for r in c.fetchall()]
    more = f"{found[limit - 1].name}|{found[limit - 1].id}" if len(found) > limit else ""
    return found[:limit], more


def child_counts(actor: Any, year: int) -> dict[str, int]:
    """How many children of the roster stand under each tab; one statement."""
    parts = ", ".join(f"count(*) filter (where true{cond})" for cond in (_TAB[key] for key, _label in TABS))
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            f"select {parts}{_CHILDREN}{_side(actor)}",
            {"org": actor.org_id, "orgs": list(actor.orgs), "year": year},
        )
        return dict(zip((key for key, _label in TABS), c.fetchone(), strict=True))


@dataclass(frozen=True)
class Figure:
    """A line of a table of figures."""

    label: str
    n: int
    more: int = 0


_HELD = (State.APPROVED, State.REPORTED)


def _rows(actor: Any, f: Filters) -> Any:
    rows = Applicant.objects.filter(year=f.year, stage=f.stage)
    return rows.filter(school_id=actor.org_id) if is_school(actor) else rows


def origins(actor: Any, f: Filters, by: str = "school") -> list[Figure]:
    """新生生源: admitted and reported by former school, area or household (C-ENR-12); at most 200 lines."""
    column = {"school": "from_school", "area": "area", "division": "division"}[by]
    found = (
        _rows(actor, f)
        .filter(state__in=_HELD)
        .values_list(column)
        .annotate(n=Count("pk"))
        .order_by("-n", column)[:200]
    )
    return [Figure(label or str(gettext_lazy("未登记")), n) for label, n in found]


def checkin(actor: Any, f: Filters) -> list[Figure]:
    """报到数据统计: how many reported on each day (C-ENR-12)."""
    found = (
        _rows(actor, f).filter(state=State.REPORTED).values_list("reported_on").annotate(n=Count("pk"))
        .order_by("reported_on")[:200]
    )  # fmt: skip
    total, out = 0, []
    for day, n in found:
        total += n
        out.append(Figure(day.isoformat() if day else "", n, total))
    return out


def chosen(actor: Any, f: Filters) -> list[Applicant]:
    """择校生 of the year (C-ENR-13); at most 2,000."""
    return list(
        _rows(actor, f)
        .filter(choice=True, state__in=[State.ENTERED, State.SENT, *_HELD])
        .order_by("sort", "pk")[:2_000]
    )


def outside(actor: Any, f: Filters) -> list[Applicant]:
    """外籍户口学生: admitted from households of another county (C-ENR-18); at most 2,000."""
    home = Org.objects.filter(pk=actor.org_id).values_list("division", flat=True).first() or ""
    stem = divisions.stem(home) if not is_school(actor) else home[:6]
    rows = (
        _rows(actor, f).filter(state__in=_HELD).exclude(division="").exclude(division__startswith=stem or "-")
    )
    return list(rows.order_by("sort", "pk")[:2_000])


@dataclass(frozen=True)
class Difference:
    """A pupil in whom the register and the official list differ."""

    what: str
    name: str
    person_id: uuid.UUID | None
    school: str
    listed: str
    registered: str


WHAT = {
    "unregistered": gettext_lazy("名单上有, 没有注册"),
    "unlisted": gettext_lazy("已注册, 名单上没有"),
    "differs": gettext_lazy("姓名、性别或出生日期不同"),
}


def reconcile(actor: Any, f: Filters) -> tuple[list[Difference], int]:
    """Registered pupils of the cohort against the official admission list (C-ENR-11): the differences (at most 500), and
    how many agree. Self-admitted pupils whom the authority approved count as listed.
    """
    side = "school_id = %(org)s" if is_school(actor) else "county_id = any(%(orgs)s)"
    with connection.cursor() as c:
        c.execute(
            "with listed as (select coalesce(person_id, known_id, id) as person_id, name, sex, birth_date, school_id, state,"
            f"   origin from adm_applicant where {side} and year = %(year)s and stage = %(stage)s"
            "   and (origin in ('unified', 'self') and state in ('approved', 'reported', 'absent', 'forfeited'))),"
            " here as (select person_id, name, sex, birth_date, school_id from roster where "
            + side
            + "   and kind = 1 and reason = 'enrolled' and status between 1 and 9 and stage = %(stage)s"
            "   and cohort_year = %(year)s)"
            " select case when h.person_id is null then 'unregistered' when l.person_id is null then 'unlisted'"
            "   when (l.name, l.sex, l.birth_date) is distinct from (h.name, h.sex, h.birth_date) then 'differs' else '' end,"
            "  coalesce(h.name, l.name), h.person_id, o.name,"
            "  case when l.person_id is null then '' else l.name || ' ' || l.birth_date end,"
            "  case when h.person_id is null then '' else h.name || ' ' || h.birth_date end"
            " from listed l full join here h on h.person_id = l.person_id and h.school_id = l.school_id"
            " join org o on o.id = coalesce(h.school_id, l.school_id)"
            " where l.person_id is null or h.person_id is not null or l.origin = 'unified' order by 1 desc, 4, 2 limit 20000",
            {"org": actor.org_id, "orgs": list(actor.orgs), "year": f.year, "stage": f.stage},
        )
        found = [Difference(*r) for r in c.fetchall()]
    bad = [d for d in found if d.what]
    return bad[:500], len(found) - len(bad)


def clearances(actor: Any) -> list[Clearance]:
    """Entries against the rules, those to be decided first (at most 200)."""
    return list(Clearance.objects.order_by("-state", "-id")[:200])


@dataclass(frozen=True)
class Pupil:
    """A pupil found by name, for the list of unlawful entries."""

    person_id: uuid.UUID
    name: str
    sex: str
    birth_date: date
    school: str


def pupils(actor: Any, text: str) -> list[Pupil]:
    """Pupils of this year's cohorts by name (at most 20)."""
    side = "r.school_id = %(org)s" if is_school(actor) else "r.county_id = %(org)s"
    with connection.cursor() as c:
        c.execute(
            "select r.person_id, r.name, r.sex, r.birth_date, o.name from roster r join org o on o.id = r.school_id"
            f" where {side} and r.kind = 1 and r.reason = 'enrolled' and r.status between 1 and 9"
            " and position(%(text)s in r.name) > 0 order by r.pinyin_sort, r.person_id limit 20",
            {"org": actor.org_id, "text": text},
        )
        return [Pupil(*r) for r in c.fetchall()]
