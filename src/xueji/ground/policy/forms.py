"""The form by which a version is proposed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from xueji.ground.policy.staging import MOST_CHARACTERS


class StageForm(forms.Form):
    """A pack as text or as a file, the day from which it shall hold, and why."""

    text = forms.CharField(
        label=_("规则文件(TOML)"),
        required=False,
        strip=False,
        max_length=MOST_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 24, "spellcheck": "false", "class": "font-monospace"}),
    )
    file = forms.FileField(
        label=_("或上传文件"),
        required=False,
        help_text=_("上传的文件代替上面的文字"),
        widget=forms.FileInput(attrs={"accept": ".toml,text/plain"}),
    )
    effective_on = forms.DateField(
        label=_("生效日期"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    note = forms.CharField(label=_("修改理由和依据"), max_length=300)

    def clean(self) -> dict[str, Any]:
        """One text out of the two; an uploaded file must be UTF-8."""
        data = super().clean() or {}
        upload = data.get("file")
        if upload:
            if upload.size > MOST_CHARACTERS * 3:
                raise forms.ValidationError(_("文件太大"))
            try:
                data["text"] = upload.read().decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise forms.ValidationError(_("文件不是 UTF-8 编码的文字")) from error
        if not (data.get("text") or "").strip():
            raise forms.ValidationError(_("请填写规则文件, 或上传一个"))
        if "\x00" in data["text"]:
            raise forms.ValidationError(_("文件里有不能保存的字符"))
        return data
