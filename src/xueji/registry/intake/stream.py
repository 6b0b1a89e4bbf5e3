"""Reads a sheet and checks its rows, in one process for small files and in two for big ones.

The second process opens the file (a broken one can hurt nobody else there), reads it, hands rows to the first as
long as that one is hungry, and checks the others itself. What comes back is ready for COPY. Meanwhile the first looks
at the package as `open_sheet` would (bombs, cells in far corners): nothing that the second has read is used before
that look is over, and the memory of the second is limited.
"""

from __future__ import annotations

import gc
import os
import pickle  # between our own two processes  # nosec B403
import queue
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from xueji.ground.crypto import vault
from xueji.ground.sheets.errors import SheetError
from xueji.ground.sheets.guard import DEFAULT_LIMITS, Limits
from xueji.ground.sheets.read import look_at, open_sheet
from xueji.ground.standards import divisions

from .checker import Checker, chunks
from .columns import Mapping, WrongColumns
from .places import SchoolFacts
from .wire import encode
from .workbook import Book

#: Files from this size on are read by a process of their own.
BIG = 3 * 1024 * 1024
_CREDITS = 2
#: The second process needs no models and no applications: it starts in a third of the time without them.
_CHILD = (
    "from django.conf import settings;"
    " settings.configure(USE_I18N=False, USE_TZ=True, TIME_ZONE='Asia/Shanghai');"
    " from xueji.registry.intake.stream import child_main; child_main()"
)
#: What the second process may take while nobody has looked at the file yet.
_CHILD_MEMORY = 2 * 1024 * 1024 * 1024


@dataclass
class Outcome:
    """What reading brought, filled while the blocks are taken."""

    mapping: Mapping | None = None
    kind: str = ""
    rows: int = 0
    blank: int = 0
    #: Sheets of the workbook that were not taken, each with the reason.
    left_out: list[str] = field(default_factory=list)
    expected: int = 0
    row_numbers: list[int] = field(default_factory=list)


def check_stream(
    data: bytes,
    filename: str,
    school: SchoolFacts,
    batch_id: int,
    outcome: Outcome,
    *,
    limits: Limits = DEFAULT_LIMITS,
    big: int = BIG,
) -> Iterator[tuple[bytes, int]]:
    """Blocks of rows in COPY format, with the number of rows in each. Raises `SheetError`, `WrongColumns`."""
    if len(data) < big:
        yield from _alone(data, filename, school, batch_id, outcome, limits)
    else:
        yield from _together(data, filename, school, batch_id, outcome, limits)


def _alone(
    data: bytes, filename: str, school: SchoolFacts, batch_id: int, outcome: Outcome, limits: Limits
) -> Iterator[tuple[bytes, int]]:
    reader = open_sheet(data, filename, limits=limits)
    book = Book(reader, remembered=school.headings, levels=school.levels)
    outcome.mapping, outcome.kind, outcome.left_out = book.mapping, reader.kind, book.left_out
    checker = Checker(school, outcome.mapping)
    for part in chunks(book.rows()):
        lines = checker.check(part)
        outcome.rows += len(lines)
        yield encode(batch_id, lines), len(lines)
    outcome.blank = book.blank
    if not outcome.rows:
        raise SheetError("empty")


# --- two processes -------------------------------------------------------------------------------------------


