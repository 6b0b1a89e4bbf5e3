"""A pupil who stands twice in a sheet: the row that was put aside does not become the base."""

from __future__ import annotations

import io

import openpyxl
from tests.helpers import Place, act_as

from xueji.registry.offline import commands

from .test_offline import OFFICE, back_of, children, data_of, filled, found_in, give, pack


def twice(data: bytes, first: str, second: str) -> bytes:
    """The workbook with its one pupil in two rows."""
    found = openpyxl.load_workbook(io.BytesIO(data))
    sheet = found.worksheets[0]
    at = [str(c.value).removesuffix(" *") for c in sheet[1]].index("特长") + 1
    for column, cell in enumerate(list(sheet[2]), start=1):
        sheet.cell(3, column, cell.value)
    sheet.cell(2, at, first)
    sheet.cell(3, at, second)
    out = io.BytesIO()
    found.save(out)
    return out.getvalue()


def test_a_second_row_of_a_pupil_does_not_move_the_base(place: Place) -> None:
    (a,) = children(place, 1)
    give(place, a, talents="象棋")
    package, data = pack(place)
    back = back_of(place, package, twice(data, "书法", "绘画"))
    with act_as(place.user(*OFFICE)) as actor:
        commands.apply(actor, back.pk)
        fault = next(i for i in found_in(back).values() if i.kind == "fault")
        assert commands.settle(actor, back.pk, [fault.pk], "keep", "重复的行").finished
    assert data_of(a)["talents"] == "书法"
    # The sheet put right says what the second row said: that is a change, not what was known.
    again = back_of(place, package, filled(data, {"离线甲": {"特长": "绘画"}}))
    one = found_in(again)[("离线甲", "talents")]
    assert (one.kind, one.here, one.there) == ("safe", "书法", "绘画")


def test_a_replaced_hand_back_with_a_second_row_leaves_the_base_to_the_first(place: Place) -> None:
    (a,) = children(place, 1)
    give(place, a, talents="象棋")
    package, data = pack(place)
    back = back_of(place, package, twice(data, "书法", "绘画"))
    with act_as(place.user(*OFFICE)) as actor:
        commands.apply(actor, back.pk)
    again = back_of(place, package, filled(data, {"离线甲": {"特长": "绘画"}}))
    assert found_in(again)[("离线甲", "talents")].kind == "safe"
