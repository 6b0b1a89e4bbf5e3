"""Reading transfers between installations: lists, to-dos, the child as the other side may know it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.waiting import Ask, Heap, day
from xueji.registry.changes import subject as subjects
from xueji.registry.changes.models import OPEN as OPEN_CASES
from xueji.registry.changes.models import Case

from .models import ENDED, LIVE, RelayCase, RelayStep, Side, State

PAGE = 50
TABS = ("todo", "running", "ended")


def held_words(person_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Whose record must stand still while it is handed over, and why; one query. In the writing role."""
    with connection.cursor() as c:
        c.execute(
            "select person_id, number from relay_case"
            " where person_id = any(%s::uuid[]) and side = 'out' and state = 'moving'",
            [list(person_ids)],
        )
        words = _("该生的学籍正在向外省移交(%s), 移交结束前不能变动")
        return {person: words % number for person, number in c.fetchall()}


def summary_of(child: subjects.Subject, day: date) -> dict[str, Any]:
    """What the receiving side learns of a child that it named: no number, no address, no contact."""
    grade = child.grade(day)
    return child.summary(day) | {
        "stage": child.stage,
        "has_id_number": child.id_type == "1",
        "last_grade": bool(grade and grade.last),
    }


def other_business(person_id: uuid.UUID) -> str:
    """The child's case under way in this installation, in words; empty when there is none. In the writing role."""
    case = Case.objects.filter(person_id=person_id, status__in=OPEN_CASES).first()
    if case is None:
        return ""
    return _("该生在本系统还有一件业务没有办完(%s), 办完后才能继续") % (case.number or "")


@dataclass(frozen=True)
class Row:
    """One line of the list."""

    case_id: uuid.UUID
    number: str
    name: str
    side: str
    side_label: str
    other: str
    peer: str
    state: str
    state_label: str
    mine: bool
    holder: str
    due_on: date | None
    urged: bool = False

    @property
    def overdue(self) -> bool:
        """Whether its day has passed."""
        return self.due_on is not None and self.due_on < timezone.localdate() and self.state in LIVE


def _seen(actor: Any) -> QuerySet[RelayCase]:
    """What the actor's list begins with; row-level security decides what is seen at all."""
    return RelayCase.objects.exclude(state=State.ASKED)


def todo_filter(actor: Any) -> Q:
    """What waits for the actor's role at the actor's unit."""
    return Q(holder_id=actor.org_id, holder_role=actor.role)


def waiting(actor: Any) -> Ask[Heap] | None:
    """Transfers that wait for the actor."""
    if not (actor.can("case.decide") or actor.can("case.start")) or actor.org_id is None:
        return None
    return Ask(
        "select count(*) as n, min(due_on) as due from relay_case"
        " where state <> 'asked' and holder_id = %(org)s and holder_role = %(role)s",
        {"org": actor.org_id, "role": str(actor.role)},
        lambda rows: Heap(
            _("跨省转学待我办理"), rows[0]["n"], "/relay/?tab=todo", _("%s 件") % rows[0]["n"], _("待办"),
            due=day(rows[0]["due"]),
        ),
    )  # fmt: skip


def listing(actor: Any, *, tab: str = "", after: str = "", limit: int = PAGE) -> tuple[list[Row], str]:
    """Transfers that the actor sees, the last changed first; and where the next page begins. Two queries."""
    found = _seen(actor)
    if tab == "todo":
        found = found.filter(todo_filter(actor))
    elif tab == "running":
        found = found.filter(state__in=[*LIVE, State.ASKING, State.DRAFT])
    elif tab == "ended":
        found = found.filter(state__in=ENDED)
    start = int(after) if after.isascii() and after.isdigit() and len(after) < 6 else 0
    cases = list(
        found.select_related("peer")
        .annotate(urged=_urged())
        .order_by(F("changed_at").desc(), "case_id")[start : start + limit + 1]
    )
    holders = holders_of(cases[:limit])
    rows = [
        Row(
            case_id=c.case_id,
            number=c.number or "",
            name=c.student_name,
            side=c.side,
            side_label=str(Side(c.side).label),
            other=c.other_school or c.other_code,
            peer=c.peer.name,
            state=c.state,
            state_label=str(State(c.state).label),
            mine=c.holder_id is not None and c.holder_id == actor.org_id and c.holder_role == actor.role,
            holder=holders.get(c.case_id, ""),
            due_on=c.due_on,
            urged=c.urged,
        )
        for c in cases[:limit]
    ]
    return rows, str(start + limit) if len(cases) > limit else ""


def _urged() -> Exists:
    """Whether the other side has asked for haste since the step under way here began."""
    return Exists(
        RelayStep.objects.filter(
            case=OuterRef("pk"),
            case__side=Side.OUT,
            own=True,
            state="current",
            case__log__action="urge",
            case__log__at__gte=F("arrived_at"),
        )
    )


def holders_of(cases: Sequence[RelayCase]) -> dict[uuid.UUID, str]:
    """Who holds each of these transfers, on either side; one query."""
    current = RelayStep.objects.filter(case__in=cases, state="current").values_list(
        "case_id", "own", "org_name", "label"
    )
    steps = {(case_id, own): f"{org} · {label}" for case_id, own, org, label in current}
    out = {}
    for c in cases:
        own = c.state != State.AWAY
        if c.state in LIVE:
            out[c.case_id] = steps.get((c.case_id, own), "")
    return out


def watches(actor: Any) -> bool:
    """Whether the role has a part in transfers: schools and authorities."""
    return actor.can("relay.view")
