"""The bench of row-level security runs end to end in a small size, and both sides give the same answers."""

from __future__ import annotations

from bench import runner


def test_small_run_compares_every_query_on_both_sides() -> None:
    result = runner.run("rls", rows=4_000)
    assert set(result) == {"name", "ratio", "goal", "met", "figures"}
    assert result["goal"] == 1.2
    queries = result["figures"]["queries"]
    assert len(queries) == 7
    assert result["ratio"] == max(q["ratio"] for q in queries.values())
    # No verdict on a busy machine: a policy that loses its index costs tens of times, and that is seen anywhere.
    assert all(0 < q["ratio"] < 15 for q in queries.values()), queries
