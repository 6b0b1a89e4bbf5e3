"""统筹安排: children whom a full school had to refuse, and where the authority finds a seat for them (C-TRF-05)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from xueji.ground.orgs.models import Org
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import Finding
from xueji.ground.policy.sizes import cap_of
from xueji.ground.waiting import Ask, Heap, day

from .checks import Report
from .material import Material
from .models import Placing, PlacingRequest
from .seats import Seat, elsewhere, free_classes

PAGE = 50
_SIZE = frozenset({"$class.size_after", "$class.full"})
VIEWS = (Placing.OPEN, Placing.PLACED, "rest")
#: Where the authority may still name a school, and the school that asked may take the request back.
UNSETTLED = (Placing.OPEN, Placing.PLACED, Placing.NONE)
#: Where the named school may begin.
NAMED = (Placing.PLACED, Placing.TAKEN)


@dataclass(frozen=True)
class Line:
    """A request with the names of its schools."""

    row: PlacingRequest
    school: str
    placed: str

    @property
    def name(self) -> str:
        """The child's name."""
        return str(self.row.about.get("name", ""))

    @property
    def grade(self) -> str:
        """The child's grade."""
        return str(self.row.about.get("grade", ""))


def only_full(policy: PolicySet, m: Material, report: Report) -> bool:
    """Whether nothing stands against a transfer but that the whole grade of the school is full.

    Must run in the writing role. A class that is full while another of the grade has room is for the school to mend.
    """
    if m.case.business != "transfer" or m.place is None or not report.stopping:
        return False
    for check in report.stopping:
        finding = report.trace.finding(check.code)
        if check.code != "capacity" and not (finding and _of_size(finding)):
            return False
    return not free_classes(m.place, m.today, cap_of(policy, m.place.stage))


def _of_size(finding: Finding) -> bool:
    return bool(_SIZE & set(finding.values)) and finding.values.get("$student.qualified") is not False


def articles(policy: PolicySet, m: Material, report: Report) -> str:
    """On what the refusal rests: the findings about the size of the class, else the size that the place states."""
    found = [f.sentence for c in report.stopping if (f := report.trace.finding(c.code)) is not None]
    if found or m.place is None:
        return "；".join(found)
    cap = cap_of(policy, m.place.stage)
    return cap.article if cap.must else ""


def seats(policy: PolicySet, row: PlacingRequest) -> list[Seat]:
    """Schools of the authority with room in the child's grade, the one with most first. One query."""
    cap = cap_of(policy, row.stage)
    return elsewhere(row.county_id, row.school_id, row.stage, row.cohort_year, cap, besides=row.pk)


def _mine(actor: Any) -> QuerySet[PlacingRequest]:
    """Row-level security draws the line."""
    actor.require("placing.view")
    return PlacingRequest.objects.all()


def listing(actor: Any, view: str, *, before: int | None = None) -> tuple[list[Line], str]:
    """Requests of one view, the newest first, and the key of the next page. Raises PermissionDenied."""
    rows = _mine(actor)
    rows = rows.filter(state=view) if view in VIEWS[:2] else rows.exclude(state__in=VIEWS[:2])
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: PAGE + 1])
    return named(found[:PAGE]), str(found[PAGE - 1].pk) if len(found) > PAGE else ""


def one(actor: Any, request_id: int) -> Line:
    """One request. Raises PermissionDenied, Http404."""
    row = _mine(actor).filter(pk=request_id).first()
    if row is None:
        raise Http404
    return named([row])[0]


def rights(actor: Any, row: PlacingRequest) -> dict[str, bool]:
    """What the actor may do with a request: `decides`, `may_take`, `may_drop`; and whether the case is his to read."""
    starts, unsettled = actor.can("case.start"), row.state in UNSETTLED
    return {
        "decides": actor.can("placing.decide") and row.county_id == actor.org_id and unsettled,
        "may_take": starts and row.placed_school_id == actor.org_id and row.state in NAMED,
        "may_drop": starts and row.school_id == actor.org_id and unsettled,
        "sees_case": actor.org_id in (row.school_id, row.county_id),
    }


def of_case(actor: Any, case_id: uuid.UUID) -> int | None:
    """The key of the request that followed a refused case, for whoever may open it."""
    if not actor.can("placing.view"):
        return None
    return PlacingRequest.objects.filter(case_id=case_id).values_list("pk", flat=True).first()


def named(rows: Sequence[PlacingRequest]) -> list[Line]:
    """The rows with the names of their schools; one query."""
    keys = {r.school_id for r in rows} | {r.placed_school_id for r in rows if r.placed_school_id}
    names = dict(Org.objects.filter(pk__in=keys).values_list("pk", "name")) if keys else {}
    return [Line(r, names.get(r.school_id, ""), names.get(r.placed_school_id or 0, "")) for r in rows]


def counts(actor: Any) -> dict[str, int]:
    """How many wait, and how many are placed and not begun yet."""
    rows = _mine(actor).filter(state__in=VIEWS[:2])
    found = dict(rows.values_list("state").annotate(n=Count("pk")))
    return {str(state): found.get(state, 0) for state in VIEWS[:2]}


def waiting(actor: Any) -> Ask[list[Heap]]:
    """What the authority has to place, and for a school the children that were placed with it."""
    column, state = (
        ("placed_school_id", Placing.PLACED) if actor.org_kind == "school" else ("county_id", Placing.OPEN)
    )
    words = _("统筹安排到本校的转学") if actor.org_kind == "school" else _("学校满额的转学")
    kind = _("待发起转入") if actor.org_kind == "school" else _("待统筹安排")

    def read(rows: list[dict[str, Any]]) -> list[Heap]:
        n = int(rows[0]["n"])
        due: date | None = day(rows[0]["due"])
        return (
            [Heap(words, n, f"/cases/placing/?tab={state}", _("%s 名学生") % n, kind, due=due)] if n else []
        )

    return Ask(
        f"select count(*) as n, min(due_on) as due from placing_request where {column} = %(org)s"
        " and state = %(state)s",
        {"org": actor.org_id, "state": str(state)},
        read,
    )
