"""Forms of this room."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from xueji.ground.accounts.actor import today

from .models import PARTS, UnitKind

_DAY = {"type": "date"}


class OfficerForm(forms.Form):
    """Who keeps the records of the school from a day on; with one in office, why it changes."""

    user = forms.TypedChoiceField(
        label=_("学籍管理员"),
        coerce=int,
        help_text=_("只列出在本校有“学籍管理员”身份的账号; 没有时请主管部门先开通"),
    )
    title = forms.CharField(label=_("职务"), max_length=40, required=False, help_text=_("例如: 教导主任"))
    phone = forms.CharField(label=_("办公电话"), max_length=30)
    full_time = forms.TypedChoiceField(
        label=_("专职还是兼职"), choices=[("1", _("专职")), ("0", _("兼职"))], coerce=lambda v: v == "1"
    )
    since = forms.DateField(label=_("从哪天起任职"), widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"))
    reason = forms.CharField(label=_("更换的原因"), max_length=200, help_text=_("例如: 工作调动, 调任德育处"))

    def __init__(self, data: Any = None, *, people: list[tuple[int, str]], change: bool) -> None:
        super().__init__(data, initial={"since": today(), "full_time": "1"})
        self.fields["user"].choices = [("", _("请选择")), *people]  # type: ignore[attr-defined]
        if not change:
            del self.fields["reason"]


class TrainedForm(forms.Form):
    """A training for the post: what, when, how long; for the schools that are ticked."""

    topic = forms.CharField(label=_("培训内容"), max_length=100, initial=_("学籍管理员上岗培训"))
    done_on = forms.DateField(label=_("培训日期"), widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"))
    hours = forms.DecimalField(label=_("学时"), min_value=0.5, max_value=100, decimal_places=1, initial=8)


class UnitForm(forms.Form):
    """A new unit of the school."""

    kind = forms.ChoiceField(label=_("部门类别"), choices=UnitKind.choices)
    name = forms.CharField(label=_("部门名称"), max_length=50, help_text=_("照本校的叫法"))
    phone = forms.CharField(label=_("办公电话"), max_length=30, required=False)


class PostForm(forms.Form):
    """Somebody into a post; with a part, the school's steps in cases are named after this person."""

    unit = forms.TypedChoiceField(label=_("部门"), coerce=int)
    title = forms.CharField(label=_("岗位"), max_length=40, help_text=_("例如: 组长, 主任, 干事, 校医"))
    user = forms.TypedChoiceField(label=_("人员(有账号的)"), coerce=int, empty_value=None, required=False)
    name = forms.CharField(label=_("或填写姓名(没有账号的)"), max_length=50, required=False)
    phone = forms.CharField(label=_("办公电话"), max_length=30, required=False)
    part = forms.ChoiceField(
        label=_("承担的环节"),
        choices=[("", _("不承担")), *PARTS.items()],
        required=False,
        help_text=_("业务办到本校时, 各方看到的经办人或负责人就是这个人"),
    )
    since = forms.DateField(label=_("从哪天起"), widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"))

    def __init__(
        self, data: Any = None, *, units: list[tuple[int, str]], people: list[tuple[int, str]]
    ) -> None:
        super().__init__(data, initial={"since": today()})
        self.fields["unit"].choices = units  # type: ignore[attr-defined]
        self.fields["user"].choices = [("", _("不选")), *people]  # type: ignore[attr-defined]
