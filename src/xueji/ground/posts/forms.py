"""Forms of this room."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from xueji.ground.accounts.actor import today

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
