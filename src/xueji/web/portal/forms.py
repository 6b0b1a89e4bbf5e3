"""What a family fills in on its own pages."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class CopyForm(forms.Form):
    """The password once more before a whole copy leaves."""

    password = forms.CharField(
        label=_("登录密码"),
        max_length=200,
        strip=False,
        help_text=_("副本里有完整的证件号, 请再输一遍密码"),
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
