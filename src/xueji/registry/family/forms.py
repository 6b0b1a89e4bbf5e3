"""What a family fills in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from . import guardianship, requests


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


class AskForm(forms.Form):
    """What a family asks for about the record."""

    kind = forms.ChoiceField(label=_("要办什么"), choices=list(requests.KINDS.items()))
    field = forms.ChoiceField(label=_("哪一项"), choices=list(requests.FIELDS.items()))
    wanted = forms.CharField(
        label=_("正确的内容"),
        max_length=200,
        required=False,
        help_text=_("要更正时填写。身份证件号不要写在这里, 请带证件到学校"),
    )
    words = forms.CharField(
        label=_("说明"),
        min_length=requests.LEAST_WORDS,
        max_length=1000,
        help_text=_("哪里不对、为什么要改或要删、您的意见"),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    private = forms.BooleanField(
        label=_("不告诉家长"), required=False, help_text=_("满14周岁的学生可以选, 学校只答复你本人")
    )

    def __init__(self, *args: Any, may_keep: bool = False, direct: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_keep:
            del self.fields["private"]
        kinds = [(k, v) for k, v in requests.KINDS.items() if direct or k not in requests.DIRECT_ALONE]
        self.fields["kind"].choices = kinds  # type: ignore[attr-defined]
        if direct:
            self.fields["wanted"].help_text = _("要更正时填写。身份证件号不要写在这里")

    def clean(self) -> dict[str, Any]:
        """A correction says what is right; the number of a document is brought, not typed."""
        data = super().clean() or {}
        wanted = data.get("wanted", "").strip()
        if data.get("kind") == "correct" and data.get("field") != "identity" and not wanted:
            self.add_error("wanted", _("请写明正确的内容是什么"))
        return data


class AppealForm(forms.Form):
    """Why the family does not accept the answer."""

    words = forms.CharField(
        label=_("申诉理由"),
        min_length=requests.LEAST_WORDS,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class AnswerForm(forms.Form):
    """The answer to a request, with its reason."""

    agreed = forms.TypedChoiceField(
        label=_("答复"),
        coerce=lambda v: v == "yes",
        choices=[("yes", _("已办理(已更正)")), ("no", _("不予办理(不予更正)"))],
    )
    reply = forms.CharField(
        label=_("说明"),
        min_length=requests.LEAST_WORDS,
        max_length=1000,
        help_text=_("家长会看到。写明改了什么, 或为什么不能改"),
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class FactForm(forms.Form):
    """A fact about guardianship with the paper that it rests on."""

    kind = forms.ChoiceField(label=_("登记什么"))
    guardian = forms.TypedChoiceField(
        label=_("哪一位"), coerce=lambda v: int(v) if v else None, empty_value=None, required=False
    )
    since = forms.DateField(
        label=_("从哪天起"),
        initial=timezone.localdate,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    paper = forms.CharField(
        label=_("依据的文书"),
        min_length=4,
        max_length=120,
        help_text=_("如: 青禾县人民法院(2026)测民初1号判决书; 收养登记证号; 死亡证明编号"),
    )
    words = forms.CharField(
        label=_("说明"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, guardians: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [(k, v.label) for k, v in guardianship.KINDS.items()]  # type: ignore[attr-defined]
        self.fields["guardian"].choices = [  # type: ignore[attr-defined]
            ("", _("不指定(仅限住址保密)")),
            *((no, name) for no, name in guardians),
        ]
        self.fields["guardian"].help_text = _("住址保密: 选仍可以看的那一位, 没有就不指定")


class LiftForm(forms.Form):
    """The lifting of a fact."""

    since = forms.DateField(
        label=_("从哪天起解除"),
        initial=timezone.localdate,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    paper = forms.CharField(label=_("依据的文书"), min_length=4, max_length=120)
    words = forms.CharField(
        label=_("说明"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
