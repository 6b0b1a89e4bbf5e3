"""Emergency access: one child, a stated reason, a short time, both heads told; and what cannot be done with it."""

from __future__ import annotations

import re
import uuid
from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.http import Http404
from django.test import Client
from django.utils import timezone
from tests.children import enrol, id_number
from tests.helpers import Place, act_as, login, make_county, seeing_all

from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.registry.charge import commands
from xueji.registry.charge.errors import ChargeError
from xueji.registry.charge.models import EmergencyGrant, EmergencyLook, EmergencyTry
from xueji.registry.people import commands as people

pytestmark = pytest.mark.django_db
BORN = date(2019, 3, 9)
REASON = "孩子在车站走失, 派出所请求核实家长电话"


@pytest.fixture
def place() -> Place:
    return make_county()


@pytest.fixture
def number() -> str:
    return id_number(BORN, "1")


@pytest.fixture
def child(place: Place, number: str) -> uuid.UUID:
    """A child of c1, in another city than the registrar of a1."""
    return enrol(place, "c1", name="宫羽裳", birth=BORN, identity=number)


def open_(place: Place, number: str, name: str = "宫羽裳", who: str = "registrar", at: str = "a1") -> int:
    with act_as(place.user(who, at)) as actor:
        grant = commands.find_and_open(actor, number=number, name=name, reason_kind="safety", reason=REASON)
    return grant.pk if grant else 0


def asked(number: str, name: str = "宫羽裳") -> dict[str, str]:
    return {"number": number, "name": name, "reason_kind": "safety", "reason": REASON}


@pytest.mark.capability("C-ROL-02")
def test_a_child_is_opened_looked_at_and_the_heads_of_both_sides_say_what_they_think(
    client: Client, place: Place, child: uuid.UUID, number: str
) -> None:
    """A registrar far away opens a lost child by number and name; she reads the family's telephone with the clock
    running, and nothing is editable; the child's head finds who, why and what on his home page and objects; the head
    of his county decides about the objection; her own head takes notice.
    """
    login(client, place.user("registrar", "a1"))
    assert client.get(f"/students/{child}/").status_code == 404
    found = client.post("/emergency/", asked(number))
    assert found.status_code == 302
    pk = int(found["Location"].split("/")[2])
    page = client.get(f"/emergency/{pk}/child/").content.decode()
    assert (
        "宫羽裳" in page and "紧急查阅, 只读" in page and "/edit/" not in page and "/cases/new/?" not in page
    )
    for tab in ("profile", "family", "numbers"):
        assert client.get(f"/emergency/{pk}/child/?tab={tab}").status_code == 200
    shown = client.post(f"/emergency/{pk}/reveal/?what=identity", {"purpose": "派出所核对"})
    assert number in shown.content.decode()
    assert client.post(f"/emergency/{pk}/reveal/?what=identity", {"purpose": ""}).status_code == 422
    # Only that page: everywhere else the child is as far as ever.
    assert client.get(f"/students/{child}/").status_code == 404
    assert client.post(f"/people/{child}/reveal/?what=identity", {"purpose": "派出所核对"}).status_code == 404

    theirs = login(Client(), place.user("school_head", "c1"))
    assert "紧急查阅</strong><small>1 次" in theirs.get("/").content.decode()
    told = theirs.get(f"/emergency/{pk}/").content.decode()
    assert REASON in told and place.user("registrar", "a1").display_name in told
    assert "家庭与监护人" in told and "完整信息" in told
    assert (
        theirs.post(f"/emergency/{pk}/answer/", {"answer": "object", "word": "学校没有接到通知"}).status_code
        == 303
    )
    assert "紧急查阅</strong><small>" not in theirs.get("/").content.decode()

    county = login(Client(), place.user("county_head", "c"))
    assert "紧急查阅</strong><small>1 次" in county.get("/").content.decode(), "the objection goes on"
    assert county.post(f"/emergency/{pk}/answer/", {"answer": "ack", "word": "情况属实"}).status_code == 303
    own = login(Client(), place.user("school_head", "a1"))
    assert "紧急查阅</strong><small>1 次" in own.get("/").content.decode()
    assert own.post(f"/emergency/{pk}/answer/", {"answer": "ack"}).status_code == 303

    with transaction.atomic(), acting("audit"):
        kept = AuditEntry.objects.filter(person_id=child, object_type="emergency", object_id=str(pk))
        assert {e.action for e in kept} >= {"emergency.open", "emergency.look", "emergency.object"}
        assert AuditEntry.objects.filter(
            action="people.identity.reveal", person_id=child, purpose__contains=f"紧急查阅 {pk}"
        ).exists()
    with seeing_all():
        assert EmergencyLook.objects.filter(grant_id=pk).count() == 6


