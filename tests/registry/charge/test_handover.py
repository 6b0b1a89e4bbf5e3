"""Handing work to a successor."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from tests.children import enrol
from tests.helpers import SINCE, Place, act_as, login, make_county, seeing_all

from xueji.ground.accounts.models import RoleAssignment, User
from xueji.registry.charge.models import HandOver

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


@pytest.fixture
def child(place: Place) -> uuid.UUID:
    return enrol(place, "a1", name="季无双")


@pytest.fixture
def successor(place: Place) -> User:
    """A teacher of a1 without any class so far but a subject in another."""
    with seeing_all():
        user = User.objects.create(username="successor", display_name="接手的", home_org=place.org("a1"))
        RoleAssignment.objects.create(
            user=user, role="teacher", org=place.org("a1"), school_class=place.klass("a1", number=2),
            valid_from=SINCE,
        )  # fmt: skip
    return user


def role_of(user: User, role: str) -> int:
    with seeing_all():
        return RoleAssignment.objects.get(user=user, role=role).pk


@pytest.mark.capability("C-ROL-08")
def test_a_class_goes_to_a_new_teacher_today(
    client: Client, place: Place, child: uuid.UUID, successor: User
) -> None:
    """The registrar opens the old teacher's account, chooses successor and day; from that moment the old one sees
    nothing of the class and the new one all of it; the new one confirms the list, which is printed for signatures.
    """
    old = place.user("class_teacher", "a1")
    before, after = login(Client(), old), login(Client(), successor, role_of(successor, "teacher"))
    assert before.get(f"/students/{child}/").status_code == 200
    login(client, place.user("registrar", "a1"))
    assert f"/handover/new/{old.pk}/" in client.get(f"/accounts/{old.pk}/").content.decode()
    assert "接手的" in client.get(f"/handover/new/{old.pk}/").content.decode()
    sent = client.post(
        f"/handover/new/{old.pk}/",
        {
            "assignments": [role_of(old, "class_teacher")],
            "to_user": successor.pk,
            "day": timezone.localdate().isoformat(),
            "note": "产假",
        },
    )
    assert sent.status_code == 302
    pk = int(sent["Location"].split("/")[2])
    assert before.get(f"/students/{child}/").status_code in (302, 404), "the same day"
    after = login(Client(), successor, role_of(successor, "class_teacher"))
    assert after.get(f"/students/{child}/").status_code == 200
    home = after.get("/").content.decode()
    assert "移交给您的工作" in home
    page = after.get(f"/handover/{pk}/").content.decode()
    assert "在籍学生" in page and "确认接收" in page
    assert after.post(f"/handover/{pk}/confirm/", {"remark": "少一份花名册"}).status_code == 303
    with seeing_all():
        row = HandOver.objects.get(pk=pk)
        assert row.confirmed_at and row.remark == "少一份花名册"
        assert {i[0]: i[1] for i in row.items}["在籍学生"] == 1
    paper = client.get(f"/handover/{pk}/list.pdf")
    assert paper.content.startswith(b"%PDF")
    assert "移交给您的工作" not in after.get("/").content.decode()


@pytest.mark.capability("C-ROL-08")
def test_a_registrar_hands_over_on_a_later_day_with_drafts_and_imports(
    client: Client, place: Place, child: uuid.UUID, successor: User
) -> None:
    old = place.user("registrar", "a1")
    worker = login(Client(), old)
    assert worker.post(f"/cases/new/suspend/{child}/").status_code == 303
    login(client, place.user("county_clerk", "a"))
    day = timezone.localdate() + timedelta(days=7)
    sent = client.post(
        f"/handover/new/{old.pk}/",
        {"assignments": [role_of(old, "registrar")], "to_user": successor.pk, "day": day.isoformat()},
    )
    assert sent.status_code == 302
    assert worker.get("/students/").status_code == 200, "until the day before"
    with seeing_all():
        held = {r.user_id: r for r in RoleAssignment.objects.filter(org=place.org("a1"), role="registrar")}
        assert held[old.pk].valid_to == day - timedelta(days=1)
        assert held[successor.pk].valid_from == day
        items = {i[0]: i[1] for i in HandOver.objects.latest("pk").items}
        assert items["业务草稿"] == 1
        from xueji.registry.changes.models import Case

        assert Case.objects.get(person_id=child).creator_id == successor.pk


def test_only_whoever_manages_the_account_hands_over_and_only_inside_the_unit(
    client: Client, place: Place, successor: User
) -> None:
    old = place.user("class_teacher", "a1")
    given = {"assignments": [role_of(old, "class_teacher")], "to_user": successor.pk, "day": "2099-01-01"}
    login(client, place.user("registrar", "b1"))
    assert client.post(f"/handover/new/{old.pk}/", given).status_code == 404
    login(client, place.user("class_teacher", "a1"))
    assert client.post(f"/handover/new/{old.pk}/", given).status_code == 403
    login(client, place.user("registrar", "a1"))
    far = given | {"to_user": place.user("class_teacher", "b1").pk}
    assert client.post(f"/handover/new/{old.pk}/", far).status_code == 422
    # A registrar does not hand over what he may not give: the head's office.
    head = place.user("school_head", "a1")
    up = given | {"assignments": [role_of(head, "school_head")]}
    assert client.post(f"/handover/new/{head.pk}/", up).status_code in (403, 422)


def test_others_neither_read_nor_confirm_it(client: Client, place: Place, successor: User) -> None:
    old = place.user("class_teacher", "a1")
    with act_as(place.user("registrar", "a1")) as actor:
        from xueji.registry.charge import commands

        pk = commands.hand_over(
            actor,
            old.pk,
            to_id=successor.pk,
            assignments=[role_of(old, "class_teacher")],
            day=timezone.localdate(),
        ).pk
    for role, at in (("registrar", "b1"), ("school_head", "b1"), ("county_head", "b")):
        other = login(Client(), place.user(role, at))
        assert other.get(f"/handover/{pk}/").status_code == 404
        assert other.get(f"/handover/{pk}/list.pdf").status_code == 404
        assert other.post(f"/handover/{pk}/confirm/").status_code == 404
    mine = login(client, place.user("registrar", "a1"))
    assert mine.get(f"/handover/{pk}/").status_code == 200
    assert mine.post(f"/handover/{pk}/confirm/").status_code == 404
