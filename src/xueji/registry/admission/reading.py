"""What a sheet, pasted cells or a form say of children: columns found, cells understood, faults named by row.

Cells are understood as everywhere in intake (dates, full-width digits, codes by name); nothing here asks the database.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.sheets.cells import LostDigits
from xueji.ground.sheets.errors import SheetError
from xueji.ground.sheets.read import open_pasted, open_sheet
from xueji.ground.standards.fields import field as field_of
from xueji.ground.standards.identity import check_identity
from xueji.ground.standards.idtypes import RESIDENT
from xueji.ground.standards.text import as_text, compact
from xueji.registry.intake.cells import understand

from .errors import AdmissionError

MOST = 5_000
#: Fields of the national form that a list of candidates may carry.
FORM = (
    "name", "sex", "birth_date", "ethnicity", "nationality", "id_type", "id_number", "household_division",
    "current_address", "phone", "preschool", "member1_name", "member1_relation", "member1_phone",
)  # fmt: skip
#: Columns of its own: key -> headings.
OWN: dict[str, tuple[str, ...]] = {
    "area": ("街道(村、社区)", "所属社区", "社区", "村居", "村", "街道"),
    "from_school": ("毕业学校", "原学校", "毕业小学", "毕业初中", "幼儿园", "原就读学校"),
    "exam_no": ("准考证号", "考生号", "报名号"),
    "preschool_no": ("学前学籍号", "幼儿学籍号", "学前教育编号"),
    "school": ("录取学校", "学校", "学校名称"),
    "in_zone": ("学区内", "是否学区内", "是否在服务范围", "服务范围内"),
    "same_household": ("与监护人户口一致", "户口与监护人一致", "户口一致"),
    "lives_there": ("户口与常住地一致", "人户一致", "是否人户一致"),
    "primary_done": ("小学已毕业", "是否小学毕业"),
    "papers": ("已交材料", "材料", "报名材料"),
    "choice": ("择校生", "是否择校生", "择校"),
    "year": ("应入学年份", "入学年份", "应入学年"),
}
MORE_HEADINGS = {"member1_name": ("监护人姓名", "家长姓名", "监护人"), "member1_relation": ("与监护人关系", "关系"),
                 "member1_phone": ("监护人电话", "监护人联系电话")}  # fmt: skip
TRUTHS = ("in_zone", "same_household", "lives_there", "primary_done", "choice")
_YES = frozenset({"是", "有", "1", "√", "✓", "y", "yes", "符合", "对"})
_NO = frozenset({"否", "无", "0", "×", "n", "no", "不", "不符合", "错"})
_LENGTHS = {"area": 60, "from_school": 60, "exam_no": 20, "preschool_no": 30, "school": 60}


@dataclass(slots=True)
class Line:
    """One child as read: its row, what was understood, what is wrong with it."""

    row: int
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    #: The key that the candidate will have, and the person after it.
    key: uuid.UUID = field(default_factory=uuid.uuid4)

    @property
    def name(self) -> str:
        """For the report."""
        return str(self.values.get("name") or "")


@lru_cache(maxsize=1)
def headings() -> dict[str, str]:
    """Every heading that is understood, and the key it stands for."""
    out: dict[str, str] = {}
    for key in FORM:
        spec = field_of(key)
        for word in (spec.name, *spec.headers, *MORE_HEADINGS.get(key, ())):
            out.setdefault(word, key)
    for key, words in OWN.items():
        for word in words:
            out.setdefault(word, key)
    return out


def from_sheet(data: bytes, file_name: str, text: str = "") -> list[Line]:
    """Children of an uploaded sheet, or of cells pasted. Raises `AdmissionError` when it cannot be read as a list."""
    known = headings()
    try:
        sheet = open_sheet(data, filename=file_name) if data else open_pasted(text)
        header = sheet.find_header(list(known))
        sheet.alone(list(known))
        columns: dict[str, str] = {}
        for label in header.columns:
            columns.setdefault(known[label], label)
        if "name" not in columns or not {"id_number", "birth_date"} & set(columns):
            raise AdmissionError(_("表头要有“姓名”, 以及“身份证件号”或“出生日期”"))
        lines = []
        for no, cells in sheet.records(header):
            lines.append(read(no, {key: cells[label] for key, label in columns.items()}))
            if len(lines) > MOST:
                raise AdmissionError(_("一次最多 %s 行, 请分开上传") % MOST)
    except SheetError as error:
        raise AdmissionError(error.message_zh) from error
    if not lines:
        raise AdmissionError(_("表里没有数据"))
    return repeated(lines)


def read(row: int, cells: Mapping[str, Any]) -> Line:
    """Understand one child. What is missing is worked out of the identity number where that is possible."""
    line = Line(row)
    got = line.values
    for key in FORM:
        if key in ("id_number", "sex", "birth_date", "id_type") or key not in cells:
            continue
        _cell(line, key, cells[key], required=key == "name")
    if "name" not in cells:
        line.problems.append(_("请填写姓名"))
    for key in OWN:
        if key in cells:
            _own(line, key, cells[key])
    for key in ("sex", "birth_date", "id_type"):
        if key in cells:
            _cell(line, key, cells[key], required=False)
    _identity(line, cells.get("id_number", ""))
    for key in ("sex", "birth_date"):
        if got.get(key) is None and not line.problems:
            line.problems.append(_("请填写%s") % field_of(key).name)
    return line


def _cell(line: Line, key: str, raw: Any, *, required: bool) -> None:
    cell = understand(field_of(key), raw, required=required)
    if cell.code and cell.severity == "error":
        line.problems.append(cell.message)
    line.values[key] = cell.value


def _own(line: Line, key: str, raw: Any) -> None:
    text = compact(raw) if key not in ("area", "papers") else as_text(raw).strip()
    if key in TRUTHS:
        word = text.lower()
        if word in _YES or word in _NO:
            line.values[key] = word in _YES
        elif word:
            line.problems.append(_("“%(column)s”请填写是或否") % {"column": OWN[key][0]})
    elif key == "papers":
        parts = text.replace(",", "、").replace("，", "、").replace(";", "、").replace("；", "、").split("、")
        line.values[key] = [p.strip()[:40] for p in parts if p.strip()][:20]
    elif key == "year":
        if text.isdigit() and 2000 <= int(text[:4]) <= 2100:
            line.values[key] = int(text[:4])
    else:
        line.values[key] = text[: _LENGTHS[key]]


def _identity(line: Line, raw: Any) -> None:
    got = line.values
    if isinstance(raw, LostDigits):
        line.problems.append(_("身份证件号后几位已被表格软件丢失, 请把单元格设为文本后重新填写"))
        return
    text = as_text(raw)
    kind = got.get("id_type") or (RESIDENT if text else "")
    got["id_type"], got["id_number"] = kind, None
    if not text:
        return
    result = check_identity(
        kind,
        text,
        on=timezone.localdate(),
        sex=got.get("sex"),
        birth=got.get("birth_date"),
        allow_legacy=False,
    )
    faults = [p.message for p in result.problems if p.severity == "error"]
    if faults:
        line.problems += faults
        return
    got["id_number"] = result.value
    if kind == RESIDENT:
        value = result.value
        got["birth_date"] = got.get("birth_date") or date(
            int(value[6:10]), int(value[10:12]), int(value[12:14])
        )
        got["sex"] = got.get("sex") or ("1" if int(value[16]) % 2 else "2")


def repeated(lines: list[Line]) -> list[Line]:
    """Name the lines that meet an earlier one: the same number, or name, sex and birth date without numbers."""
    seen: dict[tuple[Any, ...], int] = {}
    for line in lines:
        if line.problems:
            continue
        got = line.values
        key = (
            (got["id_type"], got["id_number"])
            if got["id_number"]
            else (got["name"], got["sex"], got["birth_date"])
        )
        if key in seen:
            line.problems.append(_("与第 %s 行是同一名学生") % seen[key])
        seen.setdefault(key, line.row)
    return lines


def good(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines without a fault."""
    return (line for line in lines if not line.problems)
