"""A long list as text in a zip: read as a stream, and no way to exhaust the reader."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xueji.ground.sheets.errors import SheetError
from xueji.ground.sheets.guard import Limits
from xueji.ground.sheets.read import look_at, open_sheet
from xueji.ground.sheets.zipped import ZippedText, is_zipped_text, unpacked_size

TABLE = '姓名,性别\r\n王晨,男\r\n\r\n李雨,"女\n(两行)"\r\n'


def packed(
    text: str | bytes, name: str = "名单.csv", encoding: str = "utf-8", more: tuple[str, ...] = ()
) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr(name, text if isinstance(text, bytes) else text.encode(encoding))
        for other in more:
            package.writestr(other, b"x")
    return out.getvalue()


@pytest.mark.capability("C-COL-06")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_zipped_table_reads_as_the_table_itself(encoding: str) -> None:
    plain = open_sheet(TABLE.encode(encoding), "名单.csv")
    reader = open_sheet(packed(TABLE, encoding=encoding), "名单.zip")
    for _again in range(2):
        assert list(reader.rows()) == list(plain.rows())
    assert reader.find_header({"姓名", "性别"}).columns == {"姓名": 0, "性别": 1}


def test_a_workbook_and_other_packages_are_not_taken_for_tables() -> None:
    assert not is_zipped_text(packed(b"<x/>", "word/document.xml"))
    assert not is_zipped_text(packed(TABLE, more=("other",)))
    assert not is_zipped_text(b"PK\x03\x04 nonsense")
    assert is_zipped_text(packed(TABLE, more=("__MACOSX/._x",)))
    with pytest.raises(SheetError) as two:
        open_sheet(packed(TABLE, more=("二.csv",)), "x.zip")
    assert two.value.code == "not_sheet"


@pytest.mark.parametrize(
    ("text", "limits", "code"),
    [
        (b"a,b\n" + b"\n" * 3_000_000 + b"a,b\n", Limits(max_rows=1_000), "too_many_rows"),
        (b"a,b\n" * 2_000, Limits(max_rows=1_000), "too_many_rows"),
        (b"a" * (20 << 20), Limits(), "not_sheet"),
        (b"a,b\n" * (16 << 20), Limits(), "zip_bomb"),
        (b"\x00\x01\x02" * 100, Limits(), "not_sheet"),
        (b"  \n ", Limits(), "empty"),
    ],
)
def test_what_would_exhaust_the_reader_is_refused(text: bytes, limits: Limits, code: str) -> None:
    data = packed(text)
    with pytest.raises(SheetError) as refused:
        look_at(data, limits=limits)
        for _row in open_sheet(data, "x.zip", limits=limits).rows():
            pass
    assert refused.value.code == code


def test_a_damaged_package_is_told_to_be_damaged() -> None:
    data = packed(TABLE * 2_000)
    cut = bytearray(data)
    cut[200:260] = b"\0" * 60
    with pytest.raises(SheetError) as refused:
        list(open_sheet(bytes(cut), "x.zip").rows())
    assert refused.value.code in ("broken", "not_sheet")


@given(st.text(alphabet="a,\"'\n\r\x85\u2028张é ", max_size=60))
def test_lines_are_cut_where_the_text_has_line_feeds(text: str) -> None:
    data = packed(text or " ")
    assert "".join(ZippedText(data).lines()) == (text or " ")
    assert unpacked_size(data) == len((text or " ").encode())
