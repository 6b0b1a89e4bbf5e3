"""What becomes of suspicions when something else decides about the records. All in the writing role."""

from __future__ import annotations

import uuid

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from .models import Pair, PairState


def ordered(one: uuid.UUID, other: uuid.UUID) -> tuple[uuid.UUID, uuid.UUID]:
    """The two keys in the order in which a pair keeps them."""
    return (one, other) if one < other else (other, one)


def settle_merged(kept: uuid.UUID, merged: uuid.UUID, by: str) -> None:
    """The two records became one."""
    _settle(kept, merged, PairState.MERGED, by, "")


def settle_parted(kept: uuid.UUID, merged: uuid.UUID, by: str, why: str) -> None:
    """A merge was taken back: they are two children."""
    _settle(kept, merged, PairState.DIFFERENT, by, why)


def _settle(one: uuid.UUID, other: uuid.UUID, state: str, by: str, why: str) -> None:
    first, second = ordered(one, other)
    Pair.objects.filter(first=first, second=second).update(
        state=state, decided_by=by[:60], decided_at=timezone.now(), proof=why[:300]
    )


def settle_pairs(person_id: uuid.UUID) -> None:
    """A record is free of problems: pairs of it that were one are decided, as the schools proved or the unit above ruled."""
    Pair.objects.filter(Q(first=person_id) | Q(second=person_id), state=PairState.PROBLEM).update(
        state=PairState.DIFFERENT, decided_at=timezone.now(), proof=_("问题学籍已处理完毕")
    )
