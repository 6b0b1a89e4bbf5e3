"""The base of what is filled in for a case. Clean values are JSON: dates as ISO text, classes as ids."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from xueji.ground.orgs.models import Org
from xueji.ground.policy.engine import PolicySet

from ..models import Case
from ..routing import policy_for
from ..subject import ClassPlace, classes_of_cohorts, classes_of_grade, open_classes
from . import asking

_FORMATS = ["%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日"]


def day_field(label: Any, help_text: Any = "") -> forms.DateField:
    """A date in any of the usual notations; may be left out in a draft."""
    return forms.DateField(
        label=label,
        help_text=help_text,
        required=False,
        input_formats=_FORMATS,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("请按 2026-09-01 的样子填写日期")},
    )


def reason_field(*reasons: Any) -> forms.ChoiceField:
    """The reason, one of those that are offered."""
    choices = [("", _("请选择")), *((str(r), r) for r in reasons)]
    return forms.ChoiceField(label=_("原因"), choices=choices, required=False)


class CaseForm(forms.Form):
    """Base: a draft may be kept half-filled; what is missing is said by the checks.

    Beside its own fields it has those that the rules of the place ask for (`ask`, module `asking`).
    """

    #: Further occasions of the packs that this kind may meet (`suspend.order`).
    occasions: tuple[str, ...] = ()

    def __init__(self, case: Case, data: Any = None) -> None:
        self.case = case
        self.questions: dict[str, asking.Question] = {}
        super().__init__(data, initial=case.form)
        self.prepare()
        if data is not None and any(name.startswith(asking.PREFIX) for name in data):
            events = asking.events_of(case.business, self.occasions)
            self.ask(asking.posted(self.policy, events, data))

    @cached_property
    def policy(self) -> PolicySet:
        """The rules that hold for the school that started the case."""
        return policy_for(Org.objects.get(pk=self.case.org_id), timezone.localdate())

    def prepare(self) -> None:
        """Fill in choices that depend on the case."""

    def ask(self, questions: Iterable[asking.Question]) -> None:
        """Ask for facts that the rules look at and nobody here knows."""
        answers = self.case.form.get("answers", {})
        for question in questions:
            if question.name not in self.fields:
                self.fields[question.name] = asking.field_of(question)
                held = answers.get(question.fact)
                self.initial[question.name] = _shown(question, held)
            self.questions[question.name] = question

    @property
    def own_fields(self) -> list[forms.BoundField]:
        """What the kind of case asks."""
        return [self[name] for name in self.fields if name not in self.questions]

    @property
    def asked_fields(self) -> list[forms.BoundField]:
        """What the rules of the place ask."""
        return [self[name] for name in self.fields if name in self.questions]

    def values(self) -> dict[str, Any]:
        """Clean values as the case keeps them."""
        out: dict[str, Any] = {}
        answers = dict(self.case.form.get("answers", {}))
        for key, value in self.cleaned_data.items():
            if (question := self.questions.get(key)) is not None:
                answers[question.fact] = asking.clean(question, value)
            else:
                out[key] = value.isoformat() if isinstance(value, date) else value
        return out | {"answers": {k: v for k, v in answers.items() if v is not None}}

    def offer_reasons(self, reasons: Iterable[Any], param: str = "") -> None:
        """The reasons that can be chosen: those that the place allows, where it names them, else these."""
        words = [str(r) for r in reasons]
        if param and param in self.policy.param_ids() and (held := self.policy.param(param)).stated:
            words = [str(r) for r in held.value]
        kept = self.case.form.get("reason", "")
        more = [kept] if kept and kept not in words else []
        choices = [("", _("请选择")), *((r, r) for r in (*words, *more))]
        self.fields["reason"].choices = choices  # type: ignore[attr-defined]

    def _show(self, places: list[ClassPlace]) -> None:
        today = timezone.localdate()
        self.fields["to_class_id"].choices = [("", str(_("请选择")))] + [  # type: ignore[attr-defined]
            (
                str(p.id),
                str(
                    _("%(name)s 现有 %(n)s 人, 额定 %(cap)s 人")
                    % {
                        "name": p.label(today),
                        "n": p.size,
                        "cap": p.capacity,
                    }
                ),
            )
            for p in places
        ]


def note_field(help_text: Any = "") -> forms.CharField:
    """Some words more, at most 200 characters."""
    return forms.CharField(
        label=_("补充说明"),
        required=False,
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=help_text,
    )


def class_field(help_text: Any = "") -> forms.ChoiceField:
    """The class into which the child is put; its choices come from `CaseForm.offer_classes`."""
    return forms.ChoiceField(label=_("编入班级"), required=False, help_text=help_text)


def _shown(question: asking.Question, held: Any) -> Any:
    if question.type == "bool" and held is not None:
        return "1" if held else "0"
    if question.type == "set" and not question.choices and isinstance(held, list):
        return "、".join(held)
    return held


class ClassForm(CaseForm):
    """A case that puts the child into a class."""

    def clean_to_class_id(self) -> int | None:
        """The class as a number."""
        raw = self.cleaned_data["to_class_id"]
        return int(raw) if raw else None

    def offer_cohorts(self, *later: int) -> None:
        """Open classes of the child's stage whose cohort entered so many years later; by default its own and the
        next one: where a child returns to after an absence.
        """
        stage, cohort = self.case.summary.get("stage", ""), self.case.summary.get("cohort", "")
        years = [int(cohort) + n for n in (later or (0, 1))] if cohort else []
        self._show(classes_of_cohorts(self.case.org_id, stage, years))

    def offer_grades(self) -> None:
        """All open classes of the school that are in some grade today, for a child from elsewhere."""
        today = timezone.localdate()
        self._show([p for p in open_classes(self.case.org_id) if p.grade(today) is not None])

    def offer_classes(self, codes: list[str]) -> None:
        """Open classes of the grades with these codes, with their room."""
        today = timezone.localdate()
        self._show([p for code in codes for p in classes_of_grade(self.case.org_id, code, today)])
