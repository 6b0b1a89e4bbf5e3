"""Reading the term book, under row-level security."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import Http404

from xueji.ground.orgs import queries as orgs
from xueji.ground.orgs.queries import ClassRow
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.enrolment.queries import RosterRow

from . import words
from .models import LineKind, TermLine

MOST = 500


@dataclass(frozen=True)
class Line:
    """One value as pages show it."""

    id: int
    kind: str
    label: str
    value: str
    on: date | None
    who: str


@dataclass(frozen=True)
class TermPart:
    """What one term left: marks, attendance, awards."""

    label: str
    marks: list[Line]
    attendance: list[Line]
    awards: list[Line]


def of_person(actor: Any, person_id: uuid.UUID) -> list[TermPart]:
    """The book of one child, the newest term first; one query. The caller has asked who may see the child."""
    if not actor.can("termbook.view"):
        return []
    rows = TermLine.objects.filter(person_id=person_id, ended_at=None).order_by(
        "-year", "-term", "kind", "item", "pk"
    )
    terms: dict[tuple[int, int], TermPart] = {}
    for r in rows[:MOST]:
        part = terms.setdefault((r.year, r.term), TermPart(words.term_label(r.year, r.term), [], [], []))
        line = Line(r.pk, r.kind, words.item_label(r.kind, r.item), r.value, r.on, r.user_name)
        {LineKind.MARK: part.marks, LineKind.ATTENDANCE: part.attendance}.get(
            LineKind(r.kind), part.awards
        ).append(line)
    return list(terms.values())


def classes(actor: Any) -> list[ClassRow]:
    """The classes whose book the actor may open: the school's, a teacher's own."""
    actor.require("termbook.write")
    found = orgs.classes_of(actor.org_id or 0)
    return [c for c in found if not actor.classes or c.id in actor.classes]


def own_class(actor: Any, class_id: int) -> ClassRow:
    """One of them. Raises Http404."""
    for c in classes(actor):
        if c.id == class_id:
            return c
    raise Http404


@dataclass(frozen=True)
class GridRow:
    """A pupil with what is in force of each item."""

    row: RosterRow
    cells: list[tuple[str, str]]


def grid(actor: Any, class_id: int, *, year: int, term: int, kind: str, items: list[str]) -> list[GridRow]:
    """The pupils of a class, as the register has them, with their values of these items; two queries."""
    own_class(actor, class_id)
    pupils = enrolment.rows_of_class(actor, class_id)
    held = {
        (r[0], r[1]): r[2]
        for r in TermLine.objects.filter(
            person_id__in=[p.person_id for p in pupils],
            year=year,
            term=term,
            kind=kind,
            item__in=items,
            ended_at=None,
        ).values_list("person_id", "item", "value")
    }
    return [GridRow(p, [(i, held.get((p.person_id, i), "")) for i in items]) for p in pupils]
