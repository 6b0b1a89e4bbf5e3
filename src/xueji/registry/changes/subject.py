"""The child of a case as the engine needs it. Read in the writing role: a receiving school sees no row of its own."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from xueji.ground.orgs.grades import Grade, class_label, grade_on
from xueji.ground.policy.statuses import Status
from xueji.ground.standards.identity import SEX_WORDS


@dataclass(frozen=True)
class Subject:
    """Where the child stands now."""

    person_id: uuid.UUID
    name: str
    sex: str
    birth_date: date
    check_state: str
    id_type: str
    number_prefix: str
    status: Status
    school_id: int
    county_id: int
    school_name: str
    system: str
    class_id: int | None
    class_number: int | None
    stage: str
    cohort_year: int
    since: datetime
    problem: bool
    open_case: str
    last_event: uuid.UUID
    suspended_for: str
    pending: bool

    def grade(self, day: date) -> Grade | None:
        """The grade on a day, by the school's system."""
        return grade_on(self.stage, self.cohort_year, self.system, day)

    def class_name(self, day: date) -> str:
        """The class as it is called on a day; empty without a class."""
        if self.class_number is None:
            return ""
        return class_label(self.stage, self.cohort_year, self.class_number, self.system, day)

    def summary(self, day: date) -> dict[str, str]:
        """What all parties need to know of the child: no number, no address, no contact."""
        grade = self.grade(day)
        return {
            "name": self.name,
            "sex": SEX_WORDS.get(self.sex, ""),
            "birth_date": self.birth_date.isoformat(),
            "school": self.school_name,
            "grade": grade.label if grade else "",
            "grade_code": grade.code if grade else "",
            "class": self.class_name(day),
            "cohort": str(self.cohort_year),
            "status": self.status.code_label,
            "stage": self.stage,
            "number_prefix": self.number_prefix,
        }


def read(person_id: uuid.UUID) -> Subject | None:
    """The child's present state; None when there is no registered enrolment. Must run in the writing role."""
    with connection.cursor() as c:
        c.execute(
            "select p.person_id, p.name, p.sex, p.birth_date, p.check_state, coalesce(d.id_type, ''),"
            "  coalesce(n.prefix, ''), e.status, e.school_id, e.county_id, o.name, s.system, e.class_id, k.number,"
            "  e.stage, e.cohort_year, e.valid_from, coalesce(r.problem, false), coalesce(r.open_case, ''),"
            "  last.event_id, coalesce(v.detail ->> 'reason', ''),"
            "  last.valid_from > clock_timestamp()"
            " from person p"
            " join lateral (select * from enrolment_state x where x.person_id = p.person_id and x.kind = 1"
            "   and x.valid_from <= clock_timestamp() order by x.valid_from desc limit 1) e on true"
            " join lateral (select x.event_id, x.valid_from from enrolment_state x where x.person_id = p.person_id and x.kind = 1"
            "   and x.valid_to is null) last on true"
            " join org o on o.id = e.school_id join school s on s.org_id = e.school_id"
            " left join school_class k on k.id = e.class_id"
            " left join identity_document d on d.person_id = p.person_id and d.until is null"
            " left join student_number n on n.person_id = p.person_id and n.state = 'current'"
            "   and n.scheme = 'national'"
            " left join roster r on r.county_id = e.county_id and r.school_id = e.school_id"
            "   and r.person_id = p.person_id and r.kind = 1"
            " left join event v on v.person_id = p.person_id and v.event_id = e.event_id"
            " where p.person_id = %s",
            [person_id],
        )
        row = c.fetchone()
    if row is None:
        return None
    values = list(row)
    values[7] = Status(values[7])
    return Subject(*values)


@dataclass(frozen=True)
class ClassPlace:
    """A class into which a child may be put, with its head-count now."""

    id: int
    school_id: int
    stage: str
    cohort_year: int
    number: int
    capacity: int
    system: str
    size: int
    closed: bool

    def grade(self, day: date) -> Grade | None:
        """Its grade on a day."""
        return grade_on(self.stage, self.cohort_year, self.system, day)

    def label(self, day: date) -> str:
        """Its name on a day."""
        return class_label(self.stage, self.cohort_year, self.number, self.system, day)


_PLACES = (
    "select k.id, k.school_id, k.stage, k.cohort_year, k.number, k.capacity, s.system,"
    "  (select count(*) from roster r where r.class_id = k.id and r.reason <> 'former' and r.status = 1),"
    "  k.closed_on is not null"
    " from school_class k join school s on s.org_id = k.school_id where "
)


def class_place(class_id: int) -> ClassPlace | None:
    """One class with its head-count. Must run where its rosters are seen."""
    with connection.cursor() as c:
        c.execute(_PLACES + "k.id = %s", [class_id])
        row = c.fetchone()
    return ClassPlace(*row) if row else None


def open_classes(school_id: int) -> list[ClassPlace]:
    """Open classes of a school (at most 300), the lowest grades first."""
    with connection.cursor() as c:
        c.execute(
            _PLACES + "k.school_id = %s and k.closed_on is null"
            " order by position(k.stage in 'PJS'), k.cohort_year desc, k.number limit 300",
            [school_id],
        )
        return [ClassPlace(*row) for row in c.fetchall()]


def classes_of_cohorts(school_id: int, stage: str, cohorts: list[int]) -> list[ClassPlace]:
    """Open classes of a school that entered a stage in one of these years (at most 100), the oldest first."""
    with connection.cursor() as c:
        c.execute(
            _PLACES + "k.school_id = %s and k.stage = %s and k.cohort_year = any(%s) and k.closed_on is null"
            " order by k.cohort_year, k.number limit 100",
            [school_id, stage, cohorts],
        )
        return [ClassPlace(*row) for row in c.fetchall()]


def classes_of_grade(school_id: int, grade_code: str, day: date) -> list[ClassPlace]:
    """Open classes of a school that are in a grade on a day (at most 100), the one with most room first."""
    stage = {"1": "P", "2": "J", "3": "S"}.get(grade_code[:1], "")
    with connection.cursor() as c:
        c.execute(
            _PLACES + "k.school_id = %s and k.stage = %s and k.closed_on is null order by k.number limit 100",
            [school_id, stage],
        )
        places = [ClassPlace(*row) for row in c.fetchall()]
    return [p for p in places if (g := p.grade(day)) is not None and g.code == grade_code]
