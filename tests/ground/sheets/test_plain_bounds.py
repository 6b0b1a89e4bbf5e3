"""Looking at a list that was made to exhaust whoever looks costs little."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from tests.ground.sheets.test_plain import MAIN, TEXTS, cell, package

from xueji.ground.sheets import plain
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
    with pytest.raises(plain._NotPlain):
        plain._Scan(Limits(max_rows=30)).run(sheet)
    assert sheet.reads < 5
