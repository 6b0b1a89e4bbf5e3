"""Publication: all or nothing, one record for one child, what was shown is what is written."""

from __future__ import annotations

import threading
import time
from datetime import date
from typing import Any

import psycopg
import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.http import Http404
from django.test.utils import CaptureQueriesContext
from tests.bed import cluster
from tests.children import enrol
from tests.helpers import Place, act_as, make_county, seeing_all

from bench import sheets
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.models import CubeDelta, EnrolmentState, Event, Roster
from xueji.registry.enrolment.timeline import Step, midnight
from xueji.registry.intake import commands, queries
from xueji.registry.intake.errors import IntakeError, PublishConflict
from xueji.registry.intake.models import BatchState, ImportBatch, StagedRow
from xueji.registry.people import commands as people
from xueji.registry.people.models import (
    Guardian,
    IdentityDocument,
    IdentityLookup,
    NumberCounter,
    NumberLookup,
    Person,
    PersonProfile,
    StudentNumber,
)
from xueji.registry.problems.models import Problem, Side

from .sheets_for_tests import body, book, fresh, names, put

TABLES = (
    Person,
    PersonProfile,
    IdentityDocument,
    IdentityLookup,
    StudentNumber,
    NumberLookup,
    Event,
    EnrolmentState,
    Roster,
)


def ready(place: Place, count: int = 12, school: str = "a1", *, start: int = 0) -> int:
    """A checked batch of clean rows; returns its id."""
    with act_as(place.user("registrar", school)) as actor:
        batch = commands.upload(
            actor, book(body(count, place.org(school).code, start=start)), "名单.xlsx", inline=True
        )
        assert batch.counts["ok"] == count, batch.problem or batch.counts
        return batch.id


@pytest.mark.capability("C-DUP-02")
@pytest.mark.capability("C-DUP-03")
def test_a_namesake_without_papers_becomes_a_problem_of_both_schools(place: Place) -> None:
    rows = body(2, place.org("a1").code)
    index = names()
    number = str(rows[0][index["id_number"]])
    born = date.fromisoformat(f"{number[6:10]}-{number[10:12]}-{number[12:14]}")
    sex = "1" if int(number[16]) % 2 else "2"
    org, klass = place.org("b1"), place.klass("b1")
    with act_as(place.user("registrar", "b1")) as actor:
        other = people.add_person(
            actor,
            people.Newcomer(name=str(rows[0][index["name"]]), sex=sex, birth_date=born),
            division=org.division,
            readers=[org.pk, place.org("b").pk],
            klasses=[klass.pk],
        )
        begun = Step(other, "enrol", 1, midnight(date(2026, 9, 1)), school_id=org.pk, class_id=klass.pk)
        enrolment.apply_step(actor, begun)
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, book(rows), "名单.xlsx", inline=True)
        assert batch.counts["warning"] == 1
        commands.publish(actor, batch.id)
    with seeing_all():
        problem = Problem.objects.get()
        assert (problem.kind, problem.source) == ("same_person", "intake")
        assert other in Side.objects.values_list("person_id", flat=True)
        assert Roster.objects.filter(problem=True).count() == 2
        assert Roster.objects.count() == 3


