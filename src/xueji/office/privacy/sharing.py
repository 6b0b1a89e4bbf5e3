"""Whether data may be given to a recipient: rules are data, each refusal quotes its article (C-SEC-04, C-SEC-11)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.standards.codes import read_rows

from . import terms

RECIPIENTS = {
    "inside": gettext_lazy("本单位内部"),
    "department": gettext_lazy("其他部门(政府、学校)"),
    "third": gettext_lazy("校外机构或企业"),
}
BASES = {
    "law": gettext_lazy("法律、法规或文件规定"),
    "duty": gettext_lazy("履行法定职责"),
    "consent": gettext_lazy("监护人单独同意"),
    "contract": gettext_lazy("委托合同"),
    "none": gettext_lazy("没有"),
}
AT_END = {
    "delete": gettext_lazy("到期删除"),
    "return": gettext_lazy("到期归还"),
    "keep": gettext_lazy("依法留存"),
}


@dataclass(frozen=True)
class Field:
    """A column that may be handed over; `grade` is that of its class."""

    label: Any
    grade: str


FIELDS: dict[str, Field] = {
    "name": Field(gettext_lazy("姓名"), "敏感"),
    "sex": Field(gettext_lazy("性别"), "一般"),
    "birth_year": Field(gettext_lazy("出生年份"), "一般"),
    "birth_date": Field(gettext_lazy("出生日期"), "敏感"),
    "school": Field(gettext_lazy("学校"), "一般"),
    "grade": Field(gettext_lazy("年级"), "一般"),
    "class": Field(gettext_lazy("班级"), "敏感"),
    "status": Field(gettext_lazy("学籍状态"), "敏感"),
    "number": Field(gettext_lazy("学籍号(遮盖)"), "敏感"),
    "identity": Field(gettext_lazy("身份证件号(遮盖)"), "重要"),
}


@dataclass(frozen=True)
class Refusal:
    """One reason against, with the article."""

    words: str
    source: str
    article: str

    def as_json(self) -> dict[str, str]:
        """As the register keeps it."""
        return {"words": self.words, "source": self.source, "article": self.article}


@lru_cache(maxsize=1)
def rules() -> tuple[dict[str, str], ...]:
    """The rules of `standards/sharing_rules.csv`."""
    return tuple(read_rows("sharing_rules.csv"))


def judge(entry: Any, *, assessed: bool) -> list[Refusal]:
    """Every reason against an entry; empty when it may be registered. `entry` has the columns of `Share`."""
    facts = {
        "commercial": bool(entry.commercial),
        f"basis:{entry.basis}": True,
        "note:empty": not entry.basis_note.strip(),
        "contract:empty": not entry.contract.strip(),
        "grade:重要": any(FIELDS[f].grade == "重要" for f in entry.fields if f in FIELDS),
        "assessment:missing": not assessed,
        "until:long": entry.until > longest(entry.since),
    }
    return [
        Refusal(r["words"], r["source"], r["article"])
        for r in rules()
        if entry.recipient_kind in r["recipients"].split() and any(facts.get(w) for w in r["when"].split())
    ]


def longest(since: date) -> date:
    """The last day that an entry may run from a day on."""
    return terms.months_before(since, -terms.term("share.longest").amount)


def words(refusals: list[dict[str, str]]) -> str:
    """All reasons in one sentence each."""
    return "; ".join(_("%(words)s(《%(source)s》%(article)s)") % r for r in refusals)
