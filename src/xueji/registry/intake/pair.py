"""Two processes that check one sheet: what they say to each other, and what the second may take."""

from __future__ import annotations

import os
import pickle  # between our own two processes  # nosec B403
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO

from xueji.ground.sheets.errors import SheetError

_CREDITS = 2
#: Bytes of a piece's number on the pipe that both take theirs from; a pipe gives them whole.
_TOKEN = 4
#: What the second process may take while nobody has looked at the file yet.
_CHILD_MEMORY = 2 * 1024 * 1024 * 1024
MEMORY_CAN_BE_LIMITED = sys.platform.startswith("linux")
#: Whether a pipe can be handed to another process beside its standard input.
BOTH_CAN_READ = os.name == "posix"


class Pair:
    """The other process, with what goes to it and what comes back."""

    def __init__(self, code: str) -> None:
        # The pipe with the numbers of pieces: both read it, so that whoever is free takes the next.
        self.numbers, self._giving = os.pipe() if BOTH_CAN_READ else (-1, -1)
        self.child = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(self.numbers,) if BOTH_CAN_READ else (),
        )
        self.arrived: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=8)
        self._listener: threading.Thread | None = None

    def _write(self, data: bytes) -> None:
        assert self.child.stdin is not None
        self.child.stdin.write(data)
        self.child.stdin.flush()

    def begin(self, order: dict[str, Any], data: bytes) -> None:
        """Send the order and the file, listen from now on. Raises `SheetError` when nobody is there."""
        try:
            self._write(pickle.dumps(order | {"numbers": self.numbers}))
            self._write(data)
            self._write(b"+" * _CREDITS)
        except BrokenPipeError:
            raise SheetError("broken") from None
        assert self.child.stdout is not None
        self._listener = threading.Thread(target=_listen, args=(self.child.stdout, self.arrived), daemon=True)
        self._listener.start()

    def hungry(self) -> None:
        """One sign of hunger."""
        with suppress(BrokenPipeError, ValueError):
            self._write(b"+")

    def hand_out(self, pieces: range) -> None:
        """From now on whoever is free takes the next of these pieces."""
        os.write(self._giving, b"".join([number.to_bytes(_TOKEN, "big") for number in pieces]))
        os.close(self._giving)
        self._giving = -1

    def end(self) -> None:
        """Stop the other process, whatever it does."""
        self.child.kill()
        self.child.wait()
        # Whoever listens may wait for room among messages that nobody takes any more.
        while self._listener is not None and self._listener.is_alive():
            with suppress(queue.Empty):
                while True:
                    self.arrived.get_nowait()
            self._listener.join(0.05)
        for end in (self.numbers, self._giving):
            if end >= 0:
                os.close(end)
        # A last sign may still lie in the buffer: closing would send it to nobody.
        with suppress(BrokenPipeError):
            if self.child.stdin is not None:
                self.child.stdin.close()
        if self.child.stdout is not None:
            self.child.stdout.close()


def _listen(pipe: Any, arrived: queue.Queue[tuple[str, Any]]) -> None:
    """Take messages off the pipe; its end without a word means that the reader died of the file."""
    try:
        while True:
            message = pickle.load(pipe)  # written by our own child process  # noqa: S301  # nosec B301
            arrived.put(message)
            if message[0] not in ("open", "rows", "block"):
                return
    except Exception:
        arrived.put(("died", None))


def taken(pipe: int) -> Iterator[int]:
    """The numbers of pieces that this process takes, until there are none."""
    while token := os.read(pipe, _TOKEN):
        yield int.from_bytes(token, "big")


# --- the second process --------------------------------------------------------------------------------------


class Out:
    """Messages to the first process."""

    def __init__(self, pipe: BinaryIO) -> None:
        self.pipe = pipe

    def send(self, what: str, load: Any) -> None:
        pickle.dump((what, load), self.pipe, protocol=pickle.HIGHEST_PROTOCOL)
        self.pipe.flush()


def credits(waiting: int) -> int:
    """How hungry the first process is: one sign for each piece of work that it wants."""
    try:
        return waiting + len(os.read(0, 64))
    except BlockingIOError:
        return waiting


def limit_memory() -> None:
    """Take no more than is allowed, where the system can see to it."""
    if sys.platform.startswith("linux"):
        import resource

        _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = _CHILD_MEMORY if hard == resource.RLIM_INFINITY else min(_CHILD_MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


class Exact:
    """A pipe read to the byte: nothing of what follows is taken into a buffer."""

    def __init__(self, pipe: Any) -> None:
        self.pipe = pipe

    def read(self, size: int) -> bytes:
        parts = []
        while size:
            part = self.pipe.read(min(size, 1 << 20))
            if not part:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def readline(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            line += self.read(1)
        return line

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[:] = data
        return len(data)
