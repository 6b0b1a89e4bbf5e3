"""学校入网资格审查: until its authority has admitted a school nobody signs in there, and nobody is put on record."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from tests.helpers import PASSWORD, Place, give_role, login, make_county, password_hash, seeing_all

from xueji.ground.accounts.actor import enter
from xueji.ground.accounts.commands import SignInRefused, sign_in
from xueji.ground.accounts.models import User
from xueji.ground.accounts.roles import Role
from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import ENTRY_ITEMS, Org, School
from xueji.registry.intake import gates
from xueji.registry.intake import queries as intake
from xueji.registry.intake.errors import IntakeError

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def as_(place: Place, role: str, where: str) -> Client:
    return login(Client(), place.user(role, where))


def new_school(place: Place) -> tuple[Org, User]:
    """The administrator adds a school to county a; its registrar's account is opened."""
    admin = as_(place, "system_admin", "province")
    form = {
        "kind": "school", "code": "9901018888", "name": "青禾县新城小学", "stages": ["P"], "system": "6-3-3",
        "school_type": "211",
    }  # fmt: skip
    assert admin.post(f"/orgs/{place.org('a').pk}/new/", form).status_code == 302
    school = Org.objects.get(code="9901018888")
    assert "待审查" in text_of(admin.get(f"/orgs/{school.pk}/"))
    with seeing_all():
        user = User.objects.create(
            username=f"registrar.new{school.pk}",
            display_name="新校管理员",
            home_org=school,
            password=password_hash(),
        )
    give_role(user, Role.REGISTRAR, school)
    return school, user


@pytest.mark.capability("C-ORG-04", page="/orgs/entries/{id}/")
def test_nobody_works_at_a_new_school_until_its_authority_has_admitted_it(place: Place) -> None:
    """The administrator adds a school; the county head finds it waiting and looks at every item before he admits it.

    Until then its registrar cannot sign in and nobody can be put on record there. Suspended, the school's people are out
    with their next click; resumed, they go on. Every decision stays with who, when and why.
    """
    school, user = new_school(place)
    with pytest.raises(SignInRefused, match="青禾县新城小学 还没有通过入网资格审查"):
        sign_in(user.username, PASSWORD, address="127.0.0.1")
    with transaction.atomic():
        assert enter(user.pk) is None
    with transaction.atomic(), acting("writer"), pytest.raises(IntakeError, match="没有入网"):
        gates.require_open(intake.school_facts(school.pk))

    head = as_(place, "county_head", "a")
    assert "学校入网审查" in text_of(head.get("/")) and "1 所学校" in text_of(head.get("/"))
    assert "青禾县新城小学" in text_of(head.get("/orgs/entries/", {"state": "asked"}))
    url = f"/orgs/entries/{school.pk}/"
    short = head.post(
        url, {"decision": "admit", "items": ["licence", "code"], "document": "县教批〔2026〕9号"}
    )
    assert short.status_code == 422
    assert "还没有勾选" in text_of(short) and "县教批〔2026〕9号" in short.content.decode()
    done = head.post(
        url, {"decision": "admit", "items": list(ENTRY_ITEMS), "document": "县教批〔2026〕9号"}, follow=True
    )
    assert "已处理: 同意入网" in text_of(done) and "县教批〔2026〕9号" in text_of(done)
    assert sign_in(user.username, PASSWORD, address="127.0.0.1").user_id == user.pk
    with transaction.atomic(), acting("writer"):
        gates.require_open(intake.school_facts(school.pk))
    registrar = login(Client(), user)
    assert registrar.get("/students/").status_code == 200

    assert head.post(url, {"decision": "suspend", "opinion": ""}).status_code == 422
    head.post(url, {"decision": "suspend", "opinion": "多次违规建籍, 限期整改"})
    assert registrar.get("/students/")["Location"].startswith("/login/")
    assert "已暂停" in text_of(head.get("/orgs/entries/", {"state": "suspended"}))
    assert head.post(url, {"decision": "admit", "items": list(ENTRY_ITEMS)}).status_code == 422, (
        "it was admitted"
    )
    again = text_of(head.post(url, {"decision": "resume", "opinion": "整改合格"}, follow=True))
    assert "多次违规建籍, 限期整改" in again and "恢复入网" in again
    assert login(Client(), user).get("/students/").status_code == 200
    with transaction.atomic(), acting("audit"):
        said = AuditEntry.objects.filter(action__startswith="orgs.entry.", object_id=str(school.pk))
        assert [a.action for a in said.order_by("at")] == [
            "orgs.entry.admit", "orgs.entry.suspend", "orgs.entry.resume",
        ]  # fmt: skip


def test_a_refused_school_can_be_reviewed_again(place: Place) -> None:
    school, user = new_school(place)
    head, url = as_(place, "county_head", "a"), f"/orgs/entries/{school.pk}/"
    head.post(url, {"decision": "refuse", "opinion": "没有办学许可证"})
    with seeing_all():
        assert School.objects.get(pk=school.pk).entry == "refused"
    with pytest.raises(SignInRefused):
        sign_in(user.username, PASSWORD, address="127.0.0.1")
    head.post(url, {"decision": "admit", "items": list(ENTRY_ITEMS)})
    assert sign_in(user.username, PASSWORD, address="127.0.0.1")


def test_whoever_works_elsewhere_too_enters_there_alone(place: Place) -> None:
    _school, user = new_school(place)
    give_role(user, Role.REGISTRAR, place.org("a1"))
    assert sign_in(user.username, PASSWORD, address="127.0.0.1")
    with transaction.atomic():
        actor = enter(user.pk)
        assert actor is not None and actor.org_id == place.org("a1").pk
        assert actor.others == (), "the school outside the network is not offered"


@pytest.mark.parametrize(
    ("role", "where", "code"),
    [
        ("county_head", "b", 404), ("city_head", "city1", 404), ("county_clerk", "a", 403), ("school_head", "a1", 403),
        ("system_admin", "province", 403),
    ],
)  # fmt: skip
def test_only_the_head_of_the_authority_in_charge_decides(
    place: Place, role: str, where: str, code: int
) -> None:
    url = f"/orgs/entries/{place.org('a1').pk}/"
    client = as_(place, role, where)
    assert client.get(url).status_code == code
    assert client.post(url, {"decision": "suspend", "opinion": "越权测试用语"}).status_code == code
    with seeing_all():
        assert School.objects.get(pk=place.org("a1").pk).entry == "admitted"
