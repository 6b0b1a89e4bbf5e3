"""我的数据: all that is held, why, how long, who looked; a copy at once; the copy at the counter.

Journey: a parent opens 我的数据 on the phone, sees every group with its reason and who looked, types the password once more
and has a zip with JSON, a page and checksums; a grandmother without a phone gets the same at the school's window, after her
paper was checked, and signs the receipt.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from tests.children import enrol, id_number
from tests.helpers import PASSWORD, Place, act_as, give_role, link_child, login, make_county

from xueji.ground.accounts.models import User
from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.registry.family import guardianship, requests, sight
from xueji.registry.people.commands import NewGuardian, reveal

pytestmark = pytest.mark.django_db
FATHERS, MOTHERS = "13900001111", "13900002222"


class World:
    """A child with two guardians who have accounts, and one of its own."""

    def __init__(self, years: int = 9) -> None:
        self.place: Place = make_county()
        birth = sight.birthday(timezone.localdate() - timedelta(days=40), -years)
        self.number = id_number(birth, "1", serial=88)
        self.person = enrol(
            self.place,
            name="欧阳娜娜",
            birth=birth,
            identity=self.number,
            guardians=[
                NewGuardian(name="欧阳锋", relation="51", sealed={"phone": FATHERS}),
                NewGuardian(name="张兰", relation="52", sealed={"phone": MOTHERS, "address": "云梦路7号"}),
            ],
            profile={"blood_type": "1", "phone": "13600003333", "current_address": "云梦路7号院3栋"},
        )
        self.father, self.child = self.place.user("parent"), self.place.user("student")
        with transaction.atomic(), acting("writer"):
            self.mother = User.objects.create(username="mother", display_name="张兰", password="x")
        give_role(self.mother, "parent")
        link_child(self.father, self.person, 1)
        link_child(self.mother, self.person, 2)
        link_child(self.child, self.person, None)

    def limit(self, kind: str, guardian_no: int | None = 1) -> None:
        with act_as(self.place.user("registrar", "a1")) as actor:
            guardianship.put(
                actor,
                self.person,
                kind=kind,
                guardian_no=guardian_no,
                since=timezone.localdate(),
                paper="判决书1号",
            )


@pytest.fixture
def world() -> World:
    return World()


def unpack(answer: HttpResponse) -> dict[str, Any]:
    """The content of a copy, its checksums verified."""
    assert hashlib.sha256(answer.content).hexdigest() == answer.headers["X-Checksum-SHA256"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as z:
        assert z.testzip() is None
        for line in z.read("SHA256SUMS.txt").decode().splitlines():
            digest, name = line.split("  ")
            assert hashlib.sha256(z.read(name)).hexdigest() == digest
        found: dict[str, Any] = json.loads(z.read("data.json"))
        found["_page"] = z.read("data.html").decode()
    return found


@pytest.mark.capability("C-INF-07", page="/my/")
def test_everything_is_shown_by_group_with_its_reason_masked_and_who_looked(
    world: World, client: Client
) -> None:
    with act_as(world.place.user("registrar", "a1")) as actor:
        reveal(actor, world.person, "identity", "核对证件原件")
    login(client, world.father)
    text = client.get(f"/my/{world.person}/data/").content.decode()
    for words in (
        "身份",
        "家庭成员和监护人",
        "学籍",
        "办理过的业务",
        "同意记录",
        "您的账号",
        "依据什么保存",
        "看过隐私政策",
    ):
        assert words in text, words
    assert "个人信息保护法 13(3)" in text
    assert world.number not in text
    assert MOTHERS not in text
    assert "张*" in text
    assert "核对证件原件" in text
    assert "学籍管理员" in text
    # Who it was is the school's answer to a question, not a list of its staff.
    assert world.place.user("registrar", "a1").display_name not in text


@pytest.mark.capability("C-INF-07", page="/my/")
def test_the_copy_is_whole_for_the_child_and_masked_for_others(world: World, client: Client) -> None:
    login(client, world.father)
    url = f"/my/{world.person}/data/copy.zip"
    assert client.post(url, {"password": "falsch"}).status_code == 422
    answer = client.post(url, {"password": PASSWORD})
    assert answer.headers["Content-Type"] == "application/zip"
    assert "attachment" in answer.headers["Content-Disposition"]
    found = unpack(answer)
    assert found["个人"]["证件"][0]["号码"] == world.number
    assert found["个人"]["基本信息"]["联系电话"] == "13600003333"
    assert [g["电话"] for g in found["个人"]["家庭成员"]] == [FATHERS, "139****2222"]
    assert found["个人"]["家庭成员"][1]["姓名"] == "张*"
    assert found["学籍"][0]["学校"] == world.place.org("a1").name
    assert world.number in found["_page"]
    assert MOTHERS not in found["_page"]
    with transaction.atomic(), acting("audit"):
        entry = AuditEntry.objects.get(action="portal.copy")
        assert entry.after is not None
        assert entry.after["sha256"] == answer.headers["X-Checksum-SHA256"]
        assert bytes(entry.digest or b"").hex() == answer.headers["X-Checksum-SHA256"]


def test_what_a_court_keeps_back_is_not_in_page_nor_copy(world: World, client: Client) -> None:
    world.limit("protected", 2)
    login(client, world.father)
    page = client.get(f"/my/{world.person}/data/").content.decode()
    found = unpack(client.post(f"/my/{world.person}/data/copy.zip", {"password": PASSWORD}))
    for text in (page, json.dumps(found, ensure_ascii=False)):
        for secret in ("第一小学", "云梦路", MOTHERS, "139****2222", "13600003333", "136****3333", "一年级"):
            assert secret not in text, secret
    assert "不向您显示" in page
    assert found["说明"]


def test_the_page_of_somebody_elses_child_does_not_exist(world: World, client: Client) -> None:
    other = enrol(world.place, name="别家子")
    login(client, world.father)
    assert client.get(f"/my/{other}/data/").status_code == 404
    assert client.post(f"/my/{other}/data/copy.zip", {"password": PASSWORD}).status_code == 404
    assert client.post(f"/my/{other}/data/copy.zip", {"password": "x"}).status_code == 404


@pytest.mark.capability("C-ROL-10", page="/students/")
def test_the_copy_at_the_counter_takes_a_paper_and_leaves_a_receipt(world: World, client: Client) -> None:
    login(client, world.place.user("registrar", "a1"))
    url = f"/students/{world.person}/copy/"
    seen = {"subject": "guardian", "name": "张兰", "paper": "id_card", "number": "990101198001011234"}
    assert client.post(url, {"who": "2"}).status_code == 422
    assert client.post(url, seen | {"who": "9"}).status_code == 422
    found = unpack(client.post(url, seen | {"who": "2"}))
    assert [g["电话"] for g in found["个人"]["家庭成员"]] == ["139****1111", MOTHERS]
    page = client.get(url).content.decode()
    assert "990101198001011234" not in page
    receipt = page.split(f'href="{url}')[1].split('"')[0]
    text = client.get(url + receipt).content.decode()
    assert "来人签字" in text
    assert "张兰" in text


def test_whom_a_court_keeps_out_gets_no_copy_at_the_counter(world: World, client: Client) -> None:
    world.limit("court_all", 1)
    login(client, world.place.user("registrar", "a1"))
    seen = {
        "subject": "guardian",
        "name": "欧阳锋",
        "paper": "id_card",
        "number": "990101198001011234",
        "who": "1",
    }
    answer = client.post(f"/students/{world.person}/copy/", seen)
    assert answer.status_code == 422
    assert "限制查阅" in answer.content.decode()


def test_only_the_registrar_of_the_childs_school_hands_copies_out(world: World, client: Client) -> None:
    for role, where, status in (
        ("registrar", "a2", 404),
        ("school_head", "a1", 403),
        ("class_teacher", "a1", 403),
    ):
        login(client, world.place.user(role, where))
        assert client.get(f"/students/{world.person}/copy/").status_code == status


def test_a_request_to_delete_what_the_law_orders_is_told_why(world: World, client: Client) -> None:
    login(client, world.father)
    form = client.get(f"/my/{world.person}/request/?kind=delete").content.decode()
    assert '<option value="delete" selected>' in form
    answer = client.post(
        f"/my/{world.person}/request/",
        {"kind": "delete", "field": "address", "words": "不想留住址", "wanted": ""},
        follow=True,
    )
    assert "第四十七条" in answer.content.decode()
    with act_as(world.father) as actor:
        (row,) = requests.of_child(world.person)
        assert (row.kind, actor.role) == ("delete", "parent")
    login(client, world.place.user("registrar", "a1"))
    assert "第十三条第三项" in client.get(f"/requests/{row.pk}/").content.decode()
    assert requests.keeping("delete", "optional") == ""
    assert requests.keeping("correct", "address") == ""


def test_from_fourteen_a_pupil_asks_without_the_parents_knowing(client: Client) -> None:
    world = World(years=14)
    words = {"kind": "object", "field": "class", "words": "想和老师单独说", "wanted": "", "private": "on"}
    login(client, world.child)
    assert client.post(f"/my/{world.person}/request/", words).status_code == 302
    with act_as(world.child):
        assert len(requests.of_child(world.person)) == 1
    for user in (world.father, world.mother):
        with act_as(user):
            assert requests.of_child(world.person) == []
    with act_as(world.place.user("registrar", "a1")):
        assert [r.private for r in requests.of_child(world.person)] == [True]


def test_below_fourteen_the_box_is_not_there(client: Client) -> None:
    young = World(years=13)
    login(client, young.child)
    assert 'name="private"' not in client.get(f"/my/{young.person}/request/").content.decode()
    words = {"kind": "object", "field": "class", "words": "想和老师单独说", "wanted": "", "private": "on"}
    client.post(f"/my/{young.person}/request/", words)
    with act_as(young.father):
        assert [r.private for r in requests.of_child(young.person)] == [False]