@pytest.mark.capability("C-NUM-01")
@pytest.mark.capability("C-NUM-04")
@pytest.mark.rule("NAT-NUM-15")
def test_what_was_shown_is_what_is_on_record(place: Place) -> None:
    batch_id = ready(place, 30)
    with transaction.atomic(), acting("intake"):
        staged = {row.person_id: row for row in StagedRow.objects.filter(batch_id=batch_id)}
    with act_as(place.user("registrar", "a1")) as actor:
        assert commands.publish(actor, batch_id, expected=30).left == 0
    with seeing_all():
        people = {p.person_id: p for p in Person.objects.filter(person_id__in=staged)}
        links = {s.person_id: s for s in EnrolmentState.objects.filter(person_id__in=staged)}
        rosters = {r.person_id: r for r in Roster.objects.filter(person_id__in=staged)}
        profiles = {p.person_id: p for p in PersonProfile.objects.filter(person_id__in=staged)}
        events = {e.person_id: e for e in Event.objects.filter(person_id__in=staged)}
        assert len(people) == len(links) == len(rosters) == len(profiles) == len(events) == 30
        for key, row in staged.items():
            person, link, roster = people[key], links[key], rosters[key]
            assert (person.name, person.sex, person.birth_date) == (row.name, row.sex, row.birth_date)
            assert person.pinyin == row.pinyin
            assert (link.stage, link.cohort_year, link.status) == (row.stage, row.cohort_year, 1)
            assert link.valid_from.astimezone(tz=None).date() >= date(2021, 8, 31)
            assert link.event_id == row.event_id == events[key].event_id
            assert (events[key].batch_id, events[key].business) == (batch_id, "enrol")
            assert roster.class_id == link.class_id
            assert roster.class_id in person.klasses
            assert sorted(person.readers) == sorted([place.org("a").pk, place.org("a1").pk])
            assert profiles[key].data == row.profile
            secret = vault.open_json(profiles[key].sealed, f"person_profile.sealed:{key}")
            assert secret["current_address"].startswith("云岭省")
            number = StudentNumber.objects.get(person_id=key, scheme="national")
            text = vault.open(number.sealed, f"student_number.sealed:{key}:1")
            assert text.startswith(f"L990101{row.birth_date:%Y%m%d}")
            assert len(text) == 19
            document = IdentityDocument.objects.get(person_id=key)
            identity = vault.open(document.sealed, f"identity_document.sealed:{key}:1")
            lookup = IdentityLookup.objects.get(person_id=key)
            assert bytes(lookup.bidx) == vault.index("id:1", identity)
            member = Guardian.objects.get(person_id=key, guardian_no=1)
            assert vault.open_json(member.sealed, f"guardian.sealed:{key}:1")["phone"].startswith("131")
        seats = [(r.class_id, r.class_seat) for r in rosters.values()]
        assert len(set(seats)) == 30
        cube = CubeDelta.objects.filter(school_id=place.org("a1").pk, flow="enrol")
        assert sum(c.n for c in cube) == 30
    with transaction.atomic(), acting("intake"):
        assert not StagedRow.objects.filter(batch_id=batch_id).exists()


@pytest.mark.capability("C-NUM-09")
@pytest.mark.capability("C-NUM-10")
def test_auxiliary_numbers_run_without_gaps_and_pass_over_those_brought_along(place: Place) -> None:
    rows = body(12, place.org("a1").code)
    tail = place.org("a1").code[-3:]
    put(rows, 0, auxiliary_number=f"010126{tail}00005")
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, book(rows), "名单.xlsx")
        commands.publish(actor, batch.id)
        ready_more = commands.upload(actor, book(body(6, place.org("a1").code, start=600)), "二.xlsx")
        commands.publish(actor, ready_more.id)
    with seeing_all():
        found: dict[str, list[int]] = {}
        for number in StudentNumber.objects.filter(scheme="province.auxiliary"):
            text = vault.open(number.sealed, f"student_number.sealed:{number.person_id}:2")
            assert text[:4] == "0101"
            assert text[6:10] == tail + "0"
            found.setdefault(text[4:6], []).append(int(text[10:]))
    with transaction.atomic(), acting("intake"):
        last = {row.run: row.last for row in NumberCounter.objects.all()}
    assert sorted(found["26"]) == [5, 6, 7]
    assert sorted(found["25"]) == [1, 2, 3]
    assert sorted(last.values()) == [3, 3, 3, 3, 3, 7]


