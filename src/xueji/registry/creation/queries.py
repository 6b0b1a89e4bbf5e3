"""The only code that reads lists of new records, their items and steps, for pages and programs."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting
from xueji.ground.orgs.grades import class_label, start_year_of
from xueji.ground.orgs.models import Org, School
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.places import policy_for
from xueji.ground.standards.identity import SEX_WORDS
from xueji.ground.waiting import Ask, Heap, Rows, day
from xueji.registry.enrolment.timeline import local_day, midnight

from .models import CreationItem, CreationList, CreationStep, CreationWindow, Kind, ListState

PAGE = 50
#: A school sends at most so many pupils with one list.
MOST = 3_000


#: New records of a school since a day, of which the authority has heard nothing by another way.
_NEW = (
    " from enrolment_state s join event e on e.person_id = s.person_id and e.event_id = s.event_id"
    " join roster r on r.person_id = s.person_id and r.school_id = s.school_id and r.kind = 1 and r.reason = 'enrolled'"
    " where s.school_id = %(school)s and s.kind = 1 and s.from_status = 0 and s.business = 'enrol'"
    " and s.valid_from >= %(first)s and e.case_id is null and not (e.detail ? 'takeover') and r.status < 10"
)


@dataclass(frozen=True)
class Unsent:
    """A pupil on record who stands on no list yet."""

    person_id: uuid.UUID
    name: str
    place: str
    class_id: int | None
    since: date
    overdue: bool
    returned: str


def year_now() -> int:
    """The school year, by its first calendar year."""
    return start_year_of(timezone.localdate())


def unsent(school_id: int, kind: str, *, cohort: int | None = None) -> list[Unsent]:
    """New records of this school year that the authority was not asked to approve (C-NUM-01), or seniors of a cohort
    who are not registered for this year (C-NUM-19). What came by a decided case or a takeover is approved already.

    Asked in the writing role, as `send` does: whoever transferred in may stand on a list of the former school, which
    this one does not read. Why a list came back is told to the school that sent it. Needs a transaction; a
    fixed number of statements, at most MOST rows.
    """
    today, year = timezone.localdate(), year_now()
    school = School.objects.select_related("org").get(pk=school_id)
    if kind == Kind.CREATION and not approval_needed(school.org, today):
        return []
    if kind == Kind.SENIOR:
        what = (
            "select r.person_id, r.name, r.class_id, r.since from roster r where r.school_id = %(school)s and r.kind = 1"
            " and r.reason = 'enrolled' and r.stage = 'S' and r.status = 1 and r.cohort_year = %(cohort)s"
        )
    else:
        what = f"select r.person_id, r.name, r.class_id, s.valid_from as since{_NEW}"
    with acting("writer"), connection.cursor() as c:
        c.execute(
            f"select w.person_id, w.name, w.class_id, w.since, k.stage, k.cohort_year, k.number, b.reason from ({what}) w"
            " left join school_class k on k.id = w.class_id"
            " left join lateral (select i.reason from creation_item i where i.person_id = w.person_id and i.kind = %(kind)s"
            "   and i.year = %(year)s and i.state = 'returned' and i.school_id = %(school)s"
            "   order by i.list_id desc limit 1) b on true"
            " where not exists (select 1 from creation_item i where i.person_id = w.person_id and i.kind = %(kind)s"
            "   and i.year = %(year)s and i.state in ('pending', 'approved'))"
            " order by k.stage, k.cohort_year desc, k.number, w.name, w.person_id limit %(most)s",
            {
                "school": school_id,
                "cohort": cohort or year,
                "first": midnight(date(year, 7, 1)),
                "kind": kind,
                "year": year,
                "most": MOST,
            },
        )
        rows = c.fetchall()
    limit = deadline(school.org, today)
    return [
        Unsent(
            person, name, class_label(stage, cohort_year, number, school.system, today) if number else "", class_id,
            local_day(since), kind == Kind.CREATION and limit is not None and local_day(since) < limit, reason or "",
        )
        for person, name, class_id, since, stage, cohort_year, number, reason in rows
    ]  # fmt: skip


def unit(org_id: int) -> Org:
    """A unit by its id."""
    return Org.objects.get(pk=org_id)


def approval_needed(org: Org, today: date) -> bool:
    """Whether the place has new records approved by the authority at all (中小学生学籍管理办法 4)."""
    return needs_approval(policy_for(org, today))


def needs_approval(policy: PolicySet) -> bool:
    """The same by the rules of a place that are at hand."""
    held = policy.param("enrol.confirm_needed")
    return bool(held.value) if held.stated else True


def deadline(org: Org, today: date) -> date | None:
    """Whoever entered before this day is overdue: the file has to be opened within a period of the entry."""
    held = policy_for(org, today).param("file.open_within")
    if not held.stated:
        return None
    # The period is counted forward from the entry; the last day of entry that is overdue is found backwards.
    for back in range(1, 400):
        entry = today - timedelta(days=back)
        if held.value.after(entry) < today:
            return entry + timedelta(days=1)
    return None


def waiting(actor: Any, policy: PolicySet) -> Ask[list[Heap]] | None:
    """For the first page: lists whose present step is the actor's; for a school's clerk new records of this year that
    stand on no list, and those that came back, where the place has them approved. `policy` holds at the actor's unit.
    """
    decides = actor.can("creation.decide")
    sends = actor.can("creation.send") and actor.org_kind == "school" and needs_approval(policy)
    seniors = actor.can("creation.send") and actor.org_kind == "school" and demands_registration(policy)
    if not decides and not sends and not seniors:
        return None
    within = policy.param("file.open_within")
    listed = (
        " and not exists (select 1 from creation_item i where i.person_id = r.person_id and i.kind = 'creation'"
        " and i.year = %(year)s and i.state in ('pending', 'approved'))"
    )

    def read(rows: Rows) -> list[Heap]:
        heaps = []
        for row in rows:
            n, since, one = row["n"], day(row["since"]), row["one"]
            if not n:
                continue
            if row["what"] == "unsent":
                limit = within.value.after(since) if within.stated and since else None
                back = row["returned"]
                kind = _("%s 名被退回, 改好后再报") % back if back else _("待报核准")
                url, count = reverse("creation:list"), _("%s 名") % n
                late = limit is not None and limit < timezone.localdate()
                heaps.append(Heap(_("新建学籍还没有报核准"), n, url, count, kind, since, limit, late))
                continue
            if row["what"] == "unregistered":
                url = f"{reverse('creation:senior')}?cohort={one}"
                kind = _("%s级, 不注册不能毕业") % one
                heaps.append(Heap(_("高中学生还没有注册"), n, url, _("%s 名") % n, kind))
                continue
            home = reverse("creation:senior" if row["what"] == Kind.SENIOR else "creation:list")
            url = reverse("creation:detail", args=[one]) if n == 1 else home
            title = str(Kind(row["what"]).label)
            heaps.append(Heap(title, n, url, _("%s 份名单") % n, _("待核准"), since))
        return heaps

    parts = []
    if decides:
        parts.append(
            "select l.kind as what, count(*) as n, min(l.id) as one,"
            " (min(l.created_at) at time zone 'Asia/Shanghai')::date as since, 0 as returned from creation_step s"
            " join creation_list l on l.id = s.list_id where s.org_id = %(school)s and s.role = %(role)s"
            " and s.state = 'current' and l.state = 'running' and l.creator_id <> %(user)s group by 1"
        )
    if sends:
        parts.append(
            "select 'unsent' as what, count(*) as n, null as one,"
            " (min(s.valid_from) at time zone 'Asia/Shanghai')::date as since,"
            " count(*) filter (where exists (select 1 from creation_item i where i.person_id = r.person_id"
            "  and i.kind = 'creation' and i.year = %(year)s and i.state = 'returned')) as returned"
            + _NEW
            + listed
        )
    if seniors:
        parts.append(
            # As `unsent` counts them for the page: of one cohort, the oldest that is not done, for it graduates first.
            "(select 'unregistered' as what, count(*) as n, r.cohort_year as one, null::date as since, 0 as returned"
            " from roster r where r.school_id = %(school)s and r.kind = 1 and r.reason = 'enrolled' and r.stage = 'S'"
            " and r.status = 1 and not xueji_senior_registered(r.person_id, %(year)s)"
            " group by r.cohort_year order by r.cohort_year limit 1)"
        )
    year = year_now()
    return Ask(
        " union all ".join(parts),
        {
            "school": actor.org_id,
            "role": str(actor.role),
            "user": actor.user_id,
            "year": year,
            "first": midnight(date(year, 7, 1)),
        },
        read,
    )


def found(actor: Any, list_id: int) -> CreationList:
    """A list in the actor's scope. Raises Http404."""
    actor.require("creation.view")
    one = CreationList.objects.filter(pk=list_id).first()
    if one is None:
        raise Http404
    return one


