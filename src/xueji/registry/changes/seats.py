"""Where a grade has room: in other classes of the school, and at other schools of its authority.

Must run in the writing role, or as an authority that sees all of these schools.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import connection

from xueji.ground.policy.sizes import Cap

from .models import OPEN, CaseStatus
from .subject import ClassPlace, classes_of_grade

#: Codes of special schools: no child is sent there for want of a seat.
SPECIAL = "51%"


@dataclass(frozen=True)
class Seat:
    """A school of the authority and how many seats it has left in the child's grade."""

    school_id: int
    name: str
    room: int


def free_classes(place: ClassPlace, day: date, cap: Cap) -> list[ClassPlace]:
    """Open classes of the grade of a class, at its school, that have room. One query."""
    grade = place.grade(day)
    mates = classes_of_grade(place.school_id, grade.code, day) if grade else []
    return [p for p in mates if p.size < cap.room(p.capacity)]


def elsewhere(
    county_id: int, but: int, stage: str, cohort_year: int, cap: Cap, *, besides: int = 0, limit: int = 100
) -> list[Seat]:
    """Other schools of the authority in the network with room in a grade, the one with most first. One query.

    Seats that were promised to children are no longer counted, until their transfer has ended; `besides` is the
    request whose own promise does not count.
    """
    with connection.cursor() as c:
        c.execute(
            "select * from (select s.org_id, o.name, sum(greatest(least(k.capacity, coalesce(%(cap)s, k.capacity))"
            "    - (select count(*) from roster r where r.class_id = k.id and r.reason <> 'former' and r.status = 1), 0))"
            "  - (select count(*) from placing_request p where p.placed_school_id = s.org_id"
            "    and (p.state = 'placed' or p.state = 'taken' and exists (select 1 from case_ c"
            "     where c.case_id = p.new_case_id and c.status = any(%(under_way)s)))"
            "    and p.stage = %(stage)s and p.cohort_year = %(cohort)s and p.id <> %(besides)s) as room"
            " from school s join org o on o.id = s.org_id join school_class k on k.school_id = s.org_id"
            " where s.county_id = %(county)s and s.org_id <> %(but)s and k.stage = %(stage)s"
            "  and k.cohort_year = %(cohort)s and k.closed_on is null"
            "  and s.entry = 'admitted' and s.school_type not like %(special)s group by s.org_id, o.name) x"
            " where room > 0 order by room desc, org_id limit %(n)s",
            {
                "cap": cap.number if cap.must else None,
                "stage": stage,
                "cohort": cohort_year,
                "besides": besides,
                "county": county_id,
                "but": but,
                "special": SPECIAL,
                "under_way": [str(CaseStatus.DRAFT), *map(str, OPEN)],
                "n": limit,
            },
        )
        return [Seat(pk, name, int(room)) for pk, name, room in c.fetchall()]
