"""The only code that reads problem records for others; all of it under row-level security."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Q
from django.http import Http404
from django.utils import timezone

from xueji.ground.accounts.roles import HEADS, SCHOOL_STAFF
from xueji.ground.orgs.models import Org
from xueji.ground.waiting import Ask, alone

from .models import Action, Entry, Kind, Problem, Side, State

LIMIT = 50


@dataclass(frozen=True)
class Row:
    """A line of the list."""

    problem_id: uuid.UUID
    number: str
    kind: str
    state: str
    student: str
    schools: str
    opened_at: datetime
    due_on: date | None
    mine: bool

    @property
    def kind_label(self) -> str:
        """Its kind in words."""
        return str(Kind(self.kind).label)

    @property
    def state_label(self) -> str:
        """Its state in words."""
        return str(State(self.state).label)

    @property
    def days(self) -> int:
        """How many days it has been open."""
        return (timezone.localdate() - timezone.localtime(self.opened_at).date()).days

    @property
    def overdue(self) -> bool:
        """Whether its time is over."""
        return self.due_on is not None and self.due_on < timezone.localdate()


@dataclass(frozen=True)
class Page:
    """One problem with its sides and its log; `mine` are sides of the actor's school that still have to answer."""

    problem: Problem
    sides: list[Side]
    orgs: dict[int, Org]
    log: list[Entry]
    mine: list[Side]
    may_arbitrate: bool
    may_talk: bool


def listing(
    actor: Any,
    *,
    state: str = "",
    kind: str = "",
    school_id: int | None = None,
    after: str = "",
    limit: int = LIMIT,
) -> tuple[list[Row], str]:
    """Problems that the actor's unit takes part in, the newest first; `after` is the key of the page before."""
    where = ["true"]
    args: dict[str, Any] = {"org": actor.org_id, "n": limit + 1}
    if state == "mine":
        where.append(
            "((s.school_id = %(org)s and s.answered_at is null and p.state <> 'closed')"
            " or (p.superior_id = %(org)s and p.state = 'arbitrating'))"
        )
    elif state:
        where.append("p.state = %(state)s")
        args["state"] = state
    if kind:
        where.append("p.kind = %(kind)s")
        args["kind"] = kind
    if school_id:
        where.append(
            "exists (select 1 from problem_side x where x.problem_id = p.problem_id and x.school_id = %(school)s)"
        )
        args["school"] = school_id
    if after:
        where.append("p.number < %(after)s")
        args["after"] = after
    with connection.cursor() as c:
        c.execute(
            "select p.problem_id, p.number, p.kind, p.state, string_agg(distinct s.student, '、'),"
            "  string_agg(distinct o.name, '、'), p.opened_at, coalesce(p.due_on, min(s.due_on)),"
            "  bool_or(s.school_id = %(org)s and s.answered_at is null and p.state <> 'closed')"
            "   or (p.superior_id = %(org)s and p.state = 'arbitrating')"
            " from problem_record p join problem_side s on s.problem_id = p.problem_id"
            " left join org o on o.id = s.school_id"
            f" where {' and '.join(where)} group by p.problem_id order by p.number desc limit %(n)s",
            args,
        )
        rows = [Row(*r) for r in c.fetchall()]
    more = len(rows) > limit
    rows = rows[:limit]
    return rows, rows[-1].number if more and rows else ""


def waiting(actor: Any) -> Ask[dict[str, int]]:
    """How many there are by state, and how many wait for the actor's unit."""
    return Ask(
        "select count(*) filter (where p.state = 'open') as open,"
        "  count(*) filter (where p.state = 'arbitrating') as arbitrating,"
        "  count(*) filter (where (p.state = 'arbitrating' and p.superior_id = %(org)s) or (p.state <> 'closed'"
        "    and exists (select 1 from problem_side s where s.problem_id = p.problem_id"
        "                and s.school_id = %(org)s and s.answered_at is null))) as mine"
        " from problem_record p",
        {"org": actor.org_id},
        lambda rows: rows[0],
    )


def counts(actor: Any) -> dict[str, int]:
    """How many there are by state, and how many wait for the actor's unit; one query."""
    return alone(waiting(actor))


@dataclass(frozen=True)
class Queue:
    """What a school still has to answer: by kind, how long the oldest has waited, how many are overdue (C-DUP-03)."""

    school_id: int
    school: str
    wrong_id: int
    same_id: int
    same_person: int
    oldest: int
    overdue: int


def queues(actor: Any, limit: int = 200) -> list[Queue]:
    """The open queue of each school in sight by kind, those with the most overdue first; one query."""
    with connection.cursor() as c:
        c.execute(
            "select s.school_id, o.name, count(*) filter (where p.kind = 'wrong_id'),"
            "  count(*) filter (where p.kind = 'same_id'), count(*) filter (where p.kind = 'same_person'),"
            "  max(%(today)s::date - (p.opened_at at time zone 'Asia/Shanghai')::date),"
            "  count(*) filter (where s.due_on < %(today)s) as late"
            " from problem_side s join problem_record p on p.problem_id = s.problem_id join org o on o.id = s.school_id"
            " where s.is_open and s.answered_at is null and p.state <> 'closed'"
            " group by 1, 2 order by late desc, 6 desc, 2 limit %(n)s",
            {"today": timezone.localdate(), "n": limit},
        )
        return [Queue(*row) for row in c.fetchall()]


def page(actor: Any, problem_id: uuid.UUID) -> Page:
    """One problem for a unit that takes part. Raises Http404."""
    problem = Problem.objects.filter(pk=problem_id).first()
    if problem is None:
        raise Http404
    sides = list(Side.objects.filter(problem=problem).order_by("no"))
    ids = {problem.superior_id, *(s.school_id for s in sides), *(s.county_id for s in sides)}
    return Page(
        problem=problem,
        sides=sides,
        orgs={o.pk: o for o in Org.objects.filter(pk__in=ids)},
        log=list(Entry.objects.filter(problem=problem).order_by("-id")[:100]),
        mine=[
            s
            for s in sides
            if s.school_id == actor.org_id and s.answered_at is None and problem.state != State.CLOSED
        ]
        if actor.role in SCHOOL_STAFF
        else [],
        may_arbitrate=problem.state == State.ARBITRATING
        and problem.superior_id == actor.org_id
        and actor.role in HEADS,
        may_talk=problem.state != State.CLOSED and actor.can("case.decide"),
    )


def open_side(person_id: uuid.UUID) -> Side | None:
    """The side that still has to answer for a record."""
    from .commands import pending

    return pending(person_id)


def open_of(person_id: uuid.UUID) -> list[Problem]:
    """Open problems of a record, as far as the reader sees them."""
    ids = Side.objects.filter(person_id=person_id, is_open=True).values_list("problem_id", flat=True)
    return list(Problem.objects.filter(Q(pk__in=list(ids)))[:20])


def words_of(action: str) -> str:
    """An answer in words."""
    return str(Action(action).label) if action else ""
