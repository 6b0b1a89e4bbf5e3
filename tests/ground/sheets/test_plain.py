"""A long list is read piece by piece to the same rows as by the native reader, or not at all."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ground.sheets.mutants import mutant

from bench import sheets
from xueji.ground.sheets import plain
from xueji.ground.sheets.errors import SheetError
from xueji.ground.sheets.guard import DEFAULT_LIMITS, Limits, column_letters
from xueji.ground.sheets.read import open_sheet

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def package(rows: str, items: list[str], *, tail: str = "", **more: str) -> bytes:
    """A workbook with these rows and shared texts, as XML."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, text in {**sheets._PARTS, **more}.items():
            made.writestr(name, text)
        made.writestr(
            "xl/worksheets/sheet1.xml", f"<worksheet {MAIN}><sheetData>{rows}</sheetData>{tail}</worksheet>"
        )
        made.writestr("xl/sharedStrings.xml", f"<sst {MAIN}>{''.join(items)}</sst>")
    return out.getvalue()


def cell(column: int, row: int, text: int, style: int | None = None) -> str:
    mark = "" if style is None else f' s="{style}"'
    return f'<c r="{column_letters(column)}{row}"{mark} t="s"><v>{text}</v></c>'


def both(data: bytes, *, top: int = 2, piece: int = 700) -> tuple[list[Any] | None, list[Any]]:
    """Rows by pieces (None: this file is not read so) and by the native reader."""
    with pytest.MonkeyPatch.context() as small:
        small.setattr(plain, "TOP", top)
        small.setattr(plain, "_PIECE", piece)
        found = plain.look_plain(data, DEFAULT_LIMITS)
        quick = None
        if found is not None:
            reader, sheet = found
            again = plain.PlainSheet(data, sheet.plan, DEFAULT_LIMITS)
            assert again._strings == sheet._strings
            quick = [(row.number, row.cells) for row in reader.rows()]
            # Two that take pieces in turn read the same as one that takes them all.
            parts = dict(enumerate(sheet.pieces(range(0, sheet.plan.pieces, 2))))
            others = dict(enumerate(again.pieces(range(1, sheet.plan.pieces, 2))))
            for n in range(sheet.plan.pieces):
                quick += (others if n % 2 else parts)[n // 2]
    careful = [(row.number, row.cells) for row in open_sheet(data).rows()]
    return quick, careful


ITEMS = [
    "<si><t>姓名</t></si>", "<si><t>王小明</t></si>", "<si><t>110105</t></si>", "<si><t></t></si>",
    "<si><t>1.5E+15</t></si>", "<si><t>'001</t></si>", "<si><t> 空格 </t></si>", "<si><t>a&amp;b&#10;c</t></si>",
    '<si><t xml:space="preserve"> 两端 </t></si>', "<si><t>a_x000D_b</t></si>", "<si><t>a\r\nb</t></si>",
    '<si><t>注音</t><phoneticPr fontId="1" type="noConversion"/></si>', "<si><r><t>富</t></r><r><t>文本</t></r></si>",
    "<si><t/></si>", "<si><t>\u200b\ue81e</t></si>", "<si><t>a,b</t></si>", "<si>\n<t>换行前</t></si>",
    "<si><t>\t</t></si>", "<si><t>]]&gt;</t></si>", "<si><t>全角　空格</t></si>",
]  # fmt: skip
CELLS = st.dictionaries(
    st.integers(1, 40), st.tuples(st.integers(0, len(ITEMS) - 1), st.none() | st.integers(0, 12)), max_size=8
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 3), CELLS, st.sampled_from(["", ' spans="1:9"', ' ht="15.75" s="1"'])), max_size=25),
    st.permutations(ITEMS),
    st.booleans(),
    st.integers(100, 2_000),
)  # fmt: skip
def test_pieces_hold_the_rows_of_the_native_reader(
    rows: list[tuple[int, dict[int, tuple[int, int | None]], str]],
    items: list[str],
    formats: bool,
    piece: int,
) -> None:
    xml = f'<row r="1">{cell(1, 1, 0)}{cell(2, 1, 1)}</row>'
    number = 1
    for step, cells, attributes in rows:
        number += step
        inside = "".join(cell(column, number, *cells[column]) for column in sorted(cells))
        if formats:
            inside += f'<c r="AZ{number}" s="3"/>'
        xml += f'<row r="{number}"{attributes}>{inside}</row>'
    # Texts in another order; the headings may then be blank, and the sheet is read the long way.
    quick, careful = both(package(xml, items), piece=piece)
    if items[0] == ITEMS[0]:
        assert quick is not None
    if quick is not None:
        assert quick == careful


