"""Who waits for a class, who sits in one."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting
from xueji.ground.orgs import queries as orgs
from xueji.ground.orgs.grades import grade_on, start_year_of
from xueji.ground.orgs.models import School
from xueji.ground.orgs.queries import ClassRow
from xueji.ground.standards.identity import SEX_WORDS
from xueji.ground.waiting import Ask, Heap, day
from xueji.registry.enrolment.models import ClassSerial
from xueji.registry.enrolment.timeline import local_day

#: Pupils of one grade of one school at most.
MOST = 3000
PAGE = 50
_HERE = "r.school_id = %s and r.kind = 1 and r.reason = 'enrolled' and r.status = 1"


@dataclass(frozen=True)
class Child:
    """A pupil as lists of this room show one; `event` is the last event of the record."""

    person_id: uuid.UUID
    name: str
    sex: str
    birth_date: date
    class_id: int | None
    seat: int | None
    pinyin: str
    status: int = 1
    since: datetime | None = None
    cohort_year: int = 0

    @property
    def sex_label(self) -> str:
        """男 or 女."""
        return SEX_WORDS.get(self.sex, "—")


@dataclass(frozen=True)
class Waiting:
    """A grade with pupils who have no class."""

    stage: str
    cohort_year: int
    label: str
    n: int

    @property
    def key(self) -> str:
        """As addresses say it: P-2026."""
        return f"{self.stage}-{self.cohort_year}"


def school_of(actor: Any) -> School:
    """The actor's own school. Raises Http404 for whoever is not at one."""
    found = School.objects.filter(pk=actor.org_id or 0).first()
    if found is None:
        raise Http404
    return found


def grade_label(school: School, stage: str, cohort: int, day: date) -> str:
    """三年级 (2024级); before entry and after the end only the year."""
    grade = grade_on(stage, cohort, school.system, day)
    return f"{grade.label} ({cohort}级)" if grade else f"{cohort}级"


def waiting(actor: Any, school: School, day: date) -> list[Waiting]:
    """Grades in which pupils wait for a class, the lowest first (待分班)."""
    with connection.cursor() as c:
        c.execute(
            f"select r.stage, r.cohort_year, count(*) from roster r where {_HERE} and r.class_id is null"
            " group by 1, 2 order by 2 desc, 1",
            [school.pk],
        )
        return [Waiting(s, y, grade_label(school, s, y, day), n) for s, y, n in c.fetchall()]


def unplaced(school_id: int, stage: str, cohort: int) -> list[Child]:
    """Pupils of a grade who have no class, by pinyin."""
    return _children(
        f"{_HERE} and r.class_id is null and r.stage = %s and r.cohort_year = %s", [school_id, stage, cohort]
    )


def of_class(school_id: int, class_id: int) -> list[Child]:
    """Everybody who sits in a class, by serial number; guests and children on leave too."""
    return _children("r.school_id = %s and r.class_id = %s and r.reason <> 'former'", [school_id, class_id])


def of_persons(school_id: int, persons: Sequence[uuid.UUID]) -> dict[uuid.UUID, Child]:
    """These pupils, as far as they are at the school and studying."""
    found = _children(f"{_HERE} and r.person_id = any(%s::uuid[])", [school_id, list(persons)])
    return {child.person_id: child for child in found}


def _children(where: str, values: list[Any]) -> list[Child]:
    with connection.cursor() as c:
        c.execute(
            "select r.person_id, r.name, r.sex, r.birth_date, r.class_id, r.class_seat, r.pinyin_sort, r.status,"
            " r.since, r.cohort_year"
            f" from roster r where {where} order by r.class_seat nulls last, r.pinyin_sort, r.person_id limit %s",
            [*values, MOST],
        )
        return [Child(*row) for row in c.fetchall()]


def is_entry(child: Child, day: date) -> bool:
    """Whether the pupil came in the middle of a school year into a grade above the first: then a head approves before
    there is a class (插班, C-ENR-07). The first month of a school year is for those who come in time."""
    start = start_year_of(day)
    if child.since is None or child.cohort_year >= start:
        return False
    return local_day(child.since) > date(start, 9, 1) + timedelta(days=29)


