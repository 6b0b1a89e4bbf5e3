"""学籍信息台账 of a class: every child with every movement of the school year and what is still pending (C-INF-10)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.http import Http404
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from xueji.ground.accounts.roles import SCHOOL_STAFF
from xueji.ground.audit.commands import record
from xueji.ground.orgs.grades import class_label, start_year_of
from xueji.ground.paper.roster import ListColumn, PaperList, render_list
from xueji.ground.policy.statuses import Status
from xueji.ground.sheets.write import SheetColumn, write_table
from xueji.ground.standards.identity import SEX_WORDS
from xueji.registry.enrolment.timeline import local_day, midnight
from xueji.registry.enrolment.words import business_label
from xueji.registry.people import queries as people

from .kinds import label_of
from .models import OPEN

MOST = 300
HEAD = (
    "序号",
    "班内学号",
    "姓名",
    "性别",
    "出生日期",
    "学籍号",
    "学籍状态",
    "本学年变动",
    "在办业务",
    "备注",
)


@dataclass(frozen=True)
class LedgerRow:
    """One child of the ledger."""

    seat: str
    name: str
    sex: str
    birth_date: date
    number: str
    status: str
    moves: str
    pending: str
    remark: str


@dataclass(frozen=True)
class Ledger:
    """The ledger of a class on a day."""

    school: str
    name: str
    since: date
    day: date
    rows: Sequence[LedgerRow]

    @property
    def pending(self) -> int:
        """How many children have something pending."""
        return sum(bool(r.pending) for r in self.rows)


def ledger(actor: Any, class_id: int) -> Ledger:
    """Who is in the class, and who left it since the school year began; five queries for any class.

    Raises PermissionDenied, Http404 for a class out of scope.
    """
    actor.require("roster.print")
    day = timezone.localdate()
    since = date(start_year_of(day), 9, 1)
    with connection.cursor() as c:
        c.execute(
            "select k.school_id, k.stage, k.cohort_year, k.number, o.name, s.system from school_class k"
            " join school s on s.org_id = k.school_id join org o on o.id = k.school_id where k.id = %s",
            [class_id],
        )
        found = c.fetchone()
        mine = found is not None and (
            found[0] == actor.org_id if actor.role in SCHOOL_STAFF else class_id in actor.classes
        )
        if not mine:
            raise Http404
        school_id, stage, cohort, number, school, system = found
        c.execute(
            "select r.person_id, r.name, r.sex, r.birth_date, r.class_seat, r.status, r.reason, r.until, r.problem"
            " from roster r where r.school_id = %(school)s and r.class_id = %(class)s"
            " and (r.reason <> 'former' or r.until >= %(since)s)"
            " order by r.reason = 'former', r.class_seat nulls last, r.pinyin_sort, r.person_id limit %(most)s",
            {"school": school_id, "class": class_id, "since": midnight(since), "most": MOST},
        )
        pupils = c.fetchall()
        ids = [p[0] for p in pupils]
        c.execute(
            "select e.person_id, e.business, e.valid_at, e.detail ->> 'direction', coalesce(f.short_name, ''),"
            "  coalesce(t.short_name, '') from event e"
            " left join org f on f.id = (e.detail ->> 'from_school')::int"
            " left join org t on t.id = (e.detail ->> 'to_school')::int"
            " where e.person_id = any(%s::uuid[]) and e.valid_at >= %s order by e.valid_at, e.recorded_at, e.event_id limit 2000",
            [ids, midnight(since)],
        )
        events = c.fetchall()
        c.execute(
            "select c.person_id, c.business, coalesce(c.number, ''), c.status, coalesce(o.name, ''), st.due_on"
            " from case_ c left join case_step st on st.case_id = c.case_id and st.seq = c.current_seq"
            "  and st.state = 'current' left join org o on o.id = st.org_id"
            " where c.person_id = any(%s::uuid[]) and c.status = any(%s) order by c.submitted_at, c.case_id limit 500",
            [ids, [str(s) for s in OPEN]],
        )
        cases = c.fetchall()
    cards = people.cards(actor, ids)
    moves = _moves(events)
    pending = _pending(cases)
    rows = [
        LedgerRow(
            seat=str(seat or ""),
            name=name,
            sex=SEX_WORDS.get(sex, ""),
            birth_date=birth,
            number=card.number if (card := cards.get(person)) else "",
            status=_("已离开") if reason == "former" else str(Status(status).label),
            moves="；".join(moves.get(person, ())),
            pending="；".join(pending.get(person, ())),
            remark=_remark(reason, until, problem),
        )
        for person, name, sex, birth, seat, status, reason, until, problem in pupils
    ]
    return Ledger(school, class_label(stage, cohort, number, system, day), since, day, rows)


def _remark(reason: str, until: Any, problem: bool) -> str:
    words = []
    if reason == "former":
        words.append(_("%s 离开") % local_day(until) if until else _("已离开"))
    if reason == "guest":
        words.append(_("借读"))
    if problem:
        words.append(_("问题学籍"))
    return " ".join(words)


def _moves(events: Sequence[Any]) -> dict[uuid.UUID, list[str]]:
    out: dict[uuid.UUID, list[str]] = {}
    for person, business, at, direction, source, target in events:
        label = business_label(business)
        if direction == "in":
            label = _("由%s转入") % source if source else _("转入")
        elif direction == "out":
            label = _("转往%s") % target if target else _("转出")
        out.setdefault(person, []).append(f"{local_day(at).isoformat()} {label}")
    return out


def _pending(cases: Sequence[Any]) -> dict[uuid.UUID, list[str]]:
    """The pending marks: what is under way, where, until when."""
    out: dict[uuid.UUID, list[str]] = {}
    for person, business, number, status, holder, due in cases:
        where = {
            "waiting": _("等待前置业务"),
            "returned": _("退回待修改"),
            "approved": _("已批准待生效"),
        }.get(status, _("在%s") % holder if holder else "")
        until = _("%s 前") % due if due else ""
        out.setdefault(person, []).append(
            " ".join(x for x in ("●", label_of(business), number, where, until) if x)
        )
    return out


def _cells(found: Ledger) -> list[list[str]]:
    return [
        [
            str(i), r.seat, r.name, r.sex, r.birth_date.isoformat(), r.number, r.status, r.moves, r.pending, r.remark,
        ]
        for i, r in enumerate(found.rows, start=1)
    ]  # fmt: skip


def _note(actor: Any, action: str, class_id: int, found: Ledger) -> None:
    record(
        actor,
        action,
        object_type="class",
        object_id=class_id,
        after={"register": f"{found.name}台账", "fields": list(HEAD)},
        row_count=len(found.rows),
    )


def _mark(actor: Any) -> str:
    return f"{actor.user_name} {timezone.localtime():%Y-%m-%d %H:%M}"


def as_pdf(actor: Any, class_id: int) -> tuple[bytes, str]:
    """The ledger on paper and its file name; in the log before it leaves. Raises as `ledger`, `MissingGlyphs`."""
    with translation.override("zh-hans"):
        found = ledger(actor, class_id)
        _note(actor, "ledger.print", class_id, found)
        widths = (9, 12, 22, 9, 21, 36, 16, 62, None, 20)
        data = render_list(
            PaperList(
                title="学籍信息台账",
                subtitle=found.name,
                org_name=found.school,
                facts=[
                    ("班级", found.name),
                    ("统计期间", f"{found.since.isoformat()} 至 {found.day.isoformat()}"),
                    ("人数", f"{len(found.rows)}人"),
                    ("有在办业务", f"{found.pending}人"),
                ],
                columns=[
                    ListColumn(label=label, mm=mm, centre=label in ("序号", "班内学号", "性别", "出生日期"))
                    for label, mm in zip(HEAD, widths, strict=True)
                ],
                rows=_cells(found),
                printed_by=actor.user_name,
                printed_at=timezone.localtime().replace(microsecond=0),
                watermark=_mark(actor),
                signatures=("班主任（签字）", "学籍管理员（签字）", "学校（盖章）"),
            )
        )
    return data, f"{found.school}{found.name}学籍台账.pdf"


def as_xlsx(actor: Any, class_id: int) -> tuple[bytes, str]:
    """The ledger as a workbook and its file name; in the log before it leaves. Raises as `ledger`."""
    with translation.override("zh-hans"):
        found = ledger(actor, class_id)
        _note(actor, "ledger.export", class_id, found)
        widths = (8, 10, 16, 8, 13, 24, 12, 50, 50, 20)
        data = write_table(
            [SheetColumn(label=label, width=width) for label, width in zip(HEAD, widths, strict=True)],
            _cells(found),
            title=f"{found.school} {found.name} 学籍信息台账",
            notes=[
                f"{found.since.isoformat()} 至 {found.day.isoformat()}，有在办业务 {found.pending} 人，● 为在办标记"
            ],
            watermark=_mark(actor),
        )
    return data, f"{found.school}{found.name}学籍台账.xlsx"
