"""What is filled in for each kind of case. Clean values are JSON: dates as ISO text, classes as ids."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from xueji.ground.standards.identity import check_identity
from xueji.ground.standards.idtypes import id_types
from xueji.ground.standards.names import normalise_name

from .kinds import REASONS
from .models import Case
from .subject import classes_of_grade

_FORMATS = ["%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日"]


def _day(label: Any, help_text: Any = "") -> forms.DateField:
    return forms.DateField(
        label=label,
        help_text=help_text,
        required=False,
        input_formats=_FORMATS,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("请按 2026-09-01 的样子填写日期")},
    )


def _reasons(business: str) -> forms.ChoiceField:
    choices = [("", _("请选择")), *((str(r), r) for r in REASONS[business])]
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


class TransferForm(CaseForm):
    """Transfer into the own school."""

    reason = _reasons("transfer")
    reason_note = forms.CharField(
        label=_("补充说明"), required=False, max_length=200, widget=forms.Textarea(attrs={"rows": 2})
    )
    to_class_id = forms.ChoiceField(label=_("编入班级"), required=False, help_text=_("只列出同年级的班级"))
    effective_on = _day(_("转入日期"), _("自这一天起在本校在籍, 今天或以后"))

    def prepare(self) -> None:
        self.fields["to_class_id"].choices = self._classes(  # type: ignore[attr-defined]
            [self.case.summary.get("grade_code", "")]
        )

    def clean_to_class_id(self) -> int | None:
        """The class as a number."""
        raw = self.cleaned_data["to_class_id"]
        return int(raw) if raw else None


class SuspendForm(CaseForm):
    """Suspension."""

    reason = _reasons("suspend")
    reason_note = forms.CharField(
        label=_("补充说明"),
        required=False,
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("不用写病名等细节, 材料里有"),
    )
    start = _day(_("休学开始日期"))
    end = _day(_("休学结束日期"), _("到期后办理复学"))


class ResumeForm(CaseForm):
    """Return after a suspension."""

    reason = _reasons("resume")
    to_class_id = forms.ChoiceField(
        label=_("编入班级"), required=False, help_text=_("可编入休学前的年级或现在的年级")
    )
    resume_on = _day(_("复学日期"))

    def prepare(self) -> None:
        code = self.case.summary.get("grade_code", "")
        below = f"{code[0]}{int(code[1]) - 1}" if len(code) == 2 and code[1] > "1" else ""
        self.fields["to_class_id"].choices = self._classes([c for c in (code, below) if c])  # type: ignore[attr-defined]
        self.fields["reason"].label = _("休学原因")

    def clean_to_class_id(self) -> int | None:
        """The class as a number."""
        raw = self.cleaned_data["to_class_id"]
        return int(raw) if raw else None


class CorrectionForm(CaseForm):
    """Name, identity number, sex, birth date: only what changes is filled in."""

    new_name = forms.CharField(
        label=_("新姓名"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"data-person-name": ""}),
        help_text=_("不改就不填"),
    )
    new_id_type = forms.ChoiceField(label=_("新证件类型"), required=False)
    new_number = forms.CharField(
        label=_("新证件号"),
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    new_sex = forms.ChoiceField(
        label=_("新性别"), required=False, choices=[("", _("不变")), ("1", _("男")), ("2", _("女"))]
    )
    new_birth_date = _day(_("新出生日期"))
    reason = forms.CharField(label=_("变更原因"), required=False, max_length=200)

    def prepare(self) -> None:
        kinds = [(t.code, t.label) for t in id_types().values() if t.for_students]
        self.fields["new_id_type"].choices = [("", _("不变")), *kinds]  # type: ignore[attr-defined]
        if masked := self.case.form.get("new_number_masked"):
            self.fields["new_number"].help_text = _("已填 %s, 留空表示不再改动") % masked

    def clean_new_name(self) -> str:
        """The name as it is stored: dots unified, no stray blanks."""
        raw = self.cleaned_data["new_name"]
        if not raw:
            return ""
        found = normalise_name(raw)
        if not found.ok:
            raise forms.ValidationError(found.problems[0].message)
        return found.value

    def clean(self) -> dict[str, Any]:
        """A number must be well-formed for its type."""
        data = super().clean() or {}
        number = data.get("new_number")
        if number:
            found = check_identity(data.get("new_id_type") or "1", number, on=timezone.localdate())
            wrong = next((p for p in found.problems if p.severity == "error"), None)
            if wrong is not None:
                self.add_error("new_number", wrong.message)
            else:
                data["new_number"] = found.value
        return data


FORMS: dict[str, type[CaseForm]] = {
    "transfer": TransferForm,
    "suspend": SuspendForm,
    "resume": ResumeForm,
    "correct_key": CorrectionForm,
}


class LookupForm(forms.Form):
    """Name and number of a child at another school."""

    name = forms.CharField(
        label=_("姓名"),
        max_length=100,
        widget=forms.TextInput(attrs={"data-person-name": "", "autocomplete": "off"}),
    )
    number = forms.CharField(
        label=_("学籍号或证件号"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("学生基本信息表上的完整号码"),
    )
