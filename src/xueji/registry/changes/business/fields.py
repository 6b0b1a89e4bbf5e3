"""Corrections of what is written of a child: name, identity number, sex, birth date."""

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
from xueji.ground.standards.identity import SEX_WORDS, check_identity
from xueji.ground.standards.idtypes import RESIDENT, id_types
from xueji.ground.standards.masking import mask_identity
from xueji.ground.standards.names import normalise_name
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.people import commands as people
from xueji.registry.people import places
from xueji.registry.people.models import IdentityLookup

from ..facts import held_number
from ..material import Material, form_date
from ..models import Case
from ..routing import policy_for
from . import common
from .forms import CaseForm, day_field
from .spec import OPEN, Check, Kind

FIELD_WORDS = {"name": "姓名", "number": "身份证件号", "sex": "性别", "birth_date": "出生日期"}


class CorrectionForm(CaseForm):
    """Name, identity number, sex, birth date: only what changes is filled in."""

    new_name = forms.CharField(
        label=_("新姓名"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"data-person-name": ""}),
        help_text=_("不改就不填"),
    )
    new_id_type = forms.ChoiceField(label=_("新证件类型"), required=False)
    new_number = forms.CharField(
        label=_("新证件号"),
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    clear_number = forms.BooleanField(label=_("不再变更证件号, 删去已填的号码"), required=False)
    new_sex = forms.ChoiceField(
        label=_("新性别"), required=False, choices=[("", _("不变")), ("1", _("男")), ("2", _("女"))]
    )
    new_birth_date = day_field(_("新出生日期"))
    reason = forms.CharField(label=_("变更原因"), required=False, max_length=200)

    def prepare(self) -> None:
        kinds = [(t.code, t.label) for t in id_types().values() if t.for_students]
        self.fields["new_id_type"].choices = [("", _("不变")), *kinds]  # type: ignore[attr-defined]
        if masked := self.case.form.get("new_number_masked"):
            self.fields["new_number"].help_text = _("已填 %s, 留空表示不再改动") % masked
        else:
            self.fields.pop("clear_number")

    def clean_new_name(self) -> str:
        """The name as it is stored: dots unified, no stray blanks."""
        raw = self.cleaned_data["new_name"]
        if not raw:
            return ""
        found = normalise_name(raw)
        if not found.ok:
            raise forms.ValidationError(found.problems[0].message)
        return found.value

    def clean(self) -> dict[str, Any]:
        """A number must be well-formed for its type."""
        data = super().clean() or {}
        number = data.get("new_number")
        if number:
            found = check_identity(data.get("new_id_type") or "1", number, on=timezone.localdate())
            wrong = next((p for p in found.problems if p.severity == "error"), None)
            if wrong is not None:
                self.add_error("new_number", wrong.message)
            else:
                data["new_number"] = found.value
        return data


def facts(m: Material) -> dict[str, Any]:
    form, s = m.case.form, m.subject
    changed = [
        word
        for key, word in FIELD_WORDS.items()
        if form.get(f"new_{key}") or (key == "number" and m.new_number)
    ]
    found: dict[str, Any] = {
        "case.changed_fields": changed,
        "case.id_number_changes": bool(m.new_number),
        "case.name_from": s.name,
        "case.name_to": form.get("new_name") or s.name,
        "case.actor": "学籍管理员",
    }
    id_type = form.get("new_id_type") or s.id_type
    if m.new_number:
        birth = form_date(form, "new_birth_date") or s.birth_date
        check = check_identity(
            id_type, m.new_number, on=m.today, sex=form.get("new_sex") or s.sex, birth=birth
        )
        found["call.identity_match"] = check.ok
        held = IdentityLookup.objects.filter(
            id_type=id_type, bidx=places.identity_index(id_type, check.value)
        ).values_list("person_id", flat=True)
        found["call.dedup_national"] = all(person == s.person_id for person in held)
    else:
        found["call.identity_match"] = _number_agrees(m)
        found["call.dedup_national"] = True
    return found


def _number_agrees(m: Material) -> bool:
    """The number stays: a new sex or birth date must agree with the one that is held."""
    form, s = m.case.form, m.subject
    if not (form.get("new_sex") or form.get("new_birth_date")) or s.id_type != RESIDENT:
        return True
    number = held_number(s)
    if not number:
        return True
    birth = form_date(form, "new_birth_date") or s.birth_date
    return check_identity(s.id_type, number, on=m.today, sex=form.get("new_sex") or s.sex, birth=birth).ok


def checks(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    known = trace.facts
    if not known.get("case.changed_fields"):
        yield Check(
            "fields", "block", now("还没有填写要变更的内容"), action_url="#form", action_label=now("去填写")
        )
    if known.get("call.identity_match") is False:
        yield Check(
            "number",
            "block",
            now("证件号与性别、出生日期不一致, 或号码本身有误, 请对照户口簿再看一遍"),
            action_url="#id_new_number",
            action_label=now("去修改"),
        )
    if known.get("call.dedup_national") is False:
        yield Check(
            "dedup",
            "block",
            now("新证件号已由另一名学生使用, 不能变更。如果对方登记有误, 请先办理问题学籍"),
            action_url=f"/cases/{m.case.case_id}/dispute/" if m.case.business == "correct_key" else "",
            action_label=now("登记问题学籍"),
        )


def wanted(m: Material) -> dict[str, Any]:
    """Before and after, numbers masked."""
    form, s = m.case.form, m.subject
    rows = (
        ("name", s.name, form.get("new_name")),
        ("number", mask_identity(held_number(s)), form.get("new_number_masked")),
        ("sex", SEX_WORDS.get(s.sex, ""), SEX_WORDS.get(form.get("new_sex", ""), "")),
        ("birth_date", s.birth_date.isoformat(), form.get("new_birth_date")),
    )
    return {"diff": [{"label": FIELD_WORDS[key], "old": old, "new": new} for key, old, new in rows if new]}


def write(actor: Any, case: Case, m: Material, policy: PolicySet) -> date:
    """Name, number, sex and birth date; each change keeps what was before, and one event names the decision."""
    form, s = case.form, m.subject
    moment = timezone.now()
    event_id = enrolment.write_event(
        actor,
        s.person_id,
        business=case.business,
        at=moment,
        case_id=case.case_id,
        article=common.article(policy, case),
        reason=case.summary.get("reason", ""),
        detail={"case": case.number, "diff": case.summary.get("diff", [])},
    )
    if form.get("new_name"):
        people.change_name(actor, s.person_id, form["new_name"], event_id=event_id, at=moment)
    if form.get("new_sex") or form.get("new_birth_date"):
        people.change_birth_sex(
            actor,
            s.person_id,
            birth_date=form_date(form, "new_birth_date") or s.birth_date,
            sex=form.get("new_sex") or s.sex,
            event_id=event_id,
            at=moment,
        )
    if m.new_number:
        people.change_identity(
            actor,
            s.person_id,
            form.get("new_id_type") or s.id_type,
            m.new_number,
            event_id=event_id,
            at=moment,
        )
    enrolment.correct_roster(s.person_id)
    return m.today


def _variant(m: Material) -> str:
    return common.senior_variant(policy_for(m.units.start, m.today), m)


KINDS = (
    Kind(
        "correct_key",
        _("关键信息变更"),
        _("改姓名、证件号、性别或出生日期"),
        _("要有户口簿等证明, 由主管部门核准"),
        _("信息变更"),
        "edit",
        "change",
        OPEN,
        CorrectionForm,
        write,
        facts=facts,
        checks=checks,
        wanted=wanted,
        despite_problem=True,
        common=True,
        variant=_variant,
    ),
)
