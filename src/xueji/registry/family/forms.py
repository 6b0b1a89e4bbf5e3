"""What a family fills in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class CodeForm(forms.Form):
    """The code of the slip, and who it is about."""

    code = forms.CharField(
        label=_("邀请码"),
        max_length=30,
        help_text=_("学校发的单子上的 10 位字母和数字, 大小写都可以"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )
    name = forms.CharField(
        label=_("孩子姓名"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "data-person-name": ""}),
    )
    last4 = forms.CharField(
        label=_("孩子证件号末四位"),
        max_length=4,
        min_length=4,
        help_text=_("没有身份证件的填学籍号末四位"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class JoinForm(CodeForm):
    """A new account with it."""

    username = forms.CharField(
        label=_("用户名"),
        max_length=60,
        help_text=_("自己取一个, 用小写字母、数字和 . _ -, 可以用手机号, 不用身份证号"),
        widget=forms.TextInput(attrs={"autocomplete": "username"}),
    )
    password = forms.CharField(
        label=_("密码"),
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("再输一遍密码"),
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        """The password must be typed the same twice."""
        data = super().clean() or {}
        if data.get("password") and data.get("again") and data["password"] != data["again"]:
            self.add_error("again", _("两次输入的密码不一样"))
        return data


class EndForm(forms.Form):
    """Why an account no longer sees a child."""

    reason = forms.CharField(label=_("理由"), max_length=200, help_text=_("如: 监护人变更, 见法院判决书"))
