"""Forms of certificates, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .commands import DAYS
from .facts import DIPLOMA, RESULTS, TITLES
from .queries import STATES

PURPOSES = (_("转学、升学报名"), _("户籍办理"), _("社会保险、医疗保险"), _("资助、助学申请"), _("就业"))


class IssueForm(forms.Form):
    """What a school decides when it gives out a certificate."""

    kind = forms.ChoiceField(label=_("证明种类"), widget=forms.RadioSelect)
    purpose = forms.CharField(
        label=_("用途"),
        max_length=50,
        required=False,
        help_text=_("印在证明上, 如: 转学、升学报名; 颁发证书可以不填"),
        widget=forms.TextInput(attrs={"list": "purposes", "autocomplete": "off"}),
    )
    days = forms.TypedChoiceField(
        label=_("有效期"),
        choices=[(d, f"{d}天") for d in DAYS],
        coerce=int,
        initial=30,
        widget=forms.RadioSelect,
    )
    term = forms.CharField(
        label=_("哪个学期的成绩"),
        max_length=40,
        required=False,
        help_text=_("只有成绩证明要填, 如: 2025-2026学年第二学期"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    results = forms.CharField(
        label=_("各科成绩"),
        max_length=600,
        required=False,
        help_text=_("只有成绩证明要填; 每行一科, 科目和成绩之间空一格, 如“语文 92”"),
        widget=forms.Textarea(attrs={"rows": 6}),
    )

    def __init__(self, *args: Any, kinds: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [(k, TITLES[k]) for k in kinds]  # type: ignore[attr-defined]
        self.fields["kind"].initial = kinds[-1] if kinds else None
        if DIPLOMA not in kinds:
            purpose = self.fields["purpose"]
            purpose.required, purpose.error_messages["required"] = True, _("请填写用途")
            purpose.help_text = _("印在证明上, 如: 转学、升学报名")
        if RESULTS not in kinds:
            del self.fields["term"], self.fields["results"]

    def clean(self) -> dict[str, Any]:
        """Every paper but a certificate of completion says what it is for; a 成绩证明 has marks."""
        found = super().clean() or {}
        if found.get("kind") not in (None, DIPLOMA) and found.get("purpose") == "":
            self.add_error("purpose", _("请填写用途"))
        if found.get("kind") == RESULTS:
            for name, words in (("term", _("请填写是哪个学期的成绩")), ("results", _("请填写各科成绩"))):
                if not found.get(name, "").strip():
                    self.add_error(name, words)
        return found


class ListForm(forms.Form):
    """What the list of certificates can be narrowed by; what makes no sense is left out."""

    number = forms.CharField(required=False, max_length=40)
    state = forms.ChoiceField(required=False, choices=[("", ""), *STATES.items()])
    kind = forms.ChoiceField(required=False, choices=[("", ""), *TITLES.items()])

    def asked(self) -> dict[str, str]:
        """The conditions that can be read."""
        self.is_valid()
        return {k: str(v) for k, v in self.cleaned_data.items() if v}
