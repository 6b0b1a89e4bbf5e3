"""The bench of the import, at a size that says nothing about its goals: it runs, and what it counts is right."""

from __future__ import annotations

import pytest

from bench import import_bench


@pytest.mark.slow
@pytest.mark.capability("C-COL-06")
def test_a_very_long_list_goes_through_in_pieces_and_is_counted() -> None:
    found = import_bench._many(9_000, 2_000, 3_000)["figures"]
    assert (found["rows"], found["published"] + found["errors"] + found["duplicates"]) == (9_000, 9_000)
    assert found["beside"]["rows"] == 3_000
    # What a long list holds in memory does not grow with its length.
    assert found["peak_mib"] < found["beside"]["peak_mib"] + 64
    assert found["cpu_s"] > 0
