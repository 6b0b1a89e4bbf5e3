"""Undo of a published batch: taken back for a day, by compensating events, and the record agrees afterwards."""

from __future__ import annotations

import uuid
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests.helpers import Place, act_as, seeing_all

from xueji.ground.audit.models import AuditEntry
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment import verify as record
from xueji.registry.enrolment.models import CubeDelta, EnrolmentState, Event, Roster, SupersededState
from xueji.registry.enrolment.timeline import Step, midnight
from xueji.registry.intake import commands, queries, undoing
from xueji.registry.intake.errors import IntakeError
from xueji.registry.intake.models import BatchState, ImportBatch
from xueji.registry.people import verify as people_verify
from xueji.registry.people.models import IdentityDocument, IdentityLookup, NumberLookup, Person, StudentNumber

from .sheets_for_tests import body, book, fresh, put


def published(place: Place, count: int = 6, *, start: int = 0, **first: Any) -> ImportBatch:
    """A published batch of school a1."""
    rows = body(count, place.org("a1").code, start=start)
    if first:
        put(rows, 0, **first)
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, book(rows), "新生.xlsx", inline=True)
        commands.publish(actor, batch.id)
    return fresh_batch(batch.id)


def fresh_batch(batch_id: int) -> ImportBatch:
    with transaction.atomic(), acting("intake"):
        return ImportBatch.objects.get(pk=batch_id)


def take_back(place: Place, batch: ImportBatch, expected: int) -> commands.UndoResult:
    with act_as(place.user("registrar", "a1")) as actor:
        return commands.undo(actor, batch.id, expected=expected, reason="拿错了表格")


class Raw:
    """The test's own connection in the clothes of psycopg, for the queries of `xueji verify`."""

    def execute(self, query: str, *args: Any) -> Any:
        c = connection.cursor()
        c.execute(query, *args)
        return c

    def __enter__(self) -> Raw:
        return self


def problems() -> list[str]:
    """What `xueji verify` would say, seen with the eyes of a role that sees all rows."""
    raw: Any = Raw()
    with seeing_all():
        found = [p.check for p in record.record_problems(raw)]
        found += [p.check for p in record.statistics_problems(raw)]
    with transaction.atomic(), acting("intake"):
        c = connection.cursor()
        for check, (_message, query) in people_verify.VAULT.items():
            c.execute(query)
            found += [check for _row in c.fetchall()]
    return found


@pytest.mark.capability("C-COL-06")
def test_a_published_sheet_is_taken_back_and_brought_again(place: Place) -> None:
    """A registrar published the wrong class and notices it the same day.

    She sees how many rows can be taken back, gives the reason and confirms.
    The record is as if they had never come, their numbers are struck off and kept, and the sheet can come again.
    """
    batch = published(place, 6)
    with seeing_all():
        persons = list(Event.objects.filter(batch_id=batch.id).values_list("person_id", flat=True))
        numbers = NumberLookup.objects.count()
    with act_as(place.user("registrar", "a1")) as actor:
        found = commands.undoable(actor, batch.id)
        assert (found.n, found.touched) == (6, [])
        assert found.until is not None
        assert batch.published_at is not None
        assert found.until <= batch.published_at + timedelta(hours=24)
    assert take_back(place, batch, 6) == commands.UndoResult(6, 0)
    batch = fresh_batch(batch.id)
    assert batch.state == BatchState.UNDONE
    assert (batch.counts["published"], batch.counts["undone"]) == (0, 6)
    assert batch.undoer_id == place.user("registrar", "a1").pk
    with seeing_all():
        links = EnrolmentState.objects.filter(person_id__in=persons)
        assert {(x.from_status, x.business, x.status, x.valid_to) for x in links} == {(0, "undo", 18, None)}
        assert SupersededState.objects.filter(person_id__in=persons, business="enrol").count() == 6
        # History stays: the enrolment and its undo, side by side, and the struck numbers.
        assert Event.objects.filter(batch_id=batch.id).count() == 12
        assert {n.state for n in StudentNumber.objects.filter(person_id__in=persons)} == {"voided"}
        assert NumberLookup.objects.count() == numbers
        assert not IdentityLookup.objects.filter(person_id__in=persons).exists()
        assert not IdentityDocument.objects.filter(person_id__in=persons, until=None).exists()
        assert {r.status for r in Roster.objects.filter(person_id__in=persons)} == {18}
        cube = CubeDelta.objects.filter(school_id=place.org("a1").pk)
        assert sum(c.n for c in cube if c.status == 1) == 0
        assert sum(c.n for c in cube if c.status == 18) == 6
    with transaction.atomic(), acting("audit"):
        entry = AuditEntry.objects.get(action="intake.undo")
        assert (entry.row_count, entry.purpose, len(bytes(entry.digest or b""))) == (6, "拿错了表格", 32)
    assert problems() == []
    again = published(place, 6)
    assert again.counts["published"] == 6, again.counts
    with seeing_all():
        given = StudentNumber.objects.filter(state="current", scheme="national")
        assert given.count() == 6
        assert not set(given.values_list("person_id", flat=True)) & set(persons)
        old = {vault.open(n.sealed, f"student_number.sealed:{n.person_id}:1") for n in
               StudentNumber.objects.filter(person_id__in=persons, scheme="national")}  # fmt: skip
        new = {vault.open(n.sealed, f"student_number.sealed:{n.person_id}:1") for n in given}
        assert not old & new
        assert IdentityLookup.objects.count() == 6
    assert problems() == []


