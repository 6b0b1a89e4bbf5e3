"""Reading admission, under row-level security: what waits, candidates, lists, plans, disputes."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.orgs.models import Org, OrgKind, School
from xueji.ground.waiting import Ask, Heap, Rows, alone, day

from .models import STAGES, Applicant, Area, Claim, Plan, State, Submission

PAGE = 50
TABS = (
    ("entered", gettext_lazy("待上报"), (State.ENTERED,)),
    ("sent", gettext_lazy("待核办"), (State.SENT,)),
    ("approved", gettext_lazy("待报到"), (State.APPROVED,)),
    ("reported", gettext_lazy("已报到"), (State.REPORTED,)),
    ("absent", gettext_lazy("未报到"), (State.ABSENT, State.FORFEITED)),
    ("ended", gettext_lazy("未录取"), (State.REFUSED, State.WITHDRAWN)),
)
SEX = {"1": gettext_lazy("男"), "2": gettext_lazy("女")}


@dataclass(frozen=True)
class Filters:
    """What a list of candidates is narrowed by."""

    year: int
    stage: str
    tab: str = "entered"
    text: str = ""
    verdict: str = ""
    mark: str = ""
    school: int | None = None


def is_school(actor: Any) -> bool:
    """Whether the actor works at a school."""
    return bool(actor.org_kind == OrgKind.SCHOOL)


def stages_of(actor: Any) -> list[tuple[str, str]]:
    """The stages that the actor's school takes pupils of; all of them for an authority."""
    if not is_school(actor):
        return [(k, str(v)) for k, v in STAGES]
    school = School.objects.filter(pk=actor.org_id).first()
    held = set(school.stages) if school else set()
    return [(k, str(v)) for k, v in STAGES if k in held]


def _scope(actor: Any, f: Filters) -> QuerySet[Applicant]:
    rows = Applicant.objects.filter(year=f.year, stage=f.stage)
    if is_school(actor):
        return rows.filter(school_id=actor.org_id)
    return rows.filter(school_id=f.school) if f.school else rows


def counts(actor: Any, f: Filters) -> dict[str, int]:
    """How many candidates stand under each tab; one query."""
    found = Counter(dict(_scope(actor, f).values_list("state").annotate(n=Count("pk"))))
    return {key: sum(found[s] for s in states) for key, _label, states in TABS}


def listing(actor: Any, f: Filters, after: str = "", limit: int = PAGE) -> tuple[list[Applicant], str]:
    """Candidates of a tab by pinyin, and where the next page begins."""
    states = next((s for key, _label, s in TABS if key == f.tab), (State.ENTERED,))
    rows = _scope(actor, f).filter(state__in=states)
    if f.text:
        rows = rows.filter(name__contains=f.text)
    if f.verdict:
        rows = rows.filter(verdict="" if f.verdict == "none" else f.verdict)
    if f.mark == "choice":
        rows = rows.filter(choice=True)
    elif f.mark == "disputed":
        rows = rows.filter(disputed=True)
    elif f.mark == "condition":
        rows = rows.exclude(condition="")
    elif f.mark == "undelivered":
        rows = rows.filter(delivered_on=None)
    sort, bar, key = after.rpartition("|")
    if bar:
        try:
            last = uuid.UUID(key)
        except ValueError:
            raise Http404 from None
        rows = rows.filter(Q(sort__gt=sort) | Q(sort=sort, pk__gt=last))
    found = list(
        rows.defer("id_sealed", "profile_sealed", "guardian_sealed").order_by("sort", "pk")[: limit + 1]
    )
    more = f"{found[limit - 1].sort}|{found[limit - 1].pk}" if len(found) > limit else ""
    return found[:limit], more


def applicant(actor: Any, applicant_id: uuid.UUID) -> Applicant:
    """A candidate in the actor's sight. Raises Http404."""
    found = Applicant.objects.filter(pk=applicant_id).first()
    if found is None:
        raise Http404
    return found


def by_code(actor: Any, code: str) -> Applicant | None:
    """The school's candidate whose notice carries this code."""
    code = "".join(code.split()).upper()[:20]
    if len(code) < 8:
        return None
    return Applicant.objects.filter(school_id=actor.org_id, notice_code=code).first()


def submission(actor: Any, submission_id: int) -> Submission:
    """A list in the actor's sight. Raises Http404."""
    found = Submission.objects.filter(pk=submission_id).first()
    if found is None:
        raise Http404
    return found


def submissions(actor: Any, year: int, *, state: str = "") -> list[Submission]:
    """The lists of a year, the newest first (at most 100)."""
    rows = Submission.objects.filter(year=year)
    if state:
        rows = rows.filter(state=state)
    return list(rows.order_by("-id")[:100])


