"""The import bench runs end to end in its small size, and its sheets are what they claim to be."""

from __future__ import annotations

import pytest

from bench import import_bench, runner, sheets
from xueji.ground.sheets.read import open_sheet
from xueji.ground.standards import divisions
from xueji.ground.standards.identity import check_identity


def test_small_run_gives_a_ratio_and_plausible_figures() -> None:
    result = runner.run("import", rows=2_000, people=2_000)
    assert set(result) == {"name", "ratio", "goal", "met", "figures"}
    assert result["name"] == "import"
    assert result["goal"] == 2.5
    figures = result["figures"]
    assert figures["rows"] == 2_000
    assert figures["duplicates"] == figures["planted_duplicates"] == 4
    assert 0 < figures["errors"] <= 10
    assert figures["published"] == 2_000 - figures["errors"] - figures["duplicates"]
    assert figures["peak_mib"] < 1024
    assert figures["cpu_ratio"] > 0
    assert result["ratio"] == round(figures["total_s"] / figures["floor_s"], 2)


def test_benches_are_listed() -> None:
    assert "import" in runner.names()


def test_made_up_children_have_numbers_of_their_own_that_pass_the_checks() -> None:
    from datetime import date

    with divisions.demo():
        seen = set()
        for i in range(0, 30_000, 7):
            _name, sex, born, *_rest, number = sheets.child(i, "990101", stages="PJS")
            found = check_identity("1", number, on=date(2026, 11, 22), sex=sex, birth=born)
            assert found.ok, found
            seen.add(number)
    assert len(seen) == len(range(0, 30_000, 7))


def test_the_quick_writer_makes_what_the_reader_reads() -> None:
    body = [list(row) for row in sheets.rows(3, "2199000004")]
    reader = open_sheet(sheets.workbook(sheets.header(), body), "a.xlsx")
    read = [row.cells for row in reader.rows()]
    assert read[0] == sheets.header()
    padded = [cells + [""] * (len(sheets.header()) - len(cells)) for cells in read[1:]]
    assert padded == body


@pytest.mark.slow
@pytest.mark.capability("C-COL-06")
def test_a_very_long_list_goes_through_in_pieces_and_is_counted() -> None:
    found = import_bench._many(9_000, 2_000, 3_000)["figures"]
    assert (found["rows"], found["published"] + found["errors"] + found["duplicates"]) == (9_000, 9_000)
    assert found["beside"]["rows"] == 3_000
    # What a long list holds in memory does not grow with its length.
    assert found["peak_mib"] < found["beside"]["peak_mib"] + 64
    assert found["cpu_s"] > 0
