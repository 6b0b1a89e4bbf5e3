"""Workbooks that go out: the template of a school, and the faulty rows of a batch with what is wrong in them."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.library import library
from xueji.ground.policy.model import NumberScheme
from xueji.ground.sheets.cells import LostDigits
from xueji.ground.sheets.write import RowIssue, TemplateField, write_csv, write_error_book, write_template
from xueji.ground.standards.codes import table
from xueji.ground.standards.fields import Field, fields

from .asked import demands, shut
from .columns import EXTRAS, GRADE, ROW, Mapping
from .places import SchoolFacts

#: The year and number of the template's build; its content is told by the digest behind it.
VERSION = "2026.2"
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


def _fields(school: SchoolFacts) -> list[TemplateField]:
    """The columns of the school's template: what the place collects of the national form, 年级 where the school has several
    stages, and what the place says about its own numbers.
    """
    scheme = _scheme(school)
    closed = shut(school.levels)
    columns = []
    for field in fields():
        if field.key in closed:
            continue
        codes = field.codeset if field.codeset in _tables() else ""
        example = school.code if field.key == "school_code" else _EXAMPLES.get(field.key, "")
        told = _help(field)
        if field.key == "auxiliary_number" and scheme is not None:
            told = _("不填时系统按%(title)s编号(%(n)s位); 已有学籍辅号的照填") % {
                "title": scheme.title, "n": sum(f.width for f in scheme.fields),
            }  # fmt: skip
        columns.append(
            TemplateField(
                label=field.name,
                required=demands(school.levels, field),
                help=told,
                example=example,
                codes=codes,
                identity=field.key.endswith("id_number"),
            )
        )
    if len(school.stages) > 1:
        text = _("学校有几个学段时填写, 如 三年级、初一; 不填时按入学年月推算")
        columns.append(TemplateField(label=EXTRAS[GRADE][0], help=text, example="三年级"))
    return columns


def _rules(school: SchoolFacts) -> PolicySet:
    return library().resolve(library().ids_for(school.division, school.code), school.today)


def _scheme(school: SchoolFacts) -> NumberScheme | None:
    local = [s for s in _rules(school).number_schemes() if not s.reserved and s.life == "school"]
    return local[0] if local else None


def version(school: SchoolFacts) -> str:
    """The version of the school's template: it changes with the columns, their lists and what the place's rules say."""
    told = [(f.label, f.required, f.help, f.codes) for f in _fields(school)]
    lists = sorted((name, tuple(values)) for name, values in _tables().items())
    digest = hashlib.sha256(repr((told, lists)).encode()).hexdigest()[:8]
    return f"{VERSION}-{digest}"


def template(school: SchoolFacts) -> bytes:
    """The template of a school (C-COL-05): the national form's 73 columns and 年级, drop-downs, notes, text columns, and
    on the sheet of explanations the version, the school and the rules that it was made from.
    """
    rules = _rules(school)
    cite = rules.business("enrol").cite
    current = version(school)
    notes = [
        _("模板版本: %s") % current,
        _("适用学校: %(name)s(%(code)s), 业务: 新生建籍") % {"name": school.name, "code": school.code},
        _("依据: %(title)s %(article)s") % {"title": cite.source.title, "article": cite.article},
        _("填好后在“导入与建籍”上传。列名、列的顺序和空行不影响导入; 不要把证件号改成数字格式"),
    ]
    meta = {"xueji-kind": "enrol", "xueji-version": current, "xueji-school": school.code}
    return write_template(_fields(school), _tables(), meta=meta, notes=notes)


def header_csv(school: SchoolFacts) -> bytes:
    """The headings alone, for programs that write CSV (C-COL-05)."""
    return write_csv([f.label for f in _fields(school)], [])


_CUSTOM = re.compile(r'name="(xueji-[a-z]+)"[^>]*>\s*<(?:\w+:)?lpwstr[^>]*>([^<]{0,80})<')


def marks_of(data: bytes) -> dict[str, str]:
    """What a workbook made here says of itself (kind, version, school); empty for everything else. Never raises."""
    if data[:2] != b"PK":
        return {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package, package.open("docProps/custom.xml") as part:
            return dict(_CUSTOM.findall(part.read(65_536).decode("utf-8", "replace")))
    except (KeyError, OSError, ValueError, zipfile.BadZipFile, zlib.error, RuntimeError, EOFError):
        # RuntimeError: an encrypted member, or a compression that zipfile does not know
        return {}


def template_note(data: bytes, school: SchoolFacts) -> str:
    """What to tell about the template that a sheet was made from; empty when it is today's or none of ours."""
    marks = marks_of(data)
    if not marks:
        return ""
    if marks.get("xueji-school", school.code) != school.code:
        return _("这份模板是给学校标识码 %s 的学校生成的, 请核对是否拿错了表格") % marks["xueji-school"]
    came, current = marks.get("xueji-version", ""), version(school)
    if marks.get("xueji-kind") == "enrol" and came and came != current:
        return _(
            "这份表格用的是旧版模板(%(came)s), 现在的版本是 %(current)s。列仍按列名识别, 新增的列可以在表格里补, 下次请用新模板"
        ) % {"came": came[:40], "current": current}
    return ""


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
