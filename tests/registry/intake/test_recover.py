"""What the worker's clock does about batches after a crash."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection, transaction
from tests.bed import cluster
from tests.helpers import Place, act_as

from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.standards.fields import field
from xueji.registry.enrolment.models import Event
from xueji.registry.intake import commands, staging
from xueji.registry.intake.models import BatchState, ImportBatch, StagedRow
from xueji.web.cli import worker

from .sheets_for_tests import body, book, put


def _jobs(name: str) -> int:
    with connection.cursor() as c:
        c.execute("select count(*) from procrastinate_jobs where task_name = %s and status = 'todo'", [name])
        return int(c.fetchone()[0])


def _batch(batch_id: int) -> ImportBatch:
    with transaction.atomic(), acting("intake"):
        return ImportBatch.objects.get(pk=batch_id)


@pytest.mark.capability("C-COL-06")
def test_rows_that_the_database_lost_are_read_again_but_for_those_on_record(place: Place) -> None:
    """Who: a registrar who published the good rows of a sheet before the power went. What she sees: the batch is checked
    again by itself and says why. What she ends with: the faulty rows wait as before, nobody is on record twice.
    """
    rows = body(6, place.org("a1").code)
    put(rows, 2, sex="不详")
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, book(rows), "一.xlsx", inline=True)
        commands.publish(actor, batch.pk)
    assert _batch(batch.pk).counts["published"] == 5
    with transaction.atomic(), acting("intake"):
        assert commands.resume_lost() == 0
        kept = list(StagedRow.objects.values_list("row_no", flat=True))
        staging.drop(batch.pk)

    assert commands.resume_lost() == 1
    assert commands.resume_lost() == 0
    lost = _batch(batch.pk)
    assert lost.state == BatchState.UPLOADED
    assert "重新检查" in lost.problem
    assert _jobs("intake.check_batch") == 1

    commands.run_check(batch.pk)
    again = _batch(batch.pk)
    assert again.state == BatchState.CHECKED
    assert {k: again.counts[k] for k in ("total", "published", "ok", "error", "duplicate")} == {
        "total": 6, "published": 5, "ok": 0, "error": 1, "duplicate": 0,
    }  # fmt: skip
    with transaction.atomic(), acting("intake"):
        assert list(StagedRow.objects.values_list("row_no", flat=True)) == kept
        assert Event.objects.filter(batch_id=batch.pk).count() == 5


def test_a_check_during_which_the_index_key_was_renewed_starts_over(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks are staged one by one: one that was indexed with the former key would hide a duplicate."""
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, book(body(4, place.org("a1").code)), "一.xlsx", inline=True)
    with transaction.atomic(), acting("intake"):
        ImportBatch.objects.filter(pk=batch.pk).update(state=BatchState.UPLOADED)
    real, load, loaded = vault.index, staging.load, []

    def renew_after(block: bytes) -> None:
        load(block)
        loaded.append(block)
        if len(loaded) == 1:
            monkeypatch.setattr(vault, "index_key", lambda: "another")
            monkeypatch.setattr(vault, "index", lambda kind, value: real(kind, "renewed " + value))
            monkeypatch.setattr(
                vault,
                "index_column",
                lambda kind, values: [real(kind, "renewed " + value) for value in values],
            )

    monkeypatch.setattr(staging, "load", renew_after)
    commands.run_check(batch.pk)
    assert len(loaded) == 2
    assert _batch(batch.pk).state == BatchState.CHECKED
    with transaction.atomic(), acting("intake"):
        rows = list(StagedRow.objects.values_list("row_no", "id_bidx"))
    assert len(rows) == 4
    number = body(4, place.org("a1").code)[0][field("id_number").index]
    assert vault.index("id:1", number) in {bytes(b) for _row, b in rows}
    assert real("id:1", number) not in {bytes(b) for _row, b in rows}


def test_a_job_done_twice_leaves_a_published_batch_as_it_is(place: Place) -> None:
    user = place.user("registrar", "a1")
    with act_as(user) as actor:
        batch = commands.upload(actor, book(body(3, place.org("a1").code)), "一.xlsx", inline=True)
        commands.publish(actor, batch.pk)
    commands.publish_for(batch.pk, actor.user_id, actor.assignment_id, "127.0.0.1")
    assert _batch(batch.pk).state == BatchState.PUBLISHED
    commands.not_undone(batch.pk, "系统出错")
    assert (_batch(batch.pk).state, _batch(batch.pk).problem) == (BatchState.PUBLISHED, "")


def test_jobs_of_a_dead_worker_wait_again(own_database: str, as_owner: psycopg.Connection) -> None:
    from procrastinate.contrib.django import app as jobs

    from xueji.registry.intake.tasks import check_batch

    dead, alive = (check_batch.defer(batch_id=n) for n in (1, 2))
    for job, silent in ((dead, "10 minutes"), (alive, "1 second")):
        as_owner.execute(
            "with w as (insert into procrastinate_workers (last_heartbeat) values (now() - %s::interval) returning id)"
            " update procrastinate_jobs set status = 'doing', worker_id = (select id from w) where id = %s",
            [silent, job],
        )

    async def revived() -> int:
        connector = jobs.connector.get_worker_connector()  # type: ignore[attr-defined]
        async with jobs.with_connector(connector).open_async() as opened:
            return await worker.revive(opened.job_manager)

    # In a thread of its own: this one may have the browser's loop running already.
    with ThreadPoolExecutor(max_workers=1) as pool:
        assert pool.submit(lambda: asyncio.run(revived())).result() == 1
    assert dict(as_owner.execute("select id, status::text from procrastinate_jobs").fetchall()) == {
        dead: "todo",
        alive: "doing",
    }


def test_a_job_drops_the_connection_that_a_crash_has_cut(own_database: str) -> None:
    from django.db import OperationalError

    from xueji.registry.intake import tasks

    connection.ensure_connection()
    with cluster().connect() as server:
        server.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [own_database]
        )
    with pytest.raises(OperationalError):
        tasks.check_batch(0)
    with pytest.raises(ImportBatch.DoesNotExist):
        tasks.check_batch(0)
