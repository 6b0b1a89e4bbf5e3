"""Whatever somebody uploads, the answer is rows or a sentence: never an exception, never much memory, never long."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MEMORY_MIB, SECONDS = 1024, 20


def _read(first: int, count: int) -> dict[str, int]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.ground.sheets.mutants", str(first), str(count)],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "xueji.settings", "XUEJI_POOL": "0"},
        capture_output=True,
        text=True,
        timeout=count * SECONDS,
        check=False,
    )
    last = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}
    assert done.returncode == 0, (last, done.stderr[-2_000:])
    assert last["peak_mib"] <= MEMORY_MIB, last
    assert last["slowest"][0] <= SECONDS, last
    found: dict[str, int] = last["found"]
    assert sum(found.values()) == count
    assert not any("says nothing" in code for code in found)
    return found


@pytest.mark.capability("C-COL-06")
def test_a_sample_of_broken_workbooks_is_answered() -> None:
    found = _read(1, 250)
    assert found.get("rows", 0) > 20
    assert len(found) > 3, found


@pytest.mark.slow
@pytest.mark.parametrize("part", range(20))
def test_ten_thousand_broken_workbooks_are_answered(part: int) -> None:
    _read(1_000 + part * 500, 500)
