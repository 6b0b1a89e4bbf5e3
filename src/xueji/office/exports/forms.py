"""Forms of this room."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from xueji.ground.accounts.actor import today

from .words import FIELDS, RECIPIENTS, SETTLED, Purpose

_DAY = {"type": "date"}


class ApplicationForm(forms.Form):
    """An application with all the parts of article 9; only fields that the purpose can need are offered."""

    fields_wanted = forms.MultipleChoiceField(
        label=_("需要哪些信息"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("只选办事必需的; 与用途无关的信息不能导出"),
    )
    reason = forms.CharField(
        label=_("数据用途"), max_length=200, help_text=_("例如: 为九年级学生办理中考报名")
    )
    use_scope = forms.CharField(
        label=_("使用范围"), max_length=200, help_text=_("例如: 只在本校教务处内使用")
    )
    way = forms.CharField(
        label=_("使用方式"), max_length=200, help_text=_("例如: 在教务处电脑上核对, 不外发")
    )
    recipient_kind = forms.ChoiceField(label=_("提供给谁"), choices=list(RECIPIENTS.items()))
    receiver = forms.CharField(
        label=_("使用单位"), max_length=100, help_text=_("例如: 本校教务处; 提供给外单位的写明单位")
    )
    responsible = forms.CharField(
        label=_("数据安全责任人"), max_length=50, help_text=_("使用单位里对数据安全负责的人")
    )
    handler = forms.CharField(label=_("经办人"), max_length=50)
    until = forms.DateField(label=_("使用期限到哪天"), widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"))
    plan = forms.FileField(
        label=_("信息使用管理安全保障方案(PDF 或照片)"),
        required=False,
        help_text=_("使用单位盖章或签字, 写明存放在哪里、谁能看、怎样销毁"),
    )

    def __init__(
        self, purpose: Purpose, most_days: int, data: Any = None, files: Any = None, name: str = ""
    ) -> None:
        initial = {"until": today() + timedelta(days=min(3, most_days)), "handler": name}
        super().__init__(data, files, initial=initial)
        self.fields["until"].help_text = _("最长%(n)s天") % {"n": most_days}
        self.fields["fields_wanted"].choices = [  # type: ignore[attr-defined]
            (k, FIELDS[k][0]) for k in purpose.fields
        ]


class ReviewForm(forms.Form):
    """What the office keeps of what was asked for."""

    kept = forms.MultipleChoiceField(label=_("办这件事必需的信息"), widget=forms.CheckboxSelectMultiple)
    least = forms.BooleanField(label=_("逐项看过, 已是办这件事最少的信息"), required=False)
    word = forms.CharField(label=_("审核意见"), max_length=200, required=False)

    def __init__(self, asked: list[str], data: Any = None) -> None:
        super().__init__(data, initial={"kept": asked})
        self.fields["kept"].choices = [  # type: ignore[attr-defined]
            (k, FIELDS[k][0]) for k in asked if k in FIELDS
        ]


class DecideForm(forms.Form):
    """The head's word."""

    word = forms.CharField(label=_("意见"), max_length=200, required=False, help_text=_("不批准时要写原因"))


class PromiseForm(forms.Form):
    """The promise of whoever answers for the data."""

    read = forms.BooleanField(label=_("责任人已经读过, 愿意遵守"), required=False)
    paper = forms.FileField(label=_("责任人签字的责任书(PDF 或照片)"), required=False)


class ConsentForm(forms.Form):
    """The written consent of the province's leader."""

    paper = forms.FileField(label=_("书面同意意见(PDF 或照片)"), required=False)


class SettleForm(forms.Form):
    """What became of the file."""

    how = forms.ChoiceField(label=_("怎样处理"), choices=list(SETTLED.items()))
    on = forms.DateField(label=_("哪天"), widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"))
    word = forms.CharField(
        label=_("说明"), max_length=200, help_text=_("例如: 从教务处电脑彻底删除, 王老师在场")
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"on": today()})


class RuleForm(forms.Form):
    """The unit's rule about exports."""

    title = forms.CharField(label=_("名称"), max_length=100)
    text = forms.CharField(label=_("正文"), max_length=8000, widget=forms.Textarea(attrs={"rows": 10}))
    responsible = forms.CharField(label=_("责任人"), max_length=50)
    post = forms.CharField(label=_("责任人的职务"), max_length=50)
    duties = forms.CharField(
        label=_("岗位职责"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("一行一个岗位, 例如: 学籍管理员: 受理、审核申请, 导出文件"),
    )
    most_days = forms.IntegerField(label=_("使用期限最长多少天"), min_value=1)
    most_files = forms.IntegerField(label=_("一件申请最多导出几次"), min_value=1)
    most_rows = forms.IntegerField(label=_("一次最多多少人"), min_value=1)

    def lines(self) -> list[tuple[str, str]]:
        """Posts and their duties, one a line, parted by the first colon."""
        out = []
        for line in str(self.cleaned_data["duties"]).splitlines():
            post, _colon, duty = line.replace("：", ":").partition(":")
            out.append((post, duty))
        return out


class OpenForm(forms.Form):
    """The province's word about one county."""

    document = forms.CharField(label=_("授权文件"), max_length=100)
    until = forms.DateField(label=_("到哪天"), widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"))

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"until": today() + timedelta(days=365)})
