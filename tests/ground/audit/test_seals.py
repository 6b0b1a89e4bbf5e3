"""The audit is append-only and sealed: whoever edits it is found out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from tests.helpers import act_as, login, make_county, seeing_all

from xueji.ground.audit import queries, verify
from xueji.ground.audit.commands import Who, record
from xueji.ground.audit.models import AuditEntry
from xueji.ground.audit.sealing import seal
from xueji.ground.db.scope import acting

WHO = Who(7, "张老师", "registrar", None, "127.0.0.1")


def _write(n: int = 3) -> None:
    with transaction.atomic():
        for i in range(n):
            record(
                WHO, "accounts.test", object_type="user", object_id=i, before={"a": 1.5}, after={"名": "值"}
            )


@pytest.mark.django_db
def test_each_entry_is_sealed_once_and_the_chain_holds() -> None:
    _write(3)
    assert seal(most=2) == 2
    assert seal(most=2) == 1
    _write(1)
    assert seal() == 1
    assert seal() == 0
    with transaction.atomic(), acting("audit"), connection.cursor() as c:
        assert verify.first_break(c) is None


@pytest.mark.django_db
def test_a_straggler_of_a_long_transaction_is_sealed_later() -> None:
    _write(3)
    with transaction.atomic(), acting("audit"):
        first, *rest = AuditEntry.objects.order_by("id")
        late = AuditEntry(**{f.attname: getattr(first, f.attname) for f in AuditEntry._meta.fields})
        late.pk = rest[-1].pk + 5
        late.save(force_insert=True)
    assert seal() == 4
    with transaction.atomic(), acting("audit"):
        late.pk = rest[-1].pk + 3
        late.save(force_insert=True)
    assert seal() == 1
    assert seal(timezone.now() + timedelta(days=1)) == 0


@pytest.mark.django_db
@pytest.mark.parametrize("statement", ["update audit_entry set action = 'x'", "delete from audit_entry"])
@pytest.mark.parametrize("role", ["app", "writer", "intake", "audit"])
def test_no_role_of_the_application_edits_the_audit(statement: str, role: str) -> None:
    _write(1)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as c:
        if role != "app":
            c.execute(f"set local role xueji_{role}")
        c.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_entry set action = 'x'",
        "delete from audit_seal",
        "truncate audit_entry",
        "truncate audit_seal",
    ],
)
def test_the_owner_is_refused_too(own_database: str, as_owner: psycopg.Connection, statement: str) -> None:
    _write(2)
    seal()
    with pytest.raises(psycopg.errors.RestrictViolation):
        as_owner.execute(statement)


@pytest.mark.capability("C-SEC-03")
@pytest.mark.parametrize(
    ("tamper", "how"),
    [
        (lambda c: c.execute("update audit_entry set action = 'x' where id = 2"), "changed"),
        (lambda c: c.execute("update audit_entry set after = '{}' where id = 2"), "changed"),
        (lambda c: c.execute("delete from audit_entry where id = 2"), "deleted"),
        (lambda c: c.execute("update audit_seal set entry_hashes = substr(entry_hashes, 1, 32)"), "seal"),
        (lambda c: c.execute("update audit_seal set day = day - 1"), "seal"),
        (
            lambda c: c.execute(
                "insert into audit_entry (at, user_name, role, address, action, object_type, object_id, purpose,"
                " row_count) values (now() - interval '2 hours', 'x', 'x', '', 'x', '', '', '', 1)"
            ),
            "unsealed",
        ),
    ],
)
def test_tampering_with_the_triggers_off_is_found(
    own_database: str, as_owner: psycopg.Connection, tamper: Callable[[psycopg.Connection], object], how: str
) -> None:
    _write(3)
    seal()
    for table in ("audit_entry", "audit_seal"):
        as_owner.execute(f"alter table {table} disable trigger user")
    tamper(as_owner)
    with as_owner.cursor() as c:
        found = verify.first_break(c)
    assert found is not None
    assert found.how == how
    if how in ("changed", "deleted"):
        assert found.entry_id == 2


def test_a_chain_made_anew_is_found_by_the_anchor(own_database: str, as_owner: psycopg.Connection) -> None:
    _write(3)
    seal()
    with as_owner.cursor() as c:
        c.execute("select id, sha256 from audit_seal")
        anchor = c.fetchone()
        as_owner.execute("alter table audit_entry disable trigger user")
        as_owner.execute("alter table audit_seal disable trigger user")
        as_owner.execute("update audit_entry set action = 'y'")
        as_owner.execute("delete from audit_seal")
        seal()
        assert verify.first_break(c) is None
        assert verify.first_break(c, (anchor[0], anchor[1])) is not None


@pytest.mark.django_db
def test_the_page_is_for_the_audit_administrator_alone(client) -> None:
    place = make_county()
    _write(2)
    for key, user in place.users.items():
        login(client, user)
        assert client.get("/audit/").status_code == (200 if key[0] == "audit_admin" else 403), key


@pytest.mark.django_db
def test_pages_name_no_pupil_and_show_no_values_of_pupils(client) -> None:
    place = make_county()
    person = place_person()
    with transaction.atomic():
        record(
            WHO, "people.name.change", person_id=person, before={"name": "王小明"}, after={"name": "王大明"}
        )
    with act_as(place.user("audit_admin", "province")) as actor:
        row = queries.entries(actor, queries.Filters(person=person.hex[:8])).rows[0]
    assert row.person == person.hex[:8]
    assert row.detail == "姓名"
    page = login(client, place.user("audit_admin", "province")).get("/audit/").content.decode()
    assert "王大明" not in page


def place_person():
    import uuid

    return uuid.uuid4()


@pytest.mark.django_db
def test_paging_by_key_reaches_every_entry_once() -> None:
    place = make_county()
    _write(7)
    seen: list[int] = []
    with act_as(place.user("audit_admin", "province")) as actor:
        after = None
        while True:
            page = queries.entries(actor, after=after, limit=3)
            seen += [r.id for r in page.rows]
            after = page.after
            if after is None:
                break
    with seeing_all(), acting("audit"):
        assert len(seen) == len(set(seen)) == AuditEntry.objects.count()
