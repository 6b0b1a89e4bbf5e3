"""What is read from the files that schools send, and what is refused and why."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from xueji.ground.sheets.cells import LostDigits, neutralise, plain_text, read_cell, restore
from xueji.ground.sheets.errors import SheetError
from xueji.ground.sheets.guard import Limits, column_letters, column_number
from xueji.ground.sheets.read import open_pasted, open_sheet
from xueji.ground.sheets.write import write_csv

HEAD = ["姓名", "学籍号", "出生日期"]


def workbook(fill: Callable[..., None], **options: object) -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, options)
    fill(book, book.add_worksheet("学生"))
    book.close()
    return buffer.getvalue()


def repacked(data: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """The same package with members changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return out.getvalue()


def simple() -> bytes:
    def fill(book: xlsxwriter.Workbook, sheet: object) -> None:
        for row, values in enumerate(
            [HEAD, ["欧阳𬱖玥", "G990101201601010021", "2016-01-01"], ["李一诺", "G2", "x"]]
        ):
            sheet.write_row(row, 0, values)  # type: ignore[attr-defined]

    return workbook(fill)


def with_sheet_xml(cell: bytes) -> bytes:
    """A workbook whose first cell is written as `cell` in the raw XML."""
    data = workbook(lambda book, sheet: sheet.write_number(0, 0, 5))
    return repacked(
        data,
        lambda name, body: (
            body.replace(b'<c r="A1"><v>5</v></c>', cell) if name == "xl/worksheets/sheet1.xml" else body
        ),
    )


def code_of(data: bytes | Path, filename: str = "a.xlsx", limits: Limits | None = None) -> str:
    with pytest.raises(SheetError) as caught:
        list(open_sheet(data, filename, limits=limits or Limits()).rows())
    assert any("\u4e00" <= char <= "\u9fff" for char in caught.value.message_zh)
    assert "%(" not in caught.value.message_zh
    return caught.value.code


def test_cells_come_as_typed() -> None:
    def fill(book: xlsxwriter.Workbook, sheet: object) -> None:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        write = sheet.write  # type: ignore[attr-defined]
        write(0, 0, 20250001.0)
        write(0, 1, 3.5)
        write(0, 2, 990101201601010021.0)
        sheet.write_datetime(0, 3, datetime(2016, 1, 1), day)  # type: ignore[attr-defined]
        write(0, 4, True)
        sheet.write_formula(0, 5, "=1/0", None, "#DIV/0!")  # type: ignore[attr-defined]
        sheet.write_formula(0, 6, "=1+1", None, 2)  # type: ignore[attr-defined]
        write(0, 7, " \u3000G1\u200b\xa0")
        write(0, 8, "1.10101E+17")
        write(0, 9, -7)

    cells = next(open_sheet(workbook(fill), "a.xlsx").rows()).cells
    assert cells[:2] == ["20250001", "3.5"]
    assert isinstance(cells[2], LostDigits)
    assert cells[3:8] == [date(2016, 1, 1), True, "", "2", "G1"]
    assert cells[8] == LostDigits("1.10101E+17")
    assert cells[9] == "-7"


def test_legacy_xls_is_read(make_xls: Callable[..., bytes]) -> None:
    data = make_xls(
        [(0, 0, "姓名"), (0, 1, "学籍号"), (1, 0, "欧阳𬱖玥"), (1, 1, 20250001), (3, 0, "李"), (3, 1, 1e17)]
    )
    reader = open_sheet(data, "旧表.xls")
    header = reader.find_header(["姓名", "学籍号"])
    records = list(reader.records(header))
    assert reader.kind == "xls"
    assert records[0] == (2, {"姓名": "欧阳𬱖玥", "学籍号": "20250001"})
    assert isinstance(records[1][1]["学籍号"], LostDigits)
    assert reader.skipped_blank == 1


def test_header_is_found_under_titles_and_marks_do_not_matter() -> None:
    def fill(book: xlsxwriter.Workbook, sheet: object) -> None:
        rows = [
            ["某校学生信息采集表"],
            [],
            ["错误说明", "姓 名 *", "学籍号（必填）", "爱好", "姓名"],
            ["x", "王", "G1", "球", "重"],
        ]
        for row, values in enumerate(rows):
            sheet.write_row(row, 2, values)  # type: ignore[attr-defined]

    reader = open_sheet(workbook(fill), "a.xlsx")
    header = reader.find_header(HEAD, required=["姓名", "出生日期"])
    assert header.row_number == 3
    assert header.unknown == ["爱好"]
    assert header.repeated == ["姓名"]
    assert header.missing == ["出生日期"]
    assert list(reader.records(header)) == [(4, {"姓名": "王", "学籍号": "G1"})]
    assert reader.column_letter(header.columns["姓名"]) == "D"


