"""A big batch in parts: what is on record is what one transaction would have written, whatever happens in between.

Who: a registrar whose sheet holds a whole county's children. What she sees: how many are on record and how many are left.
What she ends with: the same seats and numbers as if all had come at once, and rows left over with their reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.children import enrol
from tests.helpers import Place, act_as, make_county, seeing_all
from tests.registry.intake.test_pages import registrar as registrar
from tests.registry.intake.test_undo import problems as verify_says

from xueji.ground.audit.models import AuditEntry
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.registry.enrolment.models import CubeDelta, Event, Roster
from xueji.registry.intake import commands, parts, publishing, staging
from xueji.registry.intake.errors import IntakeError
from xueji.registry.intake.models import BatchState, ImportBatch
from xueji.registry.people import places
from xueji.registry.people.models import NumberCounter, StudentNumber

from .sheets_for_tests import body, book, names, put

ROWS = 48


def brought(place: Place, rows: list[list[Any]] | None = None) -> int:
    """A checked batch of six cohorts that waits for the worker; returns its id."""
    rows = rows or body(ROWS, place.org("a1").code)
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, book(rows), "全县.xlsx", inline=True)
        assert batch.counts["ok"] == len(rows), batch.counts
    with transaction.atomic(), acting("intake"):
        ImportBatch.objects.filter(pk=batch.pk).update(state=BatchState.PUBLISHING, progress=50)
    return batch.pk


def publish(place: Place, batch_id: int, part_rows: int = 1, **more: Any) -> ImportBatch:
    """What the worker does, in parts of so many rows."""
    user = place.user("registrar", "a1").pk
    more = {"parts_from": 2, "part_rows": part_rows} | more
    commands.publish_for(batch_id, user, 0, "127.0.0.1", **more)
    return batch_of(batch_id)


def batch_of(batch_id: int) -> ImportBatch:
    with transaction.atomic(), acting("intake"):
        return ImportBatch.objects.get(pk=batch_id)


def on_record(batch_id: int) -> dict[str, Any]:
    """Everything that must not depend on how the batch came on record."""
    with seeing_all():
        rows = {e.person_id: e.detail["row"] for e in Event.objects.filter(batch_id=batch_id)}
        numbers = {
            rows[n.person_id]: vault.open(bytes(n.sealed or b""), places.number(n.person_id, n.number_no))
            for n in StudentNumber.objects.filter(person_id__in=rows, number_no=2)
        }
        with connection.cursor() as c:
            c.execute(
                "select r.person_id, k.stage, k.cohort_year, k.number, r.class_seat from roster r"
                " join school_class k on k.id = r.class_id where r.person_id = any(%s)",
                [list(rows)],
            )
            seats = {rows[line[0]]: line[1:] for line in c.fetchall()}
        cube = sorted(CubeDelta.objects.values_list("day", "stage", "cohort_year", "sex", "flow", "n"))
        serials = sorted(NumberCounter.objects.exclude(scheme="national").values_list("run", "last"))
    return {"numbers": numbers, "seats": seats, "cube": cube, "serials": serials}


def one_by_one(place: Place, batch_id: int, part_rows: int | None) -> dict[str, Any]:
    """On record after this way of publication, which is then undone as if it had never been."""
    point = transaction.savepoint()
    publish(place, batch_id, part_rows or 1, parts_from=1 << 30 if part_rows is None else 2)
    found = on_record(batch_id)
    transaction.savepoint_rollback(point)
    return found


@contextmanager
def breaking(monkeypatch: pytest.MonkeyPatch, when: Callable[[int, Any], bool]) -> Iterator[None]:
    """The database goes away before the part for which `when` (how many were begun, its rows) holds."""
    real, begun = publishing.publish_rows, 0

    def publish_rows(rows: Any, *args: Any) -> Any:
        nonlocal begun
        begun += 1
        if when(begun, rows):
            raise OperationalError("the database is away")
        return real(rows, *args)

    with monkeypatch.context() as patched:
        patched.setattr(publishing, "publish_rows", publish_rows)
        with pytest.raises(OperationalError):
            yield


def lose(place: Place, batch_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two parts come on record; then the database dies and has lost the staging when it is back."""
    with breaking(monkeypatch, lambda _n, rows: rows.cohorts[0][1] > 2022):
        publish(place, batch_id)
    with transaction.atomic(), acting("intake"):
        staging.drop(batch_id)


