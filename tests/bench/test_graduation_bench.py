"""The graduation bench runs end to end in a small size, and its figures add up."""

from __future__ import annotations

import pytest

from bench import runner


@pytest.mark.capability("C-GRA-01")
def test_small_run_puts_every_child_on_one_list_once() -> None:
    result = runner.run("graduation", rows=400)
    assert set(result) == {"name", "ratio", "goal", "met", "figures"}
    figures = result["figures"]
    assert figures["rows"] == figures["children"] == 400
    assert figures["once"]
    assert figures["graduated"] + figures["completed"] + figures["not_ready"] == 400
    # Far fewer combinations than children are judged.
    assert 0 < figures["vectors"] < 200