def test_merged_headings_are_understood() -> None:
    def fill(book: xlsxwriter.Workbook, sheet: object) -> None:
        merge = sheet.merge_range  # type: ignore[attr-defined]
        merge(0, 0, 1, 0, "姓名")
        merge(0, 1, 0, 2, "监护人一")
        merge(0, 3, 0, 4, "监护人二")
        sheet.write_row(1, 1, ["姓名", "电话", "姓名", "电话"])  # type: ignore[attr-defined]
        sheet.write_row(2, 0, ["王小明", "王甲", "1", "李乙", "2"])  # type: ignore[attr-defined]

    reader = open_sheet(workbook(fill), "a.xlsx")
    header = reader.find_header(["姓名", "监护人一姓名", "监护人一电话", "监护人二姓名", "监护人二电话"])
    ((number, record),) = reader.records(header)
    assert number == 3
    assert record == {
        "姓名": "王小明",
        "监护人一姓名": "王甲",
        "监护人一电话": "1",
        "监护人二姓名": "李乙",
        "监护人二电话": "2",
    }


def test_no_header_is_told_with_the_names_expected() -> None:
    reader = open_pasted("甲\t乙\n1\t2")
    with pytest.raises(SheetError, match="姓名") as caught:
        reader.find_header(HEAD)
    assert caught.value.code == "no_header"


def test_hidden_sheets_are_passed_over_and_a_sheet_can_be_named() -> None:
    def fill(book: xlsxwriter.Workbook, sheet: object) -> None:
        sheet.write(0, 0, "隐藏")  # type: ignore[attr-defined]
        book.add_worksheet("空表")
        other = book.add_worksheet("名单")
        other.write(0, 0, "看得见")
        other.activate()
        other.set_first_sheet()
        sheet.hide()  # type: ignore[attr-defined]

    data = workbook(fill)
    reader = open_sheet(data, "a.xlsx")
    assert reader.sheet_name == "名单"
    assert open_sheet(data, "a.xlsx", sheet="学生").sheet_name == "学生"
    with pytest.raises(SheetError) as caught:
        open_sheet(data, "a.xlsx", sheet="没有")
    assert caught.value.code == "no_sheet"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "gbk"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_csv_in_every_usual_encoding_and_separator(encoding: str, delimiter: str) -> None:
    lines = [HEAD, ["王小明", "G990101201601010021", "2016-01-01"], ["李一诺", "", "2016-02-02"]]
    data = "\r\n".join(delimiter.join(line) for line in lines).encode(encoding)
    reader = open_sheet(data, "名单.csv")
    assert [row.cells for row in reader.rows()] == lines


def test_rare_characters_of_old_gb18030_files_become_the_standard_ones() -> None:
    data = "姓名,备注\n".encode("gb18030") + b"\xc0\xee\xfe\x59,\xfe\x51\n"
    ((number, record),) = (lambda r: list(r.records(r.find_header(["姓名", "备注"]))))(
        open_sheet(data, "a.csv")
    )
    assert number == 2
    assert record == {"姓名": "李\u9fb4", "备注": "\U00020087"}
    assert plain_text("\ue816\ue864") == "\U00020087\u9fbb"


def test_pasted_rows_keep_quoted_line_breaks() -> None:
    reader = open_pasted('姓名\t备注\n王\t"第一行\n第二行"\n\n李\tx')
    rows = [row.cells for row in reader.rows()]
    assert rows == [["姓名", "备注"], ["王", "第一行\n第二行"], ["李", "x"]]
    assert reader.skipped_blank == 1


