"""Transfers: between schools of this system."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _

from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.statuses import Status

from ..material import Material, form_date
from ..models import Case
from ..subject import Subject
from . import common
from .forms import ClassForm, class_field, day_field, note_field, reason_field
from .spec import Kind


class TransferForm(ClassForm):
    """Transfer into the own school."""

    reason = reason_field(_("家庭住址变动"), _("监护人工作调动"), _("随监护人迁移户口"), _("其他"))
    reason_note = note_field()
    to_class_id = class_field(_("只列出同年级的班级"))
    effective_on = day_field(_("转入日期"), _("自这一天起在本校在籍, 今天或以后"))

    def prepare(self) -> None:
        self.offer_classes([self.case.summary.get("grade_code", "")])


def _facts(m: Material) -> dict[str, Any]:
    return common.class_facts(m) | {"case.effective_on": form_date(m.case.form, "effective_on")}


def _effect(actor: Any, case: Case, m: Material, policy: PolicySet) -> date:
    day = common.day_of(case, m, "effective_on")
    return common.write_step(actor, case, m, policy, to=Status.STUDYING, day=day, **common.into_class(m))


def _suggested(_child: Subject, today: date) -> dict[str, Any]:
    return {"effective_on": today.isoformat()}


KINDS = (
    Kind(
        "transfer",
        _("转学"),
        _("转到我校"),
        _("凭姓名和学籍号(或证件号)调取对方学校的学籍"),
        _("转学"),
        "arrows-exchange",
        "move",
        frozenset({Status.STUDYING, Status.ABROAD, Status.AWAY, Status.WITHDRAWN, Status.EXPELLED}),
        TransferForm,
        _effect,
        facts=_facts,
        checks=common.chosen_class_of_grade,
        wanted=common.class_wanted,
        suggested=_suggested,
        days=(("effective_on", _("转入日期")),),
        lookup=True,
    ),
)