@pytest.mark.parametrize("seed", range(0, 400, 8))
def test_broken_workbooks_are_read_the_same_or_left_to_the_native_reader(seed: int) -> None:
    for n in range(seed, seed + 8):
        data, _name = mutant(n)
        try:
            quick, careful = both(data)
        except SheetError:
            continue
        if quick is not None:
            assert quick == careful, n


LONG = "".join(f'<row r="{n}">{cell(1, n, 0)}{cell(2, n, 1)}</row>' for n in range(1, 9))
TEXTS = ["<si><t>甲</t></si>", "<si><t>乙</t></si>"]


def test_a_plain_list_is_read_by_pieces() -> None:
    quick, careful = both(package(LONG, TEXTS))
    assert quick == careful
    assert len(careful) == 8


@pytest.mark.parametrize(
    "row",
    [
        '<row r="9"><c r="A9"><v>20250001</v></c></row>',
        '<row r="9"><c r="A9" t="inlineStr"><is><t>甲</t></is></c></row>',
        '<row r="9"><c r="A9" t="str"><f>1+1</f><v>2</v></c></row>',
        '<row r="9"><c r="A9" t="b"><v>1</v></c></row>',
        '<row r="9"><c t="s"><v>1</v></c></row>',
        '<row r="8"><c r="A8" t="s"><v>1</v></c></row>',
        '<row r="9"><c r="B9" t="s"><v>1</v></c><c r="A9" t="s"><v>0</v></c></row>',
        '<row><c r="A9" t="s"><v>1</v></c></row>',
        '<row r="9"><x/><c r="A9" t="s"><v>1</v></c></row>',
        '<!-- <row r="9"><c r="A9" t="s"><v>1</v></c></row> -->',
        '<row r="1000001"><c r="A1000001" t="s"><v>1</v></c></row>',
        '<row r="9"><c r="XFD9" t="s"><v>1</v></c></row>',
        '<row r="9"><c r="A9" t="s"><v></v></c><c r="B9" t="s"><v>1</v></c></row>',
    ],
)
def test_what_is_written_otherwise_goes_to_the_native_reader(row: str) -> None:
    with pytest.MonkeyPatch.context() as small:
        small.setattr(plain, "TOP", 2)
        assert plain.look_plain(package(LONG + row, TEXTS), DEFAULT_LIMITS) is None


@pytest.mark.parametrize(
    "row",
    [
        '<row r="9"><c r="A9" t="s"><v>1</v></c><c r="B7" t="s"><v>1</v></c></row>',
        '<row r="9"><c r="A9" t="s"><v>7</v></c></row>',
        '<row r="9"><c r="A09" t="s"><v>1</v></c></row>',
        '<row r="9"><c r="A9" t="s"><v>' + "9" * 5_000 + "</v></c></row>",
        '<row r="9"><c r="A' + "9" * 5_000 + '" t="s"><v>1</v></c></row>',
        '<row r="9"><c r="A9" t="s"><v>1</v></c></row><row r="9"/><row r="10"><c r="A9" t="s"><v>0</v></c></row>',
    ],
)
def test_places_that_contradict_their_row_and_texts_that_are_not_there_are_refused(row: str) -> None:
    with pytest.MonkeyPatch.context() as small:
        small.setattr(plain, "TOP", 2)
        found = plain.look_plain(package(LONG + row, TEXTS), DEFAULT_LIMITS)
        assert found is not None
        with pytest.raises(SheetError) as refused:
            list(found[1].pieces(range(found[1].plan.pieces)))
    assert refused.value.code == "broken"


