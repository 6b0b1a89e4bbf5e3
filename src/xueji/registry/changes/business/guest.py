"""Borrowed study (借读): a child studies at one school while another keeps the record.

Begun in mid-course, the record stays where it is and the host keeps a temporary one (a chain of its own). From the
starting grade the place may let the host manage the record itself (`borrow.start_grade_record_at`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as now
from django.utils.translation import gettext_lazy as _

from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import Trace
from xueji.ground.policy.statuses import Status
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.models import GUEST
from xueji.registry.enrolment.timeline import Step, midnight
from xueji.registry.people import commands as people
from xueji.registry.people import queries as people_queries

from .. import history
from ..material import Material, form_date
from ..models import Case
from ..routing import policy_for
from ..subject import Subject
from . import common
from .forms import CaseForm, ClassForm, class_field, day_field, note_field, reason_field
from .spec import OPEN, STUDYING, Check, Kind

ORIGIN, HOST = "原学校", "借读学校"
TEMPORARY, WHOLE = "临时借读学籍", "学籍"
MIGRANT = "随迁子女借读"
_SOURCE_BORROWED = "2"
_CONDUCT = ("优秀", "良好", "合格", "不合格")


class BorrowForm(ClassForm):
    """A child of another school comes for a while."""

    borrow_kind = forms.ChoiceField(
        label=_("借读类型"),
        required=False,
        choices=[("普通借读", _("普通借读")), (MIGRANT, _("随迁子女借读(到指定学校)"))],
    )
    reason = reason_field(_("随监护人外出务工"), _("监护人工作调动"), _("家庭原因"), _("其他"))
    reason_note = note_field()
    to_class_id = class_field(_("只列出同年级的班级"))
    start = day_field(_("借读开始日期"))
    end = day_field(_("借读结束日期"), _("到期前一个月会提醒两所学校"))

    def prepare(self) -> None:
        self.offer_classes([self.case.summary.get("grade_code", "")])


class BorrowEndForm(CaseForm):
    """The child goes back; what the host found goes along."""

    ends_on = day_field(_("结束借读日期"))
    conduct = forms.ChoiceField(
        label=_("操行评定"), required=False, choices=[("", _("请选择")), *((w, w) for w in _CONDUCT)]
    )
    marks = forms.CharField(
        label=_("成绩"),
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("各学科考核结果, 与借读证明一致"),
    )
    years = forms.CharField(
        label=_("借读年限"), required=False, max_length=60, help_text=_("例如 2025年9月至2026年7月, 共1学年")
    )


def _variant(m: Material) -> str:
    """`start_grade` when the place lets the host manage the record of a child who begins there."""
    grade = m.subject.grade(m.today)
    held = policy_for(m.units.start, m.today).param("borrow.start_grade_record_at")
    mid_course = grade is None or grade.year > 1 or m.case.form.get("borrow_kind") == MIGRANT
    return "" if mid_course or not held.stated or held.value != HOST else "start_grade"


def _facts(m: Material) -> dict[str, Any]:
    moves = m.units.variant == "start_grade"
    grade = m.subject.grade(m.today)
    return common.class_facts(m) | {
        "case.start": form_date(m.case.form, "start"),
        "case.end": form_date(m.case.form, "end"),
        "case.record_at": HOST if moves else ORIGIN,
        "case.record_kind": WHOLE if moves else TEMPORARY,
        "case.exam_at": HOST if moves else ORIGIN,
        "case.recorded_with": ["教育科", "学籍主管部门"],
        "student.migrant": m.case.form.get("borrow_kind") == MIGRANT,
        "student.graduating": bool(grade and grade.last),
        "student.start_grade": bool(grade and grade.year == 1),
    }


def _checks(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    if history.guest_school(m.subject.person_id) is not None:
        yield Check("stay", "block", now("该生现在已在其他学校借读, 要先结束那边的借读"))
    start, end = form_date(m.case.form, "start"), form_date(m.case.form, "end")
    if start and end and end <= start:
        yield Check(
            "dates",
            "block",
            now("借读结束日期要晚于开始日期"),
            action_url="#id_end",
            action_label=now("去修改"),
        )
    yield from common.chosen_class_of_grade(policy, m, trace)
    if m.units.variant == "start_grade":
        yield Check("record", "pass", now("从起始年级借读, 学籍转由借读学校管理"))
    else:
        yield Check("record", "pass", now("学籍保留在原学校, 本校建立临时借读学籍"))


def _wanted(m: Material) -> dict[str, Any]:
    household = next(
        (f.value for f in people_queries.profile(None, m.subject.person_id) if f.key == "household_division"),
        "",
    )
    moves = m.units.variant == "start_grade"
    return common.class_wanted(m) | common.rows(
        (now("借读类型"), m.case.form.get("borrow_kind")),
        (now("户口所在地"), household),
        (now("学籍所在"), m.units.start.name if moves else m.subject.school_name),
        (now("借读开始日期"), m.case.form.get("start")),
        (now("借读结束日期"), m.case.form.get("end")),
    )


def _suggested(_child: Subject, today: date) -> dict[str, Any]:
    return {"start": today.isoformat(), "borrow_kind": "普通借读"}


def _borrow(actor: Any, case: Case, m: Material, policy: PolicySet) -> date:
    """A guest's chain beside the record, or the record itself goes to the host."""
    day = common.day_of(case, m, "start")
    said = {
        "planned_end": case.form.get("end"),
        "origin": m.subject.school_name,
        "record_kind": WHOLE if case.variant == "start_grade" else TEMPORARY,
        "borrow_kind": case.form.get("borrow_kind"),
    }
    if case.variant == "start_grade":
        common.write_step(
            actor, case, m, policy, to=Status.STUDYING, day=day, detail=said, **common.into_class(m)
        )
        people.change_profile(
            actor,
            m.subject.person_id,
            {"student_source": _SOURCE_BORROWED},
            event_id=case.case_id,
            at=midnight(day),
        )
        return day
    enrolment.apply_step(actor, _step(case, m, policy, Status.STUDYING, day, said, **common.into_class(m)))
    return day


