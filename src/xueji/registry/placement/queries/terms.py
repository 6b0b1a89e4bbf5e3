"""Reading term registration: who is registered, class by class; other rooms ask `counts`."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.urls import reverse
from django.utils.translation import gettext as _

from xueji.ground.orgs.models import Term
from xueji.ground.waiting import Ask, Heap, Rows
from xueji.registry.dropout import queries as dropout

from ..models import ClassCheck, MarkState, TermMark
from .roster import PAGE, Child, of_class


@dataclass(frozen=True)
class TermOf:
    """A term of the calendar."""

    year: int
    number: int
    starts: date | None

    @property
    def label(self) -> str:
        """2026-2027学年第一学期."""
        words = {"a": self.year, "b": self.year + 1, "n": "一二三"[self.number - 1]}
        return _("%(a)s-%(b)s学年第%(n)s学期") % words


@dataclass(frozen=True)
class TermCount:
    """How a class stands: pupils who study there, and their marks of the term."""

    expected: int
    returned: int
    excused: int
    absent: int

    @property
    def open(self) -> int:
        """Pupils nobody has said anything about."""
        return self.expected - self.returned - self.excused - self.absent

    @property
    def done(self) -> bool:
        """Whether everybody has a mark."""
        return self.expected > 0 and self.open == 0


NOBODY = TermCount(0, 0, 0, 0)


def term_of(day: date) -> TermOf:
    """The term of a day, by the calendar; without one, by the month."""
    year, number = dropout.term_now(day)
    starts = Term.objects.filter(year_id=year, number=number).values_list("starts", flat=True).first()
    return TermOf(year, number, starts)


def counts(school_id: int, year: int, term: int) -> dict[int, TermCount]:
    """Term registration of every class of a school (for head-count reconciliation too): one query.

    Only pupils who study at the school now are counted, under the class in which they sit now.
    """
    return _counts("r.school_id = %s and r.class_id is not null", [school_id], "r.class_id", year, term)


def by_school(actor: Any, year: int, term: int, *, path: str) -> list[tuple[str, TermCount]]:
    """Schools below a unit with their figures, those with most pupils without a mark first, at most 200."""
    with connection.cursor() as c:
        c.execute("select id, name from org where path like %s and kind = 'school'", [f"{path}%"])
        names = dict(c.fetchall())
    found = _counts("r.school_id = any(%s)", [list(names)], "r.school_id", year, term)
    rows = [(names[school], count) for school, count in found.items()]
    return sorted(rows, key=lambda row: (-row[1].open, row[0]))[:200]


def _counts(where: str, values: list[Any], key: str, year: int, term: int) -> dict[int, TermCount]:
    with connection.cursor() as c:
        c.execute(
            f"select {key}, count(*), count(*) filter (where m.state = 'returned'),"
            " count(*) filter (where m.state = 'excused'), count(*) filter (where m.state = 'absent')"
            " from roster r left join term_mark m on m.school_id = r.school_id and m.person_id = r.person_id"
            "  and m.school_year = %s and m.term = %s"
            f" where {where} and r.kind = 1 and r.reason = 'enrolled' and r.status = 1 group by 1",
            [year, term, *values],
        )
        return {row[0]: TermCount(*row[1:]) for row in c.fetchall()}


def children(actor: Any, class_id: int) -> list[Child]:
    """The pupils of a class who study there, by serial number."""
    return [c for c in of_class(actor.org_id, class_id) if c.status == 1]


@dataclass(frozen=True)
class Row:
    """A pupil with the mark of the term."""

    child: Child
    state: str
    on: date | None
    proof: str

    @property
    def label(self) -> str:
        """The mark in words."""
        return str(MarkState(self.state).label) if self.state else _("未登记")


def of_term(actor: Any, class_id: int, term: TermOf) -> list[Row]:
    """The class with its marks, by serial number; those without a mark are there too."""
    marks = {
        m.person_id: m
        for m in TermMark.objects.filter(
            school_id=actor.org_id, school_year=term.year, term=term.number, class_id=class_id
        )
    }
    rows = []
    for child in children(actor, class_id):
        held = marks.get(child.person_id)
        rows.append(
            Row(
                child,
                held.state if held else "",
                held.on if held else None,
                held.proof if held else "",
            )
        )
    return rows


@dataclass(frozen=True)
class Missing:
    """A pupil who is not registered for the term: without a mark, excused or absent."""

    person_id: uuid.UUID
    name: str
    class_id: int | None
    state: str
    on: date | None
    proof: str
    watched: bool

    @property
    def label(self) -> str:
        """Why, in words."""
        return str(MarkState(self.state).label) if self.state else _("未登记")


def missing(actor: Any, term: TermOf, *, page: int = 0) -> tuple[list[Missing], int]:
    """Pupils in the actor's scope who are not registered (C-ENR-09): one page by class, and how many there are."""
    where = (
        " from roster r left join term_mark m on m.school_id = r.school_id and m.person_id = r.person_id"
        " and m.school_year = %s and m.term = %s where r.school_id = %s and r.kind = 1 and r.reason = 'enrolled'"
        " and r.status = 1 and m.state is distinct from 'returned'"
    )
    values: list[Any] = [term.year, term.number, actor.org_id]
    if actor.classes:
        where += " and r.class_id = any(%s)"
        values.append(list(actor.classes))
    with connection.cursor() as c:
        c.execute("select count(*)" + where, values)
        total = int(c.fetchone()[0])
        c.execute(
            "select r.person_id, r.name, r.class_id, coalesce(m.state, ''), m.on_day, coalesce(m.proof, ''),"
            " exists (select 1 from dropout_watch w where w.person_id = r.person_id"
            "  and w.result in ('open', 'not_returned'))"
            + where
            + " order by m.state is null, r.class_id, r.class_seat nulls last, r.pinyin_sort, r.person_id limit %s offset %s",
            [*values, PAGE, PAGE * min(page, 1000)],
        )
        return [Missing(*row) for row in c.fetchall()], total


def checks(class_ids: list[int]) -> dict[int, ClassCheck]:
    """Which of these classes were checked against the children present."""
    return {k.class_id: k for k in ClassCheck.objects.filter(class_id__in=class_ids)}


def waiting(actor: Any, year: int, number: int, classes: Mapping[int, str]) -> Ask[list[Heap]]:
    """For the first page of a class teacher: own classes (id: label) with pupils without a mark of the term."""
    term = TermOf(year, number, None)

    def read(rows: Rows) -> list[Heap]:
        return [
            Heap(
                f"{classes[row['class_id']]} {term.label}", row["n"], reverse("placement:term_class", args=[row["class_id"]]),
                "", _("%s 名学生还没有登记学期注册") % row["n"],
            )
            for row in rows
        ]  # fmt: skip

    return Ask(
        "select r.class_id, count(*) as n from roster r where r.class_id = any(%(classes)s) and r.kind = 1"
        " and r.reason = 'enrolled' and r.status = 1 and not exists (select 1 from term_mark m"
        "  where m.school_id = r.school_id and m.person_id = r.person_id and m.school_year = %(year)s"
        "  and m.term = %(term)s) group by 1 order by 1",
        {"classes": list(classes), "year": year, "term": number},
        read,
    )
