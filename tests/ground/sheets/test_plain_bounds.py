"""Looking at a list that was made to exhaust whoever looks costs little."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from tests.ground.sheets.test_plain import MAIN, TEXTS, cell, package

from xueji.ground.sheets import plain, plain_texts
from xueji.ground.sheets.guard import DEFAULT_LIMITS, Limits, column_letters

SHORT = "".join(f'<row r="{n}">{cell(1, n, 0)}{cell(2, n, 1)}</row>' for n in range(1, 22))


def peak(run: Callable[[], Any]) -> tuple[Any, int]:
    """What comes of it, and the most megabytes that it held at once."""
    tracemalloc.start()
    try:
        return run(), tracemalloc.get_traced_memory()[1] >> 20
    finally:
        tracemalloc.stop()


def test_rows_that_reach_to_zzz_are_not_laid_out() -> None:
    far = "".join(f'<row r="{n}">{cell(n, n, 0)}{cell(18_278, n, 1)}</row>' for n in range(22, 222))
    found, most = peak(lambda: plain.look_plain(package(SHORT + far, TEXTS), DEFAULT_LIMITS))
    assert found is None
    assert most < 8


def test_shapes_of_rows_are_kept_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "_MOST_KEPT", 64 << 10)
    shapes = plain._Shapes(DEFAULT_LIMITS)

    def look() -> None:
        for column in range(1, 300):
            for other in range(column + 1, 300, 60):
                skeleton = (
                    f'<c r="{column_letters(column)}" t="s"><v></v></c><c r="{column_letters(other)}"/>'
                )
                shape = shapes[skeleton.encode()]
                assert shape is not None
                assert shape.columns == other

    _none, most = peak(look)
    assert 20 < len(shapes) < 200
    assert most < 1


class _Worksheet:
    """The XML of a worksheet, with the number of times that somebody read on."""

    def __init__(self, rows: str) -> None:
        self._stream = io.BytesIO(f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>".encode())
        self.reads = 0

    def read(self, size: int) -> bytes:
        self.reads += 1
        return self._stream.read(size)


def test_rows_beyond_the_limit_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "_PIECE", 1_000)
    sheet = _Worksheet("".join(f'<row r="{n}">{cell(1, n, 0)}</row>' for n in range(1, 2_000)))
    with pytest.raises(plain_texts.NotPlain):
        plain._Scan(Limits(max_rows=30)).run(sheet)
    assert sheet.reads < 5


def packed(texts: bytes, *more: bytes, lie: int | None = None, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A plain list with these shared texts and other members; `lie` is what it says of the length of the texts."""
    data = io.BytesIO(package(SHORT, []))
    out = io.BytesIO()
    with zipfile.ZipFile(data) as old, zipfile.ZipFile(out, "w", how) as made:
        for name in old.namelist():
            if name != "xl/sharedStrings.xml":
                made.writestr(name, old.read(name))
        for n, member in enumerate(more):
            made.writestr(f"xl/media/{n}.bin", member)
        made.writestr("xl/sharedStrings.xml", texts)
        if lie is not None:
            made.getinfo("xl/sharedStrings.xml").file_size = lie
    return out.getvalue()


def shared(items: str) -> bytes:
    return f"<sst {MAIN}>{''.join(TEXTS)}{items}</sst>".encode()


def test_other_members_that_unpack_to_much_are_not_unpacked() -> None:
    data = packed(shared(""), *[bytes(11 << 20)] * 3)
    found, most = peak(lambda: plain.look_plain(data, DEFAULT_LIMITS))
    assert found is None
    assert most < 5
    assert plain.look_plain(packed(shared(""), *[bytes(10 << 20)] * 3), DEFAULT_LIMITS) is not None


def test_more_shared_texts_than_a_big_list_has_are_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "_MOST_TEXTS", 1 << 20)
    data = packed(shared("<si><t>ab</t></si>" * 60_000))
    found, most = peak(lambda: plain.look_plain(data, DEFAULT_LIMITS))
    assert found is None
    assert most < 1
    assert plain.look_plain(packed(shared("<si><t>ab</t></si>" * 50_000)), DEFAULT_LIMITS) is not None


def test_a_member_longer_than_its_package_says_is_not_unpacked() -> None:
    data = packed(bytes(40 << 20), lie=1_000)
    found, most = peak(lambda: plain.look_plain(data, DEFAULT_LIMITS))
    assert found is None
    assert most < 5


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compression_that_unpacks_without_a_bound_is_not_begun(how: int) -> None:
    assert plain.look_plain(packed(shared(""), how=how), DEFAULT_LIMITS) is None


def test_one_text_with_marks_among_many_costs_no_second_list_of_them() -> None:
    """A mark in one of them has each item looked at by itself."""
    many = shared("".join(f"<si><t>{n:06}</t></si>" for n in range(100_000)))
    marked = many.replace(b"</sst>", b"<si><r><t>a</t></r></si></sst>")
    plainly, most = peak(lambda: plain_texts.Texts.of(many))
    found, more = peak(lambda: plain_texts.Texts.of(marked))
    assert found.texts == [*plainly.texts, None]
    assert more <= most + 3
    assert found.first(3) == many.partition(b"<si><t>000001")[0].decode() + "</sst>"
    assert [found.read_odd(DEFAULT_LIMITS), found.texts[100_001]] == [{100_002: "a"}, "099999"]