@pytest.mark.capability("C-COL-06")
def test_good_rows_go_first_and_faulty_ones_wait_for_repair(place: Place) -> None:
    """The day of a registrar: 200 children, 12 faulty rows; good ones first, four repaired by hand, the rest by book."""
    rows = body(200, place.org("a1").code)
    faulty = [
        (n * 16, key, typed)
        for n, (key, typed) in enumerate([("sex", "不详"), ("phone", "12"), ("class_no", "")] * 4)
    ]
    good = [list(row) for row in rows]
    for at, key, typed in faulty:
        put(rows, at, **{key: typed})
    index = names()
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, book(rows), "新生.xlsx")
        assert (batch.counts["ok"], batch.counts["error"]) == (188, 12)
        result = commands.publish(actor, batch.id, expected=188)
        assert (result.published, result.left) == (188, 12)
        assert fresh(batch).state == BatchState.CHECKED
        for at, key, _typed in faulty[:4]:
            row = commands.edit_row(actor, batch.id, at + 2, {key: str(good[at][index[key]])})
            assert row.state == "ok"
        import io

        import openpyxl

        returned = openpyxl.load_workbook(io.BytesIO(commands.error_book(actor, batch.id)))
        sheet = returned.active
        head = [cell.value for cell in sheet[1]]
        assert sheet.max_row == 9
        for line in range(2, sheet.max_row + 1):
            number = int(sheet.cell(line, head.index("行号") + 1).value)
            _at, key, _typed = next(f for f in faulty if f[0] + 2 == number)
            label = sheets.header()[index[key]]
            sheet.cell(line, head.index(label) + 1, str(good[number - 2][index[key]]))
        buffer = io.BytesIO()
        returned.save(buffer)
        assert commands.correct(actor, batch.id, buffer.getvalue(), "错误清单.xlsx") == 8
        assert fresh(batch).counts["ok"] == 12
        assert commands.publish(actor, batch.id).published == 12
        assert fresh(batch).state == BatchState.PUBLISHED
        assert fresh(batch).counts["published"] == 200
        with pytest.raises(IntakeError):
            commands.publish(actor, batch.id)
    with seeing_all():
        assert Roster.objects.filter(school_id=place.org("a1").pk).count() == 200


def test_repair_of_one_twin_clears_the_other(place: Place) -> None:
    rows = body(4, place.org("a1").code)
    index = names()
    own = str(rows[1][index["id_number"]])
    put(rows, 1, **{k: rows[0][index[k]] for k in ("id_number", "birth_date", "sex")})
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, book(rows), "名单.xlsx")
        assert batch.counts["duplicate"] == 2
        sex = "男" if int(own[16]) % 2 else "女"
        commands.edit_row(actor, batch.id, 3, {"id_number": own, "birth_date": own[6:14], "sex": sex})
        assert fresh(batch).counts["ok"] == 4


@pytest.mark.capability("C-NUM-13")
def test_a_child_recorded_since_the_check_stops_the_publication(place: Place) -> None:
    batch_id = ready(place, 6)
    index = names()
    number = str(body(6, place.org("a1").code)[2][index["id_number"]])
    born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    enrol(place, "b1", name="李先到", identity=number, birth=born, sex="1" if int(number[16]) % 2 else "2")
    with act_as(place.user("registrar", "a1")) as actor:
        with pytest.raises(PublishConflict) as refused:
            commands.publish(actor, batch_id)
        assert refused.value.rows == [4]
        assert "第 4 行" in refused.value.message
        batch = queries.batch(actor, batch_id)
        assert (batch.counts["ok"], batch.counts["duplicate"]) == (5, 1)
        assert commands.publish(actor, batch_id).published == 5


def test_publication_is_in_the_audit_with_its_digest(place: Place) -> None:
    from xueji.ground.audit.models import AuditEntry

    batch_id = ready(place, 5)
    with act_as(place.user("registrar", "a1")) as actor:
        commands.publish(actor, batch_id)
        who = actor.user_id
    with transaction.atomic(), acting("audit"):
        entry = AuditEntry.objects.get(action="intake.publish", object_id=str(batch_id))
        uploads = AuditEntry.objects.filter(action="intake.upload", object_id=str(batch_id))
        assert uploads.count() == 1
    assert (entry.user_id, entry.row_count, entry.after["published"]) == (who, 5, 5)
    assert len(bytes(entry.digest)) == 32


