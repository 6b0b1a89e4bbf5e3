"""Forms of certificates, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .commands import DAYS
from .facts import TITLES
from .queries import STATES

PURPOSES = (_("转学、升学报名"), _("户籍办理"), _("社会保险、医疗保险"), _("资助、助学申请"), _("就业"))


class IssueForm(forms.Form):
    """What a school decides when it gives out a certificate."""

    kind = forms.ChoiceField(label=_("证明种类"), widget=forms.RadioSelect)
    purpose = forms.CharField(
        label=_("用途"),
        max_length=50,
        help_text=_("印在证明上, 如: 转学、升学报名"),
        widget=forms.TextInput(attrs={"list": "purposes", "autocomplete": "off"}),
    )
    days = forms.TypedChoiceField(
        label=_("有效期"),
        choices=[(d, f"{d}天") for d in DAYS],
        coerce=int,
        initial=30,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, kinds: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [(k, TITLES[k]) for k in kinds]  # type: ignore[attr-defined]
        self.fields["kind"].initial = kinds[-1] if kinds else None


class ListForm(forms.Form):
    """What the list of certificates can be narrowed by; what makes no sense is left out."""

    number = forms.CharField(required=False, max_length=40)
    state = forms.ChoiceField(required=False, choices=[("", ""), *STATES.items()])
    kind = forms.ChoiceField(required=False, choices=[("", ""), *TITLES.items()])

    def asked(self) -> dict[str, str]:
        """The conditions that can be read."""
        self.is_valid()
        return {k: str(v) for k, v in self.cleaned_data.items() if v}
