"""A class teacher claims pupils for the own class, and the office approves (班主任认领, C-ENR-05)."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs import queries as orgs

from .. import limits
from ..errors import PlacementError
from ..models import Ask, AskKind, AskState
from ..queries import asks, roster
from .placing import place


def claim(actor: Any, class_id: int, persons: Sequence[uuid.UUID]) -> int:
    """The class teacher asks for these unplaced pupils of the grade, where the place allows it. Returns how many.

    Raises Http404, `PlacementError`.
    """
    actor.require("placement.receive")
    klass = orgs.class_row(actor, class_id)
    school = roster.school_of(actor)
    if klass.school_id != school.pk:
        raise Http404
    if not limits.allowed(limits.policy_of(school.pk, today()), "placement.claim"):
        raise PlacementError(_("本地规定由教务处统一编班, 班主任不能认领学生"))
    wanted = list(dict.fromkeys(persons))
    if not wanted:
        raise PlacementError(_("请先勾选学生"))
    with transaction.atomic():
        free = {c.person_id: c for c in asks.claimable(actor, klass.stage, klass.cohort_year)}
        if not set(wanted) <= set(free):
            raise PlacementError(_("所选学生有的已被认领或已有班级, 请刷新后重新选择"))
        rows = [
            Ask(
                county_id=school.county_id,
                school_id=school.pk,
                kind=AskKind.CLAIM,
                person_id=person,
                student=free[person].name,
                class_id=class_id,
                reason=_("班主任认领"),
                effective_on=today(),
                asked_by=actor.user_name,
            )
            for person in wanted
        ]
        try:
            with transaction.atomic(), acting("writer"):
                Ask.objects.bulk_create(rows, batch_size=500)
        except IntegrityError as error:
            raise PlacementError(_("所选学生有的已被认领或已有班级, 请刷新后重新选择")) from error
        _audit(actor, "claim", class_id, wanted)
    return len(rows)


def settle(actor: Any, ask_ids: Sequence[uuid.UUID], *, agree: bool, words: str = "") -> int:
    """The office approves claims, and the pupils come into the class with the next numbers; or refuses them with a reason.
    Returns how many. Raises `PlacementError`.
    """
    actor.require("placement.write")
    if not agree and not words.strip():
        raise PlacementError(_("不同意要写明理由"))
    with transaction.atomic():
        with acting("writer"):
            rows = list(
                Ask.objects.select_for_update()
                .filter(
                    pk__in=list(ask_ids), school_id=actor.org_id, kind=AskKind.CLAIM, state=AskState.ASKED
                )
                .order_by("id")
            )
        if not rows:
            raise PlacementError(_("请先勾选认领"))
        by_class: dict[int, list[uuid.UUID]] = defaultdict(list)
        for row in rows:
            by_class[row.class_id or 0].append(row.person_id)
        # Settled first: then the pupils are on no question any more.
        with acting("writer"):
            Ask.objects.filter(pk__in=[r.pk for r in rows]).update(
                state=AskState.DONE if agree else AskState.REFUSED,
                placed_name=actor.user_name,
                placed_at=timezone.now(),
                head_words=words.strip()[:200],
            )
        for class_id, persons in sorted(by_class.items()):
            if agree:
                place(actor, persons, class_id, reason=words)
            _audit(actor, "settle", class_id, persons, agree=agree)
    return len(rows)


def _audit(actor: Any, what: str, class_id: int, persons: Sequence[uuid.UUID], **more: Any) -> None:
    record(
        actor,
        f"placement.{what}",
        object_type="class",
        object_id=class_id,
        after={"pupils": len(persons)} | more,
        row_count=len(persons),
        persons=persons,
    )