def test_a_sheet_that_is_not_the_first_to_be_read_is_left_to_the_native_reader() -> None:
    """The biggest sheet of a book is not always the one that is meant: even where its first rows are the same."""
    book = sheets._PARTS["xl/workbook.xml"].replace(
        "<sheets>", '<sheets><sheet name="短" sheetId="2" r:id="rId7"/>'
    )
    links = sheets._PARTS["xl/_rels/workbook.xml.rels"].replace(
        "</Relationships>",
        f'<Relationship Id="rId7" Type="{sheets._REL}/worksheet" Target="worksheets/sheet2.xml"/></Relationships>',
    )
    begun = LONG.partition('<row r="4"')[0]
    short = f"<worksheet {MAIN}><sheetData>{begun}</sheetData></worksheet>"
    data = package(
        LONG,
        TEXTS,
        **{"xl/workbook.xml": book, "xl/_rels/workbook.xml.rels": links, "xl/worksheets/sheet2.xml": short},
    )
    quick, careful = both(data)
    assert quick is None
    assert len(careful) == 3


def test_other_sheets_find_their_texts_in_the_package_of_the_first_rows() -> None:
    book = sheets._PARTS["xl/workbook.xml"].replace(
        "</sheets>", '<sheet name="短" sheetId="2" r:id="rId7"/></sheets>'
    )
    links = sheets._PARTS["xl/_rels/workbook.xml.rels"].replace(
        "</Relationships>",
        f'<Relationship Id="rId7" Type="{sheets._REL}/worksheet" Target="worksheets/sheet2.xml"/></Relationships>',
    )
    short = f'<worksheet {MAIN}><sheetData><row r="1">{cell(1, 1, 30)}</row></sheetData></worksheet>'
    items = [f"<si><t>第{n}</t></si>" for n in range(31)]
    data = package(
        LONG,
        items,
        **{"xl/workbook.xml": book, "xl/_rels/workbook.xml.rels": links, "xl/worksheets/sheet2.xml": short},
    )
    found = plain.look_plain(data, DEFAULT_LIMITS)
    assert found is not None
    other = found[0].sibling("短")
    assert other is not None
    assert [row.cells for row in other.rows()] == [["第30"]]


def test_merged_headings_of_a_long_list_are_understood() -> None:
    rows = f'<row r="1">{cell(1, 1, 0)}</row>' + LONG.partition("</row>")[2]
    data = package(rows, TEXTS, tail='<mergeCells count="1"><mergeCell ref="A1:A2"/></mergeCells>')
    found = plain.look_plain(data, DEFAULT_LIMITS)
    assert found is not None
    assert found[0]._merged == open_sheet(data)._merged == [((0, 0), (1, 0))]


def test_the_limits_of_a_sheet_hold() -> None:
    data = package(LONG, TEXTS)
    with pytest.MonkeyPatch.context() as small:
        small.setattr(plain, "TOP", 2)
        for limits in (
            Limits(max_rows=7),
            Limits(max_columns=1),
            Limits(max_unpacked=100),
            Limits(max_cells=3),
        ):
            assert plain.look_plain(data, limits) is None
            with pytest.raises(SheetError):
                list(open_sheet(data, limits=limits).rows())


@pytest.mark.parametrize(
    ("merged", "plainly"), [("A1:F1", True), ("A1:A2", True), ("C4:F4", True), ("A4:A6", False)]
)
def test_cells_merged_over_rows_go_to_the_native_reader(merged: str, plainly: bool) -> None:
    """Only it tells of them; what merges headings, or cells of one row, is no obstacle."""
    tail = f'<mergeCells count="1"><mergeCell ref="{merged}"/></mergeCells>'
    with pytest.MonkeyPatch.context() as small:
        small.setattr(plain, "TOP", 2)
        assert (plain.look_plain(package(LONG, TEXTS, tail=tail), DEFAULT_LIMITS) is not None) == plainly
