"""Deciding several cases at once: each stands for itself, with the checks that it would have alone."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..errors import CaseError
from ..models import Case, CaseStatus
from .decide import decide, return_for_repair

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

    Each has a transaction of its own, in the order of the children, so that two such batches never wait for each
    other in a circle; outcomes come in the order asked. Raises PermissionDenied, `CaseError` when there are too many.
    """
    actor.require("case.decide")
    wanted = list(dict.fromkeys(case_ids))
    if len(wanted) > MOST:
        raise CaseError(_("一次最多办理 %s 件, 请分几次办理") % MOST)
    seen = {c.pk: c for c in Case.objects.filter(pk__in=wanted).exclude(status=CaseStatus.DRAFT)}
    found: dict[uuid.UUID, Outcome] = {}
    for case_id in sorted(wanted, key=lambda pk: (str(seen[pk].person_id) if pk in seen else "", str(pk))):
        case = seen.get(case_id)
        number, student = (case.number or "", case.student_name) if case else ("", "")
        try:
            with transaction.atomic():
                if decision == "return":
                    done = return_for_repair(actor, case_id=case_id, items=items, opinion=opinion)
                else:
                    done = decide(
                        actor, case_id=case_id, decision=decision, opinion=opinion, reason_rule=reason_rule
                    )
        except Http404:
            ok, message = False, str(_("没有这件业务, 或者您不能查看"))
        except CaseError as error:
            ok, message = False, error.message
        except PermissionDenied as error:
            ok, message = False, str(error)
        else:
            ok = done.status != CaseStatus.CANCELLED
            message = str(_DONE[decision]) if ok else _("业务已终止: %s") % done.end_reason
        found[case_id] = Outcome(case_id, number, student, ok, message)
    return [found[case_id] for case_id in wanted]
