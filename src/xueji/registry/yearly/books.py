"""What leaves on paper or as a workbook: 毕业生名册, 毕业生登记表, 毕业生升学情况名册. Noted in the audit before it leaves."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.orgs.grades import class_label
from xueji.ground.orgs.models import Org, Stage
from xueji.ground.paper.graduate_form import (
    MAX_FORMS,
    MAX_HISTORY,
    GraduateForm,
    GraduateForms,
    render_graduate_forms,
)
from xueji.ground.paper.roster import ListColumn, PaperList, render_list
from xueji.ground.paper.wording import zh_date
from xueji.ground.policy.statuses import Status
from xueji.ground.sheets.write import SheetColumn, write_table
from xueji.registry.enrolment.words import business_label
from xueji.registry.people import queries as people

from . import facts, listing, queries
from .errors import YearlyError
from .models import GraduationList, ListKind
from .queries import Item

_CARDS = 500
_PAPER = (
    ListColumn(label="序号", mm=11, centre=True),
    ListColumn(label="学籍号", mm=44),
    ListColumn(label="姓名", mm=30),
    ListColumn(label="性别", mm=12, centre=True),
    ListColumn(label="出生日期", mm=24, centre=True),
    ListColumn(label="班级", mm=34),
    ListColumn(label="结论", mm=18, centre=True),
    ListColumn(label="毕业去向", mm=50),
    ListColumn(label="备注"),
)
_SHEET = (
    ("序号", "number", 8), ("学籍号", "text", 24), ("姓名", "text", 16), ("性别", "text", 8), ("出生日期", "date", 13),
    ("班级", "text", 18), ("结论", "text", 10), ("毕业去向", "text", 26), ("备注", "text", 34),
)  # fmt: skip


def _watermark(actor: Any) -> str:
    return f"{actor.user_name} {timezone.localtime():%Y-%m-%d %H:%M}"


def _gather(
    actor: Any, row: GraduationList, f: queries.Filters, most: int
) -> tuple[list[Item], dict[uuid.UUID, str]]:
    """The reported children of a list with their (masked) numbers."""
    if row.school_id != actor.org_id and not actor.can("yearly.place"):
        raise PermissionDenied(_("名册由学校和主管部门打印"))
    found, more = queries.items(row, f, limit=most)
    if more:
        raise YearlyError(_("一次最多打印 %s 人, 请按班级分别打印") % most)
    found = [x for x in found if x.result is not None]
    if not found:
        raise YearlyError(_("没有可以打印的学生"))
    numbers: dict[uuid.UUID, str] = {}
    ids = [x.person_id for x in found]
    for i in range(0, len(ids), _CARDS):
        numbers |= {k: c.number for k, c in people.cards(actor, ids[i : i + _CARDS]).items()}
    return found, numbers


def _note(actor: Any, row: GraduationList, what: str, n: int) -> None:
    record(
        actor, f"yearly.{what}", object_type="graduation_list", object_id=row.list_id, after={"number": row.number},
        row_count=n,
    )  # fmt: skip


def _lines(found: Sequence[Item], numbers: dict[uuid.UUID, str]) -> list[tuple[Any, ...]]:
    out = []
    for i, x in enumerate(found, start=1):
        remark = x.reason if x.manual else ""
        out.append(
            (
                i,
                numbers.get(x.person_id, ""),
                x.name,
                x.sex,
                x.birth_date,
                x.place,
                x.result_label,
                x.destination,
                remark,
            )
        )
    return out


def register_pdf(actor: Any, list_id: uuid.UUID, f: queries.Filters) -> tuple[bytes, str]:
    """毕业生名册 as PDF and its file name (C-GRA-02, C-GRA-08). Raises PermissionDenied, Http404, `YearlyError`."""
    row = queries.get(actor, list_id)
    found, numbers = _gather(actor, row, f, 4000)
    _note(actor, row, "register.print", len(found))
    school, title = Org.objects.get(pk=row.school_id).name, queries.title_of(row)
    boys = sum(x.sex == "男" for x in found)
    data = render_list(
        PaperList(
            title=title,
            subtitle=_("生效日期 %s") % zh_date(row.effective_on),
            org_name=school,
            facts=[
                ("名册编号", row.number or _("未上报")),
                ("人数", f"{len(found)}人（男{boys}，女{len(found) - boys}）"),
                *(
                    (str(Status(int(k)).label), f"{sum(x.result == int(k) for x in found)}人")
                    for k in ("12", "13", "14")
                ),
            ],
            columns=_PAPER,
            rows=[
                [str(n), no, name, sex, born.isoformat(), place, result, goes, remark]
                for n, no, name, sex, born, place, result, goes, remark in _lines(found, numbers)
            ],
            printed_by=actor.user_name,
            printed_at=timezone.localtime().replace(microsecond=0),
            reference=row.number or "",
            watermark=_watermark(actor),
            signatures=("制表人（签字）", "校长（签字）", "学校（盖章）", "主管部门（盖章）"),
        )
    )
    return data, f"{school}{title}.pdf"


def register_xlsx(actor: Any, list_id: uuid.UUID, f: queries.Filters) -> tuple[bytes, str]:
    """毕业生名册 as a workbook and its file name. Raises as `register_pdf`."""
    row = queries.get(actor, list_id)
    found, numbers = _gather(actor, row, f, 5000)
    _note(actor, row, "register.export", len(found))
    school, title = Org.objects.get(pk=row.school_id).name, queries.title_of(row)
    data = write_table(
        [SheetColumn(label=label, kind=kind, width=width) for label, kind, width in _SHEET],  # type: ignore[arg-type]
        _lines(found, numbers),
        title=f"{school} {title}",
        notes=[_("名册编号 %(no)s, 生效日期 %(day)s") % {"no": row.number or "—", "day": row.effective_on}],
        watermark=_watermark(actor),
    )
    return data, f"{school}{title}.xlsx"


def destinations_xlsx(actor: Any, list_id: uuid.UUID) -> tuple[bytes, str]:
    """毕业生升学情况名册: who went where, those without a word included (C-GRA-06). Raises as `register_pdf`."""
    row = queries.get(actor, list_id)
    if row.kind == ListKind.UNDO:
        raise Http404
    found, numbers = _gather(actor, row, queries.Filters(), 5000)
    _note(actor, row, "destinations.export", len(found))
    school, title = Org.objects.get(pk=row.school_id).name, queries.title_of(row)
    known = sum(bool(x.destination) for x in found)
    data = write_table(
        [SheetColumn(label=label, kind=kind, width=width) for label, kind, width in _SHEET[:8]],  # type: ignore[arg-type]
        ((*line[:7], line[7] or "未登记") for line in _lines(found, numbers)),
        title=f"{school} {row.effective_on.year}届{Stage(row.stage).label}毕业生升学情况名册",
        notes=[_("毕业生 %(n)s 人, 已登记去向 %(known)s 人") % {"n": len(found), "known": known}],
        watermark=_watermark(actor),
    )
    return data, f"{school}{title.replace('名册', '')}升学情况名册.xlsx"


def forms_pdf(
    actor: Any, list_id: uuid.UUID, f: queries.Filters, person_id: uuid.UUID | None
) -> tuple[bytes, str]:
    """毕业生登记表 of one child, or of a class (C-GRA-08). Raises as `register_pdf`."""
    row = queries.get(actor, list_id)
    found, numbers = _gather(actor, row, f, 5000)
    if person_id is not None:
        found = [x for x in found if x.person_id == person_id]
    if not found:
        raise Http404
    if len(found) > MAX_FORMS:
        raise YearlyError(_("一次最多打印 %s 份登记表, 请先按班级筛选") % MAX_FORMS)
    _note(actor, row, "form.print", len(found))
    school = Org.objects.get(pk=row.school_id).name
    ids = [x.person_id for x in found]
    cards = people.cards(actor, ids[:_CARDS])
    histories = _histories(ids)
    asked = {
        q.id: q for q in facts.questions(listing.ground(row.school_id, row.kind, timezone.localdate()).policy)
    }
    title = f"{Stage(row.stage).label}毕业生登记表"
    forms = []
    for x in found:
        card = cards.get(x.person_id)
        forms.append(
            GraduateForm(
                facts=[
                    ("姓名", x.name), ("性别", x.sex), ("出生日期", x.birth_date.isoformat()),
                    ("民族", card.ethnicity_label if card else ""), ("学籍号", numbers.get(x.person_id, "")),
                    ("班级", x.place), ("班内学号", str(x.seat or "")),
                    ("证件", f"{card.id_type_label} {card.identity}" if card else ""),
                ],
                history=histories.get(x.person_id, [])[-MAX_HISTORY:],
                results=[(asked[k].label, asked[k].word(v)) for k, v in x.given.items() if k in asked],
                conclusion=_("%(result)s（%(day)s）") % {"result": x.result_label, "day": zh_date(row.effective_on)},
                destination=x.destination,
            )
        )  # fmt: skip
    data = render_graduate_forms(
        GraduateForms(
            title=title, school_name=school, reference=row.number or "", forms=forms, printed_by=actor.user_name,
            printed_at=timezone.localtime().replace(microsecond=0), watermark=_watermark(actor),
        )
    )  # fmt: skip
    return data, f"{school}{found[0].name if len(found) == 1 else ''}{title}.pdf"


def _histories(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[tuple[str, str, str, str]]]:
    """Where and in which state each child was, oldest first: one query."""
    with connection.cursor() as c:
        c.execute(
            "select e.person_id, e.valid_from, e.valid_to, o.name, h.system, e.stage, e.cohort_year, k.number, e.business,"
            " e.status from enrolment_state e join org o on o.id = e.school_id join school h on h.org_id = e.school_id"
            " left join school_class k on k.id = e.class_id where e.person_id = any(%s::uuid[]) and e.kind = 1"
            " order by e.person_id, e.valid_from",
            [list(ids)],
        )
        found = c.fetchall()
    out: dict[uuid.UUID, list[tuple[str, str, str, str]]] = {}
    for person, begins, ends, school, system, stage, cohort, number, business, status in found:
        day: date = timezone.localdate(begins)
        klass = class_label(stage, cohort, number, system, day) if number else ""
        until = timezone.localdate(ends).isoformat() if ends else ""
        word = f"{business_label(business)}（{Status(status).code_label}）"
        out.setdefault(person, []).append((day.isoformat(), until, f"{school}{klass}", word))
    return out
