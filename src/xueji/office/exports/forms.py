"""Forms of this room."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from xueji.ground.accounts.actor import today

from .words import FIELDS, MOST_DAYS


class AskForm(forms.Form):
    """What is needed in full, for what, by whom, until when."""

    fields_wanted = forms.MultipleChoiceField(
        label=_("需要哪些完整信息"),
        choices=[(k, words) for k, (words, _right) in FIELDS.items()],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("只选办事必需的。姓名、性别、出生日期、年级班级总会列出"),
    )
    reason = forms.CharField(label=_("用途"), max_length=200, help_text=_("例如: 为九年级学生办理中考报名"))
    receiver = forms.CharField(
        label=_("由谁使用"), max_length=100, help_text=_("例如: 本校教务处; 提供给外单位的写明单位")
    )
    until = forms.DateField(
        label=_("用到哪天"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"until": today() + timedelta(days=3)})
        self.fields["until"].help_text = _("最长%(n)s天") % {"n": MOST_DAYS}


class DecideForm(forms.Form):
    """The head's word."""

    word = forms.CharField(label=_("意见"), max_length=200, required=False, help_text=_("不批准时要写原因"))
