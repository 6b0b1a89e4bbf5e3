"""Workbooks with several sheets: a sheet a class, other orders of columns, sheets that hold something else."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import pytest
import xlsxwriter
from django.db import connection, transaction
from django.test import Client
from tests.helpers import Place, act_as, login

from bench import sheets
from xueji.ground.db.scope import acting
from xueji.registry.intake import commands, queries
from xueji.registry.intake.models import ImportBatch

from .sheets_for_tests import body, fresh, names, put
from .test_pages import bring, text


def workbook(*leaves: tuple[str, Sequence[Sequence[Any]]], hidden: Sequence[str] = ()) -> bytes:
    """Sheets with their rows, the heading among them."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as out:
        for name, rows in leaves:
            sheet = out.add_worksheet(name)
            for number, cells in enumerate(rows):
                for at, value in enumerate(cells):
                    sheet.write_string(number, at, str(value or ""))
            if name in hidden:
                sheet.hide()
    return buffer.getvalue()


def classes(code: str, count: int = 6) -> tuple[list[list[Any]], list[list[Any]]]:
    rows = body(count, code)
    return rows[: count // 2], rows[count // 2 :]


@pytest.mark.capability("C-COL-06")
def test_a_sheet_for_each_class_is_one_batch(place: Place, client: Client) -> None:
    """A registrar gets one workbook from the class teachers, a sheet each.
    She uploads it as it is; faults name the sheet and the row that she sees there.
    She mends one and ends with all children of both sheets in one batch.
    """
    one, two = classes(place.org("a1").code)
    right = two[1][names()["sex"]]
    put(two, 1, sex="不详")
    head = sheets.header()
    login(client, place.user("registrar", "a1"))
    page = bring(
        client,
        workbook(("一(1)班", [["某某小学新生名册"], head, *one]), ("一(2)班", [head, *two])),
        "两班.xlsx",
    )
    assert "共 6 行: 5 行可以导入, 1 行需要修改" in text(page)
    assert "已读取 2 张工作表: 一(1)班、一(2)班" in text(page)
    assert "一(2)班-3" in text(page)
    batch = _batch(place)
    (row,) = [r for r in _rows(place, batch) if r.state == "error"]
    grid = text(client.get(f"/import/{batch.id}/grid/"))
    assert "一(2)班-3" in grid
    mended = client.post(
        f"/import/{batch.id}/rows/{row.row_no}/", {"sex": right, "back": "show=todo"}, follow=True
    )
    assert "第 一(2)班-3 行已改好, 可以导入" in text(mended)
    with act_as(place.user("registrar", "a1")) as actor:
        assert commands.publish(actor, batch.id).published == 6


def _batch(place: Place) -> ImportBatch:
    with act_as(place.user("registrar", "a1")) as actor:
        return queries.batch(actor, max(b.id for b in queries.batches(actor)))


def _rows(place: Place, batch: ImportBatch) -> list[queries.RowView]:
    with act_as(place.user("registrar", "a1")) as actor:
        return queries.rows(actor, batch, states=("ok", "warning", "error", "duplicate"))


def test_sheets_may_order_their_columns_differently(place: Place) -> None:
    one, two = classes(place.org("a1").code)
    head = sheets.header()
    turned = [list(reversed(row)) for row in [head, *two]]
    without = [i for i, label in enumerate(head) if label not in ("曾用名",)]
    short = [[row[i] for i in without] for row in [head, *one]]
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, workbook(("甲", short), ("乙", turned)), "两张.xlsx", inline=True)
    assert (batch.counts["ok"], batch.counts["total"]) == (6, 6), batch.counts
    by_name = {r.name: r for r in _rows(place, batch)}
    assert set(by_name) == {row[names()["name"]] for row in (*one, *two)}


