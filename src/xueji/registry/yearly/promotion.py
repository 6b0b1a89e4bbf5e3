"""升级: grades are computed from cohorts, so the first day of a school year promotes by itself; this reads what that means.

For a school and a school year each child in attendance on the eve is told by what became of it: up, stays (留级), two
up (跳级), away from lessons, stage over and graduated, stage over and not yet graduated, gone.
"""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.orgs.grades import class_label, grade_on, start_year_of
from xueji.ground.orgs.models import School, Stage
from xueji.ground.policy.statuses import Status
from xueji.registry.enrolment.timeline import midnight

UP, STAYS, SKIPS, AWAY, FINISHED, UNFINISHED, GONE = (
    "up",
    "stays",
    "skips",
    "away",
    "finished",
    "unfinished",
    "gone",
)
WORDS = {
    UP: gettext_lazy("升入下一年级"),
    STAYS: gettext_lazy("留级"),
    SKIPS: gettext_lazy("跳级"),
    AWAY: gettext_lazy("不在校(休学等)"),
    FINISHED: gettext_lazy("毕业、结业或肄业"),
    UNFINISHED: gettext_lazy("学段已满还没有毕业"),
    GONE: gettext_lazy("已离开本校"),
}
#: What somebody has to look at.
EXCEPTIONS = (UNFINISHED, AWAY, STAYS, SKIPS)
PAGE = 50


@dataclass(frozen=True)
class Year:
    """A school year as the report looks at it: its first day, and the moment up to which changes count."""

    start: int

    @property
    def first_day(self) -> date:
        """The day on which every cohort goes up."""
        return date(self.start, 9, 1)

    @property
    def label(self) -> str:
        """2026-2027."""
        return f"{self.start}-{self.start + 1}"

    @property
    def begun(self) -> bool:
        """Whether the day has come; before that the report is a preview."""
        return self.first_day <= timezone.localdate()

    def moments(self) -> tuple[datetime, datetime]:
        """The eve's end, and until when later changes count: now, the year's end, or the first day of a year to come."""
        first = midnight(self.first_day)
        last = midnight(date(self.start + 1, 9, 1)) - timedelta(seconds=1)
        return first, max(first, min(timezone.now(), last))


def year_of(raw: str) -> Year:
    """The school year asked for, within ten years back and one ahead; the present one by default."""
    now = start_year_of(timezone.localdate())
    if raw.isascii() and raw.isdigit() and now - 10 <= int(raw[:4]) <= now + 1:
        return Year(int(raw[:4]))
    return Year(now)


@dataclass(frozen=True)
class Line:
    """One cohort: its grade before and after, and how many went which way."""

    stage: str
    cohort_year: int
    before: str
    after: str
    counts: Counter[str]

    @property
    def total(self) -> int:
        """All of the cohort on the eve."""
        return sum(self.counts.values())

    @property
    def cells(self) -> list[int]:
        """The numbers in the order of WORDS."""
        return [self.counts[key] for key in WORDS]


@dataclass(frozen=True)
class Report:
    """The promotion of a school in a year."""

    year: Year
    lines: list[Line]
    totals: Counter[str]

    @property
    def exceptions(self) -> int:
        """How many children somebody has to look at."""
        return sum(self.totals[x] for x in EXCEPTIONS)

    @property
    def cells(self) -> list[int]:
        """The sums in the order of WORDS."""
        return [self.totals[key] for key in WORDS]

    @property
    def total(self) -> int:
        """All children. A template that asks the counter for `total` gets the zero of a key that is not there."""
        return sum(self.cells)


_BOTH = (
    "with b as (select * from enrolment_state where school_id = %(school)s and kind = 1 and valid_from < %(first)s"
    "   and (valid_to is null or valid_to >= %(first)s) and status between 1 and 9),"
    " a as (select * from enrolment_state where kind = 1 and valid_from <= %(then)s"
    "   and (valid_to is null or valid_to > %(then)s) and person_id in (select person_id from b))"
)


def report(school_id: int, year: Year) -> Report:
    """The report by cohort; two queries. Sees what the scope covers."""
    first, then = year.moments()
    system = School.objects.values_list("system", flat=True).get(pk=school_id)
    with connection.cursor() as c:
        c.execute(
            _BOTH
            + " select b.stage, b.cohort_year, a.school_id is not distinct from b.school_id, a.stage, a.cohort_year,"
            " a.status, count(*) from b left join a on a.person_id = b.person_id group by 1, 2, 3, 4, 5, 6",
            {"school": school_id, "first": first, "then": then},
        )
        found = c.fetchall()
    eve = year.first_day - timedelta(days=1)
    counts: dict[tuple[str, int], Counter[str]] = {}
    for stage, cohort, here, to_stage, to_cohort, status, n in found:
        way = _way(stage, cohort, system, eve, here, to_stage, to_cohort, status)
        counts.setdefault((stage, cohort), Counter())[way] += n
    lines = []
    for stage, cohort in sorted(counts, key=lambda x: ("PJS".index(x[0]), -x[1])):
        before, after = (grade_on(stage, cohort, system, d) for d in (eve, year.first_day))
        name = Stage(stage).label
        lines.append(
            Line(
                stage, cohort, before.label if before else _("%s级") % cohort,
                after.label if after else _("%s学段已满") % name, counts[stage, cohort],
            )
        )  # fmt: skip
    return Report(year, lines, sum(counts.values(), Counter()))


