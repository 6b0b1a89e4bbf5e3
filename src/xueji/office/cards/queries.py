"""Reading cards and their batches."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.http import Http404
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.orgs.grades import class_label
from xueji.ground.orgs.models import Org, School
from xueji.ground.waiting import Ask, Heap, Rows, day
from xueji.registry.enrolment.models import REGISTERED, Roster

from .models import BatchState, CardBatch, CardState, StudentCard

PAGE = 50
#: Cards of one batch at most: a class is never larger.
MOST = 200
IN_FORCE = (CardState.MADE, CardState.VALID, CardState.LOST)


@dataclass(frozen=True)
class Line:
    """A card on a list. `gone`: its holder is no longer at the school that gave it; `school` is told to authorities."""

    card: StudentCard
    place: str
    gone: bool
    school: str = ""


@dataclass(frozen=True)
class Page:
    """A page of cards; `next` continues it, empty at the end."""

    rows: list[Line]
    next: str = ""


def listed(
    actor: Any, *, kind: str = "", state: str = "", name: str = "", gone: bool = False, after: str = ""
) -> Page:
    """Cards in scope by number, narrowed; `gone`: in force, though the holder has left the school."""
    actor.require("card.view")
    rows = StudentCard.objects.order_by("number")
    if kind:
        rows = rows.filter(kind=kind)
    if state:
        rows = rows.filter(state=state)
    name = name.strip()[:40]
    if name:
        top = name + "\U0010ffff"
        rows = rows.filter(Q(name__gte=name, name__lt=top) | Q(number__gte=name, number__lt=top))
    if after:
        rows = rows.filter(number__gt=after)
    if gone:
        here = Roster.objects.filter(
            person_id=OuterRef("person_id"),
            school_id=OuterRef("school_id"),
            kind=REGISTERED,
            status__lt=10,
            reason="enrolled",
        )
        rows = rows.filter(~Exists(here), state__in=IN_FORCE)
    found = list(rows[: PAGE + 1])
    lines = _lines(found[:PAGE])
    if actor.org_kind != "school":
        names = _schools(x.card.school_id for x in lines)
        lines = [replace(x, school=names.get(x.card.school_id, "")) for x in lines]
    return Page(lines, found[PAGE - 1].number if len(found) > PAGE else "")


def _lines(cards: Sequence[StudentCard]) -> list[Line]:
    """Class and presence joined on: one query."""
    if not cards:
        return []
    with connection.cursor() as c:
        c.execute(
            "select r.person_id, r.school_id, r.stage, r.cohort_year, k.number, s.system from roster r"
            " join school s on s.org_id = r.school_id left join school_class k on k.id = r.class_id"
            " where r.person_id = any(%s::uuid[]) and r.kind = %s and r.reason = 'enrolled' and r.status < 10",
            [[x.person_id for x in cards], REGISTERED],
        )
        here = {(r[0], r[1]): r[2:] for r in c.fetchall()}
    out = []
    for card in cards:
        found = here.get((card.person_id, card.school_id))
        place = ""
        if found is not None and found[2]:
            place = class_label(found[0], found[1], found[2], found[3], today())
        out.append(Line(card, place, found is None))
    return out


def _schools(ids: Iterable[int]) -> dict[int, str]:
    """Short names of schools by key; one query, none for none."""
    wanted = sorted(set(ids))
    return dict(Org.objects.filter(pk__in=wanted).values_list("pk", "short_name")) if wanted else {}


def line(card: StudentCard) -> Line:
    """One card with its holder's class, and whether the holder is still there."""
    return _lines([card])[0]


def get(actor: Any, card_id: uuid.UUID) -> StudentCard:
    """One card in scope; families see the card without its batch. Raises Http404."""
    card = StudentCard.objects.filter(pk=card_id).first()
    if card is None:
        raise Http404
    return card


def of_batch(batch: CardBatch) -> list[Line]:
    """The cards of a batch in the order of their numbers."""
    return _lines(list(StudentCard.objects.filter(batch=batch).order_by("serial", "pk")[:MOST]))


def batch(actor: Any, batch_id: uuid.UUID) -> CardBatch:
    """One batch in scope. Raises Http404."""
    actor.require("card.view")
    found = CardBatch.objects.filter(pk=batch_id).first()
    if found is None:
        raise Http404
    return found


