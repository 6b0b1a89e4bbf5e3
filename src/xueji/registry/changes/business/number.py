"""The student number's life after it was given: made formal, made anew, struck off (numbering: L, J, G).

What the nation compares is stated by whoever reads its answer; the number changes only when that answer is yes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as now
from django.utils.translation import gettext_lazy as _

from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import Trace
from xueji.ground.standards.identity import check_identity
from xueji.ground.standards.idtypes import RESIDENT
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.errors import IllegalStep
from xueji.registry.people import commands as people
from xueji.registry.people import places
from xueji.registry.people.models import IdentityLookup, StudentNumber
from xueji.registry.people.places import NATIONAL

from ..facts import held_number
from ..material import Material
from ..models import Case
from . import common
from .forms import CaseForm, note_field, reason_field
from .spec import OPEN, Check, Kind

ACTIONS = {
    "formal": _("临时学籍号(L)转为正式学籍号"),
    "upgrade": _("补齐身份证号后, J 字头转为 G 字头"),
    "issue": _("没有学籍号, 申请临时学籍号"),
    "delete": _("删除学籍号"),
}
_ANSWERS = {"1": True, "0": False}


class NumberForm(CaseForm):
    """What is to become of the number, and what the national comparison said."""

    action = forms.ChoiceField(
        label=_("办理内容"), required=False, choices=[("", _("请选择")), *ACTIONS.items()]
    )
    compared = forms.ChoiceField(
        label=_("与国家人口基础信息库比对的结果"),
        required=False,
        choices=[("", _("还没有结果")), ("1", _("通过")), ("0", _("没有通过"))],
        help_text=_("按全国学籍系统反馈的结果填写; 没有身份证号的学生不用填"),
    )
    reason = reason_field(_("定期下发正式学籍号"), _("补齐身份证号"), "问题学籍", _("其他"))
    reason_note = note_field()


def _action(m: Material) -> str:
    return str(m.case.form.get("action") or "")


def _new_prefix(m: Material) -> str | None:
    resident = m.subject.id_type == RESIDENT
    return {"formal": "G" if resident else "J", "upgrade": "G", "issue": "L"}.get(_action(m))


def _variant(m: Material) -> str:
    """The number's own chain; a formal number is struck off only by way of the province (NAT-NUM-13)."""
    if _action(m) == "delete" and m.subject.number_prefix == "G":
        return "delete_formal"
    return _action(m)


def _events(case: Case) -> Iterable[str]:
    action = case.form.get("action")
    return (f"number.{action}",) if action else ()


def _facts(m: Material) -> dict[str, Any]:
    s = m.subject
    number = held_number(s)
    held = (
        IdentityLookup.objects.filter(
            id_type=s.id_type, bidx=places.identity_index(s.id_type, number)
        ).values_list("person_id", flat=True)
        if number
        else ()
    )
    return {
        "case.new_prefix": _new_prefix(m),
        "case.number_source": "系统生成",
        "case.province_proof": "省级佐证材料" in m.docs,
        "case.ministry_handled": "教育部处理结果" in m.docs,
        "case.actor": "教育局",
        "student.current_numbers": StudentNumber.objects.filter(
            person_id=s.person_id, scheme=NATIONAL, state="current"
        ).count(),
        "call.population_match": _ANSWERS.get(
            m.case.form.get("compared", ""), True if s.check_state == "passed" else None
        ),
        "call.identity_match": bool(number)
        and check_identity(s.id_type, number, on=m.today, sex=s.sex, birth=s.birth_date).ok,
        "call.dedup_national": all(person == s.person_id for person in held) and not s.problem,
    }


_FROM = {"formal": "L", "upgrade": "J", "issue": ""}


def _checks(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    action, prefix = _action(m), m.subject.number_prefix
    if not action:
        yield Check(
            "action",
            "block",
            now("还没有选择办理内容"),
            action_url="#id_action",
            action_label=now("去选择"),
        )
    elif action in _FROM and prefix != _FROM[action]:
        yield Check(
            "number",
            "block",
            now("该生现在的学籍号是%(prefix)s, 不能这样办理")
            % {"prefix": now("%s 字头") % prefix if prefix else now("空的")},
            action_url="#id_action",
            action_label=now("去修改"),
        )
    elif action == "delete" and not prefix:
        yield Check("number", "block", now("该生没有可以删除的学籍号"))
    if action == "upgrade" and m.subject.id_type != RESIDENT:
        yield Check("number", "block", now("该生还没有身份证号, 请先办理关键信息变更补齐身份证号"))
    if action == "delete" and "佐证材料" not in m.docs:
        yield Check(
            "docs",
            "block",
            now("删除学籍号要上传佐证材料"),
            action_url="#materials",
            action_label=now("去上传"),
        )


def _wanted(m: Material) -> dict[str, Any]:
    after = _new_prefix(m)
    return common.rows(
        (now("办理内容"), ACTIONS.get(_action(m), "")),
        (now("现在的学籍号"), now("%s 字头") % m.subject.number_prefix if m.subject.number_prefix else ""),
        (now("办理后"), now("%s 字头") % after if after else now("没有学籍号, 号码作废并留存")),
        (now("比对结果"), {"1": now("通过"), "0": now("没有通过")}.get(m.case.form.get("compared", ""), "")),
    )


def _effect(actor: Any, case: Case, m: Material, policy: PolicySet) -> date:
    """The number changes; the one before stays in the history, and none is ever given twice."""
    s, action, moment = m.subject, _action(m), timezone.now()
    event_id = enrolment.write_event(
        actor,
        s.person_id,
        business=case.business,
        at=moment,
        case_id=case.case_id,
        article=common.article(policy, case),
        reason=case.summary.get("reason", ""),
        detail={"case": case.number, "action": action, "from": s.number_prefix, "to": _new_prefix(m)},
    )
    if action == "issue":
        people.issue_national_number(
            actor, s.person_id, division=m.units.start.division, at=moment, event_id=event_id
        )
    elif action == "delete":
        number_no = (
            StudentNumber.objects.filter(person_id=s.person_id, scheme=NATIONAL, state="current")
            .values_list("number_no", flat=True)
            .first()
        )
        if number_no is None:
            raise IllegalStep(now("该生没有可以删除的学籍号"))
        people.void_number(
            actor,
            s.person_id,
            number_no,
            reason=case.summary.get("reason", "") or case.number or "",
            at=moment,
            event_id=event_id,
            proof=case.case_id,
        )
    else:
        if m.case.form.get("compared") == "1":
            people.record_check(actor, s.person_id, True, source=case.number or "")
        people.promote(
            actor,
            s.person_id,
            _new_prefix(m) or "",
            at=moment,
            division=m.units.start.division,
            event_id=event_id,
            reason=case.summary.get("reason", ""),
        )
    enrolment.correct_roster(s.person_id)
    return m.today


KINDS = (
    Kind(
        "number",
        _("学籍号变更"),
        _("学籍号转为正式、补发或删除"),
        _("临时号转正式号、J 转 G、补发临时号、删除号码; 原来的号码保留在历史里"),
        _("学籍号变更"),
        "id",
        "number",
        OPEN,
        NumberForm,
        _effect,
        facts=_facts,
        checks=_checks,
        wanted=_wanted,
        events=_events,
        variant=_variant,
    ),
)
