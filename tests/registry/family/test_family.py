"""A school hands out codes; a family comes in with them, sees its child, and stops seeing it the day that it ends."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.test import Client
from django.utils import timezone
from tests.children import enrol, id_number
from tests.helpers import Place, act_as, login, make_county, seeing_all

from xueji.ground.accounts.models import PortalLink, User
from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.registry.family import commands, queries
from xueji.registry.family.errors import FamilyError
from xueji.registry.family.models import Invitation
from xueji.registry.people.commands.persons import NewGuardian

pytestmark = pytest.mark.django_db
PASSWORD = "Xin-mi-ma-2026"
ADDRESS = "198.51.100.7"


class World:
    """A county with one invited child."""

    def __init__(self) -> None:
        self.place: Place = make_county()
        self.number = id_number(timezone.localdate() - timedelta(days=2900), "1", serial=77)
        self.person = self.child("欧阳娜娜", self.number)
        self.klass = self.place.klass("a1", "P", 2026, 1)

    def child(self, name: str, number: str | None = None, **more: Any) -> uuid.UUID:
        birth = timezone.localdate() - timedelta(days=2900)
        kin = [NewGuardian(name="欧阳锋", relation="51"), NewGuardian(name="张兰", relation="52")]
        return enrol(self.place, "a1", name=name, birth=birth, identity=number, guardians=kin, **more)

    def slips(self, role: str = "registrar", **more: Any) -> list[commands.Slip]:
        with act_as(self.place.user(role, "a1")) as actor:
            return commands.issue(actor, self.klass.pk, [self.person], **more)

    def join(self, code: str, **other: str) -> str:
        given = {
            "code": code,
            "name": "欧阳娜娜",
            "last4": self.number[-4:],
            "username": "ouyang.feng",
            "password": PASSWORD,
            "address": ADDRESS,
        }
        return commands.join(**(given | other))


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.capability("C-ROL-05")
def test_a_parent_comes_in_with_the_code_and_sees_the_own_child_alone(world: World, client: Client) -> None:
    other = enrol(world.place, "a1", name="李四")
    slip, second = world.slips()
    assert (slip.for_whom, second.for_whom) == ("欧阳锋", "张兰")
    assert slip.code != second.code
    page = client.post(
        "/join/",
        {
            "code": slip.code.lower(),
            "name": "欧阳娜娜",
            "last4": world.number[-4:].lower(),
            "username": "Ouyang.Feng",
            "password": PASSWORD,
            "again": PASSWORD,
        },
    )
    assert page.status_code == 302
    with seeing_all():
        user = User.objects.get(username="ouyang.feng")
    login(client, user)
    assert client.get(f"/my/{world.person}/").status_code == 200
    assert client.get(f"/my/{other}/").status_code == 404
    with act_as(world.place.user("registrar", "a1")) as actor:
        found = queries.accesses(actor, world.person)
        assert [(a.name, a.open) for a in found] == [("欧阳锋", True)]
        assert [
            f.accounts for f in queries.of_class(actor, world.klass.pk) if f.row.person_id == world.person
        ] == [1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": "AAAAA AAAAA"},
        {"name": "欧阳娜"},
        {"last4": "0000"},
        {"last4": ""},
    ],
)
def test_whatever_is_wrong_the_answer_is_the_same(world: World, wrong: dict[str, str]) -> None:
    code = world.slips()[0].code
    with pytest.raises(FamilyError, match="邀请码、姓名和证件号末四位对不上"):
        world.join(**({"code": code} | wrong))
    with seeing_all():
        assert not User.objects.filter(username="ouyang.feng").exists()


def test_five_wrong_tries_end_a_code_even_for_whoever_knows_the_rest(world: World) -> None:
    code = world.slips()[0].code
    for n in range(commands.TRIES):
        with pytest.raises(FamilyError):
            world.join(code, last4=f"000{n}", address=f"198.51.100.{n}")
    with pytest.raises(FamilyError):
        world.join(code)


def test_an_address_that_tries_codes_out_is_stopped(world: World) -> None:
    code = world.slips()[0].code
    for n in range(commands.PER_ADDRESS):
        with pytest.raises(FamilyError):
            world.join(f"AAAAA AAA{n:02d}")
    with pytest.raises(FamilyError, match="10分钟"):
        world.join(code)
    assert world.join(code, address="198.51.100.99") == "ouyang.feng"


def test_a_code_works_once_and_within_its_days(world: World) -> None:
    slip, second = world.slips()
    world.join(slip.code)
    with pytest.raises(FamilyError):
        world.join(slip.code, username="ouyang.2")
    with acting("writer"):
        Invitation.objects.filter(used_at=None).update(expires_on=timezone.localdate() - timedelta(days=1))
    with pytest.raises(FamilyError):
        world.join(second.code, username="ouyang.3")


def test_a_new_code_ends_the_one_before_and_leaves_the_accounts(world: World) -> None:
    old = world.slips()[0].code
    new = world.slips()[0].code
    with pytest.raises(FamilyError):
        world.join(old)
    assert world.join(new) == "ouyang.feng"


def test_a_taken_user_name_or_a_weak_password_does_not_use_the_code_up(world: World) -> None:
    code = world.slips()[0].code
    with pytest.raises(FamilyError, match="已有人使用"):
        world.join(code, username=world.place.user("registrar", "a1").username)
    with pytest.raises(commands.ValidationError):
        world.join(code, password="123")
    with pytest.raises(FamilyError, match="不能用身份证号"):
        world.join(code, username=world.number.lower())
    assert world.join(code) == "ouyang.feng"


def test_the_code_is_nowhere_in_the_database_or_the_audit(world: World) -> None:
    code = world.slips()[0].code
    plain = code.replace(" ", "")
    with acting("writer"):
        assert bytes(Invitation.objects.order_by("pk")[0].code) != plain.encode()
    with transaction.atomic(), acting("audit"):
        texts = [
            f"{e.after}{e.purpose}{e.object_id}" for e in AuditEntry.objects.filter(action="family.invite")
        ]
    assert texts and not any(plain in t or code in t for t in texts)


@pytest.mark.parametrize(
    ("role", "school", "error"),
    [
        ("registrar", "a2", Http404),
        ("registrar", "b1", Http404),
        ("school_head", "a1", PermissionDenied),
        ("county_clerk", "a", PermissionDenied),
    ],
)
def test_only_the_childs_own_school_invites(
    world: World, role: str, school: str, error: type[Exception]
) -> None:
    with act_as(world.place.user(role, school)) as actor, pytest.raises(error):
        commands.issue(actor, world.klass.pk, [world.person])


def test_the_pupil_comes_in_with_a_code_of_its_own(world: World, client: Client) -> None:
    (slip,) = world.slips(pupils=True)
    world.join(slip.code, username="nana")
    with seeing_all():
        user = User.objects.get(username="nana")
    assert user.display_name == "欧阳娜娜"
    login(client, user)
    assert client.get(f"/my/{world.person}/").status_code == 200
    assert client.get("/my/add/").status_code == 200
    with act_as(user) as actor, pytest.raises(FamilyError, match="只有家长"):
        commands.add_child(actor, code=slip.code, name="欧阳娜娜", last4=world.number[-4:])


def test_a_second_child_joins_the_same_account(world: World) -> None:
    world.join(world.slips()[0].code)
    number = id_number(timezone.localdate() - timedelta(days=2900), "2", serial=78)
    second = world.child("欧阳小妹", number, sex="2")
    with act_as(world.place.user("registrar", "a1")) as actor:
        slip = commands.issue(actor, world.klass.pk, [second])[0]
    with seeing_all():
        user = User.objects.get(username="ouyang.feng")
    with act_as(user) as actor:
        assert commands.add_child(actor, code=slip.code, name="欧阳小妹", last4=number[-4:]) == second
    with act_as(user) as actor:
        assert set(actor.persons) == {world.person, second}


def test_an_account_stops_seeing_the_child_the_same_day(world: World, client: Client) -> None:
    world.join(world.slips()[0].code)
    with seeing_all():
        user = User.objects.get(username="ouyang.feng")
    login(client, user)
    assert client.get(f"/my/{world.person}/").status_code == 200
    link = _link(user)
    with act_as(world.place.user("registrar", "a1")) as actor:
        with pytest.raises(FamilyError, match="理由"):
            commands.end(actor, person_id=world.person, link_id=link.pk, reason="无")
        commands.end(actor, person_id=world.person, link_id=link.pk, reason="监护人变更, 见法院判决书")
    assert client.get(f"/my/{world.person}/").status_code == 404
    with act_as(world.place.user("registrar", "a1")) as actor, pytest.raises(Http404):
        commands.end(actor, person_id=world.person, link_id=link.pk, reason="再次停止查看")


def _link(user: User) -> PortalLink:
    with acting("writer"):
        return PortalLink.objects.get(user_id=user.pk)


def test_the_slips_are_shown_once_to_the_class_teacher(
    world: World, client: Client, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    login(client, world.place.user("registrar", "a1"))
    page = client.get(f"/classes/{world.klass.pk}/family/")
    assert "欧阳娜娜" in page.content.decode()
    shown = client.post(f"/classes/{world.klass.pk}/family/", {"who": "missing"}).content.decode()
    assert len(re.findall(r'xj-code">\w{5} \w{5}<', shown)) == 2
    with django_assert_max_num_queries(30):
        again = client.get(f"/classes/{world.klass.pk}/family/").content.decode()
    assert "xj-code" not in again


def test_the_slips_follow_the_order_of_the_class_and_name_the_address_that_the_outside_reaches(
    world: World, client: Client, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://xueji.example"
    second = world.child("阿一", id_number(timezone.localdate() - timedelta(days=2900), "1", serial=79))
    with act_as(world.place.user("registrar", "a1")) as actor:
        rows = [f.row for f in queries.of_class(actor, world.klass.pk)]
        wanted = [r.person_id for r in reversed(rows) if r.person_id in (second, world.person)]
        slips = commands.issue(actor, world.klass.pk, wanted)
    names = {r.person_id: r.name for r in rows}
    assert [s.name for s in slips] == [names[p] for p in wanted for _guardian in range(2)]
    login(client, world.place.user("registrar", "a1"))
    shown = client.post(f"/classes/{world.klass.pk}/family/", {"who": "missing"}).content.decode()
    assert "https://xueji.example/join/" in shown
    assert "testserver" not in shown
