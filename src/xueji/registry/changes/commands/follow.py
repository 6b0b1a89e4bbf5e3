"""After a case is done: following up a transfer out until it is confirmed, and reminding of absences about to end."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting
from xueji.ground.policy.statuses import Status

from ..absences import SOON_DAYS
from ..errors import CaseError
from ..models import Case, CaseStatus
from ._base import SYSTEM, lock_person, note, opened, own, require_status, save

_MOST = 2000


def follow_up(actor: Any, *, case_id: uuid.UUID, text: str = "", received: bool = False) -> Case:
    """Note what was learnt of a transfer out, and that the other school has taken the child (C-TRF-04, C-CHG-06).

    Raises PermissionDenied, Http404, `CaseError`.
    """
    actor.require("case.start")
    text = text.strip()[:300]
    with opened(actor, case_id) as case:
        own(actor, case)
        require_status(case, (CaseStatus.DONE,))
        if case.business != "transfer_out":
            raise CaseError(_("只有转出到系统外的业务需要跟踪接收"))
        if "received_on" in case.summary:
            raise CaseError(_("对方接收已于 %s 登记") % case.summary["received_on"])
        if not received and not text:
            raise CaseError(_("请写明跟进的情况"))
        today = timezone.localdate().isoformat()
        case.summary = case.summary | {"followed": text or case.summary.get("followed", "")}
        if received:
            case.summary = case.summary | {"received_on": today}
        save(case)
        note(case, actor, "received" if received else "follow", text)
    return case


def remind_absences(today: date | None = None) -> int:
    """Once for every absence about to end: an entry on its case, which school and authority read (C-SUS-03).

    Called by the daily job. Idempotent; returns how many entries it wrote.
    """
    today = today or timezone.localdate()
    with transaction.atomic(), acting("writer"):
        with connection.cursor() as c:
            c.execute(
                "select v.case_id, e.person_id, v.detail ->> 'planned_end' from enrolment_state e"
                " join event v on v.person_id = e.person_id and v.event_id = e.event_id"
                " where e.kind = 1 and e.valid_to is null and e.status in (%s, %s) and v.case_id is not null"
                "   and (v.detail ->> 'planned_end')::date between %s and %s"
                "   and not exists (select 1 from case_log l where l.case_id = v.case_id and l.action = 'expiring')"
                " order by e.person_id limit %s",
                [
                    int(Status.SUSPENDED),
                    int(Status.RESERVED),
                    today,
                    today + timedelta(days=SOON_DAYS),
                    _MOST,
                ],
            )
            due = c.fetchall()
        for case_id, person_id, end in due:
            lock_person(person_id)
            case = Case.objects.get(pk=case_id)
            note(case, SYSTEM, "expiring", _("%s 期满, 请联系家长办理返校或延长手续") % end)
    return len(due)
