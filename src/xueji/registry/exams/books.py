"""What leaves an exam's registration: the verification list and the tickets (准考证)."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.paper.exam_ticket import MAX_TICKETS, Ticket, TicketBatch, render_tickets
from xueji.ground.sheets.write import SheetColumn, write_table
from xueji.registry.people import queries as people

from . import queries
from .errors import ExamError
from .models import Exam, ExamState

_CARDS = 500
_HEAD = (
    ("序号", 8), ("姓名", 16), ("性别", 8), ("出生日期", 14), ("班级", 18), ("学籍号", 24), ("证件号", 24),
    ("核对结果", 12), ("说明", 30), ("与学籍比较", 18), ("准考证号", 20), ("考场", 8), ("座位", 8),
)  # fmt: skip


def _school(actor: Any) -> int | None:
    return int(actor.org_id) if queries.is_school(actor) else None


def book(actor: Any, exam_id: int) -> tuple[bytes, str]:
    """报名核对名单 as a workbook: every pupil with what was found; numbers masked. Noted before it leaves.

    Raises PermissionDenied, Http404, `ExamError` beyond 4,000 pupils.
    """
    exam = queries.exam(actor, exam_id)
    rows, more = queries.entries(exam_id, school_id=_school(actor), limit=queries.MOST)
    if more:
        raise ExamError(_("一次最多下载 %s 人, 请由各校分别下载") % queries.MOST)
    ids = [r.person_id for r in rows]
    cards: dict[Any, Any] = {}
    for i in range(0, len(ids), _CARDS):
        cards |= people.cards(actor, ids[i : i + _CARDS])
    subjects = [s for s, _form in exam.subjects]
    _note(actor, "exams.book", exam, rows)
    data = write_table(
        [SheetColumn(label=label, width=width) for label, width in (*_HEAD, *((s, 10) for s in subjects))],
        [
            (
                str(i), r.name, r.sex_label, r.birth_date.isoformat(), r.class_name,
                cards[r.person_id].number if r.person_id in cards else "",
                cards[r.person_id].identity if r.person_id in cards else "",
                r.label, r.why, r.differs, r.ticket, str(r.room or ""), str(r.seat or ""),
                *(mark for _s, mark in r.listed(exam.subjects)),
            )
            for i, r in enumerate(rows, start=1)
        ],
        title=_("%s报名核对名单") % exam.name,
        watermark=f"{actor.org_name} {actor.user_name}",
    )  # fmt: skip
    return data, f"{exam.name}报名核对名单.xlsx"


def parts(actor: Any, exam: Exam, total: int) -> list[int]:
    """Where each document of tickets of the own school begins, as `after` of `tickets`; none before they are given out.

    A query only where there are more pupils (`total`) than one document holds.
    """
    school = _school(actor)
    if school is None or exam.state == ExamState.OPEN:
        return []
    return [0] if total <= MAX_TICKETS else queries.ticket_parts(exam.pk, school, MAX_TICKETS)


def tickets(actor: Any, exam_id: int, *, after: int = 0) -> tuple[bytes, str]:
    """准考证 of the own school (of a teacher: of the own class), at most a thousand at a time (`parts`).

    Noted before it leaves. Raises PermissionDenied, Http404, `ExamError` before they are given out.
    """
    exam = queries.exam(actor, exam_id)
    if not queries.is_school(actor):
        raise Http404
    if exam.state == ExamState.OPEN:
        raise ExamError(_("主管部门编排准考证以后才能打印"))
    rows, _more = queries.entries(
        exam_id, school_id=actor.org_id, seated=True, after=after, limit=MAX_TICKETS
    )
    if not rows:
        raise ExamError(_("没有可以打印的准考证"))
    _note(actor, "exams.tickets", exam, rows)
    data = render_tickets(
        TicketBatch(
            exam=exam.name,
            office=exam.org_name,
            school=actor.org_name,
            held_on=exam.held_on,
            subjects=[s for s, _form in exam.subjects],
            tickets=[
                Ticket(
                    number=r.ticket,
                    name=r.name,
                    sex=r.sex_label,
                    class_name=r.class_name,
                    room=r.room or 0,
                    seat=r.seat or 0,
                )
                for r in rows
            ],
            printed_by=actor.user_name,
            printed_at=timezone.localtime(),
        )
    )
    return data, f"{exam.name}准考证.pdf"


def _note(actor: Any, action: str, exam: Exam, rows: list[queries.Entry]) -> None:
    record(
        actor,
        action,
        object_type="exam",
        object_id=exam.pk,
        after={"name": exam.name},
        row_count=len(rows),
        persons=[r.person_id for r in rows],
    )
