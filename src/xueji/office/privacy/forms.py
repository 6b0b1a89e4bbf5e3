"""What is filled in at this desk, and what anybody writes who reports misuse."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from . import sharing, terms
from .commands import complaints, incidents

_MOMENT = "%Y-%m-%dT%H:%M"


def _moment(label: Any, **more: Any) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label,
        input_formats=[_MOMENT],
        widget=forms.DateTimeInput(format=_MOMENT, attrs={"type": "datetime-local"}),
        **more,
    )


def _day(label: Any, **more: Any) -> forms.DateField:
    return forms.DateField(
        label=label, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), **more
    )


def _text(label: Any, rows: int = 3, **more: Any) -> forms.CharField:
    return forms.CharField(label=label, widget=forms.Textarea(attrs={"rows": rows}), **more)


class IncidentForm(forms.Form):
    """What somebody has noticed."""

    kind = forms.ChoiceField(label=_("哪一种"))
    title = forms.CharField(
        label=_("一句话说明"), max_length=100, help_text=_("如: 班级群里有人发出全班名单")
    )
    found_at = _moment(_("什么时候发现的"))
    text = _text(
        _("详细情况"), 5, max_length=4000, help_text=_("在哪里、有哪些信息、可能涉及多少学生、已经做了什么")
    )
    drill = forms.BooleanField(label=_("这是应急演练, 不是真实事件"), required=False)

    def __init__(self, *args: Any, may_drill: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [(k.code, k.name) for k in terms.kinds().values()]  # type: ignore[attr-defined]
        self.fields["found_at"].initial = timezone.localtime().strftime(_MOMENT)
        if not may_drill:
            del self.fields["drill"]


class StepForm(forms.Form):
    """A step that was done."""

    code = forms.ChoiceField(label=_("步骤"))
    text = _text(_("做了什么"), 3, min_length=5, max_length=1000)
    severity = forms.ChoiceField(
        label=_("等级"), required=False, choices=[("", _("不变")), *incidents.SEVERITIES.items()]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].choices = [(s.code, s.name) for s in terms.steps()]  # type: ignore[attr-defined]


class NoticeForm(forms.Form):
    """What families are told."""

    guardian = _text(_("告知监护人"), 5, min_length=10, max_length=2000)
    child = _text(_("告知学生"), 3, min_length=10, max_length=2000)


class LookForm(forms.Form):
    """All children whom an account looked at in a span."""

    username = forms.CharField(label=_("账号(用户名)"), max_length=60)
    begin = _moment(_("从"))
    end = _moment(_("到"))


class ComplaintForm(forms.Form):
    """A report of misuse, with or without a name."""

    org_id = forms.TypedChoiceField(label=_("由哪个主管部门处理"), coerce=int)
    about = forms.CharField(label=_("反映的是哪个单位"), max_length=100, help_text=_("学校或部门的名称"))
    itself = forms.BooleanField(label=_("反映的就是上面选的主管部门(将交给它的上级)"), required=False)
    kind = forms.ChoiceField(label=_("哪一类问题"), choices=list(complaints.KINDS.items()))
    text = _text(
        _("情况"),
        6,
        min_length=10,
        max_length=4000,
        help_text=_("什么时候、什么人、怎么知道的。不要写身份证件号"),
    )
    contact = forms.CharField(
        label=_("联系方式(可以不填)"), max_length=200, required=False, help_text=_("只有负责处理的人能看到")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offices = complaints.authorities()
        self.fields["org_id"].choices = [("", _("请选择")), *offices]  # type: ignore[attr-defined]


class CodeForm(forms.Form):
    """The receipt code of a report, and what the reporter may add."""

    code = forms.CharField(
        label=_("查询码"),
        max_length=60,
        help_text=_("举报时给出的 16 位字母和数字"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )


class AnswerForm(forms.Form):
    """The answer to a report of misuse."""

    outcome = forms.ChoiceField(label=_("查实的结果"), choices=list(complaints.OUTCOMES.items()))
    text = _text(_("答复"), 5, min_length=10, max_length=4000, help_text=_("举报人凭查询码看到"))


class ShareForm(forms.Form):
    """An entry of the sharing register."""

    recipient = forms.CharField(label=_("接收方"), max_length=100)
    recipient_kind = forms.ChoiceField(label=_("接收方是"), choices=list(sharing.RECIPIENTS.items()))
    purpose = forms.CharField(label=_("目的"), min_length=4, max_length=200)
    commercial = forms.BooleanField(label=_("接收方会用于商业活动"), required=False)
    columns = forms.MultipleChoiceField(
        label=_("提供哪些信息"),
        choices=[(k, f.label) for k, f in sharing.FIELDS.items()],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("只选达到目的所必需的"),
    )
    basis = forms.ChoiceField(label=_("依据"), choices=list(sharing.BASES.items()))
    basis_note = forms.CharField(label=_("依据的文件和条款"), max_length=200, required=False)
    contract = forms.CharField(label=_("合同或协议编号"), max_length=100, required=False)
    contract_data = forms.FileField(label=_("合同或授权文件(PDF 或照片)"), required=False)
    since = _day(_("自"))
    until = _day(_("至"))
    at_end = forms.ChoiceField(label=_("到期怎么办"), choices=list(sharing.AT_END.items()))


class CheckForm(forms.Form):
    """A check that people did; one finding a line: what; whose; until when."""

    title = forms.CharField(label=_("查了什么"), max_length=100)
    text = _text(_("结果"), 3, min_length=5, max_length=500)
    findings = _text(
        _("发现的问题"),
        3,
        required=False,
        max_length=3000,
        help_text=_("一行一个, 如: 机房门禁失效; 张老师; 2026-12-20"),
    )
