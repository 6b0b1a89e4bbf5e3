"""The quick ways of the long lists say the same as the careful ones, for any text."""

from __future__ import annotations

import json
from datetime import date, timedelta

from django.db import models
from hypothesis import given
from hypothesis import strategies as st

from xueji.ground.crypto import vault
from xueji.ground.sheets.cells import read_cell
from xueji.ground.sheets.read import _plain_row
from xueji.ground.standards import divisions
from xueji.ground.standards.identity import check_digit, check_identity, plainly_right
from xueji.registry.intake.models import StagedRow
from xueji.registry.intake.packing import Objects, dump
from xueji.registry.intake.wire import HEAD, KINDS

TODAY = date(2026, 11, 22)
CELLS = st.one_of(
    st.text(max_size=8),
    st.text(alphabet=" 1.E+\u3000\xa0\u200b\ue81e\r\n,张", max_size=8),
    st.integers(),
    st.floats(),
    st.booleans(),
)


@given(st.lists(CELLS, max_size=6))
def test_a_row_that_is_taken_as_it_stands_is_what_its_cells_mean(row: list[object]) -> None:
    if _plain_row(row):
        assert [read_cell(value) for value in row] == row


@given(
    st.sampled_from(["990101", "110105", "810000", "000000", "940101", "11010x"]),
    st.dates(date(1895, 1, 1), TODAY + timedelta(days=400)),
    st.integers(0, 999),
    st.sampled_from(["", "1", "2", None]),
    st.integers(-1, 1),
    st.booleans(),
)
def test_a_number_passed_quickly_is_one_to_which_nothing_is_remarked(
    region: str, born: date, sequence: int, sex: str | None, off: int, wrong: bool
) -> None:
    body = f"{region}{born:%Y%m%d}{sequence:03d}"
    last = check_digit(body) if body.isdigit() else "1"
    number = body + ("0" if wrong and last != "0" else last)
    form_day = born + timedelta(days=off)
    with divisions.demo():
        full = check_identity("1", number, on=TODAY, sex=sex, birth=form_day)
        quick = plainly_right(number, TODAY, sex, form_day)
    if quick:
        assert full.problems == ()
        assert full.value == number
    elif region == "990101" and not wrong:
        assert full.problems, "an ordinary number must not take the slow way"


@given(st.lists(st.one_of(st.none(), st.text(max_size=6)), min_size=3, max_size=3))
def test_objects_written_by_piece_are_the_objects_written_at_once(values: list[str | None]) -> None:
    objects = Objects(["a", "乙", 'c"'])
    given_values = dict(zip(["a", "乙", 'c"'], values, strict=True))
    present = {k: v for k, v in given_values.items() if v is not None}
    for _again in range(2):
        written = objects.dump(values)
        assert written == (dump(present) if present else "")
        assert json.loads(written or "{}") == present


def test_what_is_sealed_together_opens_each_in_its_own_place_and_with_its_own_nonce(
    django_db_setup: None,
) -> None:
    places = [f"guardian.sealed:x:{n}" for n in range(50)]
    sealed = vault.seal_many([("同样的内容", where) for where in places])
    assert [vault.open(blob, where) for blob, where in zip(sealed, places, strict=True)] == [
        "同样的内容"
    ] * 50
    assert len({blob[5:17] for blob in sealed}) == 50


def test_the_wire_knows_each_column_of_staging_by_its_type() -> None:
    """The process that reads a sheet starts without models: what it writes is held against them here."""
    written = {
        models.UUIDField: ("uuid",),
        models.BinaryField: ("bytea",),
        models.JSONField: ("jsonb",),
        models.DateField: ("date",),
        models.BooleanField: ("bool",),
        models.CharField: ("word",),
        models.TextField: ("text",),
        models.SmallIntegerField: ("int2",),
        models.IntegerField: ("int4",),
    }
    for name, kind in KINDS.items():
        assert kind in written[type(StagedRow._meta.get_field(name))], name
    left = {f.name for f in StagedRow._meta.concrete_fields} - {*KINDS, *HEAD}
    assert not left
