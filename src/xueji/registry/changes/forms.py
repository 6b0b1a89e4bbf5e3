"""Forms that begin a case. What is filled in for each kind stands in `business/`."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class LookupForm(forms.Form):
    """Name and number of a child at another school."""

    name = forms.CharField(
        label=_("姓名"),
        max_length=100,
        widget=forms.TextInput(attrs={"data-person-name": "", "autocomplete": "off"}),
    )
    number = forms.CharField(
        label=_("学籍号或证件号"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("学生基本信息表上的完整号码"),
    )
