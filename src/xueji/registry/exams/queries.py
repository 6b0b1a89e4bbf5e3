"""The only code that reads exams for others. Entries are read under row-level security."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.orgs.grades import class_label
from xueji.ground.orgs.models import OrgKind
from xueji.ground.standards.identity import SEX_WORDS
from xueji.ground.waiting import Ask, Heap, day

from .models import EntryState, Exam, ExamEntry

PAGE = 50
SCHOOLS = 100
MOST = 4_000


@dataclass(frozen=True)
class Entry:
    """One line of a registration, and what differs from the record now."""

    id: int
    person_id: uuid.UUID
    name: str
    sex: str
    birth_date: date
    class_name: str
    state: str
    why: str
    checked_name: str
    ticket: str
    room: int | None
    seat: int | None
    marks: dict[str, str]
    differs: str

    @property
    def label(self) -> str:
        """How far it is, in words."""
        return str(EntryState(self.state).label)

    @property
    def sex_label(self) -> str:
        """男 or 女."""
        return SEX_WORDS.get(self.sex, "")

    def listed(self, subjects: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
        """Subject and mark, in the order of the subjects."""
        return [(s[0], self.marks.get(s[0], "")) for s in subjects]


@dataclass(frozen=True)
class Progress:
    """How far a school is."""

    school_id: int
    name: str
    total: int
    checked: int
    wrong: int
    out: int
    marked: int

    @property
    def open(self) -> int:
        """Not looked at yet."""
        return self.total - self.checked - self.wrong - self.out


def _reach(actor: Any) -> QuerySet[Exam]:
    """Exams of the units above the actor's, of its own, and of those below."""
    actor.require("exam.view")
    above = [int(x) for x in actor.org_path.strip("/").split("/") if x]
    return Exam.objects.filter(Q(org_id__in=above) | Q(org_path__startswith=actor.org_path))


def exams(actor: Any, *, before: int | None = None) -> tuple[list[Exam], str]:
    """Exams that concern the actor's unit, the newest first, and the key of the next page."""
    rows = _reach(actor)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: PAGE + 1])
    return found[:PAGE], str(found[PAGE - 1].pk) if len(found) > PAGE else ""


def exam(actor: Any, exam_id: int) -> Exam:
    """One exam. Raises PermissionDenied, Http404."""
    found = _reach(actor).filter(pk=exam_id).first()
    if found is None:
        raise Http404
    return found


def progress(exam_id: int, *, after: int = 0) -> tuple[list[Progress], str]:
    """How far each school in scope is, a hundred at a time, and the key of the next page; one query."""
    with connection.cursor() as c:
        c.execute(
            "select e.school_id, o.name, count(*), count(*) filter (where state = 'checked'),"
            "  count(*) filter (where state = 'wrong'), count(*) filter (where state = 'out'),"
            "  count(marked_at) from exam_entry e join org o on o.id = e.school_id where e.exam_id = %s"
            "  and e.school_id > %s group by e.school_id, o.name order by e.school_id limit %s",
            [exam_id, after, SCHOOLS + 1],
        )
        found = [Progress(*row) for row in c.fetchall()]
    return found[:SCHOOLS], str(found[SCHOOLS - 1].school_id) if len(found) > SCHOOLS else ""


_ENTRIES = (
    "select e.id, e.person_id, e.name, e.sex, e.birth_date, k.stage, k.cohort_year, k.number, s.system, e.state, e.why,"
    "  e.checked_name, e.ticket, e.room, e.seat, e.marks,"
    "  case when r.person_id is null or r.status <> 1 then 'gone' when r.problem then 'problem'"
    "   when r.open_case <> '' then 'case' when (r.name, r.sex, r.birth_date) is distinct from"
    "   (e.name, e.sex, e.birth_date) then 'changed' else '' end"
    " from exam_entry e join school s on s.org_id = e.school_id left join school_class k on k.id = e.class_id"
    " left join roster r on r.county_id = e.county_id and r.school_id = e.school_id and r.person_id = e.person_id"
    "  and r.kind = 1 and r.reason = 'enrolled'"
    " where e.exam_id = %(exam)s and (%(school)s::int is null or e.school_id = %(school)s)"
    "  and (%(state)s = '' or e.state = %(state)s) and (not %(seated)s or e.ticket <> '') and e.id > %(after)s"
    " order by e.id limit %(n)s"
)


