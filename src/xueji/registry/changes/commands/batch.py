"""Deciding several cases at once: each stands for itself, with the checks that it would have alone."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import School
from xueji.registry.enrolment import commands as enrolment

from ..errors import CaseError
from ..kinds import KINDS
from ..models import Case, CaseStatus
from ._base import lock_persons
from .decide import Decision, decide, return_for_repair

MOST = 200
_DONE = {
    "pass": gettext_lazy("已核办通过"),
    "refuse": gettext_lazy("已办结为不通过"),
    "return": gettext_lazy("已退回修改"),
}


@dataclass(frozen=True)
class Outcome:
    """What became of one case: `message` says what was done, or why not."""

    case_id: uuid.UUID
    number: str
    student: str
    ok: bool
    message: str


def decide_many(
    actor: Any,
    case_ids: Sequence[uuid.UUID],
    decision: Literal["pass", "refuse", "return"],
    *,
    opinion: str = "",
    reason_rule: str = "",
    items: Sequence[str] = (),
) -> list[Outcome]:
    """Decide up to 200 cases alike (C-CHG-03). One that cannot be decided keeps no other from it.

    All children are taken in hand first and in one order, so that two such batches never wait for each other in a
    circle; each deed is undone alone when it fails. Outcomes come in the order asked. Raises PermissionDenied,
    `CaseError` when there are too many.
    """
    actor.require("case.decide")
    wanted = list(dict.fromkeys(case_ids))
    if len(wanted) > MOST:
        raise CaseError(_("一次最多办理 %s 件, 请分几次办理") % MOST)
    seen = {c.pk: c for c in Case.objects.filter(pk__in=wanted).exclude(status=CaseStatus.DRAFT)}
    with transaction.atomic():
        _take_in_hand(list(seen.values()))
        found = {
            case_id: _one(actor, case_id, seen.get(case_id), decision, opinion, reason_rule, items)
            for case_id in wanted
        }
    return [found[case_id] for case_id in wanted]


def _take_in_hand(rows: Sequence[Case]) -> None:
    """All children and all head-counts that the batch may touch, in one order for all batches, before the first deed."""
    persons = {c.person_id for c in rows if c.person_id is not None}
    schools = {s for c in rows for s in (c.org_id, c.from_school_id, c.to_school_id) if s is not None}
    with acting("writer"):
        beside = {other for c in rows if c.person_id for other in KINDS[c.business].beside(c.person_id)}
        lock_persons(persons | beside)
        with connection.cursor() as cursor:
            counties = School.objects.filter(pk__in=schools).values_list("county_id", flat=True)
            enrolment.hold_counts(cursor, counties)


def _one(
    actor: Any,
    case_id: uuid.UUID,
    case: Case | None,
    decision: str,
    opinion: str,
    reason_rule: str,
    items: Sequence[str],
) -> Outcome:
    """One of them, alone: what goes wrong with it is undone and said, and the others go on."""
    number, student = (case.number or "", case.student_name) if case else ("", "")
    try:
        with transaction.atomic():
            if decision == "return":
                done = return_for_repair(actor, case_id=case_id, items=items, opinion=opinion)
            else:
                deed: Decision = "pass" if decision == "pass" else "refuse"
                done = decide(actor, case_id=case_id, decision=deed, opinion=opinion, reason_rule=reason_rule)
    except Http404:
        return Outcome(case_id, number, student, False, str(_("没有这件业务, 或者您不能查看")))
    except CaseError as error:
        return Outcome(case_id, number, student, False, error.message)
    except PermissionDenied as error:
        return Outcome(case_id, number, student, False, str(error))
    if done.status == CaseStatus.CANCELLED:
        return Outcome(case_id, number, student, False, _("业务已终止: %s") % done.end_reason)
    return Outcome(case_id, number, student, True, str(_DONE[decision]))
