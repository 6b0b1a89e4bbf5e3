"""Forms of units and classes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .models import OrgKind, Stage


class ClassForm(forms.Form):
    """A new class of one's school."""

    stage = forms.ChoiceField(label=_("学段"))
    cohort_year = forms.TypedChoiceField(label=_("年级(入学年份)"), coerce=int)
    number = forms.IntegerField(label=_("班号"), min_value=1, max_value=99)
    capacity = forms.IntegerField(label=_("班额"), min_value=1, max_value=200, initial=45)
    alias = forms.CharField(label=_("别名"), max_length=30, required=False)

    def __init__(self, *args: Any, stages: list[str], cohorts: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["stage"].choices = [(s, Stage(s).label) for s in stages]  # type: ignore[attr-defined]
        self.fields["cohort_year"].choices = cohorts  # type: ignore[attr-defined]


class OrgForm(forms.Form):
    """A new unit below another."""

    kind = forms.ChoiceField(
        label=_("级别"),
        choices=[
            (k.value, _("中心校、学区、镇教办") if k == OrgKind.CENTRAL else k.label)
            for k in OrgKind
            if k != OrgKind.NATION
        ],
    )
    code = forms.CharField(
        label=_("代码"), max_length=12, help_text=_("主管部门用6位区划代码, 学校用10位学校标识码")
    )
    name = forms.CharField(label=_("名称"), max_length=100)
    short_name = forms.CharField(label=_("简称"), max_length=30, required=False)
    phone = forms.CharField(label=_("办公电话"), max_length=30, required=False)
    stages = forms.MultipleChoiceField(
        label=_("学段(学校)"), choices=Stage.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    system = forms.CharField(label=_("学制(学校)"), initial="6-3-3", max_length=12, required=False)
    school_type = forms.ChoiceField(label=_("办学类型(学校)"), required=False)

    def __init__(self, *args: Any, types: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["school_type"].choices = [("", _("不选")), *types]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """A school needs its stages and its type."""
        data = super().clean() or {}
        if data.get("kind") == OrgKind.SCHOOL:
            for name in ("stages", "school_type", "system"):
                if not data.get(name):
                    self.add_error(name, _("学校要填写这一项"))
        return data


class UnitForm(forms.Form):
    """Office and superior of a unit; the superior only for schools that could have another."""

    short_name = forms.CharField(label=_("简称"), max_length=30)
    phone = forms.CharField(label=_("办公电话"), max_length=30, required=False)
    contact = forms.CharField(label=_("联系科室"), max_length=50, required=False)
    parent_id = forms.TypedChoiceField(
        label=_("上级单位"),
        coerce=int,
        help_text=_("放在中心校、学区下面的学校, 业务按规则先经过它; 直接放在主管部门下面的不经过"),
    )

    def __init__(self, *args: Any, parents: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if parents:
            self.fields["parent_id"].choices = parents  # type: ignore[attr-defined]
        else:
            del self.fields["parent_id"]
