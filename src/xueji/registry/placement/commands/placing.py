"""Placing by hand, and numbering a class."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.registry.enrolment import bulk, seats
from xueji.registry.enrolment.bulk import ListRefused, Move
from xueji.registry.enrolment.timeline import midnight

from .. import limits
from ..errors import PlacementError
from ..models import Item, SeatOrder
from ..queries import roster
from ..queries.roster import Child


def seats_by(
    order: str, rows: Sequence[tuple[Child, int, int]], *, seed: str = ""
) -> list[tuple[uuid.UUID, int]]:
    """Pupils and their classes in the order in which serial numbers are given: class by class, inside by the order."""

    def key(row: tuple[Child, int, int]) -> tuple[Any, ...]:
        child, class_id, no = row
        if order == SeatOrder.RANDOM:
            mark = hashlib.sha256(f"{seed}|seat|{no}".encode()).hexdigest()
            return (class_id, mark)
        if order == SeatOrder.LISTED:
            return (class_id, no)
        sex = child.sex if order == SeatOrder.SEX else ""
        return (class_id, sex, child.pinyin, str(child.person_id))

    return [(child.person_id, class_id) for child, class_id, _no in sorted(rows, key=key)]


def place(
    actor: Any,
    persons: Sequence[uuid.UUID],
    class_id: int,
    *,
    on: date | None = None,
    reason: str = "",
) -> int:
    """Put these unplaced pupils into a class (C-ENR-05): the size of the class is checked, serial numbers follow at its
    end. Returns how many. Raises Http404, `PlacementError`.
    """
    actor.require("placement.write")
    if not persons:
        raise PlacementError(_("请先勾选学生"))
    school = roster.school_of(actor)
    day = on or today()
    if day < today():
        raise PlacementError(_("编班日期应是今天或以后"))
    with transaction.atomic():
        classes = roster.all_classes(school, day)
        klass = classes.get(class_id)
        if klass is None:
            raise Http404
        children = roster.of_persons(school.pk, persons)
        wanted = list(dict.fromkeys(persons))
        if len(children) != len(wanted) or any(c.class_id is not None for c in children.values()):
            raise PlacementError(_("所选学生有的已离校或已有班级, 请刷新后重新选择"))
        late = [c.name for c in children.values() if roster.is_entry(c, today())]
        if late:
            raise PlacementError(
                _("%(names)s是中途入学, 要先由校长审批: 请从“插班”申请") % {"names": "、".join(late[:3])}
            )
        if Item.objects.filter(person_id__in=wanted, open=True).exists():
            raise PlacementError(_("所选学生有的在还没有完成的编班名单上, 请先完成或作废那份名单"))
        policy = limits.policy_of(school.pk, day)
        article = limits.require_room(
            policy, classes, roster.totals(school.pk, [class_id]), [class_id] * len(wanted), reason=reason
        )
        ordered = seats_by(SeatOrder.PINYIN, [(children[p], class_id, n) for n, p in enumerate(wanted)])
        carry_out(
            actor,
            [
                Move(
                    person_id=person,
                    business="place",
                    to_status=1,
                    class_id=class_id,
                    stage=klass.stage,
                    cohort_year=klass.cohort_year,
                    article=article,
                    reason=reason.strip()[:300],
                )
                for person, class_id in ordered
            ],
            day,
        )
    return len(wanted)


def carry_out(actor: Any, moves: Sequence[Move], day: date, *, what: str = "place_list") -> None:
    """Write the moves, from now or from the beginning of a later day. Raises `PlacementError`."""
    try:
        bulk.apply_many(actor, moves, at=timezone.now() if day == today() else midnight(day), what=what)
    except ListRefused as error:
        raise PlacementError(f"{error.message}: {next(iter(error.persons.values()), '')}") from error


def number(actor: Any, class_id: int, order: str, *, seed: str = "") -> int:
    """Number a class anew from 1 without a gap (C-NUM-12), by a stated order. Returns how many.

    Raises Http404, `PlacementError`.
    """
    actor.require("placement.write")
    if order not in (SeatOrder.PINYIN, SeatOrder.SEX, SeatOrder.RANDOM):
        raise PlacementError(_("请选择学号的排法"))
    if order == SeatOrder.RANDOM and not seed.strip():
        raise PlacementError(_("随机排号要有种子, 同一个种子排出同样的学号"))
    school = roster.school_of(actor)
    if class_id not in roster.all_classes(school, today()):
        raise Http404
    children = roster.of_class(school.pk, class_id)
    # In the order of pinyin first, so that a draw does not depend on the numbers of before.
    listed = sorted(children, key=lambda c: (c.pinyin, str(c.person_id)))
    ordered = seats_by(order, [(c, class_id, n) for n, c in enumerate(listed)], seed=seed.strip())
    how = str(SeatOrder(order).label) + (f" {seed.strip()}" if order == SeatOrder.RANDOM else "")
    done = seats.renumber(actor, class_id, [person for person, _class in ordered], how=how)
    if done != len(children):
        raise PlacementError(_("班里的学生刚刚有变动, 请刷新后重新排号"))
    return done