@pytest.mark.capability("C-SEC-02")
def test_the_answer_does_not_tell_whether_a_child_exists(
    client: Client, place: Place, child: uuid.UUID, number: str
) -> None:
    near_number = id_number(BORN, "1")
    enrol(place, "a1", name="季无双", birth=BORN, identity=near_number)
    unknown = id_number(BORN, "1")
    login(client, place.user("registrar", "a1"))
    answers = set()
    for given in (
        asked(unknown),
        asked(number, "宫羽衣"),
        asked(near_number, "季无双"),
        asked("abc", "宫羽裳"),
    ):
        answer = client.post("/emergency/", given)
        assert answer.status_code == 422
        text = answer.content.decode()
        for typed in given.values():
            text = text.replace(typed, "")
        answers.add(re.sub(r"[0-9A-Za-z]{64}", "", text))  # the token against forged forms
    assert len(answers) == 1


def test_after_five_misses_even_the_right_words_are_answered_like_wrong_ones(
    place: Place, child: uuid.UUID, number: str
) -> None:
    for _n in range(5):
        assert not open_(place, number, "别人")
    assert not open_(place, number)
    with seeing_all():
        assert EmergencyTry.objects.count() == 6
    with connection.cursor() as c, transaction.atomic():
        c.execute("set local role xueji_writer")
        with pytest.raises(DatabaseError), transaction.atomic():
            c.execute("delete from emergency_try")


def test_another_account_is_not_hindered_and_roles_without_the_right_are_refused(
    place: Place, child: uuid.UUID, number: str
) -> None:
    for role, at in (
        ("class_teacher", "a1"),
        ("city_clerk", "city1"),
        ("parent", ""),
        ("security_admin", "province"),
    ):
        with pytest.raises(PermissionDenied):
            open_(place, number, who=role, at=at)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(ChargeError):
        commands.find_and_open(actor, number=number, name="宫羽裳", reason_kind="safety", reason="看看")
    assert open_(place, number, who="county_clerk", at="a")


# --- attacks -------------------------------------------------------------------------------------------------------


def test_the_time_ends_in_the_database(place: Place, child: uuid.UUID, number: str) -> None:
    pk = open_(place, number)
    me = place.user("registrar", "a1")
    with act_as(me) as actor:
        assert commands.look(actor, pk, "学籍") == child
    with connection.cursor() as c, transaction.atomic():
        c.execute("set local role xueji_writer")
        with pytest.raises(DatabaseError), transaction.atomic():
            c.execute("update emergency_grant set expires_at = expires_at + interval '1 hour'")
        with pytest.raises(DatabaseError), transaction.atomic():
            c.execute("update emergency_grant set person_id = gen_random_uuid()")
        with pytest.raises(DatabaseError), transaction.atomic():
            c.execute("delete from emergency_grant")
        c.execute("set local role none")
    gone = timezone.now() - timedelta(hours=3)
    with seeing_all():
        row = EmergencyGrant.objects.get(pk=pk)
        with pytest.raises(DatabaseError), transaction.atomic():  # never longer than a day
            EmergencyGrant.objects.create(
                **_copy(row), opened_at=timezone.now(), expires_at=timezone.now() + timedelta(hours=25)
            )
        old = EmergencyGrant.objects.create(
            **_copy(row), opened_at=gone, expires_at=gone + timedelta(hours=2)
        )
        later = EmergencyGrant.objects.create(
            **_copy(row),
            opened_at=timezone.now() + timedelta(hours=1),
            expires_at=timezone.now() + timedelta(hours=2),
        )
    with act_as(me) as actor:
        for other in (old.pk, later.pk):
            assert commands.look(actor, other, "学籍") is None
            with connection.cursor() as c:
                c.execute("select count(*) from person where person_id = %s", [child])
                assert c.fetchone()[0] == 0
        with pytest.raises(Http404):
            commands.reveal(actor, old.pk, "identity", "核对证件")