def of_submission(found: Submission, after: str = "", limit: int = PAGE) -> tuple[list[Applicant], str]:
    """Candidates of a list by pinyin."""
    rows = Applicant.objects.filter(submission_id=found.pk)
    sort, bar, key = after.rpartition("|")
    if bar:
        try:
            rows = rows.filter(Q(sort__gt=sort) | Q(sort=sort, pk__gt=uuid.UUID(key)))
        except ValueError:
            raise Http404 from None
    got = list(
        rows.defer("id_sealed", "profile_sealed", "guardian_sealed").order_by("sort", "pk")[: limit + 1]
    )
    more = f"{got[limit - 1].sort}|{got[limit - 1].pk}" if len(got) > limit else ""
    return got[:limit], more


def plan(school_id: int, year: int, stage: str) -> Plan | None:
    """A school's plan."""
    return Plan.objects.filter(school_id=school_id, year=year, stage=stage).first()


@dataclass(frozen=True)
class SchoolRow:
    """A school in the authority's table of the year."""

    id: int
    name: str
    plan: Plan | None
    entered: int
    sent: int
    approved: int
    reported: int
    absent: int

    @property
    def held(self) -> int:
        """Places taken."""
        return self.approved + self.reported


def schools(actor: Any, year: int, stage: str) -> list[SchoolRow]:
    """The authority's schools of a stage with plan and numbers; three queries (at most 500 schools)."""
    found = [
        (s.pk, s.org.name)
        for s in School.objects.select_related("org")
        .filter(county_id=actor.org_id, org__valid_to=None)
        .order_by("org__code")[:500]
        if stage in s.stages
    ]
    ids = [pk for pk, _name in found]
    plans = {p.school_id: p for p in Plan.objects.filter(school_id__in=ids, year=year, stage=stage)}
    n: Counter[tuple[int, str]] = Counter()
    for school, state, count in (
        Applicant.objects.filter(school_id__in=ids, year=year, stage=stage)
        .values_list("school_id", "state")
        .annotate(n=Count("pk"))
    ):
        n[(school, state)] = count
    return [
        SchoolRow(
            pk, name, plans.get(pk), n[(pk, State.ENTERED)], n[(pk, State.SENT)], n[(pk, State.APPROVED)],
            n[(pk, State.REPORTED)], n[(pk, State.ABSENT)] + n[(pk, State.FORFEITED)],
        )
        for pk, name in found
    ]  # fmt: skip


@dataclass(frozen=True)
class CountyRow:
    """An authority's plans of a year in sum, as the levels above read them."""

    name: str
    schools: int
    planned: int
    extra: int
    held: int


def counties(year: int, stage: str) -> list[CountyRow]:
    """Plans and places taken by authority, of all that the actor may see; three queries."""
    plans = (
        Plan.objects.filter(year=year, stage=stage)
        .values("county_id")
        .annotate(schools=Count("pk"), planned=Sum("planned"), extra=Sum("extra"))
        .order_by("county_id")
    )
    taken = dict(
        Applicant.objects.filter(year=year, stage=stage, state__in=(State.APPROVED, State.REPORTED))
        .values_list("county_id")
        .annotate(n=Count("pk"))
        .order_by("county_id")
    )
    rows = {p["county_id"]: p for p in plans}
    orgs = Org.objects.filter(pk__in=rows).order_by("code", "pk").values_list("pk", "name")
    return [
        CountyRow(name, rows[pk]["schools"], rows[pk]["planned"], rows[pk]["extra"], taken.get(pk, 0))
        for pk, name in orgs
    ]


def names_of(ids: set[int]) -> dict[int, str]:
    """Names of units; one query."""
    return dict(Org.objects.filter(pk__in=ids).values_list("pk", "name"))


def areas(school_id: int) -> list[Area]:
    """The places that a school serves."""
    return list(Area.objects.filter(school_id=school_id).order_by("-asked_name", "name", "pk")[:500])


def claims(actor: Any, year: int, *, open_only: bool = False) -> list[Claim]:
    """Disputes about children, those under way first (at most 200)."""
    rows = Claim.objects.filter(year=year)
    if open_only:
        rows = rows.filter(state="open")
    return list(rows.order_by("-state", "-id")[:200])


def claim(actor: Any, claim_id: int) -> Claim:
    """A dispute in the actor's sight. Raises Http404."""
    found = Claim.objects.filter(pk=claim_id).first()
    if found is None:
        raise Http404
    return found


def todo(actor: Any) -> list[Heap]:
    """What waits for the actor in admission; one query."""
    ask = waiting(actor)
    return alone(ask) if ask else []


