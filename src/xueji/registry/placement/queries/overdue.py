"""逾期未注册: who did not register within the days of the place's rules, as a list for decision (C-LEV-06)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from xueji.ground.policy.findings import Finding, caveat_words
from xueji.registry.dropout import queries as dropout

from ..limits import policy_of
from .roster import PAGE
from .terms import TermOf

EVENT, ROUTE = "register.daily", "withdraw"
_MARK = (
    " from roster r left join term_mark m on m.school_id = r.school_id and m.person_id = r.person_id"
    " and m.school_year = %(year)s and m.term = %(term)s"
)
_CASE = (
    " left join lateral (select c.case_id, c.number from case_ c where c.person_id = r.person_id"
    "  and c.org_id = r.school_id and c.business = 'withdraw'"
    "  and c.status in ('draft', 'running', 'returned', 'waiting', 'approved') order by c.case_id limit 1) k on true"
)
_WHERE = (
    " where r.school_id = %(org)s and r.kind = 1 and r.reason = 'enrolled' and r.status = 1"
    " and coalesce(m.state, '') not in ('returned', 'excused')"
    " and (%(only)s::uuid[] is null or r.person_id = any(%(only)s::uuid[]))"
)


@dataclass(frozen=True)
class Standing:
    """What the rule says of a term on a day: since when registration was due, and whether its grace is over."""

    register_by: date
    days: int
    over: bool
    sentence: str
    article: str
    caveat: str


@dataclass(frozen=True)
class Overdue:
    """A pupil in attendance on record who is neither registered for the term nor excused."""

    person_id: uuid.UUID
    name: str
    class_id: int | None
    absent: bool
    case_id: uuid.UUID | None
    number: str


def standing(school_id: int, term: TermOf, on: date) -> Standing | None:
    """What the school's rules make of a term without registration; None where no rule speaks of it."""
    policy = policy_of(school_id, on)
    rules = {r.id for r in policy.rules if EVENT in r.on and r.route == ROUTE and r.holds_on(on)}
    if not rules:
        return None
    due = term.starts or dropout.term_start(term.year, term.number)
    trace = policy.evaluate(
        EVENT,
        {
            "student.registered_in_term": False,
            "case.leave_approved": False,
            "case.register_by": due,
            "case.checked_on": on,
        },
        on,
    )
    found: Finding | None = next((f for f in trace.findings if f.rule in rules), None)
    if found is None:
        return None
    over = found.verdict == "route"
    caveat = "；".join(caveat_words(code) for code in found.caveats if code != "source_cut")
    return Standing(due, (on - due).days, over, found.sentence, found.article, caveat)


def overdue(
    actor: Any, term: TermOf, *, page: int = 0, only: list[uuid.UUID] | None = None, size: int = PAGE
) -> tuple[list[Overdue], int]:
    """Pupils of the actor's school without registration and without leave: one page by class, and how many there are."""
    values = {
        "year": term.year,
        "term": term.number,
        "org": actor.org_id,
        "only": only,
        "n": size,
        "skip": size * min(page, 1000),
    }
    with connection.cursor() as c:
        c.execute("select count(*)" + _MARK + _WHERE, values)
        total = int(c.fetchone()[0])
        c.execute(
            "select r.person_id, r.name, r.class_id, m.state is not null, k.case_id, coalesce(k.number, '')"
            + _MARK
            + _CASE
            + _WHERE
            + " order by r.class_id, r.class_seat nulls last, r.pinyin_sort, r.person_id limit %(n)s offset %(skip)s",
            values,
        )
        return [Overdue(*row) for row in c.fetchall()], total