def _together(
    data: bytes, filename: str, school: SchoolFacts, batch_id: int, outcome: Outcome, limits: Limits
) -> Iterator[tuple[bytes, int]]:
    order = {
        "filename": filename,
        "size": len(data),
        "school": school,
        "batch_id": batch_id,
        "limits": limits,
        "demo": bool(divisions.history("990000")),
        "index_key": vault.index_key(),
    }
    if not _MEMORY_CAN_BE_LIMITED:
        look_at(data, limits=limits)
    child = subprocess.Popen([sys.executable, "-c", _CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None
    arrived: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=8)
    # Checking makes many small containers and no cycles: the collector would walk them for a third of the time.
    usual = gc.get_threshold()
    gc.set_threshold(200_000, 50, 1_000)
    listener = threading.Thread(target=_listen, args=(child.stdout, arrived), daemon=True)
    try:
        try:
            pickle.dump(order, child.stdin)
            child.stdin.write(data)
            child.stdin.write(b"+" * _CREDITS)
            child.stdin.flush()
        except BrokenPipeError:
            raise SheetError("broken") from None
        listener.start()
        if _MEMORY_CAN_BE_LIMITED:
            look_at(data, limits=limits)
        checker: Checker | None = None
        while True:
            what, load = arrived.get()
            if what == "open":
                outcome.mapping, outcome.kind = load
                checker = Checker(school, outcome.mapping, lane=0, lanes=2)
            elif what == "rows":
                assert checker is not None
                block = encode(batch_id, checker.check(load))
                _feed(child.stdin)
                outcome.rows += len(load)
                yield block, len(load)
            elif what == "block":
                outcome.rows += load[1]
                yield load
            elif what == "end":
                outcome.blank, outcome.left_out, sheets = load
                assert outcome.mapping is not None
                outcome.mapping.sheets = sheets
                break
            elif what == "sheet":
                raise SheetError(load[0], **load[1])
            elif what == "columns":
                raise WrongColumns(*load)
            elif what == "bug":
                raise RuntimeError(f"the reading process failed:\n{load}")
            else:
                # Gone without a word: the native reader did not survive the file.
                raise SheetError("broken")
        if not outcome.rows:
            raise SheetError("empty")
    finally:
        gc.set_threshold(*usual)
        child.kill()
        child.wait()
        # A last sign of hunger may still lie in the buffer: closing would send it to nobody.
        with suppress(BrokenPipeError):
            child.stdin.close()
        child.stdout.close()


def _feed(pipe: Any) -> None:
    try:
        pipe.write(b"+")
        pipe.flush()
    except (BrokenPipeError, ValueError):
        return


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


class _Out:
    """Messages to the first process."""

    def __init__(self, pipe: BinaryIO) -> None:
        self.pipe = pipe

    def send(self, what: str, load: Any) -> None:
        pickle.dump((what, load), self.pipe, protocol=pickle.HIGHEST_PROTOCOL)
        self.pipe.flush()


def _credits(waiting: int) -> int:
    """How hungry the first process is: one sign for each piece of work that it wants."""
    try:
        return waiting + len(os.read(0, 64))
    except BlockingIOError:
        return waiting


def child_main() -> None:
    """The second process: order and file on standard input, messages on standard output."""
    out = _Out(os.fdopen(os.dup(1), "wb", buffering=1 << 20))
    os.dup2(2, 1)
    source = os.fdopen(os.dup(0), "rb", buffering=0)
    try:
        order = pickle.load(_Exact(source))  # written by the first process  # noqa: S301  # nosec B301
        data = _Exact(source).read(order["size"])
    except EOFError:  # the first process is gone, and with it whoever wanted this
        return
    os.set_blocking(0, False)
    gc.disable()
    divisions.use_demo(order["demo"])
    vault.follow(order["index_key"])
    try:
        _limit_memory()
        reader = open_sheet(data, order["filename"], limits=order["limits"], guarded=False)
        del data
        book = Book(reader, remembered=order["school"].headings, levels=order["school"].levels)
        out.send("open", (book.mapping, reader.kind))
        checker = Checker(order["school"], book.mapping, lane=1, lanes=2)
        hungry = 0
        for part in chunks(book.rows()):
            hungry = _credits(hungry)
            if hungry:
                hungry -= 1
                out.send("rows", part)
            else:
                out.send("block", (encode(order["batch_id"], checker.check(part)), len(part)))
        out.send("end", (book.blank, book.left_out, book.mapping.sheets))
    except SheetError as error:
        out.send("sheet", (error.code, error.params))
    except WrongColumns as error:
        out.send("columns", (error.missing, error.unknown, error.mapping))
    except BrokenPipeError:
        return
    except Exception:
        out.send("bug", traceback.format_exc())


_MEMORY_CAN_BE_LIMITED = sys.platform.startswith("linux")


def _limit_memory() -> None:
    if sys.platform.startswith("linux"):
        import resource

        _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = _CHILD_MEMORY if hard == resource.RLIM_INFINITY else min(_CHILD_MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


class _Exact:
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
