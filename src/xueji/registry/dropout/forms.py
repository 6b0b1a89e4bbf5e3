"""What is filled in on the watch list."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .commands import FOLLOW_UP
from .models import Result, Source


class NoticeForm(forms.Form):
    """A child that may be dropping out."""

    person = forms.ChoiceField(label=_("学生"))
    source = forms.ChoiceField(label=_("登记原因"), choices=Source.choices)
    since = forms.DateField(label=_("从哪一天起"), widget=forms.DateInput(attrs={"type": "date"}))
    text = forms.CharField(label=_("了解到的情况"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, people: list[tuple[str, str]], data: Any = None, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        self.fields["person"].choices = [("", _("请选择")), *people]  # type: ignore[attr-defined]
        self.fields["since"].widget.attrs["max"] = timezone.localdate().isoformat()


class FollowForm(forms.Form):
    """One step of following up."""

    deed = forms.ChoiceField(label=_("做了什么"), choices=[(d.value, d.label) for d in FOLLOW_UP])
    text = forms.CharField(label=_("情况"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class CloseForm(forms.Form):
    """How it ended."""

    result = forms.ChoiceField(
        label=_("结果"),
        choices=[(r.value, r.label) for r in (Result.RETURNED, Result.NOT_RETURNED, Result.CLEARED)],
    )
    text = forms.CharField(label=_("说明"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