def test_a_number_of_the_childs_own_comes_back_with_the_child(place: Place) -> None:
    tail = place.org("a1").code[-3:]
    number = f"010126{tail}00005"
    batch = published(place, 3, auxiliary_number=number)
    take_back(place, batch, 3)
    again = published(place, 3, auxiliary_number=number)
    assert again.counts["published"] == 3
    with seeing_all():
        rows = StudentNumber.objects.filter(scheme="province.auxiliary", state="current")
        assert number in {vault.open(n.sealed, f"student_number.sealed:{n.person_id}:2") for n in rows}
    assert problems() == []
    # Another child cannot have it.
    rows = body(1, place.org("a1").code, start=40)
    put(rows, 0, auxiliary_number=number)
    with act_as(place.user("registrar", "a1")) as actor:
        other = commands.upload(actor, book(rows), "另一名.xlsx", inline=True)
        with pytest.raises(IntakeError, match="已经给过其他学生"):
            commands.publish(actor, other.id)


def _suspend(place: Place, person: uuid.UUID) -> None:
    with act_as(place.user("registrar", "a1")) as actor:
        enrolment.apply_step(actor, Step(person, "suspend", 2, midnight(timezone.localdate())))


def _rename(place: Place, person: uuid.UUID) -> None:
    with transaction.atomic(), acting("writer"):
        Person.objects.filter(pk=person).update(former_name="旧名")


def _photo(place: Place, person: uuid.UUID) -> None:
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "insert into person_photo (person_id, file_id, source, readers, klasses)"
            " values (%s, gen_random_uuid(), 'test', '{}', '{}')",
            [person],
        )


def _case(place: Place, person: uuid.UUID) -> None:
    enrolment.set_open_case(person, "XX-1")


@pytest.mark.parametrize(
    ("deed", "words"),
    [(_suspend, "休学"), (_rename, "信息已有修改"), (_photo, "照片"), (_case, "有在办业务 XX-1")],
)
def test_whoever_was_touched_stays_and_is_named(place: Place, deed: Any, words: str) -> None:
    batch = published(place, 4)
    with seeing_all():
        person = Event.objects.filter(batch_id=batch.id).order_by("person_id").first().person_id  # type: ignore[union-attr]
    deed(place, person)
    with act_as(place.user("registrar", "a1")) as actor:
        found = commands.undoable(actor, batch.id)
    assert found.n == 3
    assert [t.person_id for t in found.touched] == [person]
    assert words in found.touched[0].why
    with pytest.raises(IntakeError, match="可以撤销的行数已变为 3 行"):
        take_back(place, batch, 4)
    assert take_back(place, batch, 3) == commands.UndoResult(3, 1)
    with seeing_all():
        link = EnrolmentState.objects.get(person_id=person, valid_to=None)
        assert link.business != "undo"
    batch = fresh_batch(batch.id)
    assert (batch.state, batch.counts["published"], batch.counts["undone"]) == (BatchState.PUBLISHED, 1, 3)
    assert problems() == []


