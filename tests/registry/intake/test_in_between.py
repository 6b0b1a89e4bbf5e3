"""What somebody else does with a batch between two steps of it is never written over."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from tests.children import enrol
from tests.helpers import Place, act_as, make_county, seeing_all

from xueji.ground.db.scope import acting
from xueji.registry.enrolment.models import Event
from xueji.registry.intake import commands, parts
from xueji.registry.intake.commands import release
from xueji.registry.intake.errors import PublishConflict
from xueji.registry.intake.models import BatchState, StagedRow

from .sheets_for_tests import body, book, names
from .test_parts import batch_of, brought, lose
from .test_publish import ready

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


def somewhere_else(place: Place, rows: list[list[Any]]) -> None:
    """The children of these rows come on record at another school."""
    for n, row in enumerate(rows):
        number = str(row[names()["id_number"]])
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
        sex = "1" if int(number[16]) % 2 else "2"
        enrol(place, "b1", name="李先" + "到来早迟远近安宁"[n], identity=number, birth=born, sex=sex)


def test_a_batch_given_up_after_a_conflict_stays_given_up(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child came on record elsewhere, the publication is rolled back; before the rows are marked a colleague gives the
    batch up. It used to come back to life as 已发布 with no row in it.
    """
    rows = body(6, place.org("a1").code)
    batch_id = ready(place, 6)
    somewhere_else(place, rows[2:3])
    real = release.mark_again

    def after_a_colleague(batch: int, *states: str) -> None:
        with act_as(place.user("registrar", "a1")) as actor:
            commands.discard(actor, batch)
        real(batch, *states)

    monkeypatch.setattr(release, "mark_again", after_a_colleague)
    with act_as(place.user("registrar", "a1")) as actor:
        with pytest.raises(PublishConflict):
            commands.publish(actor, batch_id)
    left = batch_of(batch_id)
    assert (left.state, left.counts["total"], left.counts["ok"]) == (BatchState.DISCARDED, 0, 0)


def test_whoever_marks_rows_anew_holds_the_batch(place: Place) -> None:
    batch_id = ready(place, 3)
    with CaptureQueriesContext(connection) as asked:
        release.mark_again(batch_id)
    reads = [q["sql"] for q in asked.captured_queries if 'FROM "import_batch"' in q["sql"]]
    assert reads and all("FOR UPDATE" in sql for sql in reads[:1]), reads


def test_a_batch_given_up_while_it_is_read_stays_given_up(place: Place) -> None:
    rows = body(6, place.org("a1").code)
    with act_as(place.user("registrar", "a1")) as actor:
        batch_id = commands.upload(actor, book(rows), "名单.xlsx", inline=False).pk

    def give_up(_rows: int) -> None:
        with act_as(place.user("registrar", "a1")) as actor:
            commands.discard(actor, batch_id)

    commands.run_check(batch_id, progress=give_up)
    assert batch_of(batch_id).state == BatchState.DISCARDED
    with transaction.atomic(), acting("intake"):
        assert not StagedRow.objects.filter(batch_id=batch_id).exists()


@pytest.mark.capability("C-COL-06")
def test_a_check_after_which_nothing_can_go_on_says_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database stops in the middle of a publication; until it is back the other children came on record elsewhere. The
    batch, read again, does not promise to go on by itself: it says what is on record and that the rest needs a hand.
    """
    rows = body(12, place.org("a1").code)
    batch_id = brought(place, rows)
    lose(place, batch_id, monkeypatch)
    with seeing_all():
        done = {e.detail["row"] for e in Event.objects.filter(batch_id=batch_id)}
    rest = [row for n, row in enumerate(rows, start=2) if n not in done]
    assert 0 < len(rest) <= 8
    somewhere_else(place, rest)
    assert commands.resume_lost() == 1
    assert "自动继续发布" in batch_of(batch_id).problem
    commands.run_check(batch_id)
    batch = batch_of(batch_id)
    assert (batch.state, batch.counts["duplicate"]) == (BatchState.CHECKED, len(rest))
    assert parts.GO_ON not in batch.counts
    assert "自动继续" not in batch.problem
    assert f"已发布的 {len(done)} 行都在" in batch.problem and "没有可以发布的行" in batch.problem


def test_what_was_said_of_a_crash_is_gone_when_the_rest_is_on_record(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = brought(place, body(12, place.org("a1").code))
    lose(place, batch_id, monkeypatch)
    commands.resume_lost()
    commands.run_check(batch_id)
    # So little is left that it is published in one transaction.
    commands.publish_for(batch_id, place.user("registrar", "a1").pk, 0, "127.0.0.1")
    batch = batch_of(batch_id)
    assert (batch.state, batch.counts["published"], batch.problem) == (BatchState.PUBLISHED, 12, "")
