"""Ask pytest itself which markers its tests carry, for modules whose markers are computed from data.

Parametrised tests take their identifiers out of files (`policies/examples`): no reading of the source can tell them.
Collecting imports the modules but runs no test. As a pytest plugin this module writes what was collected.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from coverage_markers import Evidence

_TARGET = "XUEJI_MARKERS"


def collected(root: Path, files: Sequence[str], names: frozenset[str]) -> list[Evidence]:
    """What the tests of these modules show, each test once for all its parameters.

    Raises RuntimeError with pytest's words when they cannot be collected.
    """
    with TemporaryDirectory() as folder:
        target = Path(folder) / "markers.json"
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "--collect-only",
                "-q",
                "-p",
                "coverage_collect",
                *_QUIET,
                *files,
            ],
            cwd=root,
            env=os.environ
            | {
                _TARGET: str(target),
                "PYTHONPATH": os.pathsep.join(
                    [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
                ),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not target.is_file():
            raise RuntimeError(f"pytest cannot collect {', '.join(files)}:\n{done.stdout}{done.stderr}")
        rows = json.loads(target.read_text(encoding="utf-8"))
    return [Evidence(*row) for row in rows if row[1] in names]


_QUIET = ("-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist")


def pytest_collection_finish(session: Any) -> None:
    """Write [identifier, marker, test, page] of every test that runs."""
    rows: dict[tuple[str, str, str, str], None] = {}
    for item in session.items:
        if item.get_closest_marker("skip"):
            continue
        test = item.nodeid.partition("[")[0]
        for mark in item.iter_markers():
            if mark.name in ("capability", "rule"):
                page = mark.kwargs.get("page", "")
                rows |= dict.fromkeys((str(key), mark.name, test, page) for key in mark.args)
    Path(os.environ[_TARGET]).write_text(json.dumps(list(rows), ensure_ascii=False), encoding="utf-8")
