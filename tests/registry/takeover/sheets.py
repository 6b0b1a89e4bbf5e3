"""Exports as the official system writes them, of invented children."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import xlsxwriter
from tests.children import id_number

from xueji.ground.standards.identity import check_digit

ROSTER = (
    "学籍号",
    "学籍辅号",
    "姓名",
    "性别",
    "出生日期",
    "身份证件类型",
    "身份证件号",
    "民族",
    "年级",
    "班级",
    "入学年月",
    "学生状态",
)
MOVES = ("学籍号", "姓名", "异动类别", "异动日期", "办理状态", "异动原因", "当前环节")
_SURNAMES, _GIVEN = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨", "安宁文远清和思齐若谷明远嘉言子衿"


def book(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """A workbook of one sheet, everything as text."""
    out = io.BytesIO()
    work = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = work.add_worksheet()
    for r, row in enumerate([head, *rows]):
        for c, value in enumerate(row):
            sheet.write_string(r, c, str(value))
    work.close()
    return out.getvalue()


def name(n: int) -> str:
    """An invented name, the same for the same n."""
    return _SURNAMES[n % 16] + _GIVEN[n // 16 % 16] + _GIVEN[n // 256 % 16]


def child(
    n: int, *, cohort: int = 2024, klass: int = 1, sex: str = "", status: str = "在读", **over: Any
) -> dict[str, Any]:
    """A row of the roster by heading; `over` replaces cells."""
    sex = sex or "12"[n % 2]
    birth = date(cohort - 7, 1 + n % 12, 1 + n // 450 % 28)
    identity = id_number(birth, sex, serial=n)
    grade = {2026: "一年级", 2025: "二年级", 2024: "三年级"}.get(cohort, f"{cohort}级")
    row: dict[str, Any] = {
        "学籍号": "G" + identity, "学籍辅号": "", "姓名": name(n), "性别": "男女"[int(sex) - 1],
        "出生日期": f"{birth:%Y%m%d}", "身份证件类型": "居民身份证", "身份证件号": identity, "民族": "汉族", "年级": grade,
        "班级": f"{grade}({klass})班", "入学年月": f"{cohort}09", "学生状态": status,
    }  # fmt: skip
    return row | over


def roster(children: Iterable[dict[str, Any]], head: Sequence[str] = ROSTER) -> bytes:
    """The export's workbook."""
    return book(head, ([row.get(h, "") for h in head] for row in children))


def moves(rows: Iterable[dict[str, Any]]) -> bytes:
    """The list of movements as a workbook."""
    return book(MOVES, ([row.get(h, "") for h in MOVES] for row in rows))


def jnumber(birth: date, serial: int) -> str:
    """A formal number of a child without papers."""
    body = f"990101{birth:%Y%m%d}{serial:03d}"
    return f"J{body}{check_digit(body)}"


def totals(found: Any) -> dict[str, str]:
    """The totals that would balance, as the page posts them."""
    return {cell["name"]: str(cell["rows"]) for line in found for cell in line.cells}
