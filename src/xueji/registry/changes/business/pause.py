"""Suspension and return: the record stays with the school."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

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

_REASONS = ("因病", "因事", "其他")


class SuspendForm(CaseForm):
    """Suspension."""

    reason = reason_field(*_REASONS)
    reason_note = note_field(_("不用写病名等细节, 材料里有"))
    start = day_field(_("休学开始日期"))
    end = day_field(_("休学结束日期"), _("到期后办理复学"))


class ResumeForm(ClassForm):
    """Return after a suspension."""

    reason = reason_field(*_REASONS)
    to_class_id = class_field(_("可编入休学前的年级或现在的年级"))
    resume_on = day_field(_("复学日期"))

    def prepare(self) -> None:
        code = self.case.summary.get("grade_code", "")
        below = f"{code[0]}{int(code[1]) - 1}" if len(code) == 2 and code[1] > "1" else ""
        self.offer_classes([c for c in (code, below) if c])
        self.fields["reason"].label = _("休学原因")


def _suspend_facts(m: Material) -> dict[str, Any]:
    start = form_date(m.case.form, "start")
    return {"case.start": start, "case.end": form_date(m.case.form, "end"), "case.first_start": start}


def _period(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    start, end = form_date(m.case.form, "start"), form_date(m.case.form, "end")
    if start and end and end <= start:
        yield Check(
            "dates",
            "block",
            now("休学结束日期要晚于开始日期"),
            action_url="#id_end",
            action_label=now("去修改"),
        )


def _suspend(actor: Any, case: Case, m: Material, policy: PolicySet) -> date:
    planned = {"planned_start": case.form.get("start"), "planned_end": case.form.get("end")}
    day = common.day_of(case, m, "start")
    return common.write_step(actor, case, m, policy, to=Status.SUSPENDED, day=day, detail=planned)


def _resume_facts(m: Material) -> dict[str, Any]:
    return common.class_facts(m) | {"case.resume_on": form_date(m.case.form, "resume_on")}


def _resume(actor: Any, case: Case, m: Material, policy: PolicySet) -> date:
    day = common.day_of(case, m, "resume_on")
    return common.write_step(actor, case, m, policy, to=Status.STUDYING, day=day, **common.into_class(m))


def _resume_suggested(child: Subject, today: date) -> dict[str, Any]:
    found = {"resume_on": today.isoformat()}
    return found | ({"reason": child.suspended_for} if child.suspended_for else {})


KINDS = (
    Kind(
        "suspend",
        _("休学"),
        _("暂时不上学(休学)"),
        _("因病或其他原因停止上学一段时间, 学籍保留"),
        _("休学"),
        "player-pause",
        "pause",
        STUDYING,
        SuspendForm,
        _suspend,
        facts=_suspend_facts,
        checks=_period,
        days=(("start", _("休学开始日期")), ("end", _("休学结束日期"))),
    ),
    Kind(
        "resume",
        _("复学"),
        _("回来上学(复学)"),
        _("休学后回到学校, 编入合适的班级"),
        _("复学"),
        "door-enter",
        "pause",
        frozenset({Status.SUSPENDED}),
        ResumeForm,
        _resume,
        facts=_resume_facts,
        checks=common.chosen_class,
        wanted=common.class_wanted,
        suggested=_resume_suggested,
        days=(("resume_on", _("复学日期")),),
    ),
)
