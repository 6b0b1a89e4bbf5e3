"""Marks that go with a child in late grades: the paper of the former school, in a slot of its own (C-TRF-16).

八年级会考, 学业水平考试, credits: whoever moves from 八年级 on or in senior school brings along what was
passed. Where the rules of a place demand a paper, their slot is used; elsewhere the slot is offered and nobody is held up.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from xueji.ground.policy.model import EvidenceSlot

from .models import Case, CaseStatus

BUSINESSES = frozenset({"transfer", "transfer_in", "transfer_out"})
SLOT = EvidenceSlot(
    "学业成绩证明",
    str(_("学业成绩证明")),
    False,
    str(_("八年级、九年级和高中阶段转学随附: 会考、学业水平考试成绩或学分, 由转出学校出具")),
)
#: Papers of packs that say the same; where a place asks for one, no second slot is shown.
SAME = frozenset({SLOT.doc, "地理生物成绩证明"})
#: As a grade is called: a 5-4 school counts the years of its junior stage from 六年级.
_LATE = frozenset({"八年级", "九年级"})
OPEN = (CaseStatus.DRAFT, CaseStatus.RUNNING, CaseStatus.RETURNED)


def late(business: str, summary: Mapping[str, Any]) -> bool:
    """Whether marks go along: a transfer in senior school, 八年级 or 九年级."""
    return business in BUSINESSES and (summary.get("stage") == "S" or summary.get("grade") in _LATE)


def slot_of(slots: Iterable[EvidenceSlot]) -> EvidenceSlot | None:
    """The slot of a case in which the marks lie."""
    return next((s for s in slots if s.doc in SAME), None)


def carried(person_id: uuid.UUID, school_id: int | None) -> QuerySet[Case]:
    """Transfers under way of a child who leaves this school, to which the school may add marks. As the actor sees them."""
    return Case.objects.filter(
        person_id=person_id,
        from_school_id=school_id,
        business__in=("transfer", "transfer_out"),
        status__in=OPEN,
    ).order_by("-submitted_at", "pk")