def test_another_school_finds_no_such_batch(place: Place) -> None:
    batch_id = ready(place, 3)
    with act_as(place.user("registrar", "a2")) as actor:
        assert queries.batches(actor) == []
        for attempt in (
            lambda: queries.batch(actor, batch_id),
            lambda: queries.row(actor, batch_id, 2),
            lambda: commands.publish(actor, batch_id),
            lambda: commands.edit_row(actor, batch_id, 2, {"name": "张三"}),
            lambda: commands.correct(actor, batch_id, book([]), "x.xlsx"),
            lambda: commands.discard(actor, batch_id),
            lambda: commands.error_book(actor, batch_id),
        ):
            with pytest.raises(Http404):
                attempt()
        with pytest.raises(IntakeError):
            commands.upload(actor, b"x", "x.xlsx", school_id=place.org("a1").pk)


@pytest.mark.parametrize("role", ["class_teacher", "school_head", "county_clerk", "parent", "system_admin"])
def test_only_registrars_import(place: Place, role: str) -> None:
    where = {"county_clerk": "a", "parent": "", "system_admin": "province"}.get(role, "a1")
    batch_id = ready(place, 2)
    with act_as(place.user(role, where)) as actor:
        for attempt in (
            lambda: commands.upload(actor, b"x", "x.xlsx"),
            lambda: commands.publish(actor, batch_id),
            lambda: commands.edit_row(actor, batch_id, 2, {}),
        ):
            with pytest.raises(PermissionDenied):
                attempt()


def test_staging_is_closed_to_the_application(place: Place) -> None:
    ready(place, 2)
    with act_as(place.user("registrar", "a1")), pytest.raises(DatabaseError), transaction.atomic():
        StagedRow.objects.count()
    with pytest.raises(DatabaseError), transaction.atomic(), acting("writer"):
        StagedRow.objects.count()


def test_number_of_statements_does_not_grow_with_the_rows(place: Place) -> None:
    taken: list[tuple[int, int]] = []
    for n, start in ((12, 0), (120, 600), (1_000, 6_000)):
        with act_as(place.user("registrar", "a1")) as actor:
            data = book(body(n, place.org("a1").code, start=start))
            with CaptureQueriesContext(connection) as checked:
                batch = commands.upload(actor, data, "名单.xlsx", inline=True)
            assert batch.counts["ok"] == n
            with CaptureQueriesContext(connection) as published:
                commands.publish(actor, batch.id)
        taken.append((len(checked), len(published)))
    assert taken[0] == taken[1] == taken[2]
    assert taken[0][0] <= 60
    assert taken[0][1] <= 60


def test_a_given_up_batch_leaves_nothing_in_staging(place: Place) -> None:
    batch_id = ready(place, 3)
    with act_as(place.user("registrar", "a1")) as actor:
        commands.discard(actor, batch_id)
        assert queries.batch(actor, batch_id).state == BatchState.DISCARDED
        with pytest.raises(IntakeError):
            commands.discard(actor, batch_id)
    with transaction.atomic(), acting("intake"):
        assert not StagedRow.objects.filter(batch_id=batch_id).exists()


# --- with real commits ---------------------------------------------------------------------------------------


@pytest.fixture
def committed(own_database: str) -> Place:
    """A county in a database of its own, where transactions really end."""
    return make_county()


def counts(owner: psycopg.Connection) -> dict[str, int]:
    """Rows of every table that a publication writes."""
    return {
        t._meta.db_table: owner.execute(f"select count(*) from {t._meta.db_table}").fetchone()[0]  # type: ignore[index]
        for t in (*TABLES, Guardian, CubeDelta, NumberCounter)
    }


