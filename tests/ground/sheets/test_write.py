"""What our workbooks hold when another program opens them."""

from __future__ import annotations

import io
import string
import zipfile
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xueji.ground.sheets.cells import ERROR_COLUMN, clean_control
from xueji.ground.sheets.read import open_sheet
from xueji.ground.sheets.write import (
    RowIssue,
    SheetColumn,
    TemplateField,
    write_csv,
    write_error_book,
    write_table,
    write_template,
)

IDENTITY = "990101201601010021"
DANGEROUS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    '=HYPERLINK("http://x","y")',
    "=cmd|' /C calc'!A0",
]

FIELDS = [
    TemplateField(label="姓名", required=True, help="与户口簿一致", example="王小明"),
    TemplateField(label="民族", required=True, codes="民族"),
    TemplateField(label="身份证件号", identity=True),
    TemplateField(label="户口性质", codes="户口性质"),
]
CODES = {"民族": [f"民族{i:02d}" for i in range(60)], "户口性质": ["农业", "非农业"], "不用": ["x"]}


def loaded(data: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(data))


def test_table_keeps_identifiers_and_never_writes_a_formula() -> None:
    rows = [(text, IDENTITY, date(2016, 1, 1), 5) for text in DANGEROUS]
    columns = [
        SheetColumn(label="姓名"),
        SheetColumn(label="身份证件号"),
        SheetColumn(label="出生日期", kind="date"),
        SheetColumn(label="人数", kind="number"),
    ]
    data = write_table(columns, rows, title="名单", watermark="陈晓 2026-11-22", notes=["用途：核对"])
    sheet = loaded(data)["数据"]
    assert [sheet.cell(r, 1).value for r in (1, 2, 3)] == ["名单", "用途：核对", "陈晓 2026-11-22"]
    assert sheet.freeze_panes == "B5"
    assert sheet.auto_filter.ref == "A4:D12"
    assert "陈晓" in sheet.oddHeader.right.text
    for row in sheet.iter_rows(min_row=5):
        assert [cell.data_type for cell in row] == ["s", "s", "d", "n"]
        assert row[0].quotePrefix
        assert row[1].value == IDENTITY
        assert row[1].number_format == "@"
        assert row[2].value == datetime(2016, 1, 1)
    assert b"<f>" not in data


def test_table_streams_a_generator() -> None:
    data = write_table([SheetColumn(label="号")], ((f"{i:06d}",) for i in range(3000)))
    assert [row.cells for row in open_sheet(data, "a.xlsx").rows()][-1] == ["002999"]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=40), st.text(string.printable, max_size=40)), max_size=8))
def test_what_is_written_is_what_is_read(rows: list[tuple[str, str]]) -> None:
    data = write_table([SheetColumn(label="甲"), SheetColumn(label="乙")], rows)
    sheet = openpyxl.load_workbook(io.BytesIO(data))["数据"]
    for number, row in enumerate(rows, start=2):
        for column, value in enumerate(row, start=1):
            cell = sheet.cell(number, column)
            assert cell.data_type in ("s", "n"), "a text or nothing, never a formula"
            assert (cell.value or "") == clean_control(value)


@pytest.mark.capability("C-COL-05")
def test_template_has_lists_notes_locks_and_a_version() -> None:
    data = write_template(FIELDS, CODES, meta={"xueji_template": "student", "xueji_version": "3"})
    book = loaded(data)
    sheet = book["学生信息"]
    assert [cell.value for cell in sheet[1]] == ["姓名 *", "民族 *", "身份证件号", "户口性质"]
    assert "必填" in sheet["A1"].comment.text
    assert "示例：王小明" in sheet["A1"].comment.text
    assert sheet.freeze_panes == "B2"
    assert sheet.protection.sheet
    assert sheet["A1"].protection.locked
    assert book["代码表"].sheet_state == "hidden"
    lists = {str(v.sqref)[0]: v for v in sheet.data_validations.dataValidation}
    assert lists["B"].type == "list"
    name = lists["B"].formula1.lstrip("=")
    assert book.defined_names[name].attr_text == "代码表!$A$2:$A$61"
    assert lists["C"].errorStyle == "warning"
    codes = [cell.value for cell in book["代码表"]["A"]]
    assert codes == ["民族", *CODES["民族"]]
    assert open_sheet(data, "a.xlsx").meta == {"xueji_template": "student", "xueji_version": "3"}
    assert {row[0].value for row in book["填写说明"].iter_rows(min_row=2)} == {f.label for f in FIELDS}


