"""The only code that reads cases for others. All of it runs under row-level security; lists read seats, not cases."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.roles import AUTHORITY, SCHOOL_STAFF
from xueji.ground.orgs.models import OrgKind
from xueji.ground.policy.calendar import add_workdays, workdays_between
from xueji.ground.waiting import Ask, alone
from xueji.registry.enrolment.models import GUEST, REGISTERED, Roster

from . import handing
from .again import Again, reevaluate
from .kinds import KINDS, TEMPLATES, label_of
from .models import OPEN, CaseStatus, OpinionTemplate

BUCKETS = ("pressed", "overdue", "today", "soon", "later")
TABS = ("todo", "started", "running", "ended", "strike")
LIMIT = 50
#: Case statuses in the words of the layout's status chips.
FACES = {"running": "pending", "waiting": "blocked", "refused": "rejected"}


@dataclass(frozen=True)
class Row:
    """A case in a list."""

    case_id: uuid.UUID
    number: str
    business: str
    status: str
    name: str
    place: str
    from_school: str
    to_school: str
    holder: str
    step: str
    due_on: date | None
    mine: bool
    started_here: bool
    at: datetime
    pressed: bool = False

    @property
    def label(self) -> str:
        """Chinese name of the business."""
        return label_of(self.business)

    @property
    def family_label(self) -> str:
        """The business in the words of the family."""
        return str(KINDS[self.business].parent) if self.business in KINDS else self.label

    @property
    def face(self) -> str:
        """Code of the status chip."""
        return FACES.get(self.status, self.status)

    @property
    def due_words(self) -> str:
        """The deadline in words; empty without one."""
        return due_words(self.due_on)

    @property
    def overdue(self) -> bool:
        """Past its day."""
        return self.due_on is not None and self.due_on < timezone.localdate()


@dataclass(frozen=True)
class Page:
    """A page of a list by key: `next` is what to ask for more, or empty."""

    rows: list[Row]
    next: str = ""


@dataclass(frozen=True)
class Todo:
    """What waits for the actor, by deadline; `pressed` is what others hold too long (超期督办)."""

    groups: dict[str, list[Row]]
    total: int
    overdue: int

    def __bool__(self) -> bool:
        return self.total > 0


@dataclass(frozen=True)
class Filters:
    """What a list of cases can be narrowed by; empty: not narrowed."""

    tab: str = ""
    business: str = ""
    status: str = ""
    text: str = ""
    person_id: uuid.UUID | None = None
    bucket: str = field(default="")


def due_words(due: date | None, today: date | None = None) -> str:
    """A deadline in words: 已超 2 个工作日, 今天到期, 还剩 3 个工作日."""
    if due is None:
        return ""
    today = today or timezone.localdate()
    if due < today:
        return _("已超 %s 个工作日") % max(workdays_between(due, today), 1)
    if due == today:
        return _("今天到期")
    return _("还剩 %s 个工作日") % workdays_between(today, due)


def bucket_of(due: date | None, today: date) -> str:
    """Which group of the to-dos a deadline belongs to."""
    if due is None:
        return "later"
    if due < today:
        return "overdue"
    if due == today:
        return "today"
    return "soon" if due <= add_workdays(today, 3) else "later"


#: The parts that the actor takes today: his own, and those of colleagues who are away. Worked out once a statement.
_PARTS = "(select xueji_parts(%(user)s, %(org)s, %(role)s, %(today)s))::varchar[]"
_HELD = f"s.holds and s.holder_roles && {_PARTS}"
_PRESSED = f"s.pressed_roles && {_PARTS}"

_ROW = (
    "select c.case_id, coalesce(c.number, ''), c.business, c.status, c.student_name,"
    "  coalesce(c.summary ->> 'class', ''), coalesce(f.name, ''), coalesce(t.name, ''), coalesce(h.name, ''),"
    "  coalesce(st.label, ''), coalesce(s.due_on, st.due_on), "
    f"  coalesce({_HELD}, false),"
    "  coalesce(s.started_here, false), coalesce(s.changed_at, c.submitted_at, c.created_at) as at,"
    f"  coalesce({_PRESSED}, false)"
    " from case_ c left join case_seat s on s.case_id = c.case_id and s.org_id = %(org)s"
    " left join case_step st on st.case_id = c.case_id and st.seq = c.current_seq"
    "  and st.state = 'current'"
    " left join org f on f.id = c.from_school_id left join org t on t.id = c.to_school_id"
    " left join org h on h.id = st.org_id"
)


def _who(actor: Any) -> dict[str, Any]:
    return {
        "user": actor.user_id,
        "org": actor.org_id,
        "role": str(actor.role),
        "today": timezone.localdate(),
    }


def _sits(actor: Any) -> bool:
    """Whether the actor's unit has seats at cases: schools and authorities; teachers and families have none."""
    return actor.role in SCHOOL_STAFF or actor.role in AUTHORITY


