"""Sheets as schools keep them: a title, two rows of headings, a total, remarks and signatures below the table."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pytest
import xlsxwriter
from django.test import Client
from tests.helpers import Place, login, make_county

from bench import sheets
from xueji.ground.standards.fields import fields

from .sheets_for_tests import body, names
from .test_pages import bring, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


def table(
    rows: Sequence[Sequence[Any]],
    *,
    below: Sequence[Sequence[str]] = (),
    merged_class: bool = False,
    hide: Sequence[str] = (),
    unnumbered: int = 0,
) -> bytes:
    """The full form as a school types it: title and a line about who filled it in, groups of headings above the family
    members' columns, a running number at the left (none in the last `unnumbered` rows), `below` the table what stands there
    on paper.
    """
    specs = list(fields())
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("新生花名册")
        middle = book.add_format({"align": "center", "bold": True})
        width = len(specs)
        sheet.merge_range(0, 0, 0, width, "青禾县第一小学2026年秋季学期新生花名册", middle)
        sheet.merge_range(
            1, 0, 1, width, "填表单位(盖章): 青禾县第一小学    填表人: 林老师    填表日期: 2026年11月20日"
        )
        sheet.merge_range(2, 0, 3, 0, "序号", middle)
        for at, label in enumerate(sheets.header(), start=1):
            member = specs[at - 1].member
            if not member:
                sheet.merge_range(2, at, 3, at, label.removesuffix("*"), middle)
            else:
                own = label.removeprefix(f"成员{member}")
                assert own != label
                sheet.write_string(3, at, own, middle)
        for member in (1, 2):
            places = [i + 1 for i, f in enumerate(specs) if f.member == member]
            assert places == list(range(places[0], places[-1] + 1))
            sheet.merge_range(2, places[0], 2, places[-1], f"成员{member}", middle)
        for n, row in enumerate(rows):
            if n < len(rows) - unnumbered:
                sheet.write_number(4 + n, 0, n + 1)
            for at, value in enumerate(row, start=1):
                if value not in ("", None):
                    sheet.write_string(4 + n, at, str(value))
        if merged_class:
            at = names()["class_no"] + 1
            sheet.merge_range(4, at, 3 + len(rows), at, str(rows[0][at - 1]), middle)
        for label in hide:
            at = names()[label] + 1
            sheet.set_column(at, at, None, None, {"hidden": True})
        for n, cells in enumerate(below, start=4 + len(rows)):
            for at, value in enumerate(cells):
                if value:
                    sheet.write_string(n, at, value)
    return out.getvalue()


def first_grade(place: Place, count: int = 4) -> list[list[Any]]:
    return body(count * 6, place.org("a1").code)[::6]


BELOW = {
    "total": [["合计", "", "4人", "男2 女2"]],
    "total in the first column": [["", "合计", "4"]],
    "remarks": [[], ["备注: 1. 本表一式两份。2. 身份证号码请认真核对。"]],
    "remarks in the second column": [["", "说明: 本表由班主任填写, 学籍管理员核对。"]],
    "signatures": [[], ["", "", "填表人: 林老师", "", "", "审核人: 何校长", "", "2026年11月20日"]],
}


TOLD = {
    "total": "第 9 行像是合计, 没有当作学生读取",
    "total in the first column": "第 9 行像是合计, 没有当作学生读取",
    "remarks": "",
    "remarks in the second column": "第 9 行像是说明, 没有当作学生读取",
    "signatures": "第 10 行像是填表, 没有当作学生读取",
}


@pytest.mark.capability("C-COL-06")
@pytest.mark.parametrize("below", BELOW)
def test_what_stands_around_the_table_is_no_pupil(place: Place, client: Client, below: str) -> None:
    """A registrar brings the class's 花名册 as it is printed, with title, groups of headings and what stands below the table.
    She sees that every pupil can be imported, and which row was not taken for one, and why.
    She ends without anything to repair.
    """
    login(client, place.user("registrar", "a1"))
    page = text(bring(client, table(first_grade(place), below=BELOW[below]), "花名册.xlsx"))
    assert "共 4 行: 4 行可以导入" in page and "没有用到的列: 序号" in page, page[:1500]
    assert (TOLD[below] in page) and ("没有当作学生读取" in page) == bool(TOLD[below])


def test_a_pupil_is_never_taken_for_a_total(place: Place, client: Client) -> None:
    """Somebody who is called like a remark, and a row of which hardly anything is filled in but the name."""
    rows = first_grade(place)
    at = names()
    rows[1][at["school_code"]] = "备注: 转来"
    few = [""] * len(rows[2])
    few[at["name"]] = rows[2][at["name"]]
    rows[2] = few
    numbered = [""] * len(rows[3])
    numbered[at["school_code"]], numbered[at["id_number"]] = "合计", rows[3][at["id_number"]]
    rows[3] = numbered
    login(client, place.user("registrar", "a1"))
    page = text(bring(client, table(rows), "花名册.xlsx"))
    assert "共 4 行: 1 行可以导入, 3 行需要修改" in page and "没有当作学生读取" not in page


@pytest.mark.capability("C-COL-06")
def test_a_class_typed_once_for_all_its_pupils_is_the_class_of_each(place: Place, client: Client) -> None:
    login(client, place.user("registrar", "a1"))
    data = table(first_grade(place), merged_class=True, below=BELOW["total"])
    page = text(bring(client, data, "花名册.xlsx"))
    assert "共 4 行: 4 行可以导入" in page and page.count("一年级(1)班 可以导入") == 4


@pytest.mark.parametrize("behind", [False, True])
def test_a_total_under_a_merged_class_is_no_pupil(place: Place, client: Client, behind: bool) -> None:
    """The class is merged over its pupils and over their total, which begins before the class or behind it."""
    rows = first_grade(place)
    total = [""] * len(rows[0])
    total[names()["class_no"] + (1 if behind else -1)] = "合计"
    login(client, place.user("registrar", "a1"))
    page = text(bring(client, table([*rows, total], merged_class=True, unnumbered=1), "花名册.xlsx"))
    assert "共 4 行: 4 行可以导入" in page and "第 9 行像是合计, 没有当作学生读取" in page


def test_hidden_columns_are_read_like_the_others(place: Place, client: Client) -> None:
    login(client, place.user("registrar", "a1"))
    data = table(first_grade(place), hide=["id_number", "sex"])
    assert "共 4 行: 4 行可以导入" in text(bring(client, data, "花名册.xlsx"))
