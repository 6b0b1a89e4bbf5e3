"""A family asks to have data corrected or deleted, reads the answer, and may appeal once to the authority."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.test import Client
from django.utils import timezone
from tests.children import enrol
from tests.helpers import Place, act_as, link_child, login, make_county

from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.ground.policy.calendar import add_workdays
from xueji.ground.waiting import alone
from xueji.registry.changes.models import Case
from xueji.registry.family import guardianship, requests
from xueji.registry.family.errors import FamilyError
from xueji.registry.family.models import FamilyRequest, RequestState
from xueji.registry.people.commands import NewGuardian

pytestmark = pytest.mark.django_db
ASKED = {"kind": "correct", "field": "phone", "wanted": "0990-7770001", "words": "电话换了, 请更正"}


class World:
    """A child of a1, linked to the parent, and another child that is not."""

    def __init__(self) -> None:
        self.place: Place = make_county()
        self.person = enrol(
            self.place, name="欧阳娜娜", guardians=[NewGuardian(name="欧阳锋", relation="51", sealed={})]
        )
        self.other = enrol(self.place, name="别家子")
        self.parent = self.place.user("parent")
        link_child(self.parent, self.person)

    def ask(self, **more: str) -> FamilyRequest:
        with act_as(self.parent) as actor:
            return requests.ask(actor, self.person, **(ASKED | more))

    def answer(self, row: FamilyRequest, role: str = "registrar", where: str = "a1", **more: Any) -> None:
        with act_as(self.place.user(role, where)) as actor:
            requests.answer(actor, row.pk, **({"agreed": False, "reply": "与户口簿一致"} | more))

    def appeal(self, row: FamilyRequest) -> FamilyRequest:
        with act_as(self.parent) as actor:
            return requests.appeal(actor, row.pk, words="学校没有看新的材料")


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.capability("C-INF-07", page="/requests/")
def test_a_request_goes_from_the_phone_to_the_registrar_and_the_reply_comes_back(
    world: World, client: Client
) -> None:
    login(client, world.parent)
    page = f"/my/{world.person}/"
    assert f"{page}request/" in client.get(page).content.decode()
    answer = client.post(f"{page}request/", ASKED, follow=True).content.decode()
    due = add_workdays(timezone.localdate(), 15).isoformat()
    assert "学校办理中" in answer
    assert f"{due} 前答复" in answer

    login(client, world.place.user("registrar", "a1"))
    assert "/requests/" in client.get("/").content.decode().split("<main", 1)[1]
    listed = client.get("/requests/").content.decode()
    assert "欧阳娜娜" in listed
    assert due in listed
    with transaction.atomic(), acting("writer"):
        row = FamilyRequest.objects.get()
    opened = client.get(f"/requests/{row.pk}/").content.decode()
    assert "电话换了, 请更正" in opened
    assert f"/cases/new/correct/{world.person}/" in opened
    short = client.post(f"/requests/{row.pk}/", {"agreed": "yes", "reply": "好"})
    assert short.status_code == 422
    client.post(f"/requests/{row.pk}/", {"agreed": "yes", "reply": "电话已改为新号码"})
    assert "欧阳娜娜" not in client.get("/requests/").content.decode()
    assert "欧阳娜娜" in client.get("/requests/?tab=done").content.decode()

    login(client, world.parent)
    told = client.get(page).content.decode()
    assert "已更正" in told
    assert "电话已改为新号码" in told
    with transaction.atomic(), acting("audit"):
        deeds = AuditEntry.objects.filter(object_type="family_request", person_id=world.person)
        assert sorted(deeds.values_list("action", flat=True)) == ["family.answer", "family.ask"]


def test_what_was_typed_stays_when_something_is_missing(world: World, client: Client) -> None:
    login(client, world.parent)
    answer = client.post(f"/my/{world.person}/request/", ASKED | {"wanted": ""})
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "请写明正确的内容是什么" in text
    assert "电话换了, 请更正" in text
    with transaction.atomic(), acting("writer"):
        assert not FamilyRequest.objects.exists()


def test_a_key_field_leads_to_the_case_of_key_information_which_really_begins(
    world: World, client: Client
) -> None:
    row = world.ask(field="name", wanted="欧阳娜")
    login(client, world.place.user("registrar", "a1"))
    url = f"/cases/new/correct_key/{world.person}/"
    assert url in client.get(f"/requests/{row.pk}/").content.decode()
    assert client.post(url).status_code == 303
    with transaction.atomic(), acting("writer"):
        assert Case.objects.get(person_id=world.person).business == "correct_key"


@pytest.mark.capability("C-INF-07", page="/requests/")
def test_an_appeal_goes_to_the_county_once_and_comes_back_answered(world: World, client: Client) -> None:
    row = world.ask(kind="delete", field="photo", words="不同意保留照片")
    clerk = world.place.user("county_clerk", "a")
    login(client, clerk)
    assert client.get(f"/requests/{row.pk}/").status_code == 404
    with pytest.raises(FamilyError, match="申诉"):
        world.appeal(row)
    world.answer(row)
    assert world.appeal(row).state == RequestState.APPEALED
    with pytest.raises(FamilyError, match="只能申诉一次"):
        world.appeal(row)
    assert "欧阳娜娜" in client.get("/requests/").content.decode()
    assert "学校没有看新的材料" in client.get(f"/requests/{row.pk}/").content.decode()
    with pytest.raises(FamilyError):
        world.answer(row)
    client.post(f"/requests/{row.pk}/", {"agreed": "no", "reply": "照片是规定项目, 不能删"})
    login(client, world.parent)
    told = client.get(f"/my/{world.person}/").content.decode()
    assert "复核维持学校的答复" in told
    assert "照片是规定项目, 不能删" in told
    with pytest.raises(FamilyError):
        world.appeal(row)


def test_when_no_answer_comes_in_time_the_family_may_appeal(world: World, client: Client) -> None:
    row = world.ask()
    with transaction.atomic(), acting("writer"):
        FamilyRequest.objects.update(due_on=timezone.localdate() - timedelta(days=1))
    with act_as(world.place.user("registrar", "a1")) as actor:
        heap = alone(requests.waiting(actor))
        assert (heap.n, heap.late) == (1, True)
    login(client, world.parent)
    client.post(f"/my/requests/{row.pk}/appeal/", {"words": "过了期限没有答复"})
    with act_as(world.place.user("county_clerk", "a")) as actor:
        heap = alone(requests.waiting(actor))
        assert (heap.n, heap.late) == (1, False)


@pytest.mark.parametrize(
    ("role", "where", "error"),
    [
        ("registrar", "a2", Http404),
        ("county_clerk", "a", Http404),
        ("school_head", "a1", PermissionDenied),
        ("class_teacher", "a1", PermissionDenied),
        ("parent", "", PermissionDenied),
    ],
)
def test_only_the_school_that_was_asked_answers(
    world: World, role: str, where: str, error: type[Exception]
) -> None:
    row = world.ask()
    with pytest.raises(error):
        world.answer(row, role, where)


def test_a_family_asks_about_its_own_child_alone_and_not_without_end(world: World, client: Client) -> None:
    with act_as(world.parent) as actor, pytest.raises(Http404):
        requests.ask(actor, world.other, **ASKED)
    login(client, world.parent)
    assert client.get(f"/my/{world.other}/request/").status_code == 404
    for _n in range(requests.OPEN_AT_ONCE):
        world.ask()
    with pytest.raises(FamilyError, match="还有"):
        world.ask()


def test_another_familys_request_does_not_exist(world: World, client: Client) -> None:
    row = world.ask()
    link_child(world.place.user("student"), world.other, guardian_no=None)
    login(client, world.place.user("student"))
    assert client.get(f"/my/requests/{row.pk}/appeal/").status_code == 404
    assert client.post(f"/my/requests/{row.pk}/appeal/", {"words": "我来申诉一下"}).status_code == 404


@pytest.mark.capability("C-INF-07", "C-ROL-05")
def test_whom_a_court_keeps_from_the_school_asks_the_authority_and_learns_no_school(
    world: World, client: Client
) -> None:
    """A father from whom a court keeps the school opens the child on the phone and is told where to turn. He writes to the
    authority, which is not named; its clerk answers in writing, is told what not to write, and he reads it the same day."""
    with act_as(world.place.user("registrar", "a1")) as actor:
        guardianship.put(
            actor, world.person, kind="court_school", guardian_no=1, since=timezone.localdate(), paper="某法院(2026)1号"
        )  # fmt: skip
    login(client, world.parent)
    page = client.get(f"/my/{world.person}/").content.decode()
    assert "向主管部门书面提出" in page and "作出决定的法院" in page
    where = f"/my/{world.person}/request/"
    typed = {"kind": "copy", "field": "class", "wanted": "", "words": "要求查阅孩子的学籍变动"}
    page = client.post(where, typed, follow=True).content.decode()
    assert "已交给学校的主管部门" in page and "主管部门办理中" in page
    with act_as(world.parent):
        row = FamilyRequest.objects.get()
    assert (row.direct, row.state, row.appeal_org_id) == (
        True,
        RequestState.APPEALED,
        world.place.org("a").pk,
    )
    assert row.due_on == add_workdays(timezone.localdate(), 15)
    with act_as(world.place.user("registrar", "a1")) as actor:
        assert requests.listing(actor, waiting=True) == requests.listing(actor, waiting=False) == []
    login(client, world.place.user("county_clerk", "a"))
    office = client.get(f"/requests/{row.pk}/").content.decode()
    assert "答复里不要写学校" in office and "查阅或复制不向我显示的信息" in office
    client.post(f"/requests/{row.pk}/", {"agreed": "no", "reply": "法院决定期间不能提供, 其余内容可下载副本"})
    with act_as(world.place.user("registrar", "a1")) as actor:
        assert [r.pk for r in requests.listing(actor, waiting=False)] == [row.pk]
    login(client, world.parent)
    for path in ("/my/", f"/my/{world.person}/", f"/my/{world.person}/data/", where):
        page = client.get(path, follow=True).content.decode()
        assert "第一小学" not in page and "青禾县" not in page
    assert "其余内容可下载副本" in client.get(f"/my/{world.person}/").content.decode()
    assert "主管部门不同意" in client.get(f"/my/{world.person}/").content.decode()


def test_a_direct_request_is_for_those_alone_from_whom_the_school_is_withheld(world: World) -> None:
    words = {"kind": "copy", "field": "class", "wanted": "", "words": "要求查阅孩子的学籍变动"}
    with act_as(world.parent) as actor:
        with pytest.raises(Http404):
            requests.ask_authority(actor, world.person, **words)
        with pytest.raises(Http404):
            requests.ask_authority(actor, world.other, **words)
        with pytest.raises(FamilyError):
            requests.ask(actor, world.person, **words)
    with act_as(world.place.user("registrar", "a1")) as actor:
        with pytest.raises(PermissionDenied):
            requests.ask_authority(actor, world.person, **words)
        guardianship.put(
            actor, world.person, kind="court_school", guardian_no=1, since=timezone.localdate(), paper="某法院(2026)1号"
        )  # fmt: skip
    with act_as(world.parent) as actor:
        for _n in range(requests.OPEN_AT_ONCE):
            requests.ask_authority(actor, world.person, **words)
        with pytest.raises(FamilyError, match="没有答复"):
            requests.ask_authority(actor, world.person, **words)
    mother = world.place.user("student")
    link_child(mother, world.person, None)
    with act_as(mother) as actor:
        assert requests.of_child(world.person) == [], "not what the father asked of the authority"
        requests.ask(actor, world.person, **ASKED)
        assert len(requests.of_child(world.person)) == 1, "and he takes nobody's turn"
