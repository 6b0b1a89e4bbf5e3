"""What an entry says, in words: before and after, field by field. Of pupils no name and no birth date is shown whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

#: Of deeds on accounts and units the values are shown in lists; of deeds on pupils only which fields were touched.
_OPEN = ("accounts.", "orgs.", "audit.", "permission.", "duty.", "keys.")
_VEILED = frozenset({"name", "former_name", "text", "remark", "reason", "guardian"})
_DATES = frozenset({"birth_date", "birthday"})

FIELDS = {
    "name": gettext_lazy("姓名"),
    "former_name": gettext_lazy("曾用名"),
    "birth_date": gettext_lazy("出生日期"),
    "sex": gettext_lazy("性别"),
    "number": gettext_lazy("编号"),
    "id_type": gettext_lazy("证件类型"),
    "verified": gettext_lazy("已核验"),
    "check_state": gettext_lazy("核验状态"),
    "status": gettext_lazy("状态"),
    "state": gettext_lazy("状态"),
    "business": gettext_lazy("业务"),
    "fields": gettext_lazy("字段"),
    "rows": gettext_lazy("条数"),
    "kind": gettext_lazy("种类"),
    "from": gettext_lazy("起始"),
    "to": gettext_lazy("截止"),
    "until": gettext_lazy("截止"),
    "role": gettext_lazy("角色"),
    "org": gettext_lazy("单位"),
    "org_id": gettext_lazy("单位"),
    "username": gettext_lazy("用户名"),
    "holds": gettext_lazy("完整"),
    "relation": gettext_lazy("关系"),
    "is_guardian": gettext_lazy("是监护人"),
    "source": gettext_lazy("来源"),
    "size": gettext_lazy("大小"),
    "mime": gettext_lazy("文件类型"),
    "register": gettext_lazy("册名"),
    "form": gettext_lazy("格式"),
    "scope": gettext_lazy("范围"),
    "purpose": gettext_lazy("目的"),
    "reason": gettext_lazy("理由"),
    "found": gettext_lazy("查到"),
    "at": gettext_lazy("时间"),
    "businesses": gettext_lazy("各项业务"),
    "month": gettext_lazy("月份"),
    "class": gettext_lazy("类别"),
    "entries": gettext_lazy("条数"),
    "rule": gettext_lazy("规则"),
    "verdict": gettext_lazy("结论"),
    "day": gettext_lazy("日期"),
    "user": gettext_lazy("账号"),
    "person": gettext_lazy("学生代号"),
    "how": gettext_lazy("方式"),
    "why": gettext_lazy("原因"),
    "count": gettext_lazy("数量"),
}
#: Ways of signing in, as entries keep them; providers of single sign-on keep their names.
_WAYS = {
    "password": gettext_lazy("密码"),
    "code": gettext_lazy("验证码"),
    "passkey": gettext_lazy("通行密钥"),
    "oidc": gettext_lazy("统一认证"),
    "cas": gettext_lazy("统一认证"),
}


@dataclass(frozen=True)
class Difference:
    """One field: what it was, what it is; `sealed` when only a digest is known."""

    key: str
    label: str
    old: str
    new: str
    sealed: bool


def label(key: str) -> str:
    """A field's name in words; the national template's where it has one."""
    if key in FIELDS:
        return str(FIELDS[key])
    from xueji.ground.standards.fields import field

    try:
        return str(field(key).name)
    except (KeyError, LookupError):
        return key


def differences(
    action: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> list[Difference]:
    """Every field of `before` and `after` in words."""
    old, new = before or {}, after or {}
    keys = [*old, *(k for k in new if k not in old)]
    out = []
    for key in keys:
        was, now = old.get(key), new.get(key)
        sealed = any(isinstance(v, str) and v.startswith("digest:") for v in (was, now))
        out.append(Difference(key, label(key), _shown(action, key, was), _shown(action, key, now), sealed))
    return out


def _shown(action: str, key: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, list | tuple):
        return "、".join(label(str(v)) for v in value[:40])
    if isinstance(value, dict):
        return "; ".join(f"{label(str(k))} {v}" for k, v in list(value.items())[:40])
    text = str(value)
    if key == "how" and action.startswith("accounts."):
        return str(_WAYS.get(text, text))
    if text.startswith("digest:"):
        return _("已加密, 指纹 %(digest)s") % {"digest": text[7:19]}
    if not action.startswith(_OPEN):
        if key in _VEILED:
            return text[0] + "*" * min(len(text) - 1, 6)
        if key in _DATES:
            return text[:4] + "-**-**"
    return text


def short(action: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    """A line for lists: values of deeds on accounts and units, names of fields of deeds on pupils."""
    old, new = before or {}, after or {}
    keys = sorted(set(old) | set(new))
    if not action.startswith(_OPEN):
        return ", ".join(label(k) for k in keys)
    parts = []
    for d in differences(action, old, new):
        both = d.key in old and d.key in new
        parts.append(f"{d.label}: {d.old} → {d.new}" if both else f"{d.label}: {d.old or d.new}")
    return "; ".join(parts)
