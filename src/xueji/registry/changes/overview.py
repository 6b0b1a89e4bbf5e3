"""How cases run below an authority: what is open, who holds it how long, which steps take their time, what is at risk.

All of it is summed in the database from running steps (a partial index) and from the steps of the last ninety days.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.roles import Role
from xueji.ground.orgs.models import Org, OrgKind
from xueji.ground.policy.calendar import add_workdays, is_workday, workdays_between

from .kinds import label_of
from .models import OPEN, CaseStatus
from .queries import due_words

DAYS = 90
SOON = 3
LIMIT = 50
TOP = 15


@dataclass(frozen=True)
class Target:
    """The unit that is looked at, and the way up to the reader's own."""

    org: Org
    up: Org | None

    @property
    def is_school(self) -> bool:
        """A school has no units below."""
        return self.org.kind == OrgKind.SCHOOL


@dataclass
class UnitRow:
    """What one unit below (or the unit itself, or others outside) holds now."""

    org_id: int
    name: str
    open: int = 0
    overdue: int = 0
    soon: int = 0
    longest: int = 0
    leaf: bool = False


@dataclass(frozen=True)
class ClockRow:
    """How long a step took those who did it in the last ninety days, in working days."""

    label: str
    unit: str
    n: int
    median: float
    worst: int
    limit: int | None
    late: int


@dataclass(frozen=True)
class HeldRow:
    """One case with whoever holds it."""

    case_id: uuid.UUID
    number: str
    business: str
    student: str
    org: str
    step: str
    role: str
    arrived_at: datetime
    due_on: date | None

    @property
    def label(self) -> str:
        """Chinese name of the business."""
        return label_of(self.business)

    @property
    def role_label(self) -> str:
        """Chinese name of the role that holds it."""
        return str(Role(self.role).label)

    @property
    def held_days(self) -> int:
        """Working days since it arrived."""
        return max(workdays_between(timezone.localdate(self.arrived_at), timezone.localdate()), 0)

    @property
    def due_words(self) -> str:
        """The deadline in words."""
        return due_words(self.due_on)

    @property
    def overdue(self) -> bool:
        """Past its day."""
        return self.due_on is not None and self.due_on < timezone.localdate()


@dataclass
class Overview:
    """The figures of a unit."""

    grid: list[tuple[str, str, dict[str, int], int]]
    statuses: list[tuple[str, str]]
    units: list[UnitRow]
    clocks: list[ClockRow]
    longest: list[HeldRow]
    total: int = 0
    overdue: int = 0
    soon: int = 0
    done: int = 0
    waiting: int = 0
    others: UnitRow = field(default_factory=lambda: UnitRow(0, ""))


def target_of(actor: Any, org_id: int | None) -> Target:
    """The unit asked for: the reader's own, or one below it. Raises Http404."""
    org = Org.objects.filter(pk=org_id or actor.org_id).select_related("parent").first()
    if org is None or not actor.org_path or not org.path.startswith(actor.org_path):
        raise Http404
    return Target(org, org.parent if org.pk != actor.org_id else None)


#: Steps that run now at units below the target (or take part in a case of one of them).
_HELD = (
    " from case_step st join case_ c on c.case_id = st.case_id join org o on o.id = st.org_id"
    " where st.state = 'current' and c.status = 'running'"
)
#: Cases in which a unit of the target's subtree takes part.
_OURS = (
    "exists (select 1 from case_seat x join org u on u.id = x.org_id"
    " where x.case_id = c.case_id and u.path like %(path)s || '%%')"
)


def overview(target: Target) -> Overview:
    """All figures of one unit and what lies below it (C-CHG-04); five queries, none per case."""
    today = timezone.localdate()
    args: dict[str, Any] = {
        "path": target.org.path,
        "depth": len(target.org.path.strip("/").split("/")) + 1,
        "today": today,
        "soon": add_workdays(today, SOON),
        "since": timezone.now() - timedelta(days=DAYS),
        "open": [str(s) for s in OPEN],
        "top": TOP,
    }
    with connection.cursor() as c:
        c.execute(
            f"select c.business, c.status, count(*)::int from case_ c where c.status = any(%(open)s) and {_OURS}"
            " group by 1, 2",
            args,
        )
        grid = _grid(c.fetchall())
        c.execute(
            "select case when o.path like %(path)s || '%%' then"
            "   coalesce(nullif(split_part(o.path, '/', %(depth)s + 1), '')::int, o.id) else 0 end as unit,"
            "  count(*)::int, count(*) filter (where st.due_on < %(today)s)::int,"
            "  count(*) filter (where st.due_on between %(today)s and %(soon)s)::int, min(st.arrived_at)"
            f"{_HELD} and {_OURS} group by 1",
            args,
        )
        held = c.fetchall()
        c.execute(
            "select count(*) filter (where c.status = 'done')::int, count(*)::int from case_ c"
            f" where c.ended_at >= %(since)s and {_OURS}",
            args,
        )
        done, _ended = c.fetchone()
    units = _units(target, held, today)
    inside = [u for u in units if u.org_id]
    others = next((u for u in units if not u.org_id), UnitRow(0, _("其他单位")))
    return Overview(
        grid=grid,
        statuses=[(s, str(CaseStatus(s).label)) for s in args["open"]],
        units=inside,
        clocks=_clocks(args, today),
        longest=held_list(target, due="", limit=TOP).rows,
        total=sum(n for _b, _l, by, n in grid),
        overdue=sum(u.overdue for u in inside),
        soon=sum(u.soon for u in inside),
        done=done,
        waiting=sum(by.get("waiting", 0) for _b, _l, by, _n in grid),
        others=others,
    )


