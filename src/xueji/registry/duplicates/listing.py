"""Suspicions as lists and pages show them, under row-level security: of a record outside of the reader's scope its school
and the school's telephone, nothing of the child.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.roles import HEADS
from xueji.ground.orgs.models import Org
from xueji.ground.waiting import Ask, Heap, Rows, day

from .models import Pair, PairState, Run, RunState
from .similar import in_words

LIMIT = 50


@dataclass(frozen=True)
class Side:
    """One of the two records; without `person_id` the reader may know no more than where it is."""

    person_id: uuid.UUID | None
    name: str
    sex: str
    birth_date: date | None
    class_label: str
    since: date | None
    school: str
    phone: str


@dataclass(frozen=True)
class PairRow:
    """One suspicion."""

    id: int
    state: str
    score: int
    words: str
    found_at: datetime
    sides: tuple[Side, Side]
    superior_id: int
    problem_id: uuid.UUID | None
    proof: str
    decided_by: str
    decided_at: datetime | None

    @property
    def state_label(self) -> str:
        """Its state in words."""
        return str(PairState(self.state).label)

    @property
    def both_seen(self) -> bool:
        """Whether the reader sees both records."""
        return all(s.person_id for s in self.sides)

    @property
    def seen(self) -> list[uuid.UUID]:
        """Keys of the records that the reader sees."""
        return [s.person_id for s in self.sides if s.person_id]


def pairs(
    actor: Any, *, state: str = "new", school_id: int | None = None, after: str = "", limit: int = LIMIT
) -> tuple[list[PairRow], str]:
    """Suspicions in which the actor's unit takes part, the strongest first; three queries. `after` is "score-id"."""
    rows = Pair.objects.order_by("-score", "id")
    if state:
        rows = rows.filter(state=state)
    if school_id:
        rows = rows.filter(parties__contains=[school_id])
    score, _sep, pk = after.partition("-")
    if score.isdigit() and pk.isdigit() and len(pk) < 18:
        from django.db.models import Q

        rows = rows.filter(Q(score__lt=int(score)) | Q(score=int(score), id__gt=int(pk)))
    found = list(rows[: limit + 1])
    more = len(found) > limit
    found = found[:limit]
    return _rows(found), f"{found[-1].score}-{found[-1].pk}" if more else ""


def pair(pk: int) -> PairRow:
    """One suspicion for a unit that takes part. Raises Http404."""
    found = Pair.objects.filter(pk=pk).first()
    if found is None:
        raise Http404
    return _rows([found])[0]


def waiting(actor: Any) -> Ask[list[Heap]]:
    """For the first page: suspicions nobody has settled (a school's own; above, those between units of which this is
    the lowest in common), and merges and undoings that wait for the other head.
    """
    head = actor.can("person.merge") and actor.role in HEADS

    def read(rows: Rows) -> list[Heap]:
        row = rows[0]
        merge = (
            reverse("duplicates:merge", args=[row["one"]])
            if row["merges"] == 1
            else reverse("duplicates:merges")
        )
        heaps = [
            Heap(
                _("疑似重复的档案"), row["pairs"], reverse("duplicates:list"), _("%s 对") % row["pairs"], _("待核对"),
                day(row["pairs_since"]),
            ),
            Heap(
                _("档案合并"), row["merges"], merge, _("%s 件") % row["merges"], _("待负责人决定"),
                day(row["merges_since"]),
            ),
        ]  # fmt: skip
        return [heap for heap in heaps if heap.n]

    local = "at time zone 'Asia/Shanghai')::date"
    own = "" if actor.org_kind == "school" else " and superior_id = %(org)s"
    return Ask(
        "select p.n as pairs, p.since as pairs_since, m.n as merges, m.since as merges_since, m.one from"
        f" (select count(*) as n, (min(found_at) {local} as since from duplicate_pair where state = 'new'{own}) p,"
        " (select count(*) as n, min(merge_id::text) as one,"
        f"  (min(case when state = 'proposed' then proposed_at else undo_at end) {local} as since from person_merge"
        "  where %(head)s and org_id = %(org)s and (state = 'proposed' and proposed_by <> %(user)s"
        "   or state = 'undoing' and undo_by <> %(user)s)) m",
        {"org": actor.org_id, "user": actor.user_id, "head": head},
        read,
    )


def counts() -> dict[str, int]:
    """How many there are in each state; one query."""
    with connection.cursor() as c:
        c.execute("select state, count(*) from duplicate_pair group by 1")
        return dict(c.fetchall())


def last_run(actor: Any) -> Run | None:
    """The newest check of the actor's unit."""
    return Run.objects.filter(org_id=actor.org_id).order_by("-pk").first()


def progress(run: Run | None) -> dict[str, Any] | None:
    """A check as the component of progress draws it."""
    if run is None or run.state == RunState.DONE:
        return None
    return {
        "id": run.pk,
        "title": run.get_state_display(),
        "state": "failed" if run.state == RunState.FAILED else "running" if run.done else "queued",
        "done": run.done,
        "total": run.total,
    }


def _rows(found: Sequence[Pair]) -> list[PairRow]:
    if not found:
        return []
    persons = list({p for f in found for p in (f.first, f.second)})
    with connection.cursor() as c:
        c.execute(
            "select distinct on (r.person_id) r.person_id, r.name, r.sex, r.birth_date, r.since,"
            "  coalesce(k.cohort_year || '级' || k.number || '班', '') from roster r"
            " left join school_class k on k.id = r.class_id"
            " where r.person_id = any(%s::uuid[]) and r.reason <> 'former' order by r.person_id, r.kind",
            [persons],
        )
        seen = {row[0]: row[1:] for row in c.fetchall()}
    orgs = Org.objects.in_bulk({s for f in found for s in (f.first_school, f.second_school)})

    def side(person: uuid.UUID, school_id: int) -> Side:
        org = orgs.get(school_id)
        school, phone = (org.name, org.phone or "") if org else ("", "")
        if person not in seen:
            return Side(None, "", "", None, "", None, school, phone)
        name, sex, birth, since, label = seen[person]
        return Side(person, name, sex, birth, label, timezone.localtime(since).date(), school, phone)

    return [
        PairRow(
            id=f.pk,
            state=f.state,
            score=f.score,
            words=in_words(f.reasons),
            found_at=f.found_at,
            sides=(side(f.first, f.first_school), side(f.second, f.second_school)),
            superior_id=f.superior_id,
            problem_id=f.problem_id,
            proof=f.proof,
            decided_by=f.decided_by,
            decided_at=f.decided_at,
        )
        for f in found
    ]