def lists(actor: Any, kind: str, *, waiting: bool = False, before: int | None = None) -> list[CreationList]:
    """Lists of a kind, newest first, one more than a page; `waiting`: those that the actor can decide now."""
    actor.require("creation.view")
    rows = CreationList.objects.filter(kind=kind).order_by("-id")
    if waiting:
        mine = CreationStep.objects.filter(org_id=actor.org_id, role=actor.role, state="current").values(
            "list_id"
        )
        rows = rows.filter(pk__in=mine, state=ListState.RUNNING)
    if before:
        rows = rows.filter(pk__lt=before)
    return list(rows[: PAGE + 1])


def schools(rows: Sequence[CreationList]) -> dict[int, str]:
    """Names of the schools of lists."""
    return dict(Org.objects.filter(pk__in={r.school_id for r in rows}).values_list("pk", "name"))


def holders(rows: Sequence[CreationList]) -> dict[int, str]:
    """What each running list waits for, in words."""
    steps = CreationStep.objects.filter(list_id__in=[r.pk for r in rows], state="current")
    return dict(steps.values_list("list_id", "label"))


def steps(list_id: int) -> list[CreationStep]:
    """The steps of a list in order."""
    return list(CreationStep.objects.filter(list_id=list_id).order_by("seq"))


@dataclass(frozen=True)
class ItemRow:
    """A pupil of a list."""

    person_id: uuid.UUID
    name: str
    sex: str
    birth_date: date | None
    place: str
    prefix: str
    state: str
    reason: str