def _grid(rows: list[tuple[str, str, int]]) -> list[tuple[str, str, dict[str, int], int]]:
    by: dict[str, dict[str, int]] = {}
    for business, status, n in rows:
        by.setdefault(business, {})[status] = n
    out = [(b, label_of(b), counts, sum(counts.values())) for b, counts in by.items()]
    return sorted(out, key=lambda r: (-r[3], r[0]))


def _units(
    target: Target, held: list[tuple[int, int, int, int, datetime | None]], today: date
) -> list[UnitRow]:
    """The units right below with what they hold, the worst first; those that hold nothing are not listed."""
    ids = [r[0] for r in held if r[0]]
    named = {o.pk: o for o in Org.objects.filter(pk__in=ids)}
    rows = []
    for unit, n, over, soon, since in held:
        org = named.get(unit)
        longest = workdays_between(timezone.localdate(since), today) if since else 0
        name = org.name if org else _("其他单位")
        leaf = org is None or org.pk == target.org.pk
        rows.append(UnitRow(unit, name, n, over, soon, max(longest, 0), leaf))
    return sorted(rows, key=lambda r: (-r.overdue, -r.soon, -r.open, r.name))


def _clocks(args: dict[str, Any], today: date) -> list[ClockRow]:
    """Steps decided in the last ninety days by label and unit, the slowest first."""
    first = today - timedelta(days=DAYS * 2)
    days = [first + timedelta(days=i) for i in range((today - first).days + 1)]
    total, ordinals = 0, []
    for day in days:
        total += is_workday(day)
        ordinals.append(total)
    with connection.cursor() as c:
        c.execute(
            "with w as materialized (select * from unnest(%(days)s::date[], %(ordinals)s::int[]) as t(day, n)),"
            " s as (select st.label, st.limit_days, greatest(coalesce(b.n, 0) - coalesce(a.n, 0) - st.paused_days, 0) as used,"
            "   coalesce(nullif(split_part(o.path, '/', %(depth)s + 1), '')::int, o.id) as unit,"
            "   st.decided_at::date > st.due_on as late"
            "  from case_step st join org o on o.id = st.org_id"
            "  left join w a on a.day = (st.arrived_at at time zone 'Asia/Shanghai')::date"
            "  left join w b on b.day = (st.decided_at at time zone 'Asia/Shanghai')::date"
            "  where st.decided_at >= %(since)s and st.state = 'done' and st.seq > 1 and st.arrived_at is not null"
            "   and o.path like %(path)s || '%%')"
            " select s.label, u.name, count(*)::int, percentile_cont(0.5) within group (order by s.used),"
            "  max(s.used)::int, max(s.limit_days)::int, count(*) filter (where s.late)::int"
            " from s join org u on u.id = s.unit group by 1, 2 order by 4 desc, 3 desc, 1, 2 limit 40",
            args | {"days": days, "ordinals": ordinals},
        )
        return [
            ClockRow(label, unit, n, float(med), worst, limit, late)
            for label, unit, n, med, worst, limit, late in c.fetchall()
        ]


@dataclass(frozen=True)
class HeldPage:
    """A bounded list of held cases; `more` says that there are others."""

    rows: list[HeldRow]
    more: bool = False


def held_list(target: Target, *, due: str = "", business: str = "", limit: int = LIMIT) -> HeldPage:
    """Running steps of units below the target, the longest held first; `due`: overdue or soon. One query."""
    today = timezone.localdate()
    where = ["o.path like %(path)s || '%%'"]
    if due == "overdue":
        where.append("st.due_on < %(today)s")
    elif due == "soon":
        where.append("st.due_on between %(today)s and %(soon)s")
    if business:
        where.append("c.business = %(business)s")
    with connection.cursor() as c:
        c.execute(
            "select c.case_id, coalesce(c.number, ''), c.business, c.student_name, o.name, st.label, st.role,"
            f" st.arrived_at, st.due_on{_HELD} and {' and '.join(where)}"
            " order by st.arrived_at, c.case_id limit %(n)s",
            {
                "path": target.org.path,
                "today": today,
                "soon": add_workdays(today, SOON),
                "business": business,
                "n": limit + 1,
            },
        )
        rows = [HeldRow(*r) for r in c.fetchall()]
    return HeldPage(rows[:limit], len(rows) > limit)
