"""Forms of signing in, one's own password, and managing accounts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .roles import Role


class LoginForm(forms.Form):
    """User name and password."""

    username = forms.CharField(
        label=_("用户名"),
        max_length=60,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autofocus": True, "autocapitalize": "none"}
        ),
    )
    password = forms.CharField(
        label=_("密码"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class PasswordForm(forms.Form):
    """One's own password: the present one and the new one twice."""

    old = forms.CharField(
        label=_("原密码"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new = forms.CharField(
        label=_("新密码"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("再输一遍新密码"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        """The new password must be typed the same twice."""
        data = super().clean() or {}
        if data.get("new") and data.get("again") and data["new"] != data["again"]:
            self.add_error("again", _("两次输入的新密码不一样"))
        return data

    @staticmethod
    def policy() -> list[str]:
        """The policy in words."""
        return [str(t) for t in password_validators_help_texts()]


class AccountForm(forms.Form):
    """A new account: who, for which unit, with which first role."""

    username = forms.CharField(
        label=_("用户名"), max_length=60, help_text=_("小写字母、数字和 . _ -, 不用身份证号")
    )
    display_name = forms.CharField(label=_("姓名"), max_length=50)
    phone = forms.CharField(label=_("办公电话"), max_length=30, required=False)
    org = forms.TypedChoiceField(label=_("单位"), coerce=int)
    role = forms.ChoiceField(label=_("身份"))
    school_class = forms.TypedChoiceField(
        label=_("班级"),
        coerce=int,
        empty_value=None,
        required=False,
        help_text=_("班主任和任课教师选择所教的班"),
    )
    valid_to = forms.DateField(
        label=_("有效期至"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("不填为长期"),
    )

    def __init__(
        self,
        *args: Any,
        orgs: list[tuple[int, str]],
        roles: list[str],
        classes: list[tuple[int, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["org"].choices = orgs  # type: ignore[attr-defined]
        self.fields["role"].choices = [(r, Role(r).label) for r in roles]  # type: ignore[attr-defined]
        if classes:
            self.fields["school_class"].choices = [("", _("不选")), *classes]  # type: ignore[attr-defined]
        else:
            del self.fields["school_class"]


class RoleForm(AccountForm):
    """One more role for an account."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("username", "display_name", "phone"):
            del self.fields[name]


class BatchForm(forms.Form):
    """Many new accounts of one role."""

    role = forms.ChoiceField(label=_("身份"))
    valid_to = forms.DateField(
        label=_("有效期至"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("不填为长期"),
    )
    people = forms.CharField(
        label=_("名单"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
        help_text=_("每人一行: 姓名, 用户名, 单位或班级, 办公电话。可以从表格里整块复制粘贴"),
    )

    def __init__(self, data: Any = None, *, roles: list[str]) -> None:
        super().__init__(data)
        self.fields["role"].choices = [(r, Role(r).label) for r in roles]  # type: ignore[attr-defined]


class HandOverForm(forms.Form):
    """Who stands in for whom, from when until when, and why."""

    assignment = forms.TypedChoiceField(label=_("代谁办理"), coerce=int)
    to_user = forms.TypedChoiceField(label=_("由谁代办"), coerce=int)
    since = forms.DateField(label=_("从"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    until = forms.DateField(label=_("到"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    reason = forms.CharField(label=_("原因"), max_length=200)

    def __init__(self, parts: list[tuple[int, str]], people: list[tuple[int, str]], data: Any = None) -> None:
        super().__init__(data, initial={"since": timezone.localdate()})
        self.fields["assignment"].choices = parts  # type: ignore[attr-defined]
        self.fields["to_user"].choices = people  # type: ignore[attr-defined]
