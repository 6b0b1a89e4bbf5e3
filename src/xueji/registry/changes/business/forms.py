"""The base of what is filled in for a case. Clean values are JSON: dates as ISO text, classes as ids."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..models import Case
from ..subject import classes_of_grade

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
    """Base: a draft may be kept half-filled; what is missing is said by the checks."""

    def __init__(self, case: Case, data: Any = None) -> None:
        self.case = case
        super().__init__(data, initial=case.form)
        self.prepare()

    def prepare(self) -> None:
        """Fill in choices that depend on the case."""

    def values(self) -> dict[str, Any]:
        """Clean values as the case keeps them."""
        out = {}
        for key, value in self.cleaned_data.items():
            out[key] = value.isoformat() if isinstance(value, date) else value
        return out

    def _classes(self, codes: list[str]) -> list[tuple[str, str]]:
        today = timezone.localdate()
        places = [p for code in codes for p in classes_of_grade(self.case.org_id, code, today)]
        return [("", str(_("请选择")))] + [
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


class ClassForm(CaseForm):
    """A case that puts the child into a class."""

    def clean_to_class_id(self) -> int | None:
        """The class as a number."""
        raw = self.cleaned_data["to_class_id"]
        return int(raw) if raw else None

    def offer_classes(self, codes: list[str]) -> None:
        """Open classes of the grades with these codes, with their room."""
        self.fields["to_class_id"].choices = self._classes(codes)  # type: ignore[attr-defined]
