"""Why each item is collected, on what legal ground, for how long: 个人信息保护法 6, 7 and 17 item by item.

`standards/purposes.csv`, one line an item: `field:<key>` of the national form, `<Form>.<field>` of a form of ours (with
the room before it where two forms share a name), `*.<field>` for a field that means the same on every form.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from . import fields
from .codes import read_rows

#: Legal grounds: what the law orders, what the person asked for, what the person agreed to.
BASES = {
    "duty": gettext_lazy("法律规定学校必须收集, 不需要另外同意"),
    "request": gettext_lazy("您提出办理, 办理时需要"),
    "consent": gettext_lazy("自愿填写, 同意后才收集, 可以随时撤回"),
}
#: How long, by class; the periods of a place stand in the retention plan of its office of data protection.
KEPT = {
    "record": gettext_lazy("随学籍档案保存, 毕业或离校后按档案规定移交"),
    "case": gettext_lazy("随业务材料保存, 到期清理"),
    "request": gettext_lazy("答复后保存三年"),
    "account": gettext_lazy("账号停用后清理"),
    "consent": gettext_lazy("撤回后保存三年, 以便证明"),
    "log": gettext_lazy("至少保存三年"),
    "none": gettext_lazy("只核对, 不保存"),
}


@dataclass(frozen=True, slots=True)
class Purpose:
    """One item: what for, on what ground, what happens without it, how long, whether it is sensitive for a child."""

    code: str
    group: str
    name: str
    purpose: str
    basis: str
    article: str
    required: str
    refusing: str
    retention: str
    sensitive: bool

    @property
    def ground(self) -> str:
        """The legal ground in words, with its article."""
        return f"{BASES[self.basis]}({self.article})"

    @property
    def kept(self) -> str:
        """How long, in words."""
        return str(KEPT[self.retention])

    @property
    def sentence(self) -> str:
        """What a form shows beside the field."""
        return _("%(purpose)s。%(ground)s。%(refusing)s。%(kept)s。") % {
            "purpose": self.purpose,
            "ground": self.ground,
            "refusing": self.refusing,
            "kept": self.kept,
        }


@lru_cache(maxsize=1)
def purposes() -> dict[str, Purpose]:
    """Every item by code, in the order of the file; raises ValueError on a ground or class that is not known."""
    found = {}
    for r in read_rows("purposes.csv"):
        one = Purpose(
            code=r["code"],
            group=r["group"],
            name=r["name"],
            purpose=r["purpose"],
            basis=r["basis"],
            article=r["article"],
            required=r["required"],
            refusing=r["refusing"],
            retention=r["retention"],
            sensitive=r["sensitive"] == "yes",
        )
        if one.basis not in BASES or one.retention not in KEPT or not (one.purpose and one.refusing):
            raise ValueError(f"purposes.csv: {one.code}")
        found[one.code] = one
    return found


def of_field(key: str) -> Purpose:
    """Of a field of the national form. Raises KeyError."""
    return purposes()[f"field:{key}"]


def of_form(form: type[Any], name: str) -> Purpose | None:
    """Of a field of one of our forms, inherited from the form that it was first declared in; None: nothing stands."""
    all_ = purposes()
    for kind in form.__mro__:
        room = kind.__module__.rpartition(".")[0].rpartition(".")[2]
        for code in (f"{room}.{kind.__name__}.{name}", f"{kind.__name__}.{name}"):
            if code in all_:
                return all_[code]
    if form.__name__ == "ProfileForm" and f"field:{name}" in all_:
        return all_[f"field:{name}"]
    return all_.get(f"*.{name}")


def voluntary() -> tuple[str, ...]:
    """Keys of the national form that a family may leave out."""
    return tuple(f.key for f in fields.fields() if f.basis == "consent")
