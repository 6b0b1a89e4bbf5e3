"""Sheets that LibreOffice and WPS save as .ods: read like others, and refused when a few bytes claim a million rows."""

from __future__ import annotations

import io
import zipfile
from datetime import date

import pytest

from xueji.ground.sheets.cells import LostDigits
from xueji.ground.sheets.errors import SheetError
from xueji.ground.sheets.guard import Limits
from xueji.ground.sheets.read import open_sheet

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document-content'
    ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.3">'
    "<office:body><office:spreadsheet>"
)
_FOOT = "</office:spreadsheet></office:body></office:document-content>"


def _text(value: str, more: str = "") -> str:
    return f'<table:table-cell office:value-type="string"{more}><text:p>{value}</text:p></table:table-cell>'


def _book(rows: str, **files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        out.writestr("content.xml", f'{_HEAD}<table:table table:name="学生">{rows}</table:table>{_FOOT}')
        for name, data in ({"META-INF/manifest.xml": b"<manifest/>"} | files).items():
            out.writestr(name, data)
    return buffer.getvalue()


def _row(*cells: str, more: str = "") -> str:
    return f"<table:table-row{more}>{''.join(cells)}</table:table-row>"


@pytest.mark.capability("C-COL-06")
def test_an_ods_sheet_is_read_with_dates_numbers_and_its_empty_tail() -> None:
    day = '<table:table-cell office:value-type="date" office:date-value="2018-03-05"><text:p>18/3/5</text:p></table:table-cell>'
    whole = (
        '<table:table-cell office:value-type="float" office:value="3"><text:p>3</text:p></table:table-cell>'
    )
    lost = '<table:table-cell office:value-type="float" office:value="990101201803051234"><text:p>9</text:p></table:table-cell>'
    tail = '<table:table-cell table:number-columns-repeated="16380"/>'
    rows = (
        _row(_text("姓名"), _text("出生日期"), _text("班号"), _text("号码"), tail)
        + _row(_text("张小明"), day, whole, lost, tail)
        + _row(
            '<table:table-cell table:number-columns-repeated="16384"/>',
            more=' table:number-rows-repeated="1048570"',
        )
    )
    reader = open_sheet(_book(rows), "新生.ods")
    assert reader.kind == "ods"
    read = [row.cells for row in reader.rows()]
    assert read[0] == ["姓名", "出生日期", "班号", "号码"]
    assert read[1][:3] == ["张小明", date(2018, 3, 5), "3"]
    assert isinstance(read[1][3], LostDigits)


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (_row(_text("甲"), more=' table:number-rows-repeated="9000000"'), "too_many_rows"),
        (_row(_text("甲", ' table:number-columns-repeated="16000"')), "too_many_columns"),
        (
            _row(
                _text("甲", ' table:number-columns-repeated="250"'),
                more=' table:number-rows-repeated="900000"',
            ),
            "too_many_cells",
        ),
        (
            _row(_text("甲"), more=' table:number-rows-repeated="1" table:number-rows-repeated="9000000"'),
            "broken",
        ),
    ],
)
def test_repetitions_are_counted_before_they_are_laid_out(rows: str, code: str) -> None:
    with pytest.raises(SheetError) as refused:
        open_sheet(_book(rows), "a.ods", limits=Limits())
    assert refused.value.code == code


def test_a_locked_file_and_another_document_are_told_apart() -> None:
    manifest = {"META-INF/manifest.xml": b"<manifest:encryption-data/>"}
    with pytest.raises(SheetError) as refused:
        open_sheet(_book(_row(_text("甲")), **manifest), "a.ods")
    assert refused.value.code == "password"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        out.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        out.writestr("content.xml", "<x/>")
    with pytest.raises(SheetError) as refused:
        open_sheet(buffer.getvalue(), "a.odt")
    assert refused.value.code == "unsupported"


def test_entities_and_cut_files_end_in_a_plain_answer() -> None:
    good = _book(_row(_text("甲"), _text("乙")))
    for cut in range(20, len(good), 37):
        with pytest.raises(SheetError) as refused:
            list(open_sheet(good[:cut], "a.ods").rows())
        assert refused.value.message_zh
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        out.writestr("content.xml", '<!DOCTYPE x [<!ENTITY a "aaaaaaaa">]><x>&a;</x>')
    with pytest.raises(SheetError):
        open_sheet(buffer.getvalue(), "a.ods")