def _copy(row: EmergencyGrant) -> dict[str, object]:
    left = ("id", "opened_at", "expires_at")
    return {f.attname: getattr(row, f.attname) for f in row._meta.fields if f.attname not in left}


def test_a_grant_opens_this_child_to_this_account_and_nothing_else(
    place: Place, child: uuid.UUID, number: str
) -> None:
    cousin = enrol(place, "c1", name="宫羽衣")
    pk = open_(place, number)
    with act_as(place.user("registrar", "a1")) as actor:
        assert commands.look(actor, pk, "学籍") == child
        with connection.cursor() as c:
            c.execute("select person_id from person where person_id = any(%s)", [[child, cousin]])
            assert c.fetchall() == [(child,)]
    for role, at in (("registrar", "b1"), ("school_head", "a1"), ("registrar", "c1")):
        with act_as(place.user(role, at)) as other:
            with pytest.raises(Http404):
                commands.look(other, pk, "学籍")
            with connection.cursor() as c:
                c.execute("select xueji_open_emergency(%s)", [pk])
                assert c.fetchone()[0] is None
    # The next request of the holder starts without it.
    with act_as(place.user("registrar", "a1")), connection.cursor() as c:
        c.execute("select count(*) from person where person_id = %s", [child])
        assert c.fetchone()[0] == 0


def test_an_open_child_is_not_written_to(client: Client, place: Place, child: uuid.UUID, number: str) -> None:
    pk = open_(place, number)
    login(client, place.user("registrar", "a1"))
    assert client.get(f"/emergency/{pk}/child/").status_code == 200
    assert client.get(f"/students/{child}/edit/").status_code == 404
    assert client.post(f"/students/{child}/edit/?part=contact", {"postcode": "1"}).status_code == 404
    assert client.post(f"/cases/new/suspend/{child}/").status_code == 404
    assert client.post(f"/problems/report/{child}/", {"note": "x"}).status_code == 404
    assert client.post(f"/yearly/add/{child}/").status_code == 404
    assert client.post(f"/authorisations/?person={child}").status_code == 404
    # Even a command that is called inside the page's transaction finds no authorisation for a foreign child.
    with act_as(place.user("registrar", "a1")) as actor:
        commands.look(actor, pk, "学籍")
        with pytest.raises(PermissionDenied), transaction.atomic():
            people.set_profile(actor, child, {"postcode": "100000"})


def test_it_ends_when_it_is_ended_when_the_role_ends_and_when_the_promise_is_too_old(
    place: Place, child: uuid.UUID, number: str
) -> None:
    me = place.user("registrar", "a1")
    pk = open_(place, number)
    with act_as(me) as actor:
        commands.end(actor, pk)
    with act_as(me) as actor:
        assert commands.look(actor, pk, "学籍") is None
    pk = open_(place, number)
    with connection.cursor() as c, seeing_all():
        c.execute("update role_assignment set role = 'school_head' where user_id = %s", [me.pk])
    with act_as(me) as actor:
        assert commands.look(actor, pk, "学籍") is None


def test_nobody_answers_for_himself_and_others_do_not_see_it(
    client: Client, place: Place, child: uuid.UUID, number: str
) -> None:
    pk = open_(place, number, who="school_head")
    with act_as(place.user("school_head", "a1")) as head, pytest.raises(PermissionDenied):
        commands.answer(head, pk, objects=False)
    login(client, place.user("school_head", "b1"))
    assert client.get(f"/emergency/{pk}/").status_code == 404
    assert client.post(f"/emergency/{pk}/answer/", {"answer": "ack"}).status_code == 404
