"""Corrections of general information (一般信息变更): what is neither name nor identity, field by field.

Who decides is policy: fields of `correct.authority_fields` go on to the authority (核准), all others are the head's.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as now
from django.utils.translation import gettext_lazy as _

from xueji.ground.orgs.models import School
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import Trace
from xueji.ground.standards import fields as national_form
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.people import commands as people
from xueji.registry.people import masks
from xueji.registry.people import queries as people_queries
from xueji.registry.people.commands.persons import PERSON_FIELDS
from xueji.registry.people.models import Person
from xueji.registry.people.places import SEALED_KINDS
from xueji.registry.people.queries.cards import code_label
from xueji.registry.people.queries.profile import kept_in_profile

from ..material import Material
from ..models import Case
from ..routing import policy_for
from . import common
from .forms import CaseForm, note_field
from .spec import OPEN, Check, Kind

INITIATORS = ("家长", "学生", "学校")
#: Written by the system or by other businesses.
_NEVER = frozenset({"entry_month", "student_source"})


@lru_cache(maxsize=1)
def changeable() -> dict[str, national_form.Field]:
    """Fields of the national form that this business changes, by their keys."""
    return {
        f.key: f
        for f in national_form.fields()
        if (kept_in_profile(f) or f.key in PERSON_FIELDS) and f.key not in _NEVER
    }


class DetailsForm(CaseForm):
    """One input for each field; only what changes is filled in. Sensitive values are handed over to be sealed."""

    initiator = forms.ChoiceField(
        label=_("由谁提出"),
        required=False,
        choices=[("", _("请选择")), *((w, w) for w in INITIATORS)],
        help_text=_("家长提出的, 办结后会告知家长"),
    )
    reason = forms.CharField(label=_("变更原因"), required=False, max_length=200)
    reason_note = note_field()
    changes = forms.JSONField(required=False, widget=forms.HiddenInput)

    def prepare(self) -> None:
        held = self.case.form.get("changes") or {}
        masked = self.case.form.get("secret_masked") or {}
        held_above = self._held_above()
        for key, spec in changeable().items():
            name = f"to_{key}"
            self.fields[name] = _input(spec)
            self.initial[name] = held.get(key, "")
            # Who may change what is the place's to say, field by field; whoever fills the form in reads it there.
            above = spec.name in held_above or "" in held_above
            self.fields[name].help_text = now("需主管部门核准") if above else now("由学校直接改")
            if key in masked:
                self.fields[name].help_text = now("已填 %s, 留空表示不再改动, 填“-”取消") % masked[key]
        self.fields.pop("changes")

    def _held_above(self) -> frozenset[str]:
        """Names of the fields that go to the authority; '' stands for all of them (senior schools)."""
        school = School.objects.select_related("org").filter(pk=self.case.org_id).first()
        if school is None:
            return frozenset()
        policy = policy_for(school.org, timezone.localdate())
        if self.case.summary.get("stage") == "S" and (self.case.business, common.SENIOR) in policy.chains():
            return frozenset({""})
        return authority_fields(policy)

    def values(self) -> dict[str, Any]:
        """What the case keeps: open values under `changes`, the rest to be sealed under `secret`."""
        out = super().values()
        changes, secret = {}, {}
        for key, spec in changeable().items():
            value = str(out.pop(f"to_{key}", "") or "")
            if spec.sensitive in SEALED_KINDS:
                if value:
                    secret[key] = "" if value == "-" else value
            elif value:
                changes[key] = value
        return out | {"changes": changes, "secret": secret}


def _input(spec: national_form.Field) -> forms.Field:
    if spec.table is not None and len(spec.table.choices()) <= 300:
        choices = [("", _("不变")), *spec.table.choices()]
        return forms.ChoiceField(label=spec.name, required=False, choices=choices)
    return forms.CharField(
        label=spec.name,
        required=False,
        max_length=spec.max_len or 200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        validators=[_Coded(spec)] if spec.table is not None else [],
    )


class _Coded:
    """A code of a table that is too long to choose from (行政区划)."""

    def __init__(self, spec: national_form.Field) -> None:
        self.spec = spec

    def __call__(self, value: str) -> None:
        assert self.spec.table is not None
        if value != "-" and value not in self.spec.table:
            raise forms.ValidationError(now("没有这个代码, 请对照代码表填写"))


def asked(m: Material) -> dict[str, str]:
    """Every change that is asked for, by key: those that lie open and those that lie sealed."""
    found = {**(m.case.form.get("changes") or {}), **{k: v for k, v in m.secret.items() if k != "number"}}
    return {k: str(v) for k, v in found.items() if k in changeable() and v}


def _names(m: Material) -> list[str]:
    return [changeable()[key].name for key in asked(m)]


def _variant(m: Material) -> str:
    """`senior` where the place has senior records reviewed level by level (C-INF-09); `authority` when the place
    leaves one of the fields to the authority, else `school`."""
    policy = policy_for(m.units.start, m.today)
    if senior := common.senior_variant(policy, m):
        return senior
    return "authority" if authority_fields(policy) & set(_names(m)) else "school"


def authority_fields(policy: PolicySet) -> frozenset[str]:
    """Names of the fields that the place leaves to the authority in charge; the others are the school's own."""
    held = policy.param("correct.authority_fields")
    return frozenset(held.value) if held.stated else frozenset()