def sizes(school_id: int, class_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Who sits in each class, by sex, and who is to come into it on a later day."""
    ids = list(class_ids)
    out: dict[int, dict[str, int]] = {i: {} for i in ids}
    with connection.cursor() as c:
        c.execute(
            "select class_id, sex, count(*) from roster where class_id = any(%s) and reason <> 'former' and status < 10"
            " group by 1, 2",
            [ids],
        )
        for class_id, sex, n in c.fetchall():
            out[class_id][sex] = n
        c.execute(
            "select s.class_id, r.sex, count(*) from enrolment_state s join roster r on r.person_id = s.person_id"
            " and r.school_id = s.school_id and r.kind = s.kind where s.school_id = %s and s.valid_from > %s"
            " and s.class_id = any(%s) and r.class_id is distinct from s.class_id group by 1, 2",
            [school_id, timezone.now(), ids],
        )
        for class_id, sex, n in c.fetchall():
            out[class_id][sex] = out[class_id].get(sex, 0) + n
    return out


def totals(school_id: int, class_ids: Iterable[int]) -> dict[int, int]:
    """How many sit in each class."""
    return {k: sum(v.values()) for k, v in sizes(school_id, class_ids).items()}


def classes_of_grade(school: School, stage: str, cohort: int, day: date) -> list[ClassRow]:
    """The parallel classes of a grade."""
    rows = orgs.classes_of(school.pk, day=day, left=True)
    return [k for k in rows if k.stage == stage and k.cohort_year == cohort]


def all_classes(school: School, day: date) -> Mapping[int, ClassRow]:
    """Every open class of the school by id."""
    return {k.id: k for k in orgs.classes_of(school.pk, day=day, left=True)}


def parse_grade(text: str) -> tuple[str, int]:
    """P-2026 as stage and year. Raises Http404."""
    stage, _dash, year = text.partition("-")
    if stage not in ("P", "J", "S") or not year.isdecimal() or len(year) != 4:
        raise Http404
    return stage, int(year)


def unplaced_all(school_id: int) -> list[Child]:
    """Everybody of the school who has no class."""
    return _children(f"{_HERE} and r.class_id is null", [school_id])


def named(school_id: int, text: str) -> list[Child]:
    """Pupils with a class whose name begins with a text, at most twenty."""
    if not text:
        return []
    return _children(f"{_HERE} and r.class_id is not null and starts_with(r.name, %s)", [school_id, text])[
        :20
    ]


@dataclass(frozen=True)
class Apart:
    """A child whose record and whereabouts may not be at one place (人籍分离)."""

    person_id: uuid.UUID
    name: str
    class_id: int | None
    why: str
    since: datetime | None


def apart(actor: Any, *, page: int = 0) -> list[Apart]:
    """Children of the school of whom record and person are not together (C-NUM-14): registered here and staying as a
    guest elsewhere, staying here as a guest with the record elsewhere, on the watch for a mismatch, or registered here
    and absent at the beginning of the term. One page and one more."""
    start = start_year_of(timezone.localdate())
    # Where an own pupil is a guest stands in a row of the other school: read in the writing role, of own pupils alone.
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "select person_id, name, class_id, why, since from ("
            " select r.person_id, r.name, r.class_id, 'guest' as why, r.since from roster r"
            "  where r.school_id = %(s)s and r.kind = 2 and r.reason = 'guest'"
            " union all"
            " select r.person_id, r.name, r.class_id, 'mismatch', w.since::timestamptz from dropout_watch w"
            "  join roster r on r.person_id = w.person_id and r.school_id = w.school_id and r.kind = 1"
            "  where w.school_id = %(s)s and w.source = 'mismatch' and w.result in ('open', 'not_returned')"
            " union all"
            " select r.person_id, r.name, r.class_id, 'absent', m.on_day::timestamptz from term_mark m"
            "  join roster r on r.person_id = m.person_id and r.school_id = m.school_id and r.kind = 1"
            "  where m.school_id = %(s)s and m.state = 'absent' and m.school_year = %(y)s and r.status = 1"
            "   and r.reason = 'enrolled'"
            " union all"
            " select r.person_id, r.name, r.class_id, 'elsewhere', g.valid_from from roster r"
            "  join enrolment_state g on g.person_id = r.person_id and g.kind = 2 and g.valid_to is null"
            "  where r.school_id = %(s)s and r.kind = 1 and r.reason = 'enrolled' and g.status = 1"
            "   and g.school_id <> r.school_id) x order by why, name, person_id limit %(n)s offset %(o)s",
            {"s": actor.org_id, "y": start, "n": PAGE + 1, "o": PAGE * min(page, 1000)},
        )
        return [Apart(*row) for row in c.fetchall()]


def left(school_id: int, class_id: int) -> list[Child]:
    """Who left the school from this class and keeps the number: cancelled, not given again; the latest twenty."""
    return _children("r.school_id = %s and r.class_id = %s and r.reason = 'former'", [school_id, class_id])[
        :20
    ]


def serial(class_id: int) -> ClassSerial | None:
    """The last number that the class has given, and when it was numbered anew."""
    return ClassSerial.objects.filter(pk=class_id).first()


def grade_of(school: School, child: Child, day: date) -> str:
    """The grade of a pupil in words."""
    stage = next((s for s in school.stages if grade_on(s, child.cohort_year, school.system, day)), "P")
    return grade_label(school, stage, child.cohort_year, day)


def without_class(actor: Any) -> Ask[Heap]:
    """Pupils of the school who have no class, and since when the first of them is there."""
    return Ask(
        "select count(*) as n, min((r.since at time zone 'Asia/Shanghai')::date) as since from roster r"
        f" where {_HERE.replace('%s', '%(org)s')} and r.class_id is null",
        {"org": actor.org_id},
        lambda rows: Heap(
            _("没有班级的学生"), rows[0]["n"], "/placement/", _("%s 名") % rows[0]["n"], _("待分班"),
            since=day(rows[0]["since"]),
        ),
    )  # fmt: skip


def label_of(classes: Mapping[int, ClassRow], class_id: int | None) -> str:
    """How a class is called today; nothing for none and for classes of other schools."""
    found = classes.get(class_id or 0)
    return found.label if found else ""
