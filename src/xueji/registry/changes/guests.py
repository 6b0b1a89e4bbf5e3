"""借读生花名册: who studies at a school while another keeps the record, and whose time is over (C-BOR-02)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from xueji.ground.orgs.grades import class_label
from xueji.ground.standards.identity import SEX_WORDS

LIMIT = 100
SOON = timedelta(days=30)


@dataclass(frozen=True)
class Guest:
    """One line of the register. `end` is the day that was planned; None where nobody wrote one down."""

    person_id: uuid.UUID
    name: str
    sex: str
    birth_date: date
    host: str
    origin: str
    since: datetime
    end: date | None
    kind: str
    record_kind: str
    class_name: str

    @property
    def face(self) -> str:
        """`over` when the planned end is past, `soon` within thirty days, else empty."""
        today = timezone.localdate()
        if self.end is None or self.end > today + SOON:
            return ""
        return "over" if self.end < today else "soon"

    @property
    def sex_label(self) -> str:
        """男 or 女."""
        return SEX_WORDS.get(self.sex, "")


def hosted(actor: Any, *, limit: int = LIMIT, due: bool = False) -> list[Guest]:
    """Guests of the schools in the actor's scope, those whose time ends first. One query; `due`: only those whose
    planned end is past or within thirty days.
    """
    with connection.cursor() as c:
        c.execute(
            "select r.person_id, r.name, r.sex, r.birth_date, o.name, coalesce(v.detail ->> 'origin', ''), r.since,"
            "  (v.detail ->> 'planned_end')::date, coalesce(v.detail ->> 'borrow_kind', ''),"
            "  coalesce(v.detail ->> 'record_kind', ''), r.stage, r.cohort_year, k.number, s.system"
            " from roster r join org o on o.id = r.school_id join school s on s.org_id = r.school_id"
            " left join school_class k on k.id = r.class_id"
            " left join enrolment_state e on e.person_id = r.person_id and e.kind = 2 and e.business = 'borrow'"
            "   and e.school_id = r.school_id and (e.valid_to is null or e.valid_to > clock_timestamp())"
            " left join event v on v.person_id = e.person_id and v.event_id = e.event_id"
            " where r.kind = 2 and r.reason = 'guest' and (r.school_id = %(org)s or not %(school)s)"
            "   and (not %(due)s or (v.detail ->> 'planned_end')::date <= %(soon)s)"
            " order by (v.detail ->> 'planned_end')::date nulls last, r.pinyin_sort, r.person_id limit %(n)s",
            {
                "org": actor.org_id,
                "school": actor.org_kind == "school",
                "due": due,
                "soon": timezone.localdate() + SOON,
                "n": limit,
            },
        )
        today = timezone.localdate()
        out = []
        for row in c.fetchall():
            *known, stage, cohort, number, system = row
            klass = class_label(stage, cohort, number, system, today) if number else ""
            out.append(Guest(*[*known, klass]))
        return out


def elsewhere(actor: Any, *, limit: int = LIMIT) -> list[Guest]:
    """Children of the actor's own school who study elsewhere, from the cases that it was told of. One query."""
    with connection.cursor() as c:
        c.execute(
            "select c.person_id, c.student_name, '', (c.summary ->> 'birth_date')::date, t.name, f.name,"
            "  coalesce(c.ended_at, c.submitted_at), (c.form ->> 'end')::date,"
            "  coalesce(c.form ->> 'borrow_kind', ''), ''"
            " from case_ c join org t on t.id = c.to_school_id join org f on f.id = c.from_school_id"
            " where c.business = 'borrow' and c.variant = '' and c.status in ('done', 'approved')"
            "   and c.from_school_id = %(org)s and not exists (select 1 from case_ b where b.person_id = c.person_id"
            "     and b.business = 'borrow_end' and b.status = 'done' and b.submitted_at > c.submitted_at)"
            " order by (c.form ->> 'end')::date, c.case_id limit %(n)s",
            {"org": actor.org_id, "n": limit},
        )
        return [Guest(*[*row, ""]) for row in c.fetchall()]
