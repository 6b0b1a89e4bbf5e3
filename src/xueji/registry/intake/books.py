"""Workbooks that go out: the template of a school, and the faulty rows of a batch with what is wrong in them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.sheets.cells import LostDigits
from xueji.ground.sheets.write import RowIssue, TemplateField, write_error_book, write_template
from xueji.ground.standards.codes import table
from xueji.ground.standards.fields import Field, fields

from .columns import EXTRAS, GRADE, ROW, Mapping
from .places import SchoolFacts

VERSION = "2026.1"
#: Longer lists are no help in a drop-down.
_LONGEST = 300
_EXAMPLES = {
    "name": "张小明",
    "birth_date": "20200315",
    "class_no": "1",
    "entry_month": "202609",
    "phone": "13900000000",
    "commute_distance": "1.5",
    "id_validity": "20240101-20290101",
}


def choices(codeset: str) -> list[str]:
    """The entries of a code table as drop-downs show them: 01-汉族."""
    if codeset == "divisions":
        return []
    found = [f"{code}-{label}" for code, label in table(codeset).choices()]
    return found if len(found) <= _LONGEST else []


def _help(field: Field) -> str:
    parts = [field.purpose] if field.purpose else []
    if field.codeset == "divisions":
        parts.append(_("6位行政区划代码, 或省市县全称"))
    if field.key == "id_number":
        parts.append(_("18位居民身份证号, 末位可能是字母X"))
    return "。".join(p.rstrip("。") for p in parts)


@lru_cache(maxsize=1)
def _tables() -> dict[str, list[str]]:
    return {f.codeset: choices(f.codeset) for f in fields() if f.codeset and choices(f.codeset)}


def template(school: SchoolFacts) -> bytes:
    """The national template for a school (C-COL-05): its 73 columns and 年级, drop-downs, notes, text columns."""
    columns = []
    for field in fields():
        codes = field.codeset if field.codeset in _tables() else ""
        example = school.code if field.key == "school_code" else _EXAMPLES.get(field.key, "")
        columns.append(
            TemplateField(
                label=field.name,
                required=field.required == "yes",
                help=_help(field),
                example=example,
                codes=codes,
                identity=field.key.endswith("id_number"),
            )
        )
    if len(school.stages) > 1:
        text = _("学校有几个学段时填写, 如 三年级、初一; 不填时按入学年月推算")
        columns.append(TemplateField(label=EXTRAS[GRADE][0], help=text, example="三年级"))
    meta = {"xueji-kind": "enrol", "xueji-version": VERSION, "xueji-school": school.code}
    return write_template(columns, _tables(), meta=meta)


def error_book(
    mapping: Mapping, rows: dict[int, list[Any]], found: dict[int, Sequence[dict[str, str]]]
) -> bytes:
    """Faulty rows as they were typed, with their row numbers, to be corrected and uploaded again."""
    header = [EXTRAS[ROW][0], *mapping.header]
    body, issues = [], []
    for at, (number, cells) in enumerate(sorted(rows.items())):
        body.append([str(number), *(c.shown if isinstance(c, LostDigits) else c for c in cells)])
        for issue in found.get(number, ()):
            column = mapping.columns.get(issue["field"])
            issues.append(
                RowIssue(row=at, column=None if column is None else column + 1, message=issue["message"])
            )
    return write_error_book(header, body, issues)
