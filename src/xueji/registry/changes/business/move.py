"""Transfers: between schools of this system, and out of it. (Into it from elsewhere: `arrive`.)"""

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

from .. import results
from ..material import Material, form_date
from ..models import Case
from ..subject import Subject
from . import common, zones
from .forms import CaseForm, ClassForm, class_field, day_field, note_field, reason_field
from .spec import Check, Kind

REASONS = ("家庭住址变动", "监护人工作调动", "随监护人迁移户口", "其他")
GUARDIAN, PUPIL, SCHOOL = "监护人", "学生本人", "学校"
#: Who is taken before others while there is room; what a school may ask for beyond them is in the packs' rules.
PRIORITIES = ("户籍迁入", "政策性照顾对象", "军人、烈士或英模子女", "残疾学生", "其他优先对象")
_ADULT = 18
#: Statuses with which a child may be transferred without returning first (NAT-TRF-13).
MOVABLE = frozenset({Status.STUDYING, Status.ABROAD, Status.AWAY, Status.WITHDRAWN, Status.EXPELLED})


class TransferForm(ClassForm):
    """Transfer into the own school."""

    reason = reason_field(*REASONS)
    reason_note = note_field()
    initiator = forms.ChoiceField(
        label=_("由谁提出"),
        choices=[("", _("请选择")), *((who, who) for who in (GUARDIAN, PUPIL, SCHOOL))],
        required=False,
        help_text=_("由监护人书面申请, 已成年的可由学生本人申请; 学校不得胁迫或诱导学生转学"),
    )
    priority = forms.ChoiceField(
        label=_("优先类别"),
        choices=[("", _("不属于优先对象")), *((p, p) for p in PRIORITIES)],
        required=False,
    )
    priority_basis = forms.CharField(
        label=_("优先的依据"),
        max_length=100,
        required=False,
        help_text=_("属于优先对象的写明依据, 如证件名称和发证单位"),
    )
    hukou_area = zones.hukou_field()
    home_area = zones.home_field()
    to_class_id = class_field(_("只列出同年级的班级"))
    effective_on = day_field(_("转入日期"), _("自这一天起在本校在籍, 今天或以后"))

    def prepare(self) -> None:
        self.offer_reasons(REASONS, "transfer.reasons")
        self.offer_classes([self.case.summary.get("grade_code", "")])


class TransferOutForm(CaseForm):
    """Transfer to a school that is not in this system."""

    reason = reason_field(*REASONS)
    reason_note = note_field()
    destination = forms.CharField(label=_("转入学校"), max_length=100, required=False)
    destination_area = forms.CharField(
        label=_("转入学校所在地"), max_length=60, required=False, help_text=_("省、市、县, 国外的写国家")
    )
    effective_on = day_field(_("转出日期"), _("自这一天起不再在本校在籍, 今天或以后"))

    def prepare(self) -> None:
        self.offer_reasons(REASONS, "transfer.reasons")


def _facts(m: Material) -> dict[str, Any]:
    return (
        zones.facts(m)
        | common.class_facts(m)
        | {
            "case.effective_on": form_date(m.case.form, "effective_on"),
            "case.initiator": m.case.form.get("initiator") or None,
        }
    )


def _asked_freely(m: Material) -> Iterable[Check]:
    """A transfer is the family's wish: nobody at school forces or talks a child into it (C-TRF-06)."""
    who = m.case.form.get("initiator")
    born = m.subject.birth_date
    years = m.today.year - born.year - ((m.today.month, m.today.day) < (born.month, born.day))
    verdict, text = "block", ""
    if not who:
        verdict, text = "warn", now("还没有写明由谁提出转学")
    elif who == SCHOOL:
        text = now("学校不得胁迫或诱导学生转学, 转学须由监护人提出书面申请")
    elif who == PUPIL and years < _ADULT:
        text = now("该生未满 %s 周岁, 转学须由监护人提出书面申请") % _ADULT
    if text:
        yield Check("initiator", verdict, text, action_url="#id_initiator", action_label=now("去填写"))
    else:
        yield Check("initiator", "pass", now("转学由%s提出") % who)


def _marks(m: Material) -> Iterable[Check]:
    """In late grades what was passed goes along; until the paper is there, the former school is asked for it."""
    if not results.late(m.case.business, m.case.summary):
        return
    if results.SAME & m.docs:
        yield Check("results", "pass", now("已随附学业成绩证明"))
    else:
        yield Check(
            "results",
            "warn",
            now("八年级、九年级和高中阶段转学应随附学业成绩证明。可以先提交, 由转出学校核办时随附"),
            action_url="#materials",
            action_label=now("去上传"),
        )


