"""A batch and a sudden end: of the process that works on it, and of the database under it.

Who: a registrar whose import is under way when the power goes. What she sees: after the restart the batch goes on, or
nothing of it is there. What she ends with: every child on record once, no number lost or given twice.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from xueji.ground.db.cluster import Cluster

ROOT = Path(__file__).parents[3]
FULL = bool(os.environ.get("XUEJI_TEST_FULL"))
KILLS = 50 if FULL else 3
ROWS = 240


class Bed:
    """The installation that is killed again and again."""

    def __init__(self, data: Path, process: subprocess.Popen[str]) -> None:
        self.data, self.process = data, process
        self.brought = 0  # children made up so far: each batch is of others

    def order(self, *, kill: Any = None, after: float = 0.0, **order: Any) -> dict[str, Any] | None:
        """Have an order done; `kill` is called with the number of the process after so many seconds. None: it did not end
        well.
        """
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        pid = self._answer()["pid"]
        timer = threading.Timer(after, kill, [pid]) if kill else None
        if timer:
            timer.start()
        status = self._answer()["status"]
        if timer:
            timer.join()
        result = self.data / "result.json"
        return json.loads(result.read_text()) if status == 0 and result.exists() else None

    def do(self, **order: Any) -> Any:
        """An order that must end well; returns its result."""
        done = self.order(**order)
        assert done is not None, (order, (self.data / "error.txt").read_text())
        return done["out"]

    def bring(self) -> int:
        """A batch of children whom no batch has brought; returns its number."""
        self.brought += ROWS
        return int(self.do(do="bring", start=self.brought, rows=ROWS))

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the installation is gone"
        return json.loads(line)

    @property
    def cluster(self) -> Cluster:
        password = (self.data / "secrets" / "superuser_password").read_text().strip()
        return Cluster(pgdata=self.data / "pg", sockets=self.data / "run", superuser_password=password)

    def kill_database(self, _pid: int) -> None:
        """The whole server at once, without a checkpoint: what is not in its log is gone."""
        postmaster = int((self.data / "pg" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGQUIT)

    def start_database(self) -> None:
        # A postmaster that is on its way out holds its folder for some moments yet.
        lock = self.data / "pg" / "postmaster.pid"
        for _moment in range(1_200):
            if not lock.exists():
                break
            time.sleep(0.05)
        self.cluster.ensure()


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    # A short path: the server's socket lies in it.
    data = Path(tempfile.mkdtemp(prefix="xueji-crash-"))
    data.chmod(0o755)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("DATABASE_URL", "XUEJI_"))}
    env |= {
        "XUEJI_DATA": str(data),
        "XUEJI_POOL": "0",
        "DJANGO_SETTINGS_MODULE": "xueji.settings",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [env.get("PYTHONPATH")])]),
    }
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("crash_bed.py"))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env, cwd=str(ROOT),
    )  # fmt: skip
    found = Bed(data, process)
    try:
        assert found._answer()["ready"]
        yield found
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(120)
        shutil.rmtree(data, ignore_errors=True)


def _rounds(bed: Bed, kill: Any, restart: Any, seed: int, in_parts: bool = False) -> tuple[int, int]:
    """Kill at random moments of checks and publications, go on, and count; returns (rows brought, batches cut short)."""
    dice = random.Random(seed)
    whole = bed.order(do="work", batch=bed.bring(), two=True, in_parts=in_parts)
    assert whole is not None
    brought, cut = ROWS, 0
    for n in range(1, KILLS + 1):
        batch = bed.bring()
        moment = dice.uniform(0.02, whole["seconds"] * 1.02)
        ended = bed.order(do="work", batch=batch, two=bool(n % 2), in_parts=in_parts, kill=kill, after=moment)
        restart()
        cut += ended is None
        seen = bed.do(do="state", batch=batch)
        if in_parts:
            assert set(seen["cohorts"].values()) <= {ROWS // 6}, (
                f"half a part is on record after {moment:.3f} s"
            )
        else:
            assert seen["events"] in (0, ROWS), f"half a batch is on record after {moment:.3f} s"
        if ended is not None:
            assert seen["events"] == ROWS
        bed.do(do="go_on", batch=batch)
        seen = bed.do(do="state", batch=batch)
        assert (seen["events"], seen["state"]) == (ROWS, "published"), (n, moment, seen)
        brought += ROWS
    return brought, cut


def _whole(bed: Bed) -> None:
    found = bed.do(do="audit")
    people = found["people"]
    assert found["problems"] == []
    assert found["twice"] == 0
    assert found["national"] == people, "every child has its number, no two the same"
    assert found["auxiliary"] == found["counted"] == people, "the runs of auxiliary numbers have no gap"
    assert found["numbers"] == 2 * people
    assert found["staged"] == 0
    events = people % ROWS
    assert events == 0


@pytest.mark.slow
@pytest.mark.capability("C-COL-06")
def test_fifty_kills_of_the_process_and_of_the_database(bed: Bed) -> None:
    _kills(bed)


@pytest.mark.capability("C-COL-06")
@pytest.mark.skipif(FULL, reason="the full run kills fifty times")
@pytest.mark.skipif(
    bool(os.environ.get("XUEJI_TEST_PG")), reason="the killed server is the embedded one, tried already"
)
def test_a_batch_outlives_its_process_and_its_database(bed: Bed) -> None:
    """A few of the fifty kills of `make test-full`, at moments drawn from the same seed."""
    _kills(bed)


def _kills(bed: Bed) -> None:
    before = bed.do(do="audit")["people"]
    brought, cut = _rounds(bed, lambda pid: _kill(pid), lambda: None, seed=51)
    again, cut_too = _rounds(bed, bed.kill_database, bed.start_database, seed=52)
    for seed, kill, restart in ((53, _kill, lambda: None), (54, bed.kill_database, bed.start_database)):
        more, cut_short = _rounds(bed, kill, restart, seed, in_parts=True)
        brought, cut = brought + more, cut + cut_short
    assert cut, "no process was killed while it worked"
    assert cut_too, "the database was never killed in the middle"
    _whole(bed)
    assert bed.do(do="audit")["people"] == before + brought + again


def _kill(pid: int) -> None:
    # One that has just ended is nobody to kill.
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
