"""Forms of this room."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from xueji.ground.accounts.actor import Actor, today
from xueji.ground.accounts.roles import STAFF, Role

from . import words

_DAY = {"type": "date"}


class SignForm(forms.Form):
    """The typed name under the promise, and which version of it was read."""

    name = forms.CharField(label=_("输入本人姓名作为签名"), max_length=50)
    read = forms.BooleanField(label=_("我已逐条读过并承诺遵守"))
    text = forms.IntegerField(required=False, widget=forms.HiddenInput)


class TrainingForm(forms.Form):
    """A training held in a room: what, when, how long, by whom, where the sheet of signatures lies."""

    topic = forms.CharField(label=_("培训内容"), max_length=100)
    done_on = forms.DateField(label=_("培训日期"), widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"))
    hours = forms.DecimalField(label=_("学时"), min_value=0.5, max_value=100, decimal_places=1)
    trainer = forms.CharField(label=_("主讲人"), max_length=60)
    evidence = forms.CharField(
        label=_("签到表存放处"), max_length=200, required=False, help_text=_("例如: 档案室 2026 年第 3 盒")
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"done_on": today(), "hours": 2})


class RuleForm(forms.Form):
    """Who must have signed and learned, and for how long that holds."""

    roles = forms.MultipleChoiceField(
        label=_("哪些身份必须签署和培训后才能使用"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[(r.value, r.label) for r in Role if r in STAFF],
    )
    months = forms.IntegerField(label=_("有效期(月)"), min_value=1, max_value=36)


class AskForm(forms.Form):
    """The registrar's request for the head's authorisation."""

    kinds = forms.MultipleChoiceField(
        label=_("要修改哪一类信息"), choices=list(words.KINDS.items()), widget=forms.CheckboxSelectMultiple
    )
    school_class = forms.TypedChoiceField(
        label=_("哪些学生"), coerce=int, empty_value=None, required=False, choices=()
    )
    since = forms.DateField(label=_("从"), widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"))
    until = forms.DateField(label=_("到"), widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"))
    reason = forms.CharField(label=_("为什么要修改"), max_length=200)

    def __init__(
        self,
        classes: list[tuple[int, str]],
        data: Any = None,
        *,
        initial: dict[str, Any],
        pupil: bool = False,
    ) -> None:
        super().__init__(data, initial=initial)
        if pupil:
            del self.fields["school_class"]
        else:
            self.fields["school_class"].choices = [("", _("全校学生")), *classes]  # type: ignore[attr-defined]


class VerificationForm(forms.Form):
    """Who came and which paper was shown; to be put into the form of whatever is accepted or released."""

    subject = forms.ChoiceField(label=_("来人是"), choices=list(words.SUBJECTS.items()))
    name = forms.CharField(label=_("证件上的姓名"), max_length=50)
    paper = forms.ChoiceField(label=_("出示的证件"), choices=list(words.PAPERS.items()))
    number = forms.CharField(
        label=_("证件号码"),
        max_length=40,
        help_text=_("只保存掩码"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    note = forms.CharField(label=_("备注"), max_length=200, required=False)

    def kept(self, actor: Actor, person_id: uuid.UUID | None, about: str) -> int:
        """Keep the record of a valid form; returns its id. Raises VerificationError."""
        from .commands.verify import keep

        data = self.cleaned_data
        return keep(
            actor,
            about=about,
            person_id=person_id,
            subject=data["subject"],
            name=data["name"],
            paper=data["paper"],
            number=data["number"],
            note=data["note"],
        )