def _way(
    stage: str,
    cohort: int,
    system: str,
    eve: date,
    here: bool,
    to_stage: str,
    to_cohort: int,
    status: int | None,
) -> str:
    """What became of a child, or of all with the same facts."""
    if status is None or not here or status in (11, 15, 16, 17, 18):
        return GONE
    if status in (Status.GRADUATED, Status.COMPLETED, Status.INCOMPLETE) or to_stage != stage:
        return FINISHED
    if to_cohort != cohort:
        return STAYS if to_cohort > cohort else SKIPS
    grade = grade_on(stage, cohort, system, eve)
    if grade is None or grade.last:
        return UNFINISHED
    return UP if status == Status.STUDYING else AWAY


@dataclass(frozen=True)
class Case:
    """A child that somebody has to look at."""

    person_id: uuid.UUID
    name: str
    place: str
    way: str
    status: str
    open_case: str

    @property
    def words(self) -> str:
        """What became of it."""
        return str(WORDS[self.way])


def exceptions(school_id: int, year: Year, after: str = "") -> tuple[list[Case], str]:
    """Children who did not simply go up, by pinyin, a page of 50 and the key of the next."""
    first, then = year.moments()
    system = School.objects.values_list("system", flat=True).get(pk=school_id)
    eve = year.first_day - timedelta(days=1)
    over = [
        (stage, cohort)
        for stage in "PJS"
        for cohort in range(year.start - 12, year.start)
        if (g := grade_on(stage, cohort, system, eve)) is None or g.last
    ]
    sort, _bar, key = after.rpartition("|")
    with connection.cursor() as c:
        c.execute(
            _BOTH + " select b.person_id, r.name, k.number, b.stage, b.cohort_year, a.stage, a.cohort_year, a.status,"
            "  r.open_case, r.pinyin_sort from b join a on a.person_id = b.person_id and a.school_id = b.school_id"
            " join roster r on r.county_id = b.county_id and r.school_id = b.school_id and r.person_id = b.person_id"
            "  and r.kind = 1 left join school_class k on k.id = coalesce(a.class_id, b.class_id)"
            " where a.status between 1 and 9 and a.stage = b.stage and (a.status <> 1 or a.cohort_year <> b.cohort_year"
            "  or (b.stage, b.cohort_year) in (select * from unnest(%(stages)s::text[], %(cohorts)s::int[])))"
            "  and (r.pinyin_sort, r.person_id) > (%(sort)s, %(key)s::uuid)"
            " order by r.pinyin_sort, r.person_id limit %(n)s",
            {
                "school": school_id, "first": first, "then": then, "stages": [s for s, _c in over],
                "cohorts": [x for _s, x in over], "sort": sort, "key": _uuid(key), "n": PAGE + 1,
            },
        )  # fmt: skip
        found = c.fetchall()
    out = []
    for person, name, number, stage, cohort, to_stage, to_cohort, status, case, _sort in found[:PAGE]:
        place = class_label(stage, to_cohort, number, system, timezone.localdate()) if number else ""
        way = _way(stage, cohort, system, eve, True, to_stage, to_cohort, status)
        out.append(Case(person, name, place, way, str(Status(status).label), case))
    more = f"{found[PAGE - 1][-1]}|{found[PAGE - 1][0]}" if len(found) > PAGE else ""
    return out, more


def _uuid(raw: str) -> str:
    try:
        return str(uuid.UUID(raw))
    except ValueError:
        return "00000000-0000-0000-0000-000000000000"


def schools(actor: Any, year: Year, after: int = 0) -> tuple[list[dict[str, Any]], int]:
    """For an authority: its schools, a page of 50, with who is not promoted simply, and whether the head checked."""
    with connection.cursor() as c:
        c.execute(
            "select o.id, o.name, s.system from school s join org o on o.id = s.org_id where o.path like %s"
            " and o.id > %s order by o.id limit %s",
            [actor.org_path.replace("%", "") + "%", after, PAGE + 1],
        )
        rows = c.fetchall()
        ids = [r[0] for r in rows[:PAGE]]
        c.execute(
            "select school_id, stage, cohort_year, status, count(*) from roster where school_id = any(%s) and kind = 1"
            " and reason = 'enrolled' and status between 1 and 9 group by 1, 2, 3, 4",
            [ids],
        )
        groups = c.fetchall()
        c.execute(
            "select school_id, confirmed_name, confirmed_at from promotion_check where school_id = any(%s) and start_year = %s",
            [ids, year.start],
        )
        checked = {r[0]: r[1:] for r in c.fetchall()}
    day = max(year.first_day, timezone.localdate()) if year.begun else year.first_day
    systems = {r[0]: r[2] for r in rows}
    heads: dict[int, Counter[str]] = {}
    for school, stage, cohort, status, n in groups:
        tally = heads.setdefault(school, Counter())
        tally["all"] += n
        if grade_on(stage, cohort, systems[school], day) is None and cohort < day.year:
            tally["unfinished"] += n
        elif status != Status.STUDYING:
            tally["away"] += n
    out = []
    for school, name, _system in rows[:PAGE]:
        tally = heads.get(school, Counter())
        out.append(
            {
                "id": school, "name": name, "all": tally["all"], "unfinished": tally["unfinished"],
                "away": tally["away"], "checked": checked.get(school),
            }
        )  # fmt: skip
    return out, (rows[PAGE - 1][0] if len(rows) > PAGE else 0)


__all__ = [
    "EXCEPTIONS",
    "WORDS",
    "Case",
    "Line",
    "Report",
    "Year",
    "exceptions",
    "report",
    "schools",
    "year_of",
]
