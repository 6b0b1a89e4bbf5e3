"""转入、转出学生花名册 and their like: who came, went, paused or returned at a school between two days (C-TRF-13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from xueji.ground.audit.commands import record
from xueji.ground.orgs.grades import class_label
from xueji.ground.paper.roster import ListColumn, PaperList, render_list
from xueji.ground.sheets.write import SheetColumn, write_table
from xueji.ground.standards.identity import SEX_WORDS
from xueji.registry.enrolment.timeline import end_of, local_day, midnight
from xueji.registry.enrolment.words import business_label
from xueji.registry.people import queries as people

MOST = 1000


@dataclass(frozen=True)
class Register:
    """One kind of register: its title on paper, the businesses, the direction of a transfer, what `other` names."""

    key: str
    label: Promise
    title: str
    businesses: tuple[str, ...]
    direction: str
    other: str


REGISTERS = (
    Register("in", _("转入"), "转入学生花名册", ("transfer", "transfer_in"), "in", "转出学校"),
    Register("out", _("转出"), "转出学生花名册", ("transfer", "transfer_out"), "out", "转入学校"),
    Register("suspend", _("休学"), "休学学生花名册", ("suspend", "suspend_extend"), "", "去向"),
    Register("resume", _("复学"), "复学学生花名册", ("resume", "restore"), "", "来源"),
    Register(
        "left",
        _("其他离校"),
        "离校学生花名册",
        ("withdraw", "expel", "cancel_entry", "abroad", "leave", "missing", "death"),
        "",
        "去向",
    ),
)
BY_KEY = {r.key: r for r in REGISTERS}
HEAD = ("序号", "姓名", "性别", "出生日期", "学籍号", "班级", "日期", "业务", "", "原因", "业务编号", "备注")


@dataclass(frozen=True)
class Entry:
    """One line of a register."""

    name: str
    sex: str
    birth_date: date
    number: str
    place: str
    day: date
    business: str
    other: str
    reason: str
    case: str


def entries(actor: Any, register: Register, start: date, end: date) -> list[Entry]:
    """The lines of the actor's school between two days, in order of the day; at most 1,000. Three queries.

    Raises PermissionDenied to whoever is not of the school's office.
    """
    actor.require("register.print")
    with connection.cursor() as c:
        c.execute(
            "select e.person_id, e.business, e.valid_at, r.name, r.sex, r.birth_date, k.stage, k.cohort_year, k.number,"
            "  s.system, coalesce(o.name, e.detail ->> 'other_school', e.detail ->> 'destination', ''), e.reason,"
            "  coalesce(e.detail ->> 'case', '')"
            " from event e join roster r on r.person_id = e.person_id and r.school_id = e.school_id and r.kind = 1"
            " join school s on s.org_id = e.school_id left join school_class k on k.id = coalesce(e.class_id, r.class_id)"
            " left join org o on o.id = case when %(way)s = 'in' then (e.detail ->> 'from_school')::int"
            "   when %(way)s = 'out' then (e.detail ->> 'to_school')::int end"
            " where e.school_id = %(school)s and e.business = any(%(kinds)s) and e.valid_at between %(a)s and %(b)s"
            " and (%(way)s = '' or coalesce(e.detail ->> 'direction', %(way)s) = %(way)s)"
            " order by e.valid_at, r.pinyin_sort, e.event_id limit %(most)s",
            {
                "way": register.direction,
                "school": actor.org_id,
                "kinds": list(register.businesses),
                "a": midnight(start),
                "b": end_of(end),
                "most": MOST,
            },
        )
        rows = c.fetchall()
    cards = people.cards(actor, list(dict.fromkeys(r[0] for r in rows))[:500]) if rows else {}
    return [
        Entry(
            name=name,
            sex=SEX_WORDS.get(sex, ""),
            birth_date=birth,
            number=card.number if (card := cards.get(person)) else "",
            place=class_label(stage, cohort, number, system, local_day(at)) if number else "",
            day=local_day(at),
            business=business_label(business),
            other=other,
            reason=reason,
            case=case,
        )
        for person, business, at, name, sex, birth, stage, cohort, number, system, other, reason, case in rows
    ]


def head_of(register: Register) -> list[str]:
    """The headings, with the word for the other side."""
    return [h or register.other for h in HEAD]


def _cells(found: Sequence[Entry]) -> list[list[str]]:
    return [
        [
            str(i), e.name, e.sex, e.birth_date.isoformat(), e.number, e.place, e.day.isoformat(), e.business,
            e.other, e.reason, e.case, "",
        ]
        for i, e in enumerate(found, start=1)
    ]  # fmt: skip


def export(actor: Any, register: Register, start: date, end: date, form: str) -> tuple[bytes, str]:
    """A register as `pdf` or `xlsx` and its file name; in the log before it leaves. Raises as `entries`, `MissingGlyphs`."""
    with translation.override("zh-hans"):
        found = entries(actor, register, start, end)
        record(
            actor,
            "register.export",
            object_type="register",
            after={
                "register": register.title,
                "from": start.isoformat(),
                "to": end.isoformat(),
                "form": form,
            },
            row_count=len(found),
        )
        period = f"{start.isoformat()} 至 {end.isoformat()}"
        mark = f"{actor.user_name} {timezone.localtime():%Y-%m-%d %H:%M}"
        name = f"{actor.org_name}{register.title}{start:%Y%m%d}-{end:%Y%m%d}.{form}"
        if form == "xlsx":
            widths = (8, 16, 8, 13, 24, 16, 13, 12, 26, 24, 24, 16)
            columns = [
                SheetColumn(label=label, width=width)
                for label, width in zip(head_of(register), widths, strict=True)
            ]
            title = f"{actor.org_name} {register.title}"
            return write_table(columns, _cells(found), title=title, notes=[period], watermark=mark), name
        wide = (9, 20, 9, 20, 36, 24, 20, 16, 34, None, 36, 14)
        sheet = PaperList(
            title=register.title,
            org_name=actor.org_name,
            facts=[("期间", period), ("人数", f"{len(found)}人")],
            columns=[
                ListColumn(label=label, mm=mm) for label, mm in zip(head_of(register), wide, strict=True)
            ],
            rows=_cells(found),
            printed_by=actor.user_name,
            printed_at=timezone.localtime().replace(microsecond=0),
            watermark=mark,
            signatures=("经办人（签字）", "负责人（签字）", "学校（盖章）"),
        )
        return render_list(sheet), name