def waiting(actor: Any) -> Ask[list[Heap]] | None:
    """What waits for the actor in admission, and since when or until when."""
    if is_school(actor):
        return _of_school(actor)
    if not actor.can("admission.approve"):
        return None

    def read(rows: Rows) -> list[Heap]:
        row = rows[0]
        heaps = [
            Heap(_("录取名册待核办"), row["sent"], "/admission/", _("%s 份") % row["sent"], since=day(row["sent_since"])),
            Heap(
                _("重复招生待裁定"), row["claims"], "/admission/claims/", _("%s 件") % row["claims"],
                since=day(row["claims_since"]),
            ),
            Heap(_("招生计划变更待答复"), row["asked"], "/admission/plans/", _("%s 件") % row["asked"]),
            Heap(_("服务范围申请待答复"), row["areas"], f"/admission/areas/{row['area_of']}/", _("%s 件") % row["areas"]),
            Heap(
                _("违规入学待决定"), row["cleared"], "/admission/clearances/", _("%s 件") % row["cleared"],
                since=day(row["cleared_since"]),
            ),
        ]  # fmt: skip
        return [heap for heap in heaps if heap.n]

    local = "at time zone 'Asia/Shanghai')::date"
    return Ask(
        f"select s.n as sent, s.since as sent_since, k.n as claims, k.since as claims_since, x.n as cleared,"
        " x.since as cleared_since, (select count(*) from adm_plan where county_id = %(org)s and asked is not null) as asked,"
        " (select count(*) from adm_area where county_id = %(org)s and asked_name <> '') as areas,"
        " (select min(school_id) from adm_area where county_id = %(org)s and asked_name <> '') as area_of"
        f" from (select count(*) as n, (min(sent_at) {local} as since from adm_submission"
        "  where county_id = %(org)s and state = 'sent') s,"
        f" (select count(*) as n, (min(opened_at) {local} as since from adm_claim where state = 'open'"
        "  and first_answer = 'prove' and second_answer = 'prove' and first_county_id = any(%(orgs)s)"
        "  and second_county_id = any(%(orgs)s)) k,"
        f" (select count(*) as n, (min(listed_at) {local} as since from adm_clearance"
        "  where county_id = %(org)s and state = 'listed') x",
        {"org": actor.org_id, "orgs": list(actor.orgs)},
        read,
    )


#: Heaps of a school's candidates: words, unit, what of the applicants, the earliest day of it and whether that is a deadline.
_OF_SCHOOL = (
    ("lacking", gettext_lazy("新生资格审查没有通过或待补充"), "tab=entered",
     "a.state = 'entered' and a.verdict in ('ask', 'block', '')", "", ""),
    ("ready", gettext_lazy("新生可以上报"), "tab=entered",
     "a.state = 'entered' and a.verdict in ('pass', 'warn') and not a.disputed", "p.closes_on", "due"),
    ("notices", gettext_lazy("入学通知书待送达"), "tab=approved&mark=undelivered",
     "a.state = 'approved' and a.delivered_on is null", "p.report_to", "due"),
    ("absent", gettext_lazy("新生报到逾期"), "tab=approved",
     "a.state = 'approved' and p.report_to < %(day)s and coalesce(a.late_until, p.report_to) < %(day)s",
     "coalesce(a.late_until, p.report_to)", "due"),
    ("papers", gettext_lazy("有条件入学的学生补材料逾期"), "tab=reported&mark=condition",
     "a.condition <> '' and a.condition_due < %(day)s", "a.condition_due", "due"),
)  # fmt: skip


def _of_school(actor: Any) -> Ask[list[Heap]]:
    local = "at time zone 'Asia/Shanghai')::date"
    columns = "".join(
        f"count(*) filter (where {which}) as {key}, "
        + (
            f"min({at}) filter (where {which}) as {key}_day, "
            if at
            else f"(min(a.entered_at) filter (where {which}) {local} as {key}_day, "
        )
        for key, _words, _tab, which, at, _what in _OF_SCHOOL
    )

    def read(rows: Rows) -> list[Heap]:
        row = rows[0]
        heaps = [
            Heap(
                str(words), row[key] if key != "ready" or actor.can("admission.submit") else 0,
                f"/admission/candidates/?{tab}", _("%s 名") % row[key],
                since=None if what else day(row[f"{key}_day"]), due=day(row[f"{key}_day"]) if what else None,
            )
            for key, words, tab, _which, _at, what in _OF_SCHOOL
        ]  # fmt: skip
        heaps.append(
            Heap(
                _("重复招生待答复"), row["claims"], "/admission/claims/", _("%s 件") % row["claims"],
                since=day(row["claims_day"]),
            )
        )  # fmt: skip
        return [heap for heap in heaps if heap.n]

    asked = (
        " from adm_claim where state = 'open' and"
        " (first_school_id = %(org)s and first_answer = '' or second_school_id = %(org)s and second_answer = '')"
    )
    return Ask(
        f"select {columns}(select count(*){asked}) as claims, (select (min(opened_at) {local}{asked}) as claims_day"
        " from adm_applicant a left join adm_plan p on p.school_id = a.school_id and p.year = a.year"
        "  and p.stage = a.stage where a.school_id = %(org)s and a.state in ('entered', 'approved', 'reported')",
        {"org": actor.org_id, "day": timezone.localdate()},
        read,
    )