def items(one: CreationList, *, after: int = 0) -> list[ItemRow]:
    """Pupils of a list in the order of classes, one more than a page; whoever left the school is named by the list."""
    with connection.cursor() as c:
        c.execute(
            "select i.person_id, coalesce(r.name, p.name), coalesce(r.sex, p.sex), coalesce(r.birth_date, p.birth_date), k.stage,"
            "  k.cohort_year, k.number, h.system, coalesce(r.number_prefix, ''), i.state, i.reason"
            " from creation_item i join school h on h.org_id = i.school_id left join person p on p.person_id = i.person_id"
            " left join roster r on r.person_id = i.person_id and r.school_id = i.school_id and r.kind = 1"
            " left join school_class k on k.id = r.class_id where i.list_id = %s"
            " order by k.stage, k.cohort_year desc, k.number, coalesce(r.pinyin_sort, p.pinyin_sort), i.person_id"
            " offset %s limit %s",
            [one.pk, after, PAGE + 1],
        )
        rows = c.fetchall()
    today = timezone.localdate()
    return [
        ItemRow(
            person, name or "—", SEX_WORDS.get(sex, ""), birth,
            class_label(stage, cohort, number, system, today) if number else "", prefix, state, reason,
        )
        for person, name, sex, birth, stage, cohort, number, system, prefix, state, reason in rows
    ]  # fmt: skip