def test_after_a_day_nothing_can_be_taken_back(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = published(place, 2)
    monkeypatch.setattr(undoing, "WINDOW", timedelta(0))
    with act_as(place.user("registrar", "a1")) as actor:
        found = commands.undoable(actor, batch.id)
        assert (found.n, found.reasons) == (0, [("发布已超过24小时", 2)])
        with pytest.raises(IntakeError, match="没有可以撤销的行"):
            commands.undo(actor, batch.id, expected=0, reason="太晚了")


def test_rows_that_wait_for_repair_go_on_after_the_undo(place: Place) -> None:
    rows = body(5, place.org("a1").code)
    put(rows, 2, sex="不详")
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, book(rows), "新生.xlsx", inline=True)
        commands.publish(actor, batch.id)
        commands.undo(actor, batch.id, expected=4, reason="先不导")
        left = fresh(batch)
        assert (left.state, left.counts["error"], left.counts["total"]) == (BatchState.CHECKED, 1, 1)
        row = commands.edit_row(actor, batch.id, 4, {"sex": str(body(5, place.org("a1").code)[2][1])})
        assert row.row_no == 4
        assert queries.published(actor, left) == []


def test_every_table_about_a_child_is_looked_at(place: Place) -> None:
    """What the writing role cannot read cannot be proven untouched: such tables must be known by name."""
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        seen = set(undoing.other_tables(c))
        c.execute(
            "select distinct t.relname from pg_class t join pg_attribute a on a.attrelid = t.oid and a.attname = 'person_id'"
            " where t.relkind = 'r' and t.relnamespace = 'public'::regnamespace"
        )
        assert {name for (name,) in c.fetchall()} == seen | undoing.WRITTEN | undoing.PASSIVE


def test_numbers_of_other_children_are_never_released(place: Place) -> None:
    batch = published(place, 2)
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute("select array_agg(person_id) from event where batch_id = %s", [batch.id])
        c.execute("select xueji_release_identity(%s)", [c.fetchone()[0]])
        assert c.fetchone() == (0,)


def test_statements_of_an_undo_do_not_grow_with_the_rows(place: Place) -> None:
    counts = []
    for n, start in ((10, 0), (100, 200)):
        batch = published(place, n, start=start)
        with act_as(place.user("registrar", "a1")) as actor, CaptureQueriesContext(connection) as queries_:
            commands.undo(actor, batch.id, expected=n, reason="试一试")
        counts.append(len(queries_))
    assert counts[0] == counts[1]


def test_a_big_batch_is_taken_back_by_the_worker_or_says_why_not(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The module: the package's name `undo` is the command.
    monkeypatch.setattr(import_module("xueji.registry.intake.commands.undo"), "AT_ONCE", 1)
    batch = published(place, 3)
    who = place.user("registrar", "a1")
    with act_as(who) as actor:
        assignment = actor.assignment_id
        with pytest.raises(IntakeError, match="请写明撤销的原因"):
            commands.request_undo(actor, batch.id, expected=3, reason=" ")
        assert commands.request_undo(actor, batch.id, expected=2, reason="拿错了表格") is None
    assert fresh_batch(batch.id).state == BatchState.UNDOING
    commands.undo_for(batch.id, who.pk, assignment, "")
    left = fresh_batch(batch.id)
    assert (left.state, "可以撤销的行数已变为 3 行" in left.problem) == (BatchState.PUBLISHED, True)
    assert "undo" not in left.counts
    with act_as(who) as actor:
        commands.request_undo(actor, batch.id, expected=3, reason="拿错了表格")
    commands.undo_for(batch.id, who.pk, assignment, "")
    assert fresh_batch(batch.id).state == BatchState.UNDONE
    assert problems() == []