def todo_count(actor: Any) -> int:
    """How many cases wait for the actor, to decide or to press; one query."""
    with connection.cursor() as c:
        c.execute(
            f"select count(*) from case_seat s where s.org_id = %(org)s and (({_HELD}) or {_PRESSED})",
            _who(actor),
        )
        return int(c.fetchone()[0])


@dataclass(frozen=True)
class Load:
    """How many cases wait for the actor, how many of them past their day, and how many his school has with others."""

    todo: int
    overdue: int
    started: int


def load(actor: Any) -> Ask[Load]:
    """The numbers of the first page, before any list is asked for."""
    return Ask(
        f"select count(*) filter (where ({_HELD}) or {_PRESSED}) as todo,"
        f" count(*) filter (where s.due_on < %(today)s and {_HELD}) as overdue,"
        " count(*) filter (where s.started_here and s.status = any(%(open)s)) as started"
        " from case_seat s where s.org_id = %(org)s",
        _who(actor) | {"open": [str(s) for s in OPEN]},
        lambda rows: Load(**rows[0]),
    )


def todo(actor: Any, *, limit: int = 20, known: Load | None = None) -> Todo:
    """What waits for the actor, the most urgent first; two queries, or one if the numbers are known."""
    args = _who(actor)
    today = args["today"]
    groups: dict[str, list[Row]] = {name: [] for name in BUCKETS}
    known = known or alone(load(actor))
    total, overdue = known.todo, known.overdue
    if total:
        with connection.cursor() as c:
            c.execute(
                f"{_ROW} where ({_HELD}) or {_PRESSED} order by coalesce(s.due_on, st.due_on) nulls last,"
                " c.submitted_at, c.case_id limit %(n)s",
                args | {"n": limit},
            )
            for row in map(_row, c.fetchall()):
                groups["pressed" if not row.mine else bucket_of(row.due_on, today)].append(row)
    return Todo({k: v for k, v in groups.items() if v}, total, overdue)


def next_todo(actor: Any, *, but: uuid.UUID) -> uuid.UUID | None:
    """The next case that waits for the actor's decision, other than one."""
    with connection.cursor() as c:
        c.execute(
            f"select s.case_id from case_seat s where s.org_id = %(org)s and {_HELD} and s.case_id <> %(but)s"
            " order by s.due_on nulls last, s.changed_at limit 1",
            _who(actor) | {"but": but},
        )
        row = c.fetchone()
    return row[0] if row else None


def started(actor: Any, *, limit: int = 20) -> list[Row]:
    """Cases that the actor's school started and that are with somebody else, the latest first."""
    return listing(actor, Filters(tab="started", status="open"), limit=limit).rows


def counts(actor: Any) -> dict[str, int]:
    """Numbers for tabs and badges: todo, overdue, started, running, strike; one query."""
    strike = f"(select count(*) from case_ c where {handing.TO_STRIKE})" if handing.strikes(actor) else "0"
    with connection.cursor() as c:
        c.execute(
            f"select count(*) filter (where ({_HELD}) or {_PRESSED}),"
            f"  count(*) filter (where s.due_on < %(today)s and {_HELD}),"
            "  count(*) filter (where s.started_here and s.status = any(%(open)s)),"
            f"  count(*) filter (where s.status = any(%(open)s)), {strike}"
            " from case_seat s where s.org_id = %(org)s",
            _who(actor) | {"open": [str(s) for s in OPEN]},
        )
        todo_n, overdue, started_n, running, strike_n = c.fetchone()
    return {
        "todo": todo_n,
        "overdue": overdue,
        "started": started_n,
        "running": running,
        "strike": strike_n,
    }


