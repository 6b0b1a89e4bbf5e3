"""统筹安排: children whom a full school had to refuse, and where the authority finds a seat for them (C-TRF-05)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from xueji.ground.orgs.models import Org
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import Finding, article_words
from xueji.ground.waiting import Ask, Heap, day

from .checks import Report
from .material import Material
from .models import OPEN, CaseStatus, Placing, PlacingRequest
from .subject import classes_of_grade

PAGE = 50
#: Codes of special schools: no child is sent there for want of a seat.
SPECIAL = "51%"
_PARAM = {"P": "class.cap.primary", "J": "class.cap.junior", "S": "class.cap.senior"}
_SIZE = frozenset({"$class.size_after", "$class.full"})
VIEWS = (Placing.OPEN, Placing.PLACED, "rest")


@dataclass(frozen=True)
class Seat:
    """A school of the authority and how many seats it has left in the child's grade."""

    school_id: int
    name: str
    room: int


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


def cap_of(policy: PolicySet, stage: str) -> tuple[int | None, str]:
    """The class size that no school of the place may go over, with its article; None where none must be kept."""
    held = policy.param(_PARAM[stage])
    if not held.stated or held.force != "must":
        return None, ""
    return int(held.value), f"《{held.cite.source.title}》{article_words(held.cite.article)}"


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
    grade = m.place.grade(m.today)
    cap, _article = cap_of(policy, m.place.stage)
    mates = classes_of_grade(m.place.school_id, grade.code, m.today) if grade else []
    return all(p.size >= min(p.capacity, cap if cap is not None else p.capacity) for p in mates)


def _of_size(finding: Finding) -> bool:
    return bool(_SIZE & set(finding.values)) and finding.values.get("$student.qualified") is not False


def articles(policy: PolicySet, m: Material, report: Report) -> str:
    """On what the refusal rests: the findings about the size of the class, else the size that the place states."""
    found = [f.sentence for c in report.stopping if (f := report.trace.finding(c.code)) is not None]
    if found or m.place is None:
        return "；".join(found)
    return cap_of(policy, m.place.stage)[1]


def seats(policy: PolicySet, row: PlacingRequest, *, limit: int = 100) -> list[Seat]:
    """Schools of the authority with room in the child's grade, the one with most first. One query.

    Seats that were promised to other children are no longer counted, until their transfer has ended.
    """
    cap, _article = cap_of(policy, row.stage)
    with connection.cursor() as c:
        c.execute(
            "select * from (select s.org_id, o.name, sum(greatest(least(k.capacity, coalesce(%(cap)s, k.capacity))"
            "    - (select count(*) from roster r where r.class_id = k.id and r.reason <> 'former' and r.status = 1), 0))"
            "  - (select count(*) from placing_request p where p.placed_school_id = s.org_id"
            "    and (p.state = 'placed' or p.state = 'taken' and exists (select 1 from case_ c"
            "     where c.case_id = p.new_case_id and c.status = any(%(under_way)s)))"
            "    and p.stage = %(stage)s and p.cohort_year = %(cohort)s and p.id <> %(row)s) as room"
            " from school s join org o on o.id = s.org_id join school_class k on k.school_id = s.org_id"
            " where s.county_id = %(county)s and s.org_id <> %(but)s and k.stage = %(stage)s"
            "  and k.cohort_year = %(cohort)s and k.closed_on is null"
            "  and s.school_type not like %(special)s group by s.org_id, o.name) x"
            " where room > 0 order by room desc, org_id limit %(n)s",
            {
                "cap": cap,
                "stage": row.stage,
                "cohort": row.cohort_year,
                "row": row.pk,
                "county": row.county_id,
                "but": row.school_id,
                "special": SPECIAL,
                "under_way": [str(CaseStatus.DRAFT), *map(str, OPEN)],
                "n": limit,
            },
        )
        return [Seat(pk, name, int(room)) for pk, name, room in c.fetchall()]


def _mine(actor: Any) -> QuerySet[PlacingRequest]:
    """Row-level security draws the line."""
    actor.require("placing.view")
    return PlacingRequest.objects.all()


def listing(actor: Any, view: str, *, before: int | None = None) -> tuple[list[Line], str]:
    """Requests of one view, the newest first, and the key of the next page. Raises PermissionDenied."""
    rows = _mine(actor)
    states = [s for s in Placing.values if s not in VIEWS] if view not in (VIEWS[0], VIEWS[1]) else [view]
    rows = rows.filter(state__in=states)
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
    rows = _mine(actor).filter(Q(state=Placing.OPEN) | Q(state=Placing.PLACED))
    found = list(rows.values_list("state", flat=True)[:1000])
    return {Placing.OPEN: found.count(Placing.OPEN), Placing.PLACED: found.count(Placing.PLACED)}


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