def _facts(m: Material) -> dict[str, Any]:
    return {
        "case.changed_fields": _names(m),
        "case.initiator": m.case.form.get("initiator") or None,
        "case.actor": "学籍管理员",
        "case.id_number_changes": False,
    }


def _checks(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    if not asked(m):
        yield Check(
            "fields", "block", now("还没有填写要变更的内容"), action_url="#form", action_label=now("去填写")
        )
    if not m.case.form.get("initiator"):
        yield Check(
            "initiator",
            "block",
            now("还没有填写由谁提出"),
            action_url="#id_initiator",
            action_label=now("去填写"),
        )
    if m.units.variant == common.SENIOR:
        yield Check("route", "pass", now("普通高中学生的信息变更, 学校同意后由主管部门逐级审核"))
    elif m.units.variant == "authority":
        yield Check("route", "pass", now("变更的信息里有要主管部门核准的项目, 学校同意后报主管部门"))
    else:
        yield Check("route", "pass", now("变更的信息由学校负责人同意后生效"))


def _wanted(m: Material) -> dict[str, Any]:
    """Before and after, sensitive values masked."""
    held = {f.key: f.value for f in people_queries.profile(None, m.subject.person_id)}
    person = Person.objects.filter(pk=m.subject.person_id).values(*PERSON_FIELDS).first() or {}
    rows = []
    for key, value in asked(m).items():
        spec = changeable()[key]
        old = held.get(key) or _word(spec, str(person.get(key) or ""))
        new = masks.mask_field(spec, value) if spec.sensitive in SEALED_KINDS else _word(spec, value)
        rows.append({"label": spec.name, "old": old, "new": new})
    return {"diff": rows} | common.rows((now("由谁提出"), m.case.form.get("initiator")))


def _word(spec: national_form.Field, value: str) -> str:
    return code_label(spec.codeset, value) if spec.codeset and value else value


def _effect(actor: Any, case: Case, m: Material, policy: PolicySet) -> date:
    """The fields get their new values; one event says what changed, masked, and who asked."""
    moment = timezone.now()
    event_id = enrolment.write_event(
        actor,
        m.subject.person_id,
        business=case.business,
        at=moment,
        case_id=case.case_id,
        article=common.article(policy, case),
        reason=case.summary.get("reason", ""),
        detail={
            "case": case.number,
            "diff": case.summary.get("diff", []),
            "initiator": case.form.get("initiator"),
        },
    )
    people.change_profile(actor, m.subject.person_id, asked(m), event_id=event_id, at=moment)
    return m.today


KINDS = (
    Kind(
        "correct",
        _("一般信息变更"),
        _("改地址、电话、户口等其他信息"),
        _("姓名、证件号、性别、出生日期以外的信息, 学校核实后由负责人同意"),
        _("信息变更"),
        "pencil",
        "change",
        OPEN,
        DetailsForm,
        _effect,
        facts=_facts,
        checks=_checks,
        wanted=_wanted,
        despite_problem=True,
        variant=_variant,
    ),
)
