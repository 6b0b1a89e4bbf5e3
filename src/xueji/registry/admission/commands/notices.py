"""入学通知书: numbered when a candidate is admitted, printed, delivered to the guardians (C-ENR-03)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting

from ..errors import AdmissionError
from ..models import Applicant, State
from ._base import names, opened

HOW = {
    "hand": gettext_lazy("当面送达"),
    "mail": gettext_lazy("邮寄"),
    "online": gettext_lazy("网上送达"),
    "school": gettext_lazy("到校领取"),
}
#: Notices printed in one document.
MOST = 300


def number_notices(ids: Sequence[uuid.UUID]) -> None:
    """Give admitted candidates the number of their notice and the code under its QR mark; one statement.

    Inside a transaction. Numbers run on within a school, year and stage; one that was given is never given again.
    """
    if not ids:
        return
    with acting("writer"), connection.cursor() as c:
        c.execute(
            "update adm_applicant a set notice_no = n.no, notice_code = n.code from ("
            " select x.id, x.year::text || x.stage || lpad((coalesce(t.top, 0)"
            "    + row_number() over (partition by x.school_id, x.year, x.stage order by x.sort, x.id))::text, 5, '0') as no,"
            "   upper(substr(replace(gen_random_uuid()::text, '-', ''), 1, 16)) as code"
            "  from adm_applicant x left join (select school_id, year, stage, max(right(notice_no, 5)::int) as top"
            "    from adm_applicant where notice_no <> '' and school_id in"
            "      (select school_id from adm_applicant where id = any(%(ids)s::uuid[]))"
            "    group by 1, 2, 3) t on t.school_id = x.school_id and t.year = x.year and t.stage = x.stage"
            "  where x.id = any(%(ids)s::uuid[]) and x.notice_no = '') n where n.id = a.id",
            {"ids": list(ids)},
        )


def printed(actor: Any, ids: Sequence[uuid.UUID]) -> list[Applicant]:
    """Candidates whose notices are printed now; entered in the audit. Raises Http404, `AdmissionError`."""
    actor.require("admission.prepare")
    if len(set(ids)) > MOST:
        raise AdmissionError(_("一次最多打印 %s 份, 请分批") % MOST)
    with opened(actor, ids) as rows:
        wrong = [r for r in rows if r.state not in (State.APPROVED, State.REPORTED)]
        if wrong:
            raise AdmissionError(_("名单经主管部门核办同意后才能发通知书: %s") % names(wrong))
        Applicant.objects.filter(pk__in=[r.pk for r in rows]).update(printed_at=timezone.now())
        record(
            actor,
            "admission.notice",
            object_type="school",
            object_id=actor.org_id or "",
            row_count=len(rows),
            persons=[r.subject for r in rows],
        )
    return sorted(rows, key=lambda r: r.notice_no)


def deliver(actor: Any, ids: Sequence[uuid.UUID], *, on: date, how: str) -> int:
    """Record that the guardians have the notice. Raises PermissionDenied, Http404, `AdmissionError`."""
    actor.require("admission.prepare")
    if how not in HOW:
        raise AdmissionError(_("请选择送达方式"))
    if on > timezone.localdate():
        raise AdmissionError(_("送达日期还没有到"))
    with opened(actor, ids) as rows:
        wrong = [r for r in rows if r.state != State.APPROVED]
        if wrong:
            raise AdmissionError(_("只有待报到的学生登记送达: %s") % names(wrong))
        Applicant.objects.filter(pk__in=[r.pk for r in rows]).update(delivered_on=on, delivered_how=how)
        record(
            actor,
            "admission.deliver",
            object_type="school",
            object_id=actor.org_id or "",
            after={"on": on.isoformat(), "how": how},
            row_count=len(rows),
            persons=[r.subject for r in rows],
        )
    return len(rows)
