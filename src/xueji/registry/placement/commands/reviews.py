"""The review after entry (入学复查, C-ENR-10)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.grades import start_year_of

from ..errors import PlacementError
from ..models import EntryReview, ReviewResult
from ..queries import reviews, roster

PARTS = ("思想品德", "文化", "健康", "入学资格")


def review(
    actor: Any, persons: Sequence[uuid.UUID], *, result: str, parts: Sequence[str], reason: str = ""
) -> int:
    """Write down what the review of these pupils of the entry grade said; keeping or losing the place is said for one
    pupil at a time, with a reason. The record itself changes by a case only. Returns how many.

    Raises Http404, `PlacementError`.
    """
    actor.require("placement.write")
    school = roster.school_of(actor)
    wanted = list(dict.fromkeys(persons))
    if not wanted:
        raise PlacementError(_("请先勾选学生"))
    if result not in ReviewResult.values:
        raise PlacementError(_("请选择复查结果"))
    if not parts or not set(parts) <= set(PARTS):
        raise PlacementError(_("请选择复查了哪些方面"))
    if result != ReviewResult.PASSED:
        if len(wanted) != 1:
            raise PlacementError(_("“%s”要逐人登记") % ReviewResult(result).label)
        if not reason.strip():
            raise PlacementError(_("请写明复查不合格的情况和依据"))
    year = start_year_of(today())
    with transaction.atomic():
        found = {r.person_id: r for r in reviews.entrants(school.pk, year, persons=wanted)}
        if len(found) != len(wanted):
            raise Http404
        with acting("writer"):
            EntryReview.objects.bulk_create(
                [
                    EntryReview(
                        school_id=school.pk,
                        person_id=person,
                        cohort_year=year,
                        county_id=school.county_id,
                        class_id=found[person].class_id,
                        result=result,
                        parts=[p for p in PARTS if p in parts],
                        reason=reason.strip()[:200],
                        by_name=actor.user_name,
                        at=timezone.now(),
                    )
                    for person in wanted
                ],
                update_conflicts=True,
                unique_fields=["school_id", "person_id", "cohort_year"],
                update_fields=["class_id", "result", "parts", "reason", "by_name", "at"],
                batch_size=1000,
            )
        record(
            actor,
            "placement.review",
            object_type="org",
            object_id=school.pk,
            person_id=wanted[0] if len(wanted) == 1 else None,
            after={"result": result, "pupils": len(wanted)},
            row_count=len(wanted),
            persons=wanted,
        )
    return len(wanted)