@pytest.mark.parametrize(
    "called", [("1班", "2班"), ("(1)班", "(2)班"), ("一(1)班", "一(2)班"), ("一年级1班", "一年级2班")]
)
def test_the_sheet_says_the_class_where_no_column_does(place: Place, called: tuple[str, str]) -> None:
    first_grade = body(36, place.org("a1").code)[::6]
    at = names()["class_no"]

    def bare(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
        return [[*row[:at], *row[at + 1 :]] for row in rows]

    head = sheets.header()
    data = workbook((called[0], bare([head, *first_grade[:3]])), (called[1], bare([head, *first_grade[3:]])))
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, data, "两班.xlsx", inline=True)
    assert (batch.counts["ok"], batch.counts["total"]) == (6, 6), batch.counts
    assert [r.place for r in _rows(place, batch)] == ["一年级(1)班"] * 3 + ["一年级(2)班"] * 3


def test_what_stands_beside_the_first_list_is_not_taken_for_a_column_of_the_second(place: Place) -> None:
    """Notes without a heading, right of the first sheet's columns, where the second sheet brings one more field."""
    one, two = classes(place.org("a1").code)
    head, at = sheets.header(), names()["former_name"]
    short = [[*row[:at], *row[at + 1 :]] for row in [head, *one]]
    noted = [short[0], *([*row, *[""] * (len(head) - 1 - len(row)), "张小"] for row in short[1:])]
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(
            actor, workbook(("甲", noted), ("乙", [head, *two])), "两张.xlsx", inline=True
        )
    assert (batch.counts["ok"], batch.counts["total"]) == (6, 6), batch.counts
    with transaction.atomic(), acting("intake"), connection.cursor() as c:
        c.execute("select count(*) from staged_row where batch_id = %s and former_name = '张小'", [batch.pk])
        assert c.fetchone() == (0,)


def test_what_is_no_list_of_pupils_is_named_and_not_read(place: Place, client: Client) -> None:
    one, two = classes(place.org("a1").code)
    head = sheets.header()
    data = workbook(
        ("说明", [["请各班主任认真填写"], ["有问题找教务处"]]),
        ("一(1)班", [head, *one]),
        ("汇总", [["姓名", "性别", "备注"], ["张三", "男", "转走"]]),
        ("旧", [head, *two]),
        hidden=["旧"],
    )
    login(client, place.user("registrar", "a1"))
    page = text(bring(client, data, "名册.xlsx"))
    assert "共 3 行: 3 行可以导入" in page
    assert "有工作表或行没有读取" in page
    assert "说明: 没有找到列名" in page
    assert "汇总: 缺少列" in page
    assert "旧" not in page.replace("陈旧", "")


def test_a_heading_printed_again_on_each_page_is_no_pupil(place: Place) -> None:
    rows = body(4, place.org("a1").code)
    head = sheets.header()
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(
            actor, workbook(("名册", [head, *rows[:2], head, *rows[2:]])), "a.xlsx", inline=True
        )
    assert (batch.counts["ok"], batch.counts["total"]) == (4, 4)
    assert batch.mapping["sheets"] == []


def test_the_second_process_reads_every_sheet_too(place: Place) -> None:
    one, two = classes(place.org("a1").code, 40)
    head = sheets.header()
    data = workbook(("一(1)班", [head, *one]), ("空", []), ("一(2)班", [head, *two]), ("表", [["没有列名"]]))
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, data, "两班.xlsx", inline=False)
    with transaction.atomic(), acting("intake"):
        commands.run_check(batch.id, big=0)
        batch = fresh(batch)
    assert (batch.counts["ok"], batch.counts["total"]) == (40, 40), batch.problem
    assert [name for _at, name in batch.mapping["sheets"]] == ["一(1)班", "一(2)班"]
    assert batch.counts["left_out"] == ["表: 没有找到列名"]


def test_a_package_is_looked_at_as_a_whole(place: Place) -> None:
    """The second sheet is no way around what is asked of the first."""
    rows = body(2, place.org("a1").code)
    data = workbook(("甲", [sheets.header(), *rows]), ("乙", [["姓名"]]))
    broken = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(broken, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            part = source.read(name)
            if name.endswith("sheet2.xml"):
                part = part.replace(b'r="A1"', b'r="XFD1048576"')
            target.writestr(name, part)
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, broken.getvalue(), "远.xlsx", inline=True)
    assert batch.state == "failed"
    assert "超过" in batch.problem