@pytest.mark.capability("C-NUM-01")
@pytest.mark.capability("C-COL-06")
def test_parts_come_to_the_same_as_one_transaction(place: Place) -> None:
    rows = body(ROWS, place.org("a1").code)
    put(rows, 5, class_serial="7")
    put(rows, 17, class_serial="3")
    batch_id = brought(place, rows)
    whole = one_by_one(place, batch_id, None)
    assert len(whole["seats"]) == len(whole["numbers"]) == ROWS
    assert sum(last for _run, last in whole["serials"]) == ROWS
    for part_rows in (1, 10, 20):
        assert one_by_one(place, batch_id, part_rows) == whole, part_rows


def test_a_number_that_a_sheet_brings_is_passed_over_in_every_part(place: Place) -> None:
    rows = body(ROWS, place.org("a1").code)
    batch_id = brought(place, rows)
    first = one_by_one(place, batch_id, None)["numbers"]
    # The last child of the sheet has a number of the first child's cohort, as after a wrong entry year.
    put(rows, ROWS - 1, auxiliary_number=first[2])
    with transaction.atomic(), acting("intake"):
        staging.drop(batch_id)
    batch_id = brought(place, rows)
    whole = one_by_one(place, batch_id, None)
    assert whole["numbers"][ROWS + 1] == first[2]
    assert whole["numbers"][2] != first[2]
    assert one_by_one(place, batch_id, 1) == whole


def test_a_number_brought_by_a_row_that_is_left_out_costs_no_serial(place: Place) -> None:
    rows = body(ROWS, place.org("a1").code)
    batch_id = brought(place, rows)
    given = one_by_one(place, batch_id, None)["numbers"][4]
    put(rows, 2, auxiliary_number=f"{given[:-3]}777")
    with transaction.atomic(), acting("intake"):
        staging.drop(batch_id)
    batch_id = brought(place, rows)
    number = str(rows[2][names()["id_number"]])
    born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    enrol(place, "b1", name="李先到", identity=number, birth=born, sex="1" if int(number[16]) % 2 else "2")
    assert publish(place, batch_id).counts["published"] == ROWS - 1
    assert sum(last for _run, last in on_record(batch_id)["serials"]) == ROWS - 1


@pytest.mark.capability("C-NUM-13")
def test_a_child_recorded_since_the_check_is_left_out_of_its_part(place: Place) -> None:
    rows = body(ROWS, place.org("a1").code)
    batch_id = brought(place, rows)
    number = str(rows[2][names()["id_number"]])
    born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    enrol(place, "b1", name="李先到", identity=number, birth=born, sex="1" if int(number[16]) % 2 else "2")
    batch = publish(place, batch_id)
    assert (batch.state, batch.counts["published"], batch.counts["duplicate"]) == ("checked", ROWS - 1, 1)
    assert f"已发布 {ROWS - 1} 行" in batch.problem
    assert "由其他人建立学籍" in batch.problem
    assert parts.PLAN not in batch.counts
    with seeing_all():
        assert Event.objects.filter(batch_id=batch_id).count() == ROWS - 1
        serials = NumberCounter.objects.exclude(scheme="national").values_list("last", flat=True)
        assert sum(serials) == ROWS - 1, "no serial is lost for the row that stays"
    assert verify_says() == []


def test_a_part_of_which_nobody_is_left_does_not_stop_the_others(place: Place) -> None:
    rows = body(12, place.org("a1").code)
    batch_id = brought(place, rows)
    for n, row in enumerate((rows[2], rows[8])):
        number = str(row[names()["id_number"]])
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
        sex = "1" if int(number[16]) % 2 else "2"
        enrol(place, "b1", name="李先" + "到来"[n], identity=number, birth=born, sex=sex)
    batch = publish(place, batch_id)
    assert (batch.state, batch.counts["published"], batch.counts["duplicate"]) == ("checked", 10, 2)
    assert "2 行的学生在发布期间已由其他人建立学籍" in batch.problem
    assert "还有" not in batch.problem


