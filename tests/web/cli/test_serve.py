"""`xueji serve` comes up whole and goes down whole, on every signal."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from tests.web.cli.conftest import Installation


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def family(pid: int) -> set[int]:
    """A process and everything below it."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found, new = {pid}, {pid}
    while new:
        new = {p for p, above in parents.items() if above in new} - found
        found |= new
    return found


def alive(pid: int) -> bool:
    """Whether a process is there and is more than a remembered exit status."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait(what: object, *, seconds: float = 120) -> None:
    """Until `what()` is true."""
    end = time.monotonic() + seconds
    while not what():  # type: ignore[operator]
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_web_worker_and_database_stop_together(
    stopped: Installation, processes: list[subprocess.Popen[str]], name: str
) -> None:
    port = free_port()
    serve = stopped.popen("serve", "--port", str(port), "--workers", "1")
    processes.append(serve)
    wait(lambda: "已启动" in stopped.said() or serve.poll() is not None)
    assert serve.poll() is None, stopped.said()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/login/", timeout=20) as page:
        assert "登录" in page.read().decode()
    postmaster = int((stopped.data / "pg" / "postmaster.pid").read_text().split()[0])
    everybody = family(serve.pid) | family(postmaster)
    assert len(everybody) > 5
    if name == "SIGTERM":  # the same port a second time: refused in words, and the first goes on
        second = stopped.run("serve", "--only", "web", "--port", str(port))
        assert second.returncode == 2
        assert f"端口 {port}" in second.stderr
        assert "Traceback" not in second.stderr
        assert alive(postmaster)
    os.kill(serve.pid, getattr(signal, name))
    assert serve.wait(30) == 0
    wait(lambda: not any(alive(p) for p in everybody), seconds=5)
    assert not (stopped.data / "pg" / "postmaster.pid").exists()


def test_a_port_that_is_no_port_is_refused(running: Installation) -> None:
    done = running.run("serve", "--port", "70000")
    assert done.returncode == 2
    assert "端口 70000 不能用" in done.stderr
