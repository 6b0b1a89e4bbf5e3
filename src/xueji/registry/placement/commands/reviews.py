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
from xueji.registry.changes import commands as changes
from xueji.registry.changes import routing
from xueji.registry.changes.business.spec import stage_why
from xueji.registry.changes.errors import CaseError
from xueji.registry.changes.models import Case
from xueji.registry.enrolment import queries as enrolment

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


#: Which business follows from a result, and what the review found in the words of its reasons.
FOLLOWS = {ReviewResult.CANCELLED: "cancel_entry", ReviewResult.DEFERRED: "reserve"}
_REASONS = {
    "思想品德": "思想品德复查不合格",
    "文化": "文化复查不合格",
    "健康": "健康复查不合格",
    "入学资格": "不符合招生录取规定",
}


def begin_case(actor: Any, person_id: uuid.UUID) -> Case:
    """Begin what follows from a review that was not passed: 取消入学资格 with the finding, its parts and its day filled in,
    or 保留学籍. A draft that lies there already is taken up again, and what was filled in stays.

    Raises Http404, PermissionDenied, `PlacementError` where the rules do not know the business for this stage.
    """
    actor.require("placement.write")
    school = roster.school_of(actor)
    year = start_year_of(today())
    held = EntryReview.objects.filter(school_id=school.pk, person_id=person_id, cohort_year=year).first()
    if held is None or held.result not in FOLLOWS:
        raise Http404
    business = FOLLOWS[ReviewResult(held.result)]
    stage = enrolment.get_row(actor, person_id).stage
    if why := stage_why(routing.policy_for(school.org, today()), business, stage):
        raise PlacementError(why)
    found = timezone.localtime(held.at).date().isoformat()
    try:
        with transaction.atomic():
            case = changes.start(actor, business=business, person_id=person_id)
            if case.form.get("reason_note"):
                return case
            form = dict(case.form) | {"reason_note": held.reason}
            if business == "cancel_entry":
                form |= {
                    "happened_on": found,
                    "reason": _REASONS[held.parts[0]] if len(held.parts) == 1 else "",
                }
            return changes.save_draft(actor, case_id=case.case_id, form=form)
    except CaseError as error:
        raise PlacementError(error.message) from error