def batches(
    actor: Any, *, state: str = "", kind: str = "", page: int = 0
) -> tuple[list[tuple[CardBatch, str]], bool]:
    """Batches in scope, newest first, with the name of their school; whether there are more."""
    actor.require("card.view")
    rows = CardBatch.objects.order_by("-made_at", "-id")
    if state:
        rows = rows.filter(state=state)
    if kind:
        rows = rows.filter(kind=kind)
    page = min(page, 200)
    found = list(rows[page * PAGE : (page + 1) * PAGE + 1])
    names = _schools(b.school_id for b in found)
    return [(b, names.get(b.school_id, "")) for b in found[:PAGE]], len(found) > PAGE


def cards_of(actor: Any, person_id: uuid.UUID) -> list[StudentCard]:
    """Cards of a child, newest first, as far as the actor may see them."""
    return list(StudentCard.objects.filter(person_id=person_id).order_by("-year", "-serial", "-pk")[:20])


@dataclass(frozen=True)
class Lacking:
    """A pupil of a class, and whether a card of the kind is in force already."""

    person_id: uuid.UUID
    name: str
    seat: int | None
    has: bool


def pupils(school_id: int, class_id: int, kind: str) -> list[Lacking]:
    """The pupils of a class by seat, and who has a card of the kind; one query."""
    with connection.cursor() as c:
        c.execute(
            "select r.person_id, r.name, r.class_seat, exists (select 1 from student_card s where"
            "   s.person_id = r.person_id and s.school_id = r.school_id and s.kind = %s and s.state = any(%s))"
            " from roster r where r.school_id = %s and r.class_id = %s and r.kind = %s and r.reason = 'enrolled'"
            "   and r.status < 10 order by r.class_seat nulls last, r.pinyin_sort, r.person_id limit %s",
            [kind, [str(s) for s in IN_FORCE], school_id, class_id, REGISTERED, MOST],
        )
        return [Lacking(*row) for row in c.fetchall()]


@dataclass(frozen=True)
class ClassRow:
    """A class of the school: how many pupils, how many of them without a card of the kind."""

    class_id: int
    stage: str
    label: str
    total: int
    lacking: int


def classes(school_id: int, kind: str) -> list[ClassRow]:
    """Classes of a school with pupils, for making cards; two queries."""
    system = str(School.objects.values_list("system", flat=True).get(pk=school_id))
    with connection.cursor() as c:
        c.execute(
            "select k.id, k.stage, k.cohort_year, k.number, count(*), count(*) filter (where s.id is null)"
            " from roster r join school_class k on k.id = r.class_id left join student_card s on"
            "   s.person_id = r.person_id and s.school_id = r.school_id and s.kind = %s and s.state = any(%s)"
            " where r.school_id = %s and r.kind = %s and r.reason = 'enrolled' and r.status < 10"
            " group by k.id order by k.cohort_year desc, k.stage, k.number, k.id limit 500",
            [kind, [str(s) for s in IN_FORCE], school_id, REGISTERED],
        )
        rows = c.fetchall()
    day_ = today()
    return [
        ClassRow(pk, s, class_label(s, y, n, system, day_), total, none) for pk, s, y, n, total, none in rows
    ]


def counts(actor: Any) -> dict[str, int]:
    """Cards in scope by state; one query."""
    with connection.cursor() as c:
        c.execute("select state, count(*) from student_card group by state")
        found = dict(c.fetchall())
    return {state: found.get(state, 0) for state in CardState.values}


def waiting(actor: Any) -> Ask[list[Heap]]:
    """For the first page: batches to seal (authority), sent back or still to be sent (school)."""
    seals = actor.can("card.seal")

    def read(rows: Rows) -> list[Heap]:
        n, since = rows[0]["n"], day(rows[0]["since"])
        if not n:
            return []
        if seals:
            return [
                Heap(_("学生证件验印"), n, "/cards/batches/?state=sent", _("%s 批") % n, _("待验印"), since)
            ]
        return [Heap(_("学生证件"), n, "/cards/batches/?state=made", _("%s 批") % n, _("待送验"), since)]

    state = BatchState.SENT if seals else BatchState.MADE
    column = "sealer_id" if seals else "school_id"
    return Ask(
        "select count(*) as n, (min(made_at) at time zone 'Asia/Shanghai')::date as since from card_batch"
        f" where {column} = %(org)s and state = %(state)s",
        {"org": actor.org_id, "state": str(state)},
        read,
    )
