"""The two processes of a big file leave nothing behind, and say of a file too big for them that it is."""

from __future__ import annotations

import queue
import threading
from datetime import date
from typing import Any

import pytest

from bench import sheets
from xueji.ground.sheets.errors import SheetError
from xueji.registry.intake import stream
from xueji.registry.intake.pair import Pair
from xueji.registry.intake.places import SchoolFacts

#: Sends more blocks than the queue takes.
MANY = (
    "import sys, pickle; sys.stdin.buffer.read(1)\n"
    "for n in range(60): pickle.dump(('block', (bytes(100_000), 1)), sys.stdout.buffer); sys.stdout.buffer.flush()"
)
SCHOOL = SchoolFacts(1, 2, "2199000004", "松溪学校", "990101", ("P",), "6-3-3", date(2026, 11, 22), {})


class Untaken(queue.Queue[tuple[str, Any]]):
    """Messages that nobody takes; says when there is no room for the next."""

    def __init__(self, maxsize: int) -> None:
        super().__init__(maxsize)
        self.stuck = threading.Event()

    def put(self, item: tuple[str, Any], block: bool = True, timeout: float | None = None) -> None:
        if self.full():
            self.stuck.set()
        super().put(item, block, timeout)


def listeners() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if "_listen" in thread.name}


def test_nobody_listens_when_a_file_was_put_aside() -> None:
    before = listeners()
    pair = Pair(MANY)
    pair.arrived = arrived = Untaken(maxsize=8)
    pair.begin({}, b"")
    assert arrived.stuck.wait(60)
    assert listeners() > before
    pair.end()
    assert listeners() <= before


def test_a_file_that_takes_more_memory_than_allowed_is_refused_as_too_big(
    monkeypatch: pytest.MonkeyPatch, django_db_setup: None
) -> None:
    greedy = " from xueji.registry.intake import stream; stream.open_sheet = lambda *given, **more: bytes(1 << 42);"
    begin, end = stream._CHILD.rsplit(";", 1)
    monkeypatch.setattr(stream, "_CHILD", f"{begin};{greedy}{end}")
    monkeypatch.setattr(stream, "look_plain", lambda *_given: None)
    data = sheets.workbook(sheets.header(), sheets.rows(3, SCHOOL.code))
    with pytest.raises(SheetError) as refused:
        list(stream.check_stream(data, "名单.xlsx", SCHOOL, 1, stream.Outcome(), big=0))
    assert refused.value.code == "zip_bomb"
