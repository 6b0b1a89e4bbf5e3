"""Class and grade inside the school: another class, a year again, a year ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as now
from django.utils.translation import gettext_lazy as _

from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import Trace
from xueji.ground.policy.statuses import Status

from ..material import Material, form_date
from ..models import Case
from ..subject import Subject
from . import common
from .forms import ClassForm, class_field, day_field, note_field, reason_field
from .spec import STUDYING, Check, Kind

CLASS_REASONS = ("班额调整", "分班调整", "学生适应情况", "监护人申请", "其他")
REPEAT_REASONS = ("学生和监护人自愿", "因病缺课较多", "其他")
SKIP_REASONS = ("学业成绩优异", "其他")


class ChangeClassForm(ClassForm):
    """Another class of the same grade."""

    reason = reason_field(*CLASS_REASONS)
    reason_note = note_field()
    to_class_id = class_field(_("只列出同年级的班级"))
    effective_on = day_field(_("调班日期"), _("今天或以后"))

    def prepare(self) -> None:
        self.offer_classes([self.case.summary.get("grade_code", "")])


class RepeatForm(ClassForm):
    """The same grade once more, with the next cohort."""

    reason = reason_field(*REPEAT_REASONS)
    to_class_id = class_field(_("只列出低一年级的班级"))
    effective_on = day_field(_("留级日期"), _("自这一天起编入新的班级"))
    reason_note = note_field(_("最近一次考试的情况, 与家长谈话的情况"))

    def prepare(self) -> None:
        self.offer_cohorts(1)


class SkipForm(ClassForm):
    """A grade ahead, with the result of the test."""

    reason = reason_field(*SKIP_REASONS)
    to_class_id = class_field(_("只列出高一年级的班级"))
    effective_on = day_field(_("跳级日期"), _("自这一天起编入新的班级"))
    test_on = day_field(_("高一年级水平测试日期"))
    test_ok = forms.ChoiceField(
        label=_("测试结果"),
        choices=[("", _("请选择")), ("合格", _("合格")), ("不合格", _("不合格"))],
        required=False,
        help_text=_("成绩单放在材料里"),
    )
    reason_note = note_field()

    def prepare(self) -> None:
        self.offer_cohorts(-1)


def _facts(m: Material) -> dict[str, Any]:
    form = m.case.form
    found = common.class_facts(m) | {"case.effective_on": form_date(form, "effective_on")}
    if form.get("test_ok"):
        found["student.next_level_test"] = form["test_ok"] == "合格"
    return found


def _other_class(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    """Another class of the grade, with room."""
    if m.place is not None and m.place.id == m.subject.class_id:
        yield Check(
            "class",
            "block",
            now("该生已经在这个班级"),
            action_url="#id_to_class_id",
            action_label=now("去修改"),
        )
        return
    yield from common.chosen_class_of_grade(policy, m, trace)


def _years(step: int, word: str) -> Callable[[PolicySet, Material, Trace], Iterable[Check]]:
    """A class whose cohort entered `step` years later than the child's own, with room; and who must have said so."""

    def run(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
        place = m.place
        if place is not None and place.cohort_year != m.subject.cohort_year + step:
            yield Check(
                "grade",
                "block",
                now("所选班级不是%s的班级") % word,
                action_url="#id_to_class_id",
                action_label=now("去修改"),
            )
        yield from common.chosen_class(policy, m, trace)
        business = m.case.business
        spoken = any(
            event.partition(".")[0] == business and m.subject.stage in rule.levels
            for rule in policy.rules
            for event in rule.on
        )
        if not spoken:
            yield Check(
                "unstated",
                "warn",
                now("本地规定没有写明能不能%s, 由主管部门核定") % policy.business(business).label,
            )

    return run


def _tested(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    yield from _years(-1, now("高一年级"))(policy, m, trace)
    if m.case.form.get("test_ok") != "合格":
        yield Check(
            "test",
            "block",
            now("跳级要先参加高一年级的水平测试并且合格"),
            action_url="#id_test_ok",
            action_label=now("去填写"),
        )
    yield from common.happened(m, "test_on", now("高一年级水平测试日期"))


def _repeats(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    yield from _years(1, now("低一年级"))(policy, m, trace)


def _effect(actor: Any, case: Case, m: Material, policy: PolicySet) -> date:
    day = common.day_of(case, m, "effective_on")
    detail = {k: case.form[k] for k in ("test_on", "test_ok") if case.form.get(k)}
    return common.write_step(
        actor, case, m, policy, to=Status.STUDYING, day=day, detail=detail, **common.into_class(m)
    )


def _moves(m: Material) -> dict[str, Any]:
    """From which class into which."""
    form = m.case.form
    lines = common.rows(
        (_("现在的班级"), m.subject.class_name(m.today)),
        (_("测试日期"), form.get("test_on")),
        (_("测试结果"), form.get("test_ok")),
    )
    return lines | common.class_wanted(m)


def _suggested(_child: Subject, today: date) -> dict[str, Any]:
    return {"effective_on": today.isoformat()}


KINDS = (
    Kind(
        "change_class",
        _("调班"),
        _("换一个班级(调班)"),
        _("在同年级内换班, 由学校办理, 提交后就生效"),
        _("调班"),
        "switch-horizontal",
        "grade",
        STUDYING,
        ChangeClassForm,
        _effect,
        facts=_facts,
        checks=_other_class,
        wanted=_moves,
        suggested=_suggested,
        days=(("effective_on", _("调班日期")),),
        common=True,
    ),
    Kind(
        "repeat",
        _("留级"),
        _("再读一年(留级)"),
        _("编入低一年级。能不能办理看本地规定"),
        _("留级"),
        "chevron-down",
        "grade",
        STUDYING,
        RepeatForm,
        _effect,
        facts=_facts,
        checks=_repeats,
        wanted=_moves,
        suggested=_suggested,
        days=(("effective_on", _("留级日期")),),
    ),
    Kind(
        "skip",
        _("跳级"),
        _("提前升一个年级(跳级)"),
        _("编入高一年级, 要有水平测试的结果。能不能办理看本地规定"),
        _("跳级"),
        "chevron-up",
        "grade",
        STUDYING,
        SkipForm,
        _effect,
        facts=_facts,
        checks=_tested,
        wanted=_moves,
        suggested=_suggested,
        days=(("effective_on", _("跳级日期")),),
    ),
)
