"""Queued views: cheap, seen at once by who may ask, taken in once, in order, and lost by no clean way out."""

from __future__ import annotations

import threading
import uuid

import psycopg
import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.test import Client
from tests.children import enrol
from tests.helpers import act_as, link_child, login, make_county, seeing_all

from xueji.ground.audit import sealing, verify
from xueji.ground.audit.commands import Who, changed, flush, note, record
from xueji.ground.audit.looks import looks_at
from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting

WHO = Who(7, "张老师", "registrar", None, "127.0.0.1")


def _entries(**by: object) -> list[AuditEntry]:
    with seeing_all(), acting("audit"):
        return list(AuditEntry.objects.filter(**by).order_by("id"))


@pytest.mark.django_db
def test_a_view_is_one_statement_and_is_taken_in_once() -> None:
    with transaction.atomic():
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as asked:
            note(WHO, "people.view", object_type="person", object_id="x", person_id=uuid.uuid4())
        assert len(asked) == 1
        assert flush() == 1
        assert flush() == 0
    (entry,) = _entries(action="people.view")
    assert (entry.user_name, entry.role, entry.address, entry.row_count) == (
        "张老师",
        "registrar",
        "127.0.0.1",
        1,
    )


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["app", "writer", "intake", "audit"])
@pytest.mark.parametrize("statement", ["delete from audit_queued", "insert into audit_queued default values"])
def test_no_role_touches_what_waits(role: str, statement: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as c:
        if role != "app":
            c.execute(f"set local role xueji_{role}")
        c.execute(statement)


@pytest.mark.capability("C-SEC-04")
@pytest.mark.django_db
def test_the_family_learns_at_once_who_looked(client: Client) -> None:
    """A clerk opens a child's page; the mother opens hers a second later and reads who it was, from which school, and
    what for; the mother of another child reads nothing."""
    place = make_county()
    child = enrol(place, "a1")
    parent = place.user("parent")
    link_child(parent, child)
    login(client, place.user("registrar", "a1"))
    assert client.get(f"/students/{child}/").status_code == 200
    assert client.post(f"/people/{child}/reveal/?what=identity", {"purpose": "核对证件"}).status_code in (
        200,
        404,
    )
    with act_as(parent) as actor:
        looks = looks_at(actor, child)
        assert [x.org_name for x in looks if x.kind == "look"] == ["青禾县第一小学"]
        assert looks_at(actor, uuid.uuid4()) == []
    with act_as(place.user("school_head", "a1")) as actor:
        assert looks_at(actor, child)
    with act_as(place.user("school_head", "c1")) as actor:
        assert looks_at(actor, child) == []
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(PermissionDenied):
        looks_at(actor, child)


@pytest.mark.django_db
def test_whom_a_list_showed_is_found_by_the_person(client: Client) -> None:
    place = make_county()
    child, other = enrol(place, "a1"), enrol(place, "a1", name="李小红", sex="2")
    login(client, place.user("registrar", "a1"))
    assert client.get("/students/").status_code == 200
    (entry,) = _entries(action="enrolment.list")
    assert set(entry.person_ids or []) == {child, other}
    assert entry.row_count == 2


@pytest.mark.django_db
def test_a_refused_look_is_entered_though_the_request_was_undone(client: Client) -> None:
    place = make_county()
    child = enrol(place, "a1")
    login(client, place.user("registrar", "c1"))
    assert client.get(f"/students/{child}/").status_code == 404
    assert client.get("/audit/").status_code == 403
    flush()
    assert [e.action for e in _entries(action__endswith=".refused")] == ["enrolment.refused", "audit.refused"]
    assert _entries(action="enrolment.refused")[0].person_id == child


@pytest.mark.django_db
def test_sealed_values_leave_only_a_digest_that_tells_equal_from_changed() -> None:
    once = changed(
        {"name": "甲", "same": 1}, {"name": "乙", "same": 1}, {"phone": ("13900000001", "13900000002")}
    )
    again = changed({}, {}, {"phone": ("13900000002", None), "id": ("x", "x")})
    assert once["before"]["name"] == "甲"
    assert "same" not in once["before"]
    assert "139" not in str(once) and once["before"]["phone"] != once["after"]["phone"]
    assert again["before"]["phone"] == once["after"]["phone"]
    assert "id" not in again["after"]


def test_under_load_every_entry_is_sealed_exactly_once_and_nobody_waits(
    own_database: str, as_owner: psycopg.Connection
) -> None:
    """Eight writers, long and short transactions, roll-backs and queued views, while two sealers run: every committed
    entry ends in exactly one seal, the chain holds, and a writer inside its transaction is never waited for."""
    writers, each = 8, 25
    stop = threading.Event()
    faults: list[BaseException] = []

    def write(number: int) -> None:
        try:
            for n in range(each):
                try:
                    with transaction.atomic():
                        record(WHO, "accounts.unlock", object_id=f"{number}:{n}")
                        if n % 5 == 0:
                            record(WHO, "accounts.unlock", object_id=f"{number}:{n}:b")
                        note(WHO, "people.view", object_id=f"{number}:{n}")
                        if n % 7 == 3:
                            raise KeyError
                except KeyError:
                    continue
        except BaseException as error:
            faults.append(error)
        finally:
            connection.close()

    def sealer() -> None:
        try:
            while not stop.is_set():
                sealing.duty_alone()
        except BaseException as error:
            faults.append(error)
        finally:
            connection.close()

    with transaction.atomic():
        # A straggler: its entry has the lowest number and is committed last; sealers go on meanwhile.
        record(WHO, "accounts.unlock", object_id="straggler")
        threads = [threading.Thread(target=write, args=(n,)) for n in range(writers)]
        sealers = [threading.Thread(target=sealer) for _ in range(2)]
        for t in (*threads, *sealers):
            t.start()
        for t in threads:
            t.join(60)
            assert not t.is_alive(), "a writer waits"
        stop.set()
        for t in sealers:
            t.join(60)
            assert not t.is_alive(), "sealing waits for an open transaction"
        sealed = as_owner.execute(
            "select coalesce(sum(cardinality(entry_ids)), 0) from audit_seal"
        ).fetchone()
        assert sealed is not None
        assert sealed[0] > 0, "sealing waits for an open transaction"
    sealing.duty_alone()
    assert not faults, faults
    counts = as_owner.execute(
        "select (select count(*) from audit_entry), (select count(*) from (select unnest(entry_ids) from audit_seal) s),"
        " (select count(distinct i) from (select unnest(entry_ids) i from audit_seal) s),"
        " (select count(*) from audit_queued)"
    ).fetchone()
    assert counts is not None
    entries, members, distinct, waiting = counts
    assert entries == members == distinct
    assert waiting == 0
    lost = sum(1 for n in range(each) if n % 7 == 3)
    views = as_owner.execute("select count(*) from audit_entry where action = 'people.view'").fetchone()
    assert views == (writers * (each - lost),)
    with as_owner.cursor() as c:
        assert verify.first_break(c) is None
