"""Reading swaps and mid-term entries, and who changed class."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils.translation import gettext as _

from xueji.ground import waiting as waits
from xueji.ground.db.scope import acting

from ..models import Ask, AskState
from .roster import MOST, PAGE, Child, is_entry, unplaced_all

OPEN = (AskState.ASKED, AskState.APPROVED, AskState.PLACED)


def listing(actor: Any, *, kind: str, open_only: bool, page: int = 0) -> list[Ask]:
    """Questions of one kind that the actor sees, the newest first, one page and one more."""
    found = Ask.objects.filter(kind=kind).order_by("-asked_at", "id")
    if actor.org_kind == "school":
        found = found.filter(school_id=actor.org_id)
    if open_only:
        found = found.filter(state__in=OPEN)
    start = PAGE * min(page, 1000)
    return list(found[start : start + PAGE + 1])


def ask(actor: Any, ask_id: uuid.UUID) -> Ask:
    """One question that the actor sees. Raises Http404."""
    found = Ask.objects.filter(pk=ask_id).first()
    if found is None:
        raise Http404
    return found


def entrants(actor: Any, day: date) -> list[Child]:
    """Pupils who came in the middle of a year and have neither a class nor a question under way (待插班)."""
    asked = set(
        Ask.objects.filter(school_id=actor.org_id, state__in=(AskState.ASKED, AskState.APPROVED)).values_list(
            "person_id", flat=True
        )
    )
    return [c for c in unplaced_all(actor.org_id) if is_entry(c, day) and c.person_id not in asked]


@dataclass(frozen=True)
class Change:
    """A change of class as the list shows one."""

    person_id: uuid.UUID
    name: str
    at: datetime
    recorded_at: datetime
    business: str
    before: int | None
    after: int | None
    reason: str
    actor_name: str
    future: bool

    @property
    def label(self) -> str:
        """编班 or 调班."""
        return _("编班") if self.business == "place" else _("调班")


def changes(
    actor: Any, day: date, *, days: int = 366, business: str = "", class_id: int | None = None, page: int = 0
) -> list[Change]:
    """Changes of class of the school since a year, the newest first, those of later days too (C-ENR-06); one page and
    one more."""
    wanted = [business] if business in ("place", "change_class") else ["place", "change_class"]
    since = day - timedelta(days=days)
    with connection.cursor() as c:
        c.execute(
            "select e.person_id, coalesce(r.name, ''), e.valid_at, e.recorded_at, e.business,"
            # The class of before stands on the link that ended when this one began.
            " (select o.class_id from enrolment_state o where o.person_id = e.person_id and o.kind = 1"
            "   and o.valid_to = e.valid_at limit 1), e.class_id, e.reason, e.actor_name, e.valid_at > now()"
            " from event e left join roster r on r.person_id = e.person_id and r.school_id = e.school_id and r.kind = 1"
            " where e.school_id = %(school)s and e.business = any(%(wanted)s) and e.valid_at >= %(since)s"
            " and (%(klass)s::int is null or e.class_id = %(klass)s or exists (select 1 from enrolment_state o"
            "   where o.person_id = e.person_id and o.kind = 1 and o.valid_to = e.valid_at and o.class_id = %(klass)s))"
            " order by e.valid_at desc, e.person_id limit %(n)s offset %(skip)s",
            {
                "school": actor.org_id,
                "wanted": wanted,
                "since": since,
                "klass": class_id,
                "n": PAGE + 1,
                "skip": PAGE * min(page, 1000),
            },
        )
        return [Change(*row) for row in c.fetchall()]


#: What waits for whom: the permission, and which questions.
_TURNS = {
    "decide": ("placement.decide", "state = 'asked' and kind <> 'claim'", "asked_at"),
    "assign": ("placement.write", "state = 'approved' and kind = 'entry'", "head_at"),
    "claims": ("placement.write", "state = 'asked' and kind = 'claim'", "asked_at"),
    "receive": ("placement.receive", "state = 'placed' and class_id = any(%(classes)s)", "placed_at"),
}


def waiting(actor: Any) -> waits.Ask[dict[str, tuple[int, date | None]]] | None:
    """What waits for this actor, and since which day: for the head to decide, for the office to place, for the teacher
    to receive.
    """
    turns = {key: turn[1:] for key, turn in _TURNS.items() if actor.can(turn[0])}
    if not turns:
        return None
    columns = ", ".join(
        f"count(*) filter (where {which}) as {key},"
        f" (min({since}) filter (where {which}) at time zone 'Asia/Shanghai')::date as {key}_since"
        for key, (which, since) in turns.items()
    )
    return waits.Ask(
        f"select {columns} from placement_ask where school_id = %(org)s and state in ('asked', 'approved', 'placed')",
        {"org": actor.org_id, "classes": list(actor.classes)},
        lambda rows: {key: (rows[0][key], waits.day(rows[0][f"{key}_since"])) for key in turns},
    )


def todo(actor: Any) -> dict[str, int]:
    """How many questions wait for this actor, by what is to be done; at most one query."""
    ask = waiting(actor)
    return {key: n for key, (n, _since) in waits.alone(ask).items()} if ask else {}


def claimable(actor: Any, stage: str, cohort: int) -> list[Child]:
    """Pupils of a grade who wait for a class and whom nobody has claimed, for the teacher of one of its classes; the
    caller has made sure that the place allows claims. Read in the writing role: a teacher sees the own class alone.
    """
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "select r.person_id, r.name, r.sex, r.birth_date, r.class_id, r.class_seat, r.pinyin_sort, r.status,"
            " r.since, r.cohort_year from roster r where r.school_id = %s and r.kind = 1 and r.reason = 'enrolled'"
            " and r.status = 1 and r.class_id is null and r.stage = %s and r.cohort_year = %s"
            " and not exists (select 1 from placement_ask a where a.person_id = r.person_id"
            "  and a.state in ('asked', 'approved'))"
            " and not exists (select 1 from placement_item i where i.person_id = r.person_id and i.open)"
            " order by r.pinyin_sort, r.person_id limit %s",
            [actor.org_id, stage, cohort, MOST],
        )
        return [Child(*row) for row in c.fetchall()]