def listing(actor: Any, filters: Filters | None = None, *, after: str = "", limit: int = LIMIT) -> Page:
    """Cases that the actor may see, the last changed first; paged by key (`after` is the `next` of the page before).

    Drafts are seen by the school that wrote them alone.
    """
    f = filters or Filters()
    args: dict[str, Any] = _who(actor) | {"n": max(1, min(limit, 200)) + 1}
    where = ["c.status <> 'draft'" if not _sits(actor) else "(c.status <> 'draft' or c.org_id = %(org)s)"]
    if _sits(actor) and actor.org_kind in (OrgKind.SCHOOL, OrgKind.COUNTY):
        where.append("s.id is not null")
    if f.tab == "todo":
        where.append(f"(({_HELD}) or {_PRESSED})")
    elif f.tab == "started":
        where.append("s.started_here")
    elif f.tab == "running":
        where.append("c.status = any(%(open)s)")
    elif f.tab == "ended":
        where.append("c.status = any(%(ended)s)")
    elif f.tab == "strike":
        where.append(handing.TO_STRIKE if handing.strikes(actor) else "false")
    if f.status == "open":
        where.append("c.status = any(%(open)s)")
    elif f.status:
        where.append("c.status = %(status)s")
    if f.business:
        where.append("c.business = %(business)s")
    if f.person_id:
        where.append("c.person_id = %(person)s")
    if text := f.text.strip():
        where.append("(c.number ilike %(number)s or c.student_name like %(name)s)")
        quoted = re.sub(r"([\\%_])", r"\\\1", text)
        args |= {"number": f"{quoted}%", "name": f"%{quoted}%"}
    key = "coalesce(s.changed_at, c.submitted_at, c.created_at)"
    if (at := _unpack(after)) is not None:
        where.append(f"({key}, c.case_id) < (%(at)s, %(id)s)")
        args |= {"at": at[0], "id": at[1]}
    args |= {
        "open": [str(s) for s in OPEN],
        "status": f.status,
        "business": f.business,
        "person": f.person_id,
        "ended": ["done", "refused", "withdrawn", "cancelled"],
    }
    with connection.cursor() as c:
        c.execute(f"{_ROW} where {' and '.join(where)} order by {key} desc, c.case_id desc limit %(n)s", args)
        rows = [_row(r) for r in c.fetchall()]
    more = len(rows) >= args["n"]
    rows = rows[: args["n"] - 1]
    return Page(rows, f"{rows[-1].at.isoformat()}|{rows[-1].case_id}" if more and rows else "")


def of_person(actor: Any, person_id: uuid.UUID, *, limit: int = 20) -> list[Row]:
    """The cases of one child that the actor may see, the latest first."""
    return listing(actor, Filters(person_id=person_id), limit=limit).rows


def own_child(actor: Any, person_id: uuid.UUID, *, guest: bool = False) -> Roster | None:
    """The present row of a child of the actor's own school (`guest`: of one that borrows there); else None."""
    return (
        Roster.objects.filter(
            county_id=actor.county_id,
            school_id=actor.org_id,
            person_id=person_id,
            kind=GUEST if guest else REGISTERED,
        )
        .exclude(reason="former")
        .first()
    )


def templates(actor: Any, business: str, decision: str) -> list[str]:
    """Opinions to choose from: one's own, then the unit's, then those of the system; for this kind of case or any."""
    with connection.cursor() as c:
        c.execute(
            "select text from opinion_template where (user_id = %(user)s or org_id = %(org)s)"
            " and decision = %(decision)s and business in ('', %(business)s)"
            " order by user_id nulls last, business desc, id desc limit 50",
            _who(actor) | {"decision": decision, "business": business},
        )
        kept = [str(row[0]) for row in c.fetchall()]
    return list(dict.fromkeys([*kept, *(str(t) for t in TEMPLATES.get(decision, ()))]))


def own_templates(actor: Any) -> list[OpinionTemplate]:
    """One's own templates and the unit's, to manage them; at most 100."""
    return list(OpinionTemplate.objects.order_by("decision", "business", "pk")[:100])


def require(actor: Any, case_id: uuid.UUID) -> None:
    """Raises Http404 unless the actor may see the case."""
    with connection.cursor() as c:
        c.execute("select 1 from case_ where case_id = %s", [case_id])
        if c.fetchone() is None:
            raise Http404


def _row(r: Iterable[Any]) -> Row:
    return Row(*r)


def _unpack(after: str) -> tuple[datetime, uuid.UUID] | None:
    at, bar, case_id = after.rpartition("|")
    if not bar:
        return None
    try:
        return datetime.fromisoformat(at), uuid.UUID(case_id)
    except ValueError:
        return None


__all__ = [
    "BUCKETS",
    "KINDS",
    "Again",
    "CaseStatus",
    "Filters",
    "Page",
    "Row",
    "Todo",
    "counts",
    "due_words",
    "listing",
    "next_todo",
    "of_person",
    "own_templates",
    "reevaluate",
    "require",
    "started",
    "templates",
    "todo",
    "todo_count",
]
