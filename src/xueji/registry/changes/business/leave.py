"""Leaving: abroad, away, missing, back again; withdrawal and expulsion where the stage allows; death."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as now
from django.utils.translation import gettext_lazy as _

from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import Trace
from xueji.ground.policy.statuses import Status

from ..material import Material, form_date
from ..models import Case
from ..subject import Subject
from . import common
from .forms import CaseForm, ClassForm, class_field, day_field, note_field, reason_field
from .spec import STUDYING, Check, Kind

WITHDRAW_REASONS = ("参加工作", "家庭原因", "身体原因", "其他")
LEAVE_REASONS = ("入读境内其他类型教育", "在家休养", "随家人外出", "其他")
#: What a review after entry may fail in; the review (placement) fills one of these in.
ENTRY_REASONS = (
    "思想品德复查不合格",
    "文化复查不合格",
    "健康复查不合格",
    "不符合招生录取规定",
    "弄虚作假取得入学资格",
    "无故逾期不报到",
)
EXPEL_REASONS = ("严重违反校规", "受到刑事处罚", "其他")


class AbroadForm(CaseForm):
    """Going abroad: whereto, since when, until when."""

    destination = forms.CharField(label=_("去往的国家或地区"), max_length=60, required=False)
    happened_on = day_field(_("离校日期"), _("自这一天起不在本校上学"))
    back_on = day_field(_("预计返回日期"), _("不确定可以不填"))
    reason_note = note_field()


class LeaveForm(CaseForm):
    """Away for another ground."""

    reason = reason_field(*LEAVE_REASONS)
    destination = forms.CharField(
        label=_("去向"),
        max_length=60,
        required=False,
        help_text=_("学校名称或地址, 家长不愿说明可以写“不详”"),
    )
    happened_on = day_field(_("离校日期"))
    reason_note = note_field()


class MissingForm(CaseForm):
    """Missing since."""

    happened_on = day_field(_("失去联系的日期"))
    reported_on = day_field(_("报案日期"), _("已经报案的填写, 并上传报案回执"))
    reason_note = note_field(_("学校和家长做过哪些查找"))


class ReturnForm(ClassForm):
    """Back at the school."""

    to_class_id = class_field(_("可编入原来的年级或现在的年级"))
    resume_on = day_field(_("返校日期"))
    reason_note = note_field()

    def prepare(self) -> None:
        self.offer_cohorts()


class WithdrawForm(CaseForm):
    """Withdrawal, asked for by the family."""

    reason = reason_field(*WITHDRAW_REASONS)
    happened_on = day_field(_("退学日期"))
    destination = forms.CharField(label=_("退学后的去向"), max_length=60, required=False)
    reason_note = note_field(_("学校做过哪些劝返工作"))


class ExpelForm(CaseForm):
    """Expulsion, with the decision on which it rests."""

    reason = reason_field(*EXPEL_REASONS)
    decision_no = forms.CharField(label=_("处分决定文号"), max_length=60, required=False)
    happened_on = day_field(_("处分决定日期"))
    told_on = day_field(_("告知学生和家长的日期"), _("告知申诉的权利和期限"))
    reason_note = note_field()


class CancelEntryForm(CaseForm):
    """The place is lost after the review of entry: what was found, when it was decided, when the family was told."""

    reason = reason_field(*ENTRY_REASONS)
    happened_on = day_field(_("复查结论日期"))
    told_on = day_field(_("告知学生和家长的日期"), _("告知陈述、申辩和申诉的权利"))
    reason_note = note_field(_("复查的情况和依据"))


class DeathForm(CaseForm):
    """What is needed and no more."""

    happened_on = day_field(_("死亡日期"), _("以死亡证明上的日期为准"))
    reason_note = note_field(_("不用写原因, 证明里有"))


_Checks = Callable[[PolicySet, Material, Trace], Iterable[Check]]


def _facts(m: Material) -> dict[str, Any]:
    form = m.case.form
    return {
        "case.happened_on": form_date(form, "happened_on"),
        "case.destination": form.get("destination") or None,
    }


def _day(label: Promise, *, future: bool = False) -> _Checks:
    def run(_policy: PolicySet, m: Material, _trace: Trace) -> Iterable[Check]:
        yield from common.happened(m, "happened_on", label, future=future)

    return run


def _need(key: str, label: Promise, *more: _Checks) -> _Checks:
    """A field that must be filled in, beside other checks."""

    def run(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
        for checks in more:
            yield from checks(policy, m, trace)
        if not m.case.form.get(key):
            yield Check(
                key,
                "block",
                now("还没有填写%s") % label,
                action_url=f"#id_{key}",
                action_label=now("去填写"),
            )

    return run


def _told(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    yield from common.happened(m, "told_on", now("告知学生和家长的日期"))


def _rows(*keys: tuple[str, Promise]) -> Callable[[Material], dict[str, Any]]:
    def wanted(m: Material) -> dict[str, Any]:
        return common.rows(*((label, m.case.form.get(key)) for key, label in keys))

    return wanted


def _leaves(to: Status) -> Callable[[Any, Case, Material, PolicySet], date]:
    """The record goes into a status of absence, or ends; a stay as a guest elsewhere ends with it."""

    def effect(actor: Any, case: Case, m: Material, policy: PolicySet) -> date:
        day = common.day_of(case, m, "happened_on")
        keys = ("happened_on", "destination", "back_on", "decision_no", "reported_on")
        detail = {k: case.form[k] for k in keys if case.form.get(k)}
        common.write_step(actor, case, m, policy, to=to, day=day, detail=detail)
        common.end_guest(actor, case, m, policy, day)
        return day

    return effect


def _return_facts(m: Material) -> dict[str, Any]:
    return common.class_facts(m) | {"case.resume_on": form_date(m.case.form, "resume_on")}


def _return(actor: Any, case: Case, m: Material, policy: PolicySet) -> date:
    day = common.day_of(case, m, "resume_on")
    return common.write_step(actor, case, m, policy, to=Status.STUDYING, day=day, **common.into_class(m))


def _today(key: str) -> Callable[[Subject, date], dict[str, Any]]:
    return lambda _child, today: {key: today.isoformat()}


KINDS = (
    Kind(
        "abroad",
        _("出国(境)"),
        _("到国外或境外上学"),
        _("学籍保留在本校, 回来后办理返校, 也可以直接转到别的学校"),
        _("出国(境)登记"),
        "plane-departure",
        "leave",
        STUDYING,
        AbroadForm,
        _leaves(Status.ABROAD),
        facts=_facts,
        checks=_need("destination", _("去往的国家或地区"), _day(_("离校日期"), future=True)),
        wanted=_rows(
            ("destination", _("去往的国家或地区")), ("happened_on", _("离校日期")), ("back_on", _("预计返回"))
        ),
        suggested=_today("happened_on"),
        needs_reason=False,
    ),
    Kind(
        "leave",
        _("其他离校"),
        _("因其他原因离开学校"),
        _("人已不在学校、又不属于转学休学的, 学籍保留, 回来后办理返校"),
        _("离校登记"),
        "door-exit",
        "leave",
        STUDYING,
        LeaveForm,
        _leaves(Status.AWAY),
        facts=_facts,
        checks=_need("destination", _("去向"), _day(_("离校日期"), future=True)),
        wanted=_rows(("destination", _("去向")), ("happened_on", _("离校日期"))),
        suggested=_today("happened_on"),
    ),
    Kind(
        "missing",
        _("失踪登记"),
        _("学生失去联系"),
        _("学校和家长都联系不上时登记, 找到后办理返校。先报案, 再登记"),
        _("失去联系的登记"),
        "search",
        "leave",
        STUDYING,
        MissingForm,
        _leaves(Status.MISSING),
        facts=_facts,
        checks=_need(
            "reason_note",
            _("补充说明: 学校和家长做过哪些查找"),
            _day(_("失去联系的日期")),
            lambda _p, m, _t: common.happened(m, "reported_on", now("报案日期"), required=False),
        ),
        wanted=_rows(
            ("happened_on", _("失去联系的日期")), ("reported_on", _("报案日期")), ("reason_note", _("说明"))
        ),
        needs_reason=False,
        quiet=True,
    ),
    Kind(
        "return",
        _("返校"),
        _("离校后回来上学"),
        _("出国、其他离校或失踪登记后回到本校的, 编入合适的班级"),
        _("返校"),
        "door-enter",
        "leave",
        frozenset({Status.ABROAD, Status.AWAY, Status.MISSING}),
        ReturnForm,
        _return,
        facts=_return_facts,
        checks=common.chosen_class,
        wanted=common.class_wanted,
        suggested=_today("resume_on"),
        days=(("resume_on", _("返校日期")),),
        needs_reason=False,
    ),
    Kind(
        "withdraw",
        _("退学"),
        _("不再上学(退学)"),
        _("只能由监护人提出, 学校不得劝退。义务教育阶段不能退学"),
        _("退学"),
        "circle-minus",
        "leave",
        frozenset({Status.STUDYING, Status.SUSPENDED}),
        WithdrawForm,
        _leaves(Status.WITHDRAWN),
        facts=_facts,
        checks=_day(_("退学日期"), future=True),
        wanted=_rows(("happened_on", _("退学日期")), ("destination", _("退学后的去向"))),
        suggested=_today("happened_on"),
        stages="S",
    ),
    Kind(
        "expel",
        _("开除学籍"),
        _("开除学籍"),
        _("凭处分决定办理。义务教育阶段不得开除学生"),
        _("开除学籍"),
        "gavel",
        "leave",
        STUDYING,
        ExpelForm,
        _leaves(Status.EXPELLED),
        facts=_facts,
        checks=_need("decision_no", _("处分决定文号"), _day(_("处分决定日期")), _told),
        wanted=_rows(
            ("decision_no", _("处分决定文号")),
            ("happened_on", _("处分决定日期")),
            ("told_on", _("告知学生和家长的日期")),
        ),
        stages="S",
    ),
    Kind(
        "cancel_entry",
        _("取消入学资格"),
        _("入学复查不合格(取消入学资格)"),
        _("新生入学复查不合格, 经主管部门同意后注销学籍。义务教育阶段不适用"),
        _("入学资格"),
        "circle-x",
        "leave",
        frozenset({Status.STUDYING, Status.SUSPENDED, Status.RESERVED}),
        CancelEntryForm,
        _leaves(Status.CANCELLED),
        facts=_facts,
        checks=_need("reason_note", _("补充说明: 复查的情况和依据"), _day(_("复查结论日期")), _told),
        wanted=_rows(
            ("happened_on", _("复查结论日期")),
            ("told_on", _("告知学生和家长的日期")),
            ("reason_note", _("复查的情况和依据")),
        ),
        stages="S",
    ),
    Kind(
        "death",
        _("死亡注销"),
        _("学生去世"),
        _("凭证明注销学籍。学籍号永久保留, 不会再给别人; 请先与家长见面, 不要电话催要材料"),
        _("学籍手续"),
        "file-text",
        "leave",
        frozenset(s for s in Status if s.is_open),
        DeathForm,
        _leaves(Status.DECEASED),
        facts=_facts,
        checks=_day(_("死亡日期")),
        wanted=_rows(("happened_on", _("死亡日期"))),
        needs_reason=False,
        despite_problem=True,
        quiet=True,
    ),
)
