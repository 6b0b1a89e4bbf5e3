"""`xueji serve`, `xueji worker`: child processes that stop together, on every signal, the embedded server last."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import FrameType

from .boot import Refused, say

#: Imported, not run as the main module: jobs are found by the name of their module.
WORKER = "from xueji.web.cli.worker import main; raise SystemExit(main())"


class Stop(Exception):
    """A signal asked for the end."""


def _child(argv: list[str]) -> subprocess.Popen[bytes]:
    # A group of its own: a terminal's Ctrl-C reaches us alone, and we stop the children in order.
    return subprocess.Popen(
        argv, start_new_session=True, env=os.environ | {"DJANGO_SETTINGS_MODULE": "xueji.settings"}
    )


def web_argv(host: str, port: int, workers: int) -> list[str]:
    """The command line of the web server."""
    return [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port),
        "--workers", str(workers), "--blocking-threads", "4", "--no-ws", "--log-level", "warning",
        "--workers-kill-timeout", "10", "--respawn-failed-workers", "xueji.wsgi:application",
    ]  # fmt: skip


def _prepare_papers() -> None:
    """The certificate that signs papers is there and opens, before several processes need it at once."""
    from xueji.ground.paper import signature

    try:
        signature.prepare()
    except signature.SigningError as error:
        raise Refused(str(error)) from error


def run(*, only: str | None, host: str, port: int, workers: int, on_ready: str = "") -> int:
    """Run web server and worker (or one of them) until a signal; returns the exit status.

    The command that started the embedded server stops it after this returns.
    """
    if not 0 < port < 65536:
        raise Refused(f"端口 {port} 不能用")
    if only != "worker":
        _require_free(host, port)
    collect_static()
    if only != "worker":
        _prepare_papers()
    wanted: dict[str, list[str]] = {}
    if only in (None, "web"):
        wanted["web"] = web_argv(host, port, workers)
    if only in (None, "worker"):
        wanted["worker"] = [sys.executable, "-c", WORKER]

    def stop(signum: int, _frame: FrameType | None) -> None:
        raise Stop(signum)

    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)
    children: dict[str, subprocess.Popen[bytes]] = {}
    status = 0
    try:
        children.update({name: _child(argv) for name, argv in wanted.items()})
        if "web" in children:
            _await_port(host, port, children["web"])
            say(on_ready or f"Xueji 已启动: http://{host}:{port}")
        while True:
            for name, child in children.items():
                code = child.poll()
                if code is not None:
                    say(f"{name} 意外停止(状态 {code})")
                    status = 1
                    raise Stop
            time.sleep(0.3)
    except Stop:
        pass
    finally:
        for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
        stop_children(list(children.values()))
    return status


def stop_children(children: list[subprocess.Popen[bytes]], *, patience: float = 15) -> None:
    """Ask the children to end, and end what has not ended in time."""
    for child in children:
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + patience
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait(5)


def _require_free(host: str, port: int) -> None:
    """Refuse a port that somebody answers on: the web server itself would share it without a word."""
    import socket

    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a port just left is free
        try:
            s.bind((host, port))
        except OSError as e:
            raise Refused(
                f"端口 {port} 不能用({e.strerror}), 可能已有一个服务在用它。可以换一个: --port {port % 65535 + 1}"
            ) from e


def _await_port(host: str, port: int, child: subprocess.Popen[bytes]) -> None:
    import socket

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise Refused(f"网页服务没有启动成功, 端口 {port} 可能已被占用。可以换一个: --port 8001")
        with socket.socket() as s:
            s.settimeout(0.3)
            if s.connect_ex((host, port)) == 0:
                return
        time.sleep(0.1)
    raise Refused("网页服务 60 秒内没有启动成功, 请查看上面的输出")


def collect_static() -> None:
    """Gather and compress the static files once for each version of them."""
    from hashlib import sha256
    from pathlib import Path

    from django.conf import settings
    from django.contrib.staticfiles import finders
    from django.core.management import call_command

    digest = sha256()
    for finder in finders.get_finders():
        for path, storage in finder.list([]):
            stat = Path(storage.path(path)).stat()
            digest.update(f"{path}:{stat.st_size}:{stat.st_mtime_ns};".encode())
    stamp = Path(settings.STATIC_ROOT) / ".stamp"
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    call_command("collectstatic", interactive=False, verbosity=0, clear=False)
    stamp.write_text(digest.hexdigest())