@pytest.mark.capability("C-NUM-13")
def test_two_registrars_publish_the_same_children_at_once(
    committed: Place, as_owner: psycopg.Connection
) -> None:
    rows = body(40, committed.org("a1").code)
    other = body(40, committed.org("b1").code)
    batch_ids = {}
    for school, sheet in (("a1", rows), ("b1", other)):
        with act_as(committed.user("registrar", school)) as actor:
            batch_ids[school] = commands.upload(actor, book(sheet), "名单.xlsx", inline=True).id
    with transaction.atomic(), acting("intake"):
        ImportBatch.objects.filter(pk__in=batch_ids.values()).update(state=BatchState.PUBLISHING)
    start = threading.Barrier(2)
    results: dict[str, Any] = {}

    def work(school: str) -> None:
        try:
            start.wait(10)
            commands.publish_for(batch_ids[school], committed.user("registrar", school).pk, 0, "127.0.0.1")
            with act_as(committed.user("registrar", school)) as actor:
                results[school] = queries.batch(actor, batch_ids[school])
        except Exception as error:
            results[school] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(school,)) for school in batch_ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    states = sorted(b.state for b in results.values())
    assert states == [BatchState.CHECKED, BatchState.PUBLISHED]
    loser = next(b for b in results.values() if b.state == BatchState.CHECKED)
    assert "刚刚已由其他人建立学籍" in loser.problem
    assert loser.counts["duplicate"] == 40
    assert set(counts(as_owner).values()) >= {40}
    assert as_owner.execute("select count(*), count(distinct person_id) from person").fetchone() == (40, 40)
    assert as_owner.execute("select count(*) from identity_lookup").fetchone() == (40,)


def test_a_publication_that_is_killed_leaves_nothing_by_half(
    committed: Place, as_owner: psycopg.Connection
) -> None:
    batch_id = ready(committed, 30)
    before = counts(as_owner)
    assert set(before.values()) == {0}
    outcome: list[BaseException] = []

    def work() -> None:
        try:
            with act_as(committed.user("registrar", "a1")) as actor:
                commands.publish(actor, batch_id)
        except BaseException as error:
            outcome.append(error)
        finally:
            connection.close()

    # The rosters are held, so that the publication stands still after most of its work.
    with as_owner.transaction(), cluster().connect() as admin:
        as_owner.execute("lock table roster in exclusive mode")
        thread = threading.Thread(target=work)
        thread.start()
        killed = None
        deadline = time.monotonic() + 120
        while killed is None and time.monotonic() < deadline:
            killed = admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s"
                " and wait_event_type = 'Lock' and query ilike 'insert into roster%%'",
                [as_owner.info.dbname],
            ).fetchone()
    thread.join(120)
    assert killed == (True,)
    assert isinstance(outcome[0], DatabaseError)
    assert counts(as_owner) == before
    with act_as(committed.user("registrar", "a1")) as actor:
        assert commands.publish(actor, batch_id).published == 30
    after = counts(as_owner)
    assert after["person"] == after["roster"] == after["event"] == 30


def test_a_big_file_takes_the_way_of_two_processes_and_comes_to_the_same(
    committed: Place, as_owner: psycopg.Connection
) -> None:
    rows = body(2_500, committed.org("a1").code)
    for at in range(0, 2_500, 250):
        put(rows, at, phone="12")
    data = book(rows)
    with act_as(committed.user("registrar", "a1")) as actor:
        first = commands.upload(actor, data, "名单.xlsx", inline=False)
        assert first.state == BatchState.UPLOADED
    commands.run_check(first.id, big=0)
    with act_as(committed.user("registrar", "a1")) as actor:
        batch = queries.batch(actor, first.id)
        assert (batch.counts["total"], batch.counts["ok"], batch.counts["error"]) == (2_500, 2_490, 10), (
            batch.problem
        )
        assert commands.publish(actor, first.id).published == 2_490
    assert as_owner.execute(
        "select count(distinct bidx) from number_lookup where scheme = 'national'"
    ).fetchone() == (2_490,)
