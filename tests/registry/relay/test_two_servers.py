"""Two real installations on one machine: `xueji serve` twice, each with its own database, keys and port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import transaction
from tests.helpers import seeing_all
from tests.registry.relay.two import Installation, begin, child_in, decide, fill_in, problems, queued, send

from xueji import config
from xueji.registry.relay import commands, outbox
from xueji.registry.relay.models import MessageState, Outgoing, State

Two = tuple[Installation, Installation]
XUEJI = "from xueji.web.cli.main import main; import sys; raise SystemExit(main(sys.argv[1:]))"


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class Server:
    """One installation as its own processes see it."""

    def __init__(self, side: Installation, folder: Path) -> None:
        self.side, self.port = side, free_port()
        owner = config.owner_dsn()
        self.data = folder / side.code
        self.data.mkdir()
        url = f"postgresql://{owner.user}:{quote(owner.password)}@/{side.database}?host={quote(owner.host)}"
        self.env = os.environ | {
            "DATABASE_URL": url.replace("@/", f"@localhost:{owner.port}/"),
            "XUEJI_DATA": str(self.data),
            "XUEJI_KEYS": str(side.key_file),
            "XUEJI_APP_PASSWORD": config.secret("app_password"),
            "XUEJI_POOL": "4",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start web and worker, and wait until they answer."""
        with (self.data / "said.log").open("a") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-c", XUEJI, "serve", "--port", str(self.port), "--workers", "1"],
                env=self.env,
                stdout=said,
                stderr=said,
            )
        wait(self.answers, 120, self.said)

    def answers(self) -> bool:
        """Whether the port is open."""
        with socket.socket() as s:
            s.settimeout(0.3)
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """End it as a service manager does."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

    def said(self) -> str:
        """Its log."""
        return (self.data / "said.log").read_text()

    def run(self, *argv: str) -> str:
        """One command of the terminal."""
        done = subprocess.run(
            [sys.executable, "-c", XUEJI, *argv], env=self.env, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def wait(ready: Callable[[], bool], seconds: float, why: Callable[[], str] = str) -> None:
    """Until something is so."""
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, why()
        time.sleep(0.2)


@contextmanager
def served(sides: Two, folder: Path) -> Iterator[tuple[Server, Server]]:
    """The two as servers, connected by their real addresses; not started yet."""
    a, b = Server(sides[0], folder), Server(sides[1], folder)
    for one, other in ((a, b), (b, a)):
        with one.side.on(), one.side.admin() as actor:
            commands.change_peer(
                actor,
                peer_id=one.side.peer().pk,
                base_url=f"http://127.0.0.1:{other.port}",
                divisions=["99"],
                active=True,
            )
    with ExitStack() as stack:
        stack.callback(a.stop)
        stack.callback(b.stop)
        yield a, b


def press(side: Installation) -> None:
    """The administrator lets everything that has not got through be tried again: the worker does it at once."""
    with side.on(), transaction.atomic(), seeing_all():
        for pk in Outgoing.objects.exclude(state=MessageState.SENT).values_list("pk", flat=True):
            outbox.retry(pk)


@pytest.mark.slow
@pytest.mark.capability("C-TRF-07")
def test_two_servers_exchange_a_transfer_while_one_is_down_for_a_while(sides: Two, tmp_path: Path) -> None:
    a, b = sides
    person, number = child_in(a)
    with served(sides, tmp_path) as (server_a, server_b):
        server_b.start()
        case_id = begin(b, number, code=a.place.org("a1").code)
        wait(lambda: bool(failed(b)), 60, server_b.said)
        assert b.case(case_id).state == State.ASKING  # type: ignore[union-attr]
        server_a.start()
        arrives(b, case_id, State.DRAFT, server_b)
        fill_in(b, case_id)
        send(b, case_id)
        while decide(b, case_id):
            continue
        arrives(a, case_id, State.RUNNING, server_b)
        server_b.stop()
        while decide(a, case_id):
            continue
        wait(lambda: bool(failed(a)), 60, server_a.said)
        assert a.case(case_id).phase == "prepared"  # type: ignore[union-attr]
        server_b.start()
        arrives(b, case_id, State.DONE, server_b)
        arrives(a, case_id, State.DONE, server_a)
        wait(lambda: settled(a, b), 90)
        for server in (server_a, server_b):
            assert "全部核对通过" in server.run("verify")
            assert "Traceback" not in server.said()
            for secret in (number, "赵小满"):
                assert secret not in server.said()
        assert "没有办完的消息: 0" in server_b.run("relay", "status")
    assert (a.studying(), b.studying()) == (0, 1)
    assert problems(a) == problems(b) == []
    assert person


def failed(side: Installation) -> int:
    """Messages that were tried in vain."""
    with side.on(), seeing_all():
        return Outgoing.objects.filter(problem="unreachable").count()


def arrives(side: Installation, case_id: object, state: str, server: Server) -> None:
    """Wait for a state, letting both sides try again now and then."""
    tries = iter(range(10_000))

    def there() -> bool:
        case = side.case(case_id)  # type: ignore[arg-type]
        if case is not None and case.state == state:
            return True
        if next(tries) % 10 == 9:
            press(side)
            press(other_of(side))
        return False

    wait(there, 120, lambda: server.said()[-3000:])


_PAIR: dict[str, Installation] = {}


@pytest.fixture(autouse=True)
def _pair(sides: Two) -> Iterator[None]:
    _PAIR.update({sides[0].code: sides[1], sides[1].code: sides[0]})
    yield
    _PAIR.clear()


def other_of(side: Installation) -> Installation:
    """The other one."""
    return _PAIR[side.code]


def settled(a: Installation, b: Installation) -> bool:
    """Nothing is under way any more."""
    press(a)
    press(b)
    return queued(a) == queued(b) == 0
