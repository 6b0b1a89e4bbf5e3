"""What is filled in: the question to the other installation, the transfer itself, and the administrator's forms."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from xueji.registry.changes.subject import classes_of_grade

from .models import Peer, RelayCase

_FORMATS = ["%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日"]
REASONS = (_("家庭住址变动"), _("监护人工作调动"), _("随监护人迁移户口"), _("其他"))


class AskForm(forms.Form):
    """Which child, where."""

    peer = forms.TypedChoiceField(label=_("学生现在哪里"), coerce=int)
    school_code = forms.CharField(
        label=_("原学校标识码"), max_length=20, help_text=_("10 位, 印在原学校打印的学生基本信息表上")
    )
    name = forms.CharField(
        label=_("学生姓名"), max_length=100, widget=forms.TextInput(attrs={"data-person-name": ""})
    )
    number = forms.CharField(
        label=_("学籍号或证件号"), max_length=30, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = Peer.objects.filter(active=True).order_by("name", "pk").values_list("id", "name")[:500]
        self.fields["peer"].choices = [("", _("请选择")), *found]  # type: ignore[attr-defined]


class TransferForm(forms.Form):
    """The transfer; a draft may be kept half-filled, what is missing is said by the checks."""

    reason = forms.ChoiceField(label=_("原因"), required=False)
    reason_note = forms.CharField(
        label=_("补充说明"), required=False, max_length=200, widget=forms.Textarea(attrs={"rows": 2})
    )
    to_class_id = forms.TypedChoiceField(
        label=_("编入班级"), required=False, coerce=int, empty_value=None, help_text=_("只列出同年级的班级")
    )
    effective_on = forms.DateField(
        label=_("转入日期"),
        required=False,
        input_formats=_FORMATS,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("对方办结时已过这一天的, 从办结那天起"),
        error_messages={"invalid": _("请按 2026-09-01 的样子填写日期")},
    )

    def __init__(self, case: RelayCase, data: Any = None) -> None:
        super().__init__(data, initial=case.form)
        today = timezone.localdate()
        places = classes_of_grade(case.org_id, case.summary.get("grade_code") or "", today)
        words = _("%(name)s 现有 %(n)s 人, 额定 %(cap)s 人")
        self.fields["reason"].choices = [("", _("请选择")), *((str(r), r) for r in REASONS)]  # type: ignore[attr-defined]
        self.fields["to_class_id"].choices = [  # type: ignore[attr-defined]
            ("", _("请选择")),
            *((p.id, words % {"name": p.label(today), "n": p.size, "cap": p.capacity}) for p in places),
        ]

    def values(self) -> dict[str, Any]:
        """Clean values as the case keeps them."""
        return {k: v.isoformat() if isinstance(v, date) else v for k, v in self.cleaned_data.items()}


class OwnForm(forms.Form):
    """What this installation is called."""

    code = forms.CharField(
        label=_("本系统代号"), max_length=12, help_text=_("2 到 12 位字母或数字, 例如省的行政区划 13")
    )
    name = forms.CharField(label=_("本系统名称"), max_length=100)
    base_url = forms.CharField(
        label=_("本系统网址"),
        max_length=200,
        required=False,
        help_text=_("对方系统能访问的网址, 以 https:// 开头"),
    )


def _lines(text: str) -> list[str]:
    return [x for x in text.replace("，", "\n").replace(",", "\n").splitlines() if x.strip()]


class PeerForm(forms.Form):
    """Address and places of another installation."""

    base_url = forms.CharField(
        label=_("对方网址"), max_length=200, required=False, help_text=_("没有网络的留空, 消息用文件来回传递")
    )
    divisions = forms.CharField(
        label=_("负责的行政区划"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("代码的开头 2、4 或 6 位, 每行一个"),
    )
    active = forms.BooleanField(label=_("启用"), required=False, initial=True)

    def places(self) -> list[str]:
        """The division codes."""
        return _lines(self.cleaned_data["divisions"])


class NewPeerForm(forms.Form):
    """Another installation, from the card that its administrator handed over."""

    card = forms.FileField(label=_("对方系统的名片文件"))
    fingerprint = forms.CharField(
        label=_("对方电话读出的指纹"),
        max_length=80,
        help_text=_("打电话给对方系统管理员, 请他读出页面上的 40 位指纹"),
    )
    divisions = forms.CharField(
        label=_("负责的行政区划"), required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def clean_card(self) -> Any:
        """The card as JSON."""
        file = self.cleaned_data["card"]
        try:
            return json.loads(file.read(64 * 1024))
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(_("这不是对方系统导出的名片文件, 请对方重新导出")) from error

    def places(self) -> list[str]:
        """The division codes."""
        return _lines(self.cleaned_data["divisions"])