def entries(
    exam_id: int,
    *,
    school_id: int | None = None,
    state: str = "",
    seated: bool = False,
    after: int = 0,
    limit: int = PAGE,
) -> tuple[list[Entry], str]:
    """Entries in scope and the key of the next page; one query."""
    words = {
        "gone": _("已不在本校在读"),
        "problem": _("有问题学籍"),
        "case": _("有业务正在办理"),
        "changed": _("核对后学籍有变动"),
    }
    with connection.cursor() as c:
        c.execute(
            _ENTRIES,
            {
                "exam": exam_id,
                "school": school_id,
                "state": state,
                "seated": seated,
                "after": after,
                "n": limit + 1,
            },
        )
        rows = c.fetchall()
    out = []
    on = today()
    for row in rows[:limit]:
        key, person, name, sex, birth, stage, cohort, number, system, status, why, who, *rest = row
        ticket, room, place, marks, differs = rest
        klass = class_label(stage, cohort, number, system, on) if number else "—"
        held = marks if isinstance(marks, dict) else json.loads(marks)
        told = words.get(differs, "")
        out.append(
            Entry(key, person, name, sex, birth, klass, status, why, who, ticket, room, place, held, told)
        )
    return out, str(rows[limit - 1][0]) if len(rows) > limit else ""


def ticket_parts(exam_id: int, school_id: int, size: int) -> list[int]:
    """The keys after which each so many tickets of a school begin, as the actor sees them; one query."""
    with connection.cursor() as c:
        c.execute(
            "select id from (select id, row_number() over (order by id) as n, count(*) over () as total from exam_entry"
            "  where exam_id = %s and school_id = %s and ticket <> '') t where n %% %s = 0 and n < total order by id",
            [exam_id, school_id, size],
        )
        return [0, *(row[0] for row in c.fetchall())]


def seated(exam_id: int, tickets: Sequence[str]) -> dict[str, tuple[uuid.UUID, str]]:
    """Ticket -> person and name, of these tickets. Must run in the writing role."""
    wanted = sorted({t for t in tickets if t})
    rows = ExamEntry.objects.filter(exam_id=exam_id, ticket__in=wanted).values_list(
        "ticket", "person_id", "name"
    )
    return {ticket: (person, name) for ticket, person, name in rows}


def last_marks(person_id: uuid.UUID) -> tuple[str, list[tuple[str, str]]] | None:
    """The name and the marks of a pupil's latest exam that came back, as the actor sees it."""
    row = (
        ExamEntry.objects.filter(person_id=person_id, marked_at__isnull=False)
        .select_related("exam")
        .order_by("-marked_at", "-pk")
        .first()
    )
    if row is None:
        return None
    return row.exam.name, [(s, row.marks[s]) for s, _form in row.exam.subjects if s in row.marks]


def waiting(actor: Any) -> Ask[list[Heap]]:
    """Entries that the school has still to check while registration is open, or that came back at the seating."""

    def read(rows: list[dict[str, Any]]) -> list[Heap]:
        n = int(rows[0]["n"])
        words = _("%s 名学生") % n
        return [Heap(_("考试报名"), n, "/exams/", words, _("待核对"), due=day(rows[0]["due"]))] if n else []

    return Ask(
        "select count(*) as n, min(x.closes_on) as due from exam_entry e join exam x on x.id = e.exam_id"
        " where e.school_id = %(org)s and e.state = 'open' and x.state = 'open'"
        " and (x.closes_on >= %(today)s or e.why <> '')",
        {"org": actor.org_id, "today": today()},
        read,
    )


def is_school(actor: Any) -> bool:
    """Whether the actor works at a school."""
    return bool(actor.org_kind == OrgKind.SCHOOL)


__all__ = [
    "MOST",
    "PAGE",
    "Entry",
    "Progress",
    "entries",
    "exam",
    "exams",
    "is_school",
    "last_marks",
    "progress",
    "seated",
    "ticket_parts",
    "waiting",
]
