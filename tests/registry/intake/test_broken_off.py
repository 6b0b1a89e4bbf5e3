"""A publication in parts that the database's death has broken off: what goes on by itself, and what waits for somebody."""

from __future__ import annotations

import hashlib
from importlib import import_module
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from tests.helpers import Place, act_as, seeing_all
from tests.registry.intake.test_pages import registrar as registrar

from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.ground.sheets.errors import SheetError
from xueji.registry.enrolment.models import Roster
from xueji.registry.intake import commands, parts, queries
from xueji.registry.intake.columns import Mapping as Columns
from xueji.registry.intake.columns import WrongColumns
from xueji.registry.intake.commands import bring
from xueji.registry.intake.errors import IntakeError
from xueji.registry.intake.models import BatchState, ImportBatch

from .sheets_for_tests import body, book, names, put
from .test_parts import ROWS, batch_of, brought, lose, publish


@pytest.mark.capability("C-COL-06")
def test_rows_mended_here_do_not_go_on_record_as_the_file_has_them(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, book(body(ROWS, place.org("a1").code)), "全县.xlsx", inline=True)
        with transaction.atomic(), acting("intake"), connection.cursor() as c:
            c.execute(
                "select row_no from staged_row where batch_id = %s order by cohort_year desc, row_no limit 1",
                [batch.pk],
            )
            row_no = c.fetchone()[0]
        commands.edit_row(actor, batch.pk, row_no, {"name": "改正名"})
    with transaction.atomic(), acting("intake"):
        ImportBatch.objects.filter(pk=batch.pk).update(state=BatchState.PUBLISHING, progress=50)
    lose(place, batch.pk, monkeypatch)
    assert commands.resume_lost() == 1
    commands.run_check(batch.pk)
    waits = batch_of(batch.pk)
    assert (waits.state, waits.counts["published"]) == (BatchState.CHECKED, ROWS // 3)
    assert "请再改一次" in waits.problem
    assert parts.GO_ON not in waits.counts
    with act_as(place.user("registrar", "a1")) as actor:
        commands.edit_row(actor, batch.pk, row_no, {"name": "改正名"})
        done = commands.publish(actor, batch.pk)
    assert (done.published, done.left) == (ROWS - ROWS // 3, 0)
    with seeing_all():
        names = list(Roster.objects.values_list("name", flat=True))
    assert "改正名" in names
    assert len(names) == ROWS


def test_a_job_done_again_publishes_nothing_that_nobody_has_confirmed(place: Place) -> None:
    rows = body(6, place.org("a1").code)
    name = rows[3][names()["name"]]
    put(rows, 3, name="")
    with act_as(place.user("registrar", "a1")) as actor:
        batch_id = commands.upload(actor, book(rows), "一.xlsx", inline=True).pk
    with transaction.atomic(), acting("intake"):
        ImportBatch.objects.filter(pk=batch_id).update(state=BatchState.PUBLISHING, progress=50)
    assert publish(place, batch_id, parts_from=1 << 30).counts["published"] == 5
    with transaction.atomic(), acting("intake"), connection.cursor() as c:
        c.execute("select row_no from staged_row where batch_id = %s", [batch_id])
        row_no = c.fetchone()[0]
    with act_as(place.user("registrar", "a1")) as actor:
        commands.edit_row(actor, batch_id, row_no, {"name": name})
    for parts_from in (1 << 30, 1):
        again = publish(place, batch_id, parts_from=parts_from)
        assert (again.state, again.counts["published"], again.problem) == (BatchState.CHECKED, 5, "")


def test_every_part_stands_under_a_closing_entry_also_when_a_second_plan_went_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = brought(place)
    lose(place, batch_id, monkeypatch)
    assert commands.resume_lost() == 1
    commands.run_check(batch_id)
    assert publish(place, batch_id).counts["published"] == ROWS
    with transaction.atomic(), acting("audit"):
        entries = AuditEntry.objects.filter(object_id=str(batch_id), object_type="import_batch")
        each = list(entries.filter(action="intake.publish_part").order_by("pk"))
        closing = list(entries.filter(action="intake.publish").order_by("pk"))
    assert [(e.row_count, e.after["left"]) for e in closing] == [
        (ROWS // 3, ROWS - ROWS // 3),
        (ROWS - ROWS // 3, 0),
    ]
    assert {e.user_id for e in closing} == {place.user("registrar", "a1").pk}
    for entry, below in zip(closing, (each[:2], each[2:]), strict=True):
        assert sum(e.row_count for e in below) == entry.row_count
        assert bytes(entry.digest) == hashlib.sha256(b"".join(bytes(e.digest) for e in below)).digest()


@pytest.mark.capability("C-COL-06")
@pytest.mark.parametrize("at_once", [1 << 30, 0])
def test_a_rest_that_cannot_be_read_again_does_not_hinder_the_undo(
    place: Place, registrar: Client, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    batch_id = brought(place)
    lose(place, batch_id, monkeypatch)
    assert commands.resume_lost() == 1
    monkeypatch.setattr(bring, "check_stream", _refuse(SheetError("empty")))
    commands.run_check(batch_id)
    failed = batch_of(batch_id)
    assert (failed.state, failed.counts["published"]) == (BatchState.FAILED, ROWS // 3)
    page = registrar.get(f"/import/{batch_id}/").content.decode()
    assert "没有写入任何数据" not in page
    assert 'id="undo-link"' in page
    monkeypatch.setattr(import_module("xueji.registry.intake.commands.undo"), "AT_ONCE", at_once)
    with act_as(place.user("registrar", "a1")) as actor:
        commands.request_undo(actor, batch_id, expected=ROWS // 3, reason="拿错了表格")
    if not at_once:
        commands.not_undone(batch_id, "系统出错")
        assert batch_of(batch_id).state == BatchState.FAILED
        with act_as(place.user("registrar", "a1")) as actor:
            commands.request_undo(actor, batch_id, expected=ROWS // 3, reason="拿错了表格")
        commands.undo_for(batch_id, place.user("registrar", "a1").pk, 0, "")
    gone = batch_of(batch_id)
    assert (gone.state, gone.counts["published"], gone.counts["undone"]) == (
        BatchState.UNDONE,
        0,
        ROWS // 3,
    )
    with seeing_all():
        assert not Roster.objects.exclude(status=18).exists()


@pytest.mark.capability("C-COL-06")
def test_columns_of_the_rest_can_be_matched_with_rows_on_record(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = brought(place)
    lose(place, batch_id, monkeypatch)
    assert commands.resume_lost() == 1
    known = queries.columns_of(batch_of(batch_id))
    with monkeypatch.context() as once:
        error = WrongColumns(["姓名"], [], Columns.from_json(known))
        once.setattr(bring, "check_stream", _refuse(error))
        commands.run_check(batch_id)
    asked = batch_of(batch_id)
    assert (asked.state, asked.counts["published"]) == (BatchState.MATCHING, ROWS // 3)
    assert parts.GO_ON not in asked.counts
    with act_as(place.user("registrar", "a1")) as actor:
        assert commands.undoable(actor, batch_id).n == ROWS // 3
        assert commands.may_undo(asked)
        rest = commands.match_columns(actor, batch_id, {}, inline=True)
        assert (rest.state, rest.counts["published"], rest.counts["ok"]) == (
            BatchState.CHECKED,
            ROWS // 3,
            ROWS - ROWS // 3,
        )
        with pytest.raises(IntakeError, match="不能再改列的对应"):
            commands.match_columns(actor, batch_id, {}, inline=True)
        assert commands.publish(actor, batch_id).left == 0
    with seeing_all():
        assert Roster.objects.count() == ROWS


def _refuse(error: Exception) -> Any:
    def refuse(*_args: Any, **_more: Any) -> Any:
        raise error

    return refuse
