"""What the place does not collect neither goes out with a package or a class list nor comes back with one."""

from __future__ import annotations

import io

import openpyxl
from tests.helpers import Place, act_as

from xueji.registry.collect import commands as collect
from xueji.registry.intake import commands as intake
from xueji.registry.offline import commands

from .test_offline import OFFICE, back_of, children, data_of, filled, found_in, give, pack


def heads(data: bytes) -> list[str]:
    return [
        str(c.value).removesuffix(" *") for c in openpyxl.load_workbook(io.BytesIO(data)).worksheets[0][1]
    ]


def test_a_field_that_is_not_collected_stays_out_of_the_sheets(place: Place) -> None:
    (a,) = children(place, 1)
    give(place, a, talents="象棋")
    package, data = pack(place)
    with act_as(place.user(*OFFICE)) as actor:
        before, _title = intake.update_book(actor, place.klass().pk)
        assert "特长" in heads(data) and "特长" in heads(before)
        collect.set_levels(actor, "P", {"talents": "none"})
        narrowed, _title = intake.update_book(actor, place.klass().pk)
        _package, again = commands.take_book(actor, package.pk)
    assert "特长" not in heads(narrowed) and "特长" not in heads(again)
    assert "邮政编码" in heads(narrowed) and "邮政编码" in heads(again)
    # Sheets that went out before: the column is passed over.
    changed = {"离线甲": {"特长": "书法", "邮政编码": "100001"}}
    back = back_of(place, package, filled(data, changed))
    assert [field for _name, field in found_in(back)] == ["postcode"]
    with act_as(place.user(*OFFICE)) as actor:
        assert commands.apply(actor, back.pk).finished
        batch = intake.bring_update(
            actor, filled(before, {"离线甲": {"特长": "书法", "邮政编码": "100002"}}), "补全表.xlsx"
        )
        assert intake.apply_update(actor, batch.pk, expected=1) == 1
    assert data_of(a)["talents"] == "象棋"


def test_a_field_that_is_given_up_meanwhile_is_no_longer_written(place: Place) -> None:
    (a,) = children(place, 1)
    give(place, a, talents="象棋")
    package, data = pack(place)
    back = back_of(place, package, filled(data, {"离线甲": {"特长": "书法"}}))
    with act_as(place.user(*OFFICE)) as actor:
        collect.set_levels(actor, "P", {"talents": "none"})
        done = commands.apply(actor, back.pk)
    assert (done.done, done.stale, done.finished) == (0, 1, True)
    assert found_in(back)[("离线甲", "talents")].decision == "noted"
    assert data_of(a)["talents"] == "象棋"
