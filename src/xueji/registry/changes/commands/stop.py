"""The starter's other deeds: withdrawing, cancelling, urging."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.orgs.models import Org

from ..errors import CaseError
from ..models import Case, CaseLog, CaseStatus, CaseStep
from . import flow
from ._base import need_words, note, opened, own, require_status


def withdraw(actor: Any, *, case_id: uuid.UUID, version: int | None = None) -> Case:
    """The starting school takes a case back before anybody else has handled it (撤回).

    Raises Http404, `StaleCase`, `CaseError`.
    """
    actor.require("case.start")
    with opened(actor, case_id, version) as case:
        own(actor, case)
        require_status(case, (CaseStatus.RUNNING, CaseStatus.WAITING))
        handled = CaseStep.objects.filter(case=case, seq__gt=1).exclude(decision="").exists()
        if handled or (case.current_seq or 2) > 2:
            raise CaseError(_("已有单位办理过, 不能撤回。如果确实不办了, 请撤销申请并说明原因"))
        flow.end_case(case, CaseStatus.WITHDRAWN, "", enrolled=case.status != CaseStatus.WAITING)
        note(case, actor, "withdraw")
        flow.after(case)
    return case


def cancel(actor: Any, *, case_id: uuid.UUID, reason: str, version: int | None = None) -> Case:
    """The starting school stops a case that is under way (撤销), with its reason. Nothing has taken effect yet.

    Raises Http404, `StaleCase`, `CaseError`.
    """
    actor.require("case.start")
    with opened(actor, case_id, version) as case:
        own(actor, case)
        require_status(case, (CaseStatus.RUNNING, CaseStatus.RETURNED, CaseStatus.WAITING))
        need_words(reason)
        flow.end_case(case, CaseStatus.CANCELLED, reason.strip(), enrolled=case.status != CaseStatus.WAITING)
        note(case, actor, "cancel", reason.strip())
        flow.after(case)
    return case


def urge(actor: Any, *, case_id: uuid.UUID) -> Case:
    """Remind whoever holds the case, once a day. Raises Http404, `CaseError`."""
    actor.require("case.start")
    with opened(actor, case_id) as case:
        own(actor, case)
        require_status(case, (CaseStatus.RUNNING,))
        if CaseLog.objects.filter(case=case, action="urge", at__date=timezone.localdate()).exists():
            raise CaseError(_("今天已经催办过, 明天可以再催"))
        steps = list(CaseStep.objects.filter(case=case, state="current").exclude(org_id=case.org_id))
        if not steps:
            raise CaseError(_("这件业务现在在本校, 不需要催办"))
        names = dict(Org.objects.filter(pk__in=[s.org_id for s in steps]).values_list("pk", "name"))
        words = (_("提醒%(org)s办理“%(step)s”") % {"org": names[s.org_id], "step": s.label} for s in steps)
        note(case, actor, "urge", "；".join(words))
    return case