@dataclass(frozen=True)
class SchoolLine:
    """A school as its authority sees it: what it has not sent, what waits, what is approved."""

    school_id: int
    name: str
    unsent: int
    overdue: int
    pending: int
    approved: int


def overview(actor: Any, kind: str) -> list[SchoolLine]:
    """Schools of a county with the state of their new records or seniors, those with something open first. A pupil
    who transferred in counts as the list of the former school says, hence the writing role; needs a transaction.
    """
    actor.require("creation.view")
    year, limit = year_now(), None
    if kind == Kind.CREATION:
        org, today = unit(actor.org_id), timezone.localdate()
        if not approval_needed(org, today):
            return []
        limit = deadline(org, today)
    new = (
        "select s.school_id, s.person_id, s.valid_from from enrolment_state s join event e on e.person_id = s.person_id"
        "  and e.event_id = s.event_id where s.school_id in (select h.org_id from school h where h.county_id = %(county)s)"
        "  and s.kind = 1 and s.from_status = 0"
        "  and s.business = 'enrol' and s.valid_from >= %(first)s and e.case_id is null and not (e.detail ? 'takeover')"
        if kind == Kind.CREATION
        else "select r.school_id, r.person_id, r.since from roster r where r.county_id = %(county)s and r.kind = 1"
        "  and r.reason = 'enrolled' and r.stage = 'S' and r.status = 1 and r.cohort_year = %(year)s"
    )
    with acting("writer"), connection.cursor() as c:
        c.execute(
            f"with fresh(school_id, person_id, since) as ({new}),"
            " counted as (select f.school_id, count(*) filter (where i.person_id is null) as unsent,"
            "   count(*) filter (where i.person_id is null and f.since < %(limit)s) as overdue,"
            "   count(*) filter (where i.state = 'pending') as pending, count(*) filter (where i.state = 'approved') as approved"
            "  from fresh f left join creation_item i on i.person_id = f.person_id and i.kind = %(kind)s and i.year = %(year)s"
            "   and i.state in ('pending', 'approved') group by 1)"
            " select o.id, o.name, n.unsent, n.overdue, n.pending, n.approved from counted n join org o on o.id = n.school_id"
            " order by n.overdue desc, n.unsent desc, n.pending desc, o.id limit 500",
            {
                "county": actor.org_id,
                "first": midnight(date(year, 7, 1)),
                "kind": kind,
                "year": year,
                "limit": midnight(limit) if limit else None,
            },
        )
        return [SchoolLine(*row) for row in c.fetchall()]


#: Whether a senior was registered with the authority in any year, in SQL with the person's key in `r`.
REGISTERED = (
    "(select true from creation_item g where g.person_id = r.person_id and g.kind = 'senior' and g.state = 'approved'"
    " limit 1) is not null"
)


def demands_registration(policy: PolicySet) -> bool:
    """Whether a rule of the place makes the registration of seniors a precondition of graduating (C-NUM-19)."""
    events = ("graduate.apply", "graduate.effect")
    return any(fact.id == "student.registered" for event in events for fact in policy.facts_of(event))


def approved(person_ids: Sequence[uuid.UUID], kind: str, year: int | None = None) -> set[uuid.UUID]:
    """Who of these pupils is approved, or registered for a year: the precondition for exams and diplomas."""
    rows = CreationItem.objects.filter(person_id__in=list(person_ids), kind=kind, state="approved")
    if year is not None:
        rows = rows.filter(year=year)
    return set(rows.values_list("person_id", flat=True))


def windows(actor: Any) -> list[CreationWindow]:
    """Windows of the actor's unit and of those above it, the newest first."""
    actor.require("creation.view")
    path = Org.objects.filter(pk=actor.org_id).values_list("path", flat=True).first() or ""
    own = [int(x) for x in path.split("/") if x]
    return list(CreationWindow.objects.filter(Q(org_id__in=own)).order_by("-opens_on", "-id")[:50])
