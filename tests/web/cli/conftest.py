"""A throw-away installation with the small demo, and `xueji` as somebody types it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from xueji.ground.db.cluster import Cluster

XUEJI = (sys.executable, "-m", "xueji.web.cli")


@dataclass
class Installation:
    """A data folder and what its first commands said."""

    data: Path
    first: dict[str, subprocess.CompletedProcess[str]] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        """An environment that knows nothing of the test run but this folder."""
        clean = {
            k: v for k, v in os.environ.items() if not k.startswith(("XUEJI_", "DATABASE_URL", "DJANGO_"))
        }
        return clean | {"XUEJI_DATA": str(self.data)}

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """One command, to its end."""
        return subprocess.run(
            [*XUEJI, *argv], env=self.env, capture_output=True, text=True, timeout=120, check=False
        )

    def sheet(self, school: str, children: int, faults: int, file: Path) -> set[int]:
        """Write a sheet of new children of a school; returns the rows with planted faults."""
        text = (
            "import sys; from xueji.web.cli import boot; boot.ready(); from xueji.web import demo\n"
            "from django.db import transaction\n"
            "from pathlib import Path\n"
            "with transaction.atomic(): s = demo.sheet(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), seed=5)\n"
            "Path(sys.argv[4]).write_bytes(s.content); print(*(f.row for f in s.faults))"
        )
        argv = [sys.executable, "-c", text, school, str(children), str(faults), str(file)]
        done = subprocess.run(argv, env=self.env, capture_output=True, text=True, check=True, timeout=60)
        return {int(n) for n in done.stdout.split()}

    def popen(self, *argv: str) -> subprocess.Popen[str]:
        """A command that goes on, its messages in a file beside the data."""
        with (self.data / "said.log").open("w") as said:
            return subprocess.Popen([*XUEJI, *argv], env=self.env, stdout=said, stderr=said, text=True)

    def said(self) -> str:
        """What the command that goes on has said so far."""
        return (self.data / "said.log").read_text()

    def cluster(self) -> Cluster:
        """The embedded server of this folder."""
        return Cluster(self.data / "pg", self.data / "run", self._secret("superuser_password"))

    def _secret(self, name: str) -> str:
        return (self.data / "secrets" / name).read_text().strip()

    def owner(self) -> psycopg.Connection:
        """The owner's own connection: what an administrator of the database could do."""
        return psycopg.connect(
            host=str(self.data / "run"), dbname="xueji", user="xueji_owner", password=self._secret("owner_password"),
            autocommit=True,
        )  # fmt: skip

    def accounts(self) -> dict[str, Any]:
        """What the demo told."""
        return dict(json.loads((self.data / "demo").read_text()))


@pytest.fixture(scope="session")
def installed() -> Iterator[Installation]:
    """Made by `xueji migrate` and `xueji demo`, once for all tests of this worker."""
    folder = Path(tempfile.mkdtemp(prefix="xj-"))
    folder.chmod(0o755)
    here = Installation(folder / "d")
    here.data.mkdir()
    try:
        here.first["migrate"] = here.run("migrate", "--json")
        here.first["demo"] = here.run("demo", "--size", "S", "--no-serve", "--json")
        yield here
    finally:
        if (here.data / "secrets" / "superuser_password").exists():
            here.cluster().stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def stopped(installed: Installation) -> Installation:
    """The installation with its server down: the command has to start it, and to stop it again."""
    installed.cluster().stop()
    return installed


@pytest.fixture
def running(installed: Installation) -> Installation:
    """The installation with its server up: commands attach to it, which is quicker."""
    installed.cluster().ensure()
    return installed


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    """Commands that go on; whatever a failed test leaves is ended."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for p in started:
        if p.poll() is None:
            p.send_signal(signal.SIGTERM)
            try:
                p.wait(30)
            except subprocess.TimeoutExpired:
                p.kill()