def _priority(m: Material) -> Iterable[Check]:
    """Who claims to go first says on what that rests; those who decide read both."""
    group, basis = m.case.form.get("priority"), m.case.form.get("priority_basis")
    if group and not basis:
        yield Check(
            "priority",
            "block",
            now("选择了优先类别“%s”, 还没有写明依据") % group,
            action_url="#id_priority_basis",
            action_label=now("去填写"),
        )
    elif group:
        yield Check(
            "priority", "pass", now("优先对象: %(group)s, 依据: %(basis)s") % {"group": group, "basis": basis}
        )


def _transfer_wanted(m: Material) -> dict[str, Any]:
    form = m.case.form
    said = common.rows(
        (_("由谁提出"), form.get("initiator")),
        (_("优先类别"), form.get("priority")),
        (_("优先的依据"), form.get("priority_basis") if form.get("priority") else ""),
        *zones.lines(m),
    )
    return common.class_wanted(m) | said


def _transfer_checks(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    yield from common.chosen_class_of_grade(policy, m, trace)
    yield from _marks(m)
    yield from _asked_freely(m)
    yield from _priority(m)
    yield from zones.checks(m)
    if m.subject.status in MOVABLE and m.subject.status != Status.STUDYING:
        yield Check(
            "status_kept",
            "pass",
            now("该生现为“%s”, 不用先办返校; 全部核办通过后在本校变为在读") % m.subject.status.label,
        )


def _transfer(actor: Any, case: Case, m: Material, policy: PolicySet) -> date:
    day = common.day_of(case, m, "effective_on")
    common.write_step(actor, case, m, policy, to=Status.STUDYING, day=day, **common.into_class(m))
    common.end_guest(actor, case, m, policy, day)
    return day


def _out_facts(m: Material) -> dict[str, Any]:
    form = m.case.form
    content = [w for w, k in (("转出日期", "effective_on"), ("转入学校", "destination")) if form.get(k)]
    return {
        "case.effective_on": form_date(form, "effective_on"),
        "case.destination": form.get("destination") or None,
        "case.content": content or None,
    }


def _out_checks(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    for key, label in (("destination", now("转入学校")), ("destination_area", now("转入学校所在地"))):
        if not m.case.form.get(key):
            yield Check(
                key,
                "block",
                now("还没有填写%s") % label,
                action_url=f"#id_{key}",
                action_label=now("去填写"),
            )
    yield from _marks(m)
    yield Check("follow", "pass", now("办结后会列入“待对方接收”, 请跟踪到对方学校确认接收"))


def _out(actor: Any, case: Case, m: Material, policy: PolicySet) -> date:
    day = common.day_of(case, m, "effective_on")
    detail = {k: case.form[k] for k in ("destination", "destination_area") if case.form.get(k)}
    common.write_step(actor, case, m, policy, to=Status.TRANSFERRED_OUT, day=day, detail=detail)
    common.end_guest(actor, case, m, policy, day)
    return day


def _out_wanted(m: Material) -> dict[str, Any]:
    form = m.case.form
    return common.rows(
        (_("转入学校"), form.get("destination")), (_("转入学校所在地"), form.get("destination_area"))
    )


def _suggested(_child: Subject, today: date) -> dict[str, Any]:
    return {"effective_on": today.isoformat()}


def _transfer_suggested(child: Subject, today: date) -> dict[str, Any]:
    return _suggested(child, today) | {"initiator": GUARDIAN}


KINDS = (
    Kind(
        "transfer",
        _("转学"),
        _("转到我校"),
        _("凭姓名和学籍号(或证件号)调取对方学校的学籍"),
        _("转学"),
        "arrows-exchange",
        "move",
        MOVABLE,
        TransferForm,
        _transfer,
        facts=_facts,
        checks=_transfer_checks,
        wanted=_transfer_wanted,
        suggested=_transfer_suggested,
        days=(("effective_on", _("转入日期")),),
        lookup=True,
        common=True,
    ),
    Kind(
        "transfer_out",
        _("转出(系统外)"),
        _("转到系统外的学校"),
        _("对方学校不在本系统的, 由本校办理转出, 对方确认接收后销账"),
        _("转出"),
        "file-export",
        "move",
        MOVABLE,
        TransferOutForm,
        _out,
        facts=_out_facts,
        checks=_out_checks,
        wanted=_out_wanted,
        suggested=_suggested,
        days=(("effective_on", _("转出日期")),),
    ),
)