@pytest.mark.capability("C-COL-06")
def test_a_publication_that_breaks_goes_on_with_the_parts_that_are_left(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = brought(place)
    whole = one_by_one(place, batch_id, None)
    with breaking(monkeypatch, lambda n, _rows: n == 3):
        publish(place, batch_id)
    half = batch_of(batch_id)
    plan = parts.plan_of(half.counts)
    assert plan is not None
    assert (half.state, plan.done, plan.left) == (BatchState.PUBLISHING, ROWS // 3, ROWS - ROWS // 3)
    with act_as(place.user("registrar", "a1")) as actor:
        for refused in (commands.discard, commands.publish):
            with pytest.raises(IntakeError, match="正在发布"):
                refused(actor, batch_id)
    assert publish(place, batch_id).counts["published"] == ROWS
    assert on_record(batch_id) == whole
    assert publish(place, batch_id).state == BatchState.PUBLISHED, "a job done twice does nothing"
    assert on_record(batch_id) == whole


@pytest.mark.capability("C-COL-06")
def test_rows_that_the_database_lost_in_between_are_read_again_and_go_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = brought(place)
    whole = one_by_one(place, batch_id, None)
    lose(place, batch_id, monkeypatch)
    assert commands.resume_lost() == 1
    assert "自动继续发布" in batch_of(batch_id).problem
    commands.run_check(batch_id)
    again = batch_of(batch_id)
    assert (again.state, parts.PLAN in again.counts, parts.GO_ON in again.counts) == (
        "publishing",
        False,
        False,
    )
    with seeing_all(), connection.cursor() as c:
        c.execute("select count(*) from procrastinate_jobs where task_name = 'intake.publish_batch'")
        assert c.fetchone() == (1,)
    done = publish(place, batch_id)
    assert (done.state, done.counts["published"], done.counts["total"]) == ("published", ROWS, ROWS)
    assert on_record(batch_id) == whole


def test_the_audit_vouches_for_the_whole_by_its_parts(place: Place) -> None:
    batch_id = brought(place)
    publish(place, batch_id, 10)
    with transaction.atomic(), acting("audit"):
        entries = AuditEntry.objects.filter(object_id=str(batch_id), object_type="import_batch")
        whole = entries.get(action="intake.publish")
        each = list(entries.filter(action="intake.publish_part").order_by("pk"))
    assert (whole.row_count, whole.after["published"], whole.after["parts"]) == (ROWS, ROWS, len(each))
    assert sum(e.row_count for e in each) == ROWS
    assert [e.after["part"] for e in each] == list(range(1, len(each) + 1))
    assert bytes(whole.digest) == hashlib.sha256(b"".join(bytes(e.digest) for e in each)).digest()


def test_a_batch_in_parts_is_taken_back_as_a_whole(place: Place) -> None:
    batch_id = brought(place)
    publish(place, batch_id)
    with act_as(place.user("registrar", "a1")) as actor:
        assert commands.undoable(actor, batch_id).n == ROWS
        assert commands.undo(actor, batch_id, expected=ROWS, reason="拿错了表格").undone == ROWS
    assert batch_of(batch_id).state == BatchState.UNDONE
    with seeing_all():
        assert Roster.objects.filter(school_id=place.org("a1").pk).exclude(status=18).count() == 0


def test_the_page_says_what_is_on_record_and_what_is_left(
    place: Place, registrar: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = brought(place)
    with breaking(monkeypatch, lambda n, _rows: n == 2):
        publish(place, batch_id)
    page = registrar.get(f"/import/{batch_id}/").content.decode()
    assert f"已发布 {ROWS // 6} 行, 还剩 {ROWS - ROWS // 6} 行" in page


def test_number_of_statements_of_a_part_does_not_grow_with_its_rows(place: Place) -> None:
    taken = []
    for count, start in ((12, 0), (120, 600)):
        batch_id = brought(place, body(count, place.org("a1").code, start=start))
        with CaptureQueriesContext(connection) as seen:
            publish(place, batch_id, count // 2)
        plan = [q for q in seen if "intake.part:" in q["sql"]]
        assert len(plan) == 2
        taken.append(len(seen))
    assert taken[0] == taken[1]


def test_two_connections_publish_side_by_side(own_database: str, as_owner: psycopg.Connection) -> None:
    place = make_county()
    batch_id = brought(place, body(240, place.org("a1").code))
    batch = publish(place, batch_id, 20, hands=2)
    assert (batch.state, batch.counts["published"]) == ("published", 240), batch.problem
    counted = "select count(*), count(distinct bidx) from number_lookup where scheme <> 'national'"
    assert as_owner.execute(counted).fetchone() == (240, 240)
    assert as_owner.execute("select sum(last) from number_counter where scheme <> 'national'").fetchone() == (
        240,
    )
    assert as_owner.execute(
        "select count(*) from (select 1 from roster group by class_id, class_seat having count(*) > 1) x"
    ).fetchone() == (0,)
    assert as_owner.execute("select count(*) from staged_row").fetchone() == (0,)
