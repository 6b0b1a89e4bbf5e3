"""补建学籍名单: the monthly list of pupils beyond the entry grade who get a record at last (NAT-ENR-11, C-NUM-15).

The province submits the list of a month to the national check and decides each case by its result: passed, the record
is opened; not passed, the pupil goes the way of a transfer (C-TRF-19).
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.sheets.write import SheetColumn, write_table
from xueji.registry.enrolment.timeline import local_day, midnight

from .business.arrive import LATE
from .corrections import require
from .models import CaseStatus

MOST = 1000
TITLE = "补建学籍学生名单"
HEAD = (
    "序号",
    "业务编号",
    "主管部门",
    "学校",
    "姓名",
    "性别",
    "出生日期",
    "证件号",
    "拟编年级",
    "原就读学校",
    "补建原因",
    "查重结果",
)


@dataclass(frozen=True)
class LateRow:
    """One pupil of the list; numbers are masked."""

    case_id: uuid.UUID
    person_id: uuid.UUID | None
    number: str
    county: str
    school: str
    name: str
    sex: str
    birth_date: str
    identity: str
    grade: str
    former: str
    reason: str
    result: str
    tone: str


def months(today: date, count: int = 12) -> list[date]:
    """First days of the last months, the present one first."""
    out = [today.replace(day=1)]
    while len(out) < count:
        last = out[-1]
        out.append(
            last.replace(year=last.year - 1, month=12)
            if last.month == 1
            else last.replace(month=last.month - 1)
        )
    return out


def month_of(key: str, today: date) -> date:
    """The month of an address (`2026-11`); the present one when it names none."""
    return next((m for m in months(today) if f"{m:%Y-%m}" == key), today.replace(day=1))


def entries(actor: Any, month: date) -> list[LateRow]:
    """Cases that came up in a month: at the province when there is one above, else when they were sent. One query.

    Raises PermissionDenied.
    """
    require(actor)
    after = (
        month.replace(year=month.year + 1, month=1)
        if month.month == 12
        else month.replace(month=month.month + 1)
    )
    with connection.cursor() as c:
        c.execute(
            "select c.case_id, c.person_id, c.number, k.name, o.name, c.student_name, c.summary, c.form, c.status, c.end_reason,"
            "  c.ended_at, coalesce(w.label, '')"
            " from case_ c join org o on o.id = c.org_id join school s on s.org_id = c.org_id join org k on k.id = s.county_id"
            " left join lateral (select min(t.arrived_at) as at from case_step t where t.case_id = c.case_id"
            "   and t.side = 'province') p on true"
            " left join lateral (select t.label from case_step t where t.case_id = c.case_id and t.state = 'current'"
            "   order by t.seq limit 1) w on true"
            " where c.business = %(kind)s and c.number is not null and coalesce(p.at, c.submitted_at) >= %(a)s"
            " and coalesce(p.at, c.submitted_at) < %(b)s and (%(school)s::int is null or c.org_id = %(school)s)"
            " order by k.id, o.id, c.submitted_at, c.case_id limit %(most)s",
            {
                "kind": LATE,
                "a": midnight(month),
                "b": midnight(after),
                "school": actor.org_id if actor.org_kind == "school" else None,
                "most": MOST,
            },
        )
        rows = c.fetchall()
    return [_row(row) for row in rows]


def _row(row: tuple[Any, ...]) -> LateRow:
    case_id, person, number, county, school, name, summary, form, status, why, ended, waits = row
    summary = json.loads(summary) if isinstance(summary, str) else summary
    form = json.loads(form) if isinstance(form, str) else form
    tone, result = "blue", _("待%s") % waits if waits else str(CaseStatus(status).label)
    if status in (CaseStatus.DONE, CaseStatus.APPROVED):
        tone, result = "green", _("查重通过, 已建籍")
    elif status == CaseStatus.REFUSED:
        tone, result = "red", _("未通过, 改办转学: %s") % (why or "—")
    elif status in (CaseStatus.WITHDRAWN, CaseStatus.CANCELLED):
        tone = "grey"
    if ended:
        result += f" {local_day(ended).isoformat()}"
    return LateRow(
        case_id,
        person,
        number or "",
        county,
        school,
        name,
        summary.get("sex", ""),
        summary.get("birth_date", ""),
        form.get("new_number_masked") or _("无证件号"),
        summary.get("grade", ""),
        form.get("from_school", ""),
        form.get("reason", ""),
        result,
        tone,
    )


def export(actor: Any, month: date) -> tuple[bytes, str]:
    """The list as a workbook and its file name; masked, in the log before it leaves. Raises as `entries`."""
    with translation.override("zh-hans"):
        found = entries(actor, month)
        record(
            actor,
            "register.export",
            object_type="register",
            after={"register": TITLE, "month": f"{month:%Y-%m}", "form": "xlsx"},
            row_count=len(found),
            persons=[r.person_id for r in found if r.person_id],
        )
        rows = [
            [
                str(i),
                r.number,
                r.county,
                r.school,
                r.name,
                r.sex,
                r.birth_date,
                r.identity,
                r.grade,
                r.former,
                r.reason,
                r.result,
            ]
            for i, r in enumerate(found, start=1)
        ]
        mark = f"{actor.user_name} {timezone.localtime():%Y-%m-%d %H:%M}"
        data = write_table(
            [SheetColumn(label=label) for label in HEAD], rows, title=f"{actor.org_name} {TITLE}",
            notes=[f"{month:%Y-%m}"], watermark=mark,
        )  # fmt: skip
        return data, f"{actor.org_name}{TITLE}{month:%Y%m}.xlsx"


__all__ = ["LateRow", "entries", "export", "month_of", "months"]
