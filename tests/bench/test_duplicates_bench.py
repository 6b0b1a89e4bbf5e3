"""The bench of the search for duplicates runs end to end in a small size and finds pairs."""

from __future__ import annotations

from bench import runner


def test_small_run_compares_the_search_with_a_plain_join() -> None:
    result = runner.run("duplicates", rows=3_000)
    assert set(result) == {"name", "ratio", "goal", "met", "figures"}
    assert result["goal"] == 5.0
    assert result["figures"]["pairs"] > 0
    assert result["ratio"] > 0
