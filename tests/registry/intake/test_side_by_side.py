"""Two people at one batch: whoever comes second sees what the first has done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from tests.helpers import Place, act_as, make_county

from xueji.ground.db.scope import acting
from xueji.registry.intake import commands, queries
from xueji.registry.intake.commands import release
from xueji.registry.intake.errors import IntakeError
from xueji.registry.intake.models import BatchState

from .sheets_for_tests import body, book, names, put
from .test_parts import batch_of

#: Somebody waits for a row or a transaction of somebody else.
_WAITING = (
    "select exists (select 1 from pg_locks l join pg_stat_activity a on a.pid = l.pid"
    " where a.datname = current_database() and not l.granted)"
)


class Somebody(threading.Thread):
    """A registrar who does one thing on a connection of her own; `out` is what came of it."""

    def __init__(self, place: Place, deed: Callable[[Any], Any]) -> None:
        super().__init__()
        self.place, self.deed = place, deed
        self.out: Any = None
        self.start()

    def run(self) -> None:
        try:
            with act_as(self.place.user("registrar", "a1")) as actor:
                self.out = self.deed(actor)
        except Exception as error:
            self.out = error
        finally:
            connection.close()


def wait_until_one_waits_or_ends(as_owner: psycopg.Connection, other: Somebody) -> None:
    """Until the other stands at a lock, or has come to his end without one."""
    for _look in range(400):
        if as_owner.execute(_WAITING).fetchone() == (True,) or not other.is_alive():
            return
        other.join(0.05)
    raise AssertionError("nobody came to a lock")


def brought(place: Place, rows: list[list[Any]]) -> int:
    with act_as(place.user("registrar", "a1")) as actor:
        return commands.upload(actor, book(rows), "名单.xlsx", inline=True).pk


@pytest.mark.capability("C-COL-06")
def test_a_batch_that_is_being_published_is_not_given_up(
    own_database: str, as_owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = make_county()
    batch_id = brought(place, body(12, place.org("a1").code))
    reached, go = threading.Event(), threading.Event()
    real = release.open_problems

    def slowly(*args: Any) -> None:
        reached.set()
        assert go.wait(60)
        real(*args)

    monkeypatch.setattr(release, "open_problems", slowly)
    first = Somebody(place, lambda actor: commands.publish(actor, batch_id))
    assert reached.wait(60)
    second = Somebody(place, lambda actor: commands.discard(actor, batch_id))
    wait_until_one_waits_or_ends(as_owner, second)
    go.set()
    first.join(60)
    second.join(60)
    assert isinstance(second.out, IntakeError), second.out
    batch = batch_of(batch_id)
    assert (first.out.published, batch.state, batch.counts["published"]) == (12, BatchState.PUBLISHED, 12)
    with act_as(place.user("registrar", "a1")) as actor:
        assert commands.undo(actor, batch_id, expected=12, reason="拿错了表格").undone == 12


@pytest.mark.capability("C-COL-06")
def test_a_big_undo_that_is_asked_for_during_a_publication_keeps_its_counts(
    own_database: str, as_owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = make_county()
    rows = body(12, place.org("a1").code)
    name = rows[3][names()["name"]]
    put(rows, 3, name="")
    batch_id = brought(place, rows)
    with act_as(place.user("registrar", "a1")) as actor:
        commands.publish(actor, batch_id)
        with transaction.atomic(), acting("intake"), connection.cursor() as c:
            c.execute("select row_no from staged_row where batch_id = %s", [batch_id])
            row_no = c.fetchone()[0]
        commands.edit_row(actor, batch_id, row_no, {"name": name})
    monkeypatch.setattr(import_module("xueji.registry.intake.commands.undo"), "AT_ONCE", 0)
    reached, go = threading.Event(), threading.Event()
    real = queries.batch

    def slowly(actor: Any, wanted: int) -> Any:
        found = real(actor, wanted)
        if threading.current_thread() is second:
            reached.set()
            assert go.wait(60)
        return found

    monkeypatch.setattr(queries, "batch", slowly)
    second: Somebody | None = None
    begin = threading.Event()

    def ask(actor: Any) -> Any:
        assert begin.wait(60)
        return commands.request_undo(actor, batch_id, expected=11, reason="拿错了表格")

    second = Somebody(place, ask)
    begin.set()
    assert reached.wait(60)
    with act_as(place.user("registrar", "a1")) as actor:
        assert commands.publish(actor, batch_id).published == 1
    go.set()
    second.join(60)
    assert second.out is None
    batch = batch_of(batch_id)
    assert (batch.state, batch.counts["published"], batch.counts["ok"]) == (BatchState.UNDOING, 12, 0)