@pytest.mark.capability("C-COL-05")
def test_template_can_be_filled_with_a_class_and_read_back() -> None:
    rows = [("王小明", "民族01", IDENTITY, "农业"), ("=1+1", "民族02", "", None)]
    data = write_template(FIELDS, CODES, meta={}, rows=rows)
    sheet = loaded(data)["学生信息"]
    assert not sheet["A2"].protection.locked
    assert not sheet["A3"].protection.locked
    assert sheet["A3"].data_type == "s"
    assert sheet["C2"].number_format == "@"
    reader = open_sheet(data, "模板.xlsx")
    header = reader.find_header([f.label for f in FIELDS])
    records = [record for _number, record in reader.records(header)]
    assert records[0] == {"姓名": "王小明", "民族": "民族01", "身份证件号": IDENTITY, "户口性质": "农业"}
    assert records[1]["姓名"] == "=1+1"


def test_template_data_cells_are_free() -> None:
    data = write_template(FIELDS, CODES, meta={})
    xml = zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml").decode()
    assert "<cols>" in xml
    book = loaded(data)
    style = book["学生信息"].column_dimensions["A"]
    assert style.protection.locked is False
    assert style.number_format == "@"


def test_template_refuses_an_unknown_code_table() -> None:
    with pytest.raises(KeyError):
        write_template([TemplateField(label="民族", codes="没有")], CODES, meta={})


def test_error_book_marks_faults_and_can_be_sent_again() -> None:
    header = ["姓名", "身份证件号"]
    rows = [["王小明", IDENTITY], ["=李", "123"], ["赵", None], ["短"]]
    issues = [
        RowIssue(row=1, column=1, message="位数不对"),
        RowIssue(row=1, column=1, message="校验码不对"),
        RowIssue(row=2, column=None, message="与第2行重复"),
        RowIssue(row=3, column=1, message="必填"),
    ]
    data = write_error_book(header, rows, issues)
    sheet = loaded(data).active
    assert [cell.value for cell in sheet[1]] == [ERROR_COLUMN, "姓名", "身份证件号"]
    assert sheet["A2"].value is None
    assert sheet["A3"].value == "身份证件号：位数不对；身份证件号：校验码不对"
    assert sheet["A4"].value == "与第2行重复"
    assert "位数不对；校验码不对" in sheet["C3"].comment.text
    assert sheet["C3"].fill.fgColor.rgb == "FFFDECEA"
    assert sheet["C5"].fill.fgColor.rgb == "FFFDECEA"
    assert sheet["C2"].comment is None
    assert sheet["B3"].data_type == "s"
    reader = open_sheet(data, "错误.xlsx")
    found = reader.find_header(header)
    assert ERROR_COLUMN not in found.unknown
    records = [record for _number, record in reader.records(found)]
    assert records == [
        {"姓名": "王小明", "身份证件号": IDENTITY},
        {"姓名": "=李", "身份证件号": "123"},
        {"姓名": "赵", "身份证件号": ""},
        {"姓名": "短", "身份证件号": ""},
    ]


def test_csv_is_neutral_and_comes_back() -> None:
    data = write_csv(["姓名", "备注"], [[text, 'a,"b"'] for text in DANGEROUS])
    assert data.startswith(b"\xef\xbb\xbf")
    for line in data.decode("utf-8-sig").split("\r\n")[1:]:
        assert not line.lstrip('"').startswith(("=", "+", "-", "@", "\t", "\r"))
    rows = [row.cells[0] for row in open_sheet(data, "a.csv").rows()][1:]
    assert rows == [text.strip() for text in DANGEROUS]


def test_a_cell_too_long_for_a_sheet_is_cut_to_what_it_holds() -> None:
    data = write_table([SheetColumn(label="长")], [("字" * 40_000,), ("𬱖" * 20_000,)])
    sheet = loaded(data)["数据"]
    assert len(sheet["A2"].value) == 32_767
    assert sheet["A3"].value == "𬱖" * 16_383
