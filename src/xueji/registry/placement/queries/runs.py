"""Reading placements: the list, the figures of each class, the public list."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404

from .. import draw
from ..models import Item, Metric, Run
from .roster import PAGE, Child, of_persons


@dataclass(frozen=True)
class Line:
    """A pupil of a run with the name as the roster has it now."""

    item: Item
    child: Child | None

    @property
    def name(self) -> str:
        """The name; a pupil who has left is called so."""
        return self.child.name if self.child else "—"


@dataclass(frozen=True)
class Figures:
    """A class of the preview: who was there, who comes, by sex."""

    id: int
    label: str
    capacity: int
    present: int
    coming: int
    boys: int
    girls: int
    special: int
    mean: float | None

    @property
    def total(self) -> int:
        """How many there will be."""
        return self.present + self.coming


def listing(actor: Any) -> list[Run]:
    """The latest placements of the school."""
    return list(Run.objects.filter(school_id=actor.org_id).order_by("-created_at", "-pk")[:20])


def run(actor: Any, run_id: uuid.UUID) -> Run:
    """One placement of the school. Raises Http404."""
    found = Run.objects.filter(pk=run_id, school_id=actor.org_id).first()
    if found is None:
        raise Http404
    return found


def items(run: Run) -> list[Item]:
    """Everybody on the list, in its order."""
    return list(Item.objects.filter(run_id=run.pk).order_by("no"))


def page(run: Run, *, page: int = 0, class_id: int | None = None, marked: bool = False) -> list[Line]:
    """One page of the list and one line more; of one class, or only those with conditions."""
    found = Item.objects.filter(run_id=run.pk).order_by("no")
    if class_id is not None:
        found = found.filter(class_id=class_id)
    if marked:
        found = found.exclude(bond="", special=False, locked_class=None, by_hand=False)
    start = PAGE * min(page, 1000)
    rows = list(found[start : start + PAGE + 1])
    people = of_persons(run.school_id, [i.person_id for i in rows])
    return [Line(i, people.get(i.person_id)) for i in rows]


def line(run: Run, no: int) -> Line:
    """One pupil of the list. Raises Http404."""
    found = Item.objects.filter(run_id=run.pk, no=no).first()
    if found is None:
        raise Http404
    return Line(found, of_persons(run.school_id, [found.person_id]).get(found.person_id))


def figures(run: Run, found: Sequence[Item]) -> list[Figures]:
    """What every class would look like (C-ENR-05)."""
    out = []
    for place in run.places:
        mine = [i for i in found if i.class_id == place["id"]]
        sexes = Counter(place["present"]) + Counter(i.sex for i in mine)
        if run.metric == Metric.SCORE:
            weights = [float(i.score) for i in mine if i.score is not None]
        elif run.metric == Metric.AGE:
            weights = [(run.created_at.date() - i.birth_date).days / 365.25 for i in mine]
        else:
            weights = []
        out.append(
            Figures(
                place["id"],
                place["label"],
                place["capacity"],
                sum(place["present"].values()),
                len(mine),
                sexes["1"],
                sexes["2"],
                sum(i.special for i in mine),
                round(sum(weights) / len(weights), 1) if weights else None,
            )
        )
    return out


def inputs(run: Run, items: Sequence[Item]) -> tuple[list[draw.Pupil], list[draw.Place]]:
    """What the draw reads of a run: nothing but what is in the public list."""

    def weight(item: Item) -> float:
        if run.metric == Metric.SCORE:
            return float(item.score or 0)
        if run.metric == Metric.AGE:
            # In months: the public list must not tell a birthday.
            return float((item.birth_date.year - run.cohort_year + 20) * 12 + item.birth_date.month)
        return 0.0

    pupils = [
        draw.Pupil(
            i.no,
            i.sex,
            weight(i),
            i.home if run.by_home else "",
            i.bond,
            i.bond_mode,
            i.special,
            i.locked_class,
        )
        for i in items
    ]
    return pupils, [draw.Place(p["id"], p["capacity"], dict(p["present"])) for p in run.places]


def recomputed(run: Run, found: Sequence[Item]) -> bool:
    """Whether list and seed give the recorded result again."""
    if not run.seed:
        return False
    pupils, places = inputs(run, found)
    if draw.list_digest(pupils, places) != run.list_digest:
        return False
    return draw.result_digest(draw.deal(pupils, places, run.seed)) == run.result_digest


def public_rows(run: Run, found: Sequence[Item]) -> list[list[str]]:
    """The list as it may hang at the gate and be computed again: numbers, no names."""
    labels = {p["id"]: p["label"] for p in run.places}
    pupils, _places = inputs(run, found)
    return [
        [
            str(p.no),
            p.sex,
            f"{p.weight:g}",
            p.home,
            p.bond,
            p.bond_mode if p.bond else "",
            "1" if p.special else "",
            str(p.locked or ""),
            str(i.class_id or ""),
            labels.get(i.class_id or 0, ""),
        ]
        for p, i in zip(pupils, found, strict=True)
    ]