@pytest.mark.parametrize(
    ("data", "filename", "code"),
    [
        (b"", "a.xlsx", "empty"),
        (b"\xef\xbb\xbf \r\n", "a.csv", "empty"),
        (b"%PDF-1.7 ...", "a.xlsx", "not_sheet"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a.xlsx", "not_sheet"),
        (b"\x7fELF\0\0\0", "a.csv", "not_sheet"),
        (b"\xff\xfe\xff", "a.csv", "not_sheet"),
        (b"\x81\x20\xff\xff", "a.csv", "not_sheet"),
        (b"<html><table><tr><td>x</td></tr></table></html>", "a.xls", "html"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><html/>', "a.xls", "html"),
        (
            b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
            "a.xls",
            "unsupported",
        ),
        (b"PK\x03\x04 not a package", "a.xlsx", "broken"),
    ],
)
def test_what_is_no_sheet_is_refused_by_its_own_name(data: bytes, filename: str, code: str) -> None:
    assert code_of(data, filename) == code


def package(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name, body in members.items():
            new.writestr(name, body)
    return out.getvalue()


def test_packages_of_another_kind_are_told_apart() -> None:
    assert code_of(package({"word/document.xml": b"<x/>"})) == "not_sheet"
    assert code_of(package({"content.xml": b"<x/>", "mimetype": b"x"}), "a.ods") == "unsupported"
    assert code_of(package({"xl/workbook.bin": b"x"}), "a.xlsb") == "unsupported"
    assert code_of(workbook(lambda book, sheet: None)) == "empty"


def test_passwords_are_named(make_compound: Callable[..., bytes], make_xls: Callable[..., bytes]) -> None:
    assert code_of(make_compound({"EncryptionInfo": b"x", "EncryptedPackage": b"y"})) == "password"
    assert code_of(make_compound({"WordDocument": b"x"}), "a.xls") == "not_sheet"
    locked = make_compound({"Workbook": b"\x09\x08\x00\x00\x2f\x00\x02\x00\x01\x00"})
    assert code_of(locked, "a.xls") == "password"


def test_size_limits_are_named(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    path.write_bytes(b"a,b\n" * 1000)
    assert code_of(path, limits=Limits(max_bytes=100)) == "too_large"
    assert code_of(path, limits=Limits(max_rows=10)) == "too_many_rows"
    assert code_of(b",".join([b"x"] * 301), "a.csv") == "too_many_columns"
    assert code_of(b"a,b\nx," + b"y" * 40_000, "a.csv") == "cell_too_long"
    assert code_of(b'a,b\nx,"' + b"y" * 400_000, "a.csv") == "cell_too_long"
    assert code_of(simple(), limits=Limits(max_rows=2)) == "too_many_rows"
    assert code_of(simple(), limits=Limits(max_columns=2)) == "too_many_columns"
    assert len(list(open_sheet(path, "big.csv").rows())) == 1000


def test_zip_bomb_is_refused_before_unpacking() -> None:
    bomb = repacked(
        simple(), lambda name, body: body + b" " * 60_000_000 if name.endswith("sheet1.xml") else body
    )
    assert code_of(bomb) == "zip_bomb"
    assert code_of(simple(), limits=Limits(max_unpacked=1000)) == "zip_bomb"


def test_five_million_declared_rows_are_refused() -> None:
    data = repacked(simple(), lambda name, body: body.replace(b'ref="A1:C3"', b'ref="A1:C5000000"'))
    assert b"5000000" in zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml")
    assert code_of(data) == "too_many_rows"


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (b'<c r="XFD1048576"><v>5</v></c>', "too_many_rows"),
        (b'<c r="XFD1"><v>5</v></c>', "too_many_columns"),
        (b'<c r="A1"><v>5</v></c></row><row r="900000"><c r="KA900000"><v>5</v></c>', "too_many_cells"),
        (b'<x:c r="XFD1" foo="1"><v>5</v></x:c>', "too_many_columns"),
        (b'<c r = "XFD1"><v>5</v></c>', "too_many_columns"),
        (b'<c r="xfd1"><v>5</v></c>', "too_many_columns"),
        (b'<c\nr="XFD1"><v>5</v></c>', "too_many_columns"),
        (b'<c r="A1" r="XFD1"><v>5</v></c>', "broken"),
        (b'<c foo=">" r="XFD1"><v>5</v></c>', "broken"),
        (b'<x:c r="XFD1" foo="/>"><v>5</v></x:c>', "broken"),
        (b'<c r="&#88;FD1"><v>5</v></c>', "broken"),
        (b'</row><row r="1048576"><c><v>5</v></c>', "too_many_rows"),
        (b'</row><row r="1" r="1048576"><c><v>5</v></c>', "broken"),
        (b'<c foo="' + b"y" * 100_000 + b'" r="XFD1"><v>5</v></c>', "too_many_columns"),
        (b'<c foo="' + b"y" * 1_100_000 + b'" r="XFD1"><v>5</v></c>', "broken"),
    ],
)
def test_far_cells_cannot_exhaust_memory_however_they_are_written(cell: bytes, code: str) -> None:
    assert code_of(with_sheet_xml(cell)) == code


def test_formats_far_down_a_sheet_do_no_harm() -> None:
    data = with_sheet_xml(b'<c r="A1"><v>5</v></c></row><row r="1048576"><c r="XFD1048576" s="0"/>')
    assert [row.cells for row in open_sheet(data, "a.xlsx").rows()] == [["5"]]


def test_far_cells_of_legacy_files_cannot_exhaust_memory(make_xls: Callable[..., bytes]) -> None:
    assert code_of(make_xls([(0, 0, "a"), (65000, 60000, 1)]), "a.xls") == "too_many_columns"
    assert code_of(make_xls([(0, 0, "a"), (65535, 255, 1)]), "a.xls") == "too_many_cells"


@pytest.mark.parametrize("kind", ["raw", "xml", "xls", "csv"])
def test_damaged_files_raise_nothing_but_sheet_errors(kind: str, make_xls: Callable[..., bytes]) -> None:
    rnd = random.Random(20261122)
    good = simple()
    old = make_xls([(r, c, f"值{r}{c}" if c else r * 1000) for r in range(20) for c in range(5)])
    text = write_csv(HEAD, [["王小明", "G1", "2016-01-01"]] * 20)

    def flip(body: bytes, times: int) -> bytes:
        damaged = bytearray(body)
        for _ in range(times):
            damaged[rnd.randrange(len(damaged))] = rnd.randrange(256)
        return bytes(damaged[: rnd.randrange(1, len(damaged))] if rnd.random() < 0.15 else damaged)

    refused: list[SheetError] = []
    for _ in range(200):
        times = rnd.choice([1, 3, 10, 40])
        if kind == "raw":
            data = flip(good, times)
        elif kind == "xml":
            member = rnd.choice(
                ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml", "xl/styles.xml"]
            )
            data = repacked(good, lambda n, b, m=member, t=times: flip(b, t) if n == m else b)  # type: ignore[misc]
        else:
            data = flip(old if kind == "xls" else text, times)
        try:
            reader = open_sheet(data, "a.xlsx")
            list(reader.rows())
            list(reader.records(reader.find_header(HEAD)))
        except SheetError as error:
            refused.append(error)
    assert refused
    assert all(error.message_zh for error in refused)


@given(st.floats(allow_nan=True, allow_infinity=True) | st.integers() | st.text() | st.booleans() | st.none())
def test_every_value_becomes_a_cell(value: object) -> None:
    cell = read_cell(value)
    assert isinstance(cell, (str, bool, LostDigits))
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15:
        assert cell == str(value)


@given(st.text())
def test_neutralised_text_is_harmless_and_comes_back(value: str) -> None:
    safe = neutralise(value)
    assert not safe.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert restore(safe) == value


@given(st.integers(min_value=1, max_value=20_000))
def test_column_letters_and_numbers_agree(number: int) -> None:
    assert column_number(column_letters(number)) == number


def test_a_second_list_of_the_same_kind_is_not_passed_over() -> None:
    def workbook(*leaves: tuple[str, list[list[str]]]) -> bytes:
        buffer = io.BytesIO()
        with xlsxwriter.Workbook(buffer, {"in_memory": True}) as out:
            for name, rows in leaves:
                sheet = out.add_worksheet(name)
                for at, cells in enumerate(rows):
                    sheet.write_row(at, 0, cells)
        return buffer.getvalue()

    head = ["姓名", "学籍号"]
    one = open_sheet(
        workbook(("甲", [head, ["张三", "1"]]), ("说明", [["请填写"]]), ("空表", [head])), "a.xlsx"
    )
    one.alone(head)
    two = open_sheet(workbook(("甲", [head, ["张三", "1"]]), ("乙", [head, ["李四", "2"]])), "a.xlsx")
    with pytest.raises(SheetError) as caught:
        two.alone(head)
    assert caught.value.code == "many_sheets"
    assert "乙" in caught.value.message_zh


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compression_that_no_program_of_sheets_uses_is_refused(how: int) -> None:
    usual = io.BytesIO()
    with xlsxwriter.Workbook(usual, {"in_memory": True}) as out:
        out.add_worksheet("甲").write_row(0, 0, ["姓名", "学籍号"])
    other = io.BytesIO()
    with zipfile.ZipFile(usual) as source, zipfile.ZipFile(other, "w", how) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    with pytest.raises(SheetError) as caught:
        open_sheet(other.getvalue(), "a.xlsx")
    assert caught.value.code == "broken"
