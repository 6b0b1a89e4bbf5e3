"""What an application may ask for, for which purposes, and the outermost limits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext_lazy as _

from xueji.ground.standards.codes import read_rows

#: Field -> words, and the right that whoever asks must hold anyway ('' for what every list of students shows).
FIELDS = {
    "name": (_("姓名"), ""),
    "sex": (_("性别"), ""),
    "birth_date": (_("出生日期"), ""),
    "school": (_("学校"), ""),
    "grade": (_("年级"), ""),
    "class": (_("班级"), ""),
    "seat": (_("班内学号"), ""),
    "status": (_("学籍状态"), ""),
    "identity": (_("证件号码"), "fields.identity"),
    "number": (_("学籍号"), "fields.identity"),
    "phone": (_("监护人电话"), "fields.contact"),
    "address": (_("现住址"), "fields.address"),
}
#: Values that lie sealed and leave through `people.commands.release` alone.
PLAIN = ("identity", "number", "phone", "address")

RECIPIENTS = {
    "inside": _("本单位的部门、年级或班级"),
    "education": _("其他教育行政部门或学校"),
    "third": _("校外机构"),
}
SETTLED = {"destroyed": _("已销毁"), "returned": _("已归还")}

#: No rule of a place reaches beyond these; a unit without a rule of its own works with the first three.
MOST_DAYS, MOST_FILES, MOST_ROWS = 14, 5, 5000
OUTERMOST_DAYS, OUTERMOST_FILES, OUTERMOST_ROWS = 60, 10, 20_000


@dataclass(frozen=True)
class Purpose:
    """What data may be used for. `area`: management, teaching, consent (a guardian's yes is needed) or none (refused)."""

    code: str
    name: str
    area: str
    fields: tuple[str, ...]
    source: str
    article: str


@lru_cache(maxsize=1)
def purposes() -> dict[str, Purpose]:
    """The purposes of `standards/export_purposes.csv` by code. Raises ValueError for a field that nobody can export."""
    out = {}
    for r in read_rows("export_purposes.csv"):
        fields = tuple(r["fields"].split())
        if unknown := set(fields) - set(FIELDS):
            raise ValueError(f"export_purposes.csv: {sorted(unknown)}")
        out[r["code"]] = Purpose(r["code"], r["name"], r["area"], fields, r["source"], r["article"])
    return out


def labels(fields: Any) -> str:
    """Fields in words."""
    return "、".join(str(FIELDS[f][0]) for f in fields if f in FIELDS)