def _step(
    case: Case, m: Material, policy: PolicySet, to: Status, day: date, said: dict[str, Any], **where: Any
) -> Step:
    return Step(
        person_id=m.subject.person_id,
        business=case.business,
        to_status=to,
        at=midnight(day),
        kind=GUEST,
        case_id=case.case_id,
        article=common.article(policy, case),
        reason=case.summary.get("reason", ""),
        detail={"case": case.number} | said,
        **where,
    )


def _end_facts(m: Material) -> dict[str, Any]:
    return {"case.end": form_date(m.case.form, "ends_on"), "case.record_at": ORIGIN, "case.exam_at": ORIGIN}


def _end_checks(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    if history.guest_school(m.subject.person_id) != m.units.start.pk:
        yield Check("stay", "block", now("该生现在不在本校借读"))
    for key, text in (
        ("conduct", now("还没有填写操行评定")),
        ("marks", now("还没有填写成绩")),
        ("years", now("还没有填写借读年限")),
    ):
        if not m.case.form.get(key):
            yield Check(key, "block", text, action_url=f"#id_{key}", action_label=now("去填写"))


def _end_wanted(m: Material) -> dict[str, Any]:
    form = m.case.form
    return common.rows(
        (now("结束借读日期"), form.get("ends_on")),
        (now("操行评定"), form.get("conduct")),
        (now("成绩"), form.get("marks")),
        (now("借读年限"), form.get("years")),
    )


def _end_suggested(_child: Subject, today: date) -> dict[str, Any]:
    return {"ends_on": today.isoformat()}


def _end(actor: Any, case: Case, m: Material, policy: PolicySet) -> date:
    """The guest's chain ends; marks, conduct and years stand in the record that the origin keeps (C-BOR-03)."""
    day = common.day_of(case, m, "ends_on")
    said = {key: case.form.get(key, "") for key in ("conduct", "marks", "years")} | {
        "host": m.units.start.name
    }
    enrolment.apply_step(actor, _step(case, m, policy, Status.TRANSFERRED_OUT, day, said))
    enrolment.write_event(
        actor,
        m.subject.person_id,
        business=case.business,
        case_id=case.case_id,
        article=common.article(policy, case),
        detail={"case": case.number} | said,
    )
    return day


KINDS = (
    Kind(
        "borrow",
        _("借读"),
        _("到我校借读"),
        _("学生在外校有学籍, 来我校读一段时间; 凭姓名和学籍号(或证件号)发起"),
        _("借读"),
        "address-book",
        "guest",
        STUDYING,
        BorrowForm,
        _borrow,
        facts=_facts,
        checks=_checks,
        wanted=_wanted,
        suggested=_suggested,
        days=(("start", _("借读开始日期")), ("end", _("借读结束日期"))),
        lookup=True,
        variant=_variant,
    ),
    Kind(
        "borrow_end",
        _("结束借读"),
        _("结束借读, 交回借读证明"),
        _("填写成绩、操行和借读年限, 交回原学校记入学籍"),
        _("结束借读"),
        "arrow-back-up",
        "guest",
        OPEN,
        BorrowEndForm,
        _end,
        facts=_end_facts,
        checks=_end_checks,
        wanted=_end_wanted,
        suggested=_end_suggested,
        days=(("ends_on", _("结束借读日期")),),
        despite_problem=True,
        needs_reason=False,
        guest=True,
    ),
)
