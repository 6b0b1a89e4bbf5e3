"""A school asks, a family corrects on the phone and signs, teacher and school check, and only then it is on record."""

from __future__ import annotations

import base64
import io
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image, ImageDraw
from tests.children import enrol
from tests.helpers import Place, act_as, link_child, login, make_county, seeing_all

from xueji.registry.changes.models import Case
from xueji.registry.collect.models import Form, State, Task
from xueji.registry.enrolment.models import Event
from xueji.registry.people.commands import NewGuardian
from xueji.registry.people.models import PersonProfile

pytestmark = pytest.mark.django_db

PROFILE = {"phone": "13600001111", "home_address": "云梦路七号院三栋二单元", "only_child": "1"}


@pytest.fixture
def place() -> Place:
    return make_county()


def child(place: Place, name: str = "张小明", **more: Any) -> uuid.UUID:
    return enrol(
        place,
        name=name,
        profile=PROFILE,
        guardians=[
            NewGuardian("张大山", "1", sealed={"phone": "13900001234", "address": "云梦路七号院三栋二单元"})
        ],
        **more,
    )


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (400, 500), "#dddddd").save(buffer, "JPEG")
    return buffer.getvalue()


def signature() -> str:
    image = Image.new("RGBA", (640, 240), (0, 0, 0, 0))
    ImageDraw.Draw(image).line([(50, 200), (200, 40), (400, 180), (600, 60)], fill="black", width=6)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def as_(place: Place, role: str, where: str = "a1") -> Client:
    return login(Client(), place.user(role, where))


MUST = ("name", "sex", "birth_date", "phone", "home_address", "member1_phone", "member1_name")
FIELDS = dict.fromkeys(MUST, "must") | dict.fromkeys(("id_number", "only_child", "talents"), "may")


def begin(place: Place, scope: str = "school", **more: Any) -> Task:
    registrar = as_(place, "registrar")
    sent = {
        "title": "秋季信息核对",
        "purpose": "核对学籍信息是否准确",
        "scope": scope,
        "due_on": (timezone.localdate() + timedelta(days=10)).isoformat(),
        **{f"level_{k}": v for k, v in FIELDS.items()},
        **more,
    }
    page = registrar.post("/collect/new/", sent)
    assert page.status_code == 303, text(page)[:600]
    with seeing_all():
        return Task.objects.latest("id")


def form_of(task: Task, person: uuid.UUID) -> Form:
    with seeing_all():
        return Form.objects.get(task_id=task.pk, person_id=person)


@pytest.mark.capability("C-COL-01", page="/collect/{id}/")
@pytest.mark.capability("C-COL-03", page="/my/{person}/collect/{id}/")
@pytest.mark.capability("C-COL-12", page="/my/{person}/collect/{id}/sign/")
@pytest.mark.capability("C-COL-13", page="/collect/{id}/{person}/")
@pytest.mark.capability("C-COL-15")
@pytest.mark.capability("C-COL-17")
@pytest.mark.capability("C-COL-26")
def test_from_the_task_to_the_record(place: Place) -> None:
    """The registrar opens a task; the mother corrects a phone and the name, proves it with a picture and signs; the
    teacher accepts each difference, the head confirms: the phone is on record, the name is a case; nothing was before.
    """
    person = child(place)
    other = child(place, "李小红", number=2)
    link_child(place.user("parent"), person)
    task = begin(place, commitments=["guardian"])
    assert task.total == 2
    parent = as_(place, "parent", "")
    home = parent.get(f"/my/{person}/")
    assert "秋季信息核对" in text(home) and "未读" in text(home)
    address = f"/my/{person}/collect/{task.pk}/"
    page = parent.get(address)
    assert page.status_code == 200
    assert "核对学籍信息是否准确" in text(page) and "个人信息保护法" in text(page)
    assert "136****1111" in text(page) and "13600001111" not in page.content.decode()
    assert form_of(task, person).state == State.OPENED

    wrong = parent.post(address, {"to_phone": "1360000"})
    assert wrong.status_code == 422 and 'href="#id_to_phone"' in wrong.content.decode()
    kept = parent.post(
        address, {"to_phone": "13712345678", "to_name": "张晓明"}, headers={"HX-Request": "true"}
    )
    assert kept.status_code == 204
    assert form_of(task, person).sealed and b"13712345678" not in bytes(form_of(task, person).sealed or b"")
    again = parent.get(address)
    assert "已填 137****5678" in again.content.decode() and "13712345678" not in again.content.decode()
    assert parent.post(address, {"to_name": "张晓明"}).status_code == 303

    sign = address + "sign/"
    page = parent.get(sign)
    assert "张晓明" in text(page) and "监护责任承诺书" in text(page)
    said = {
        "declared": "1",
        "commitments": ["guardian"],
        "signature": signature(),
        "reason": "户口簿上是晓",
        "deed": "send",
    }
    assert "户口簿或身份证" in text(parent.post(sign, said))
    without = {
        **said,
        "signature": "",
        "proof": SimpleUploadedFile("hkb.jpg", picture()),
        "category": "household",
    }
    assert "手写签名" in text(parent.post(sign, without))
    assert "请勾选" in text(parent.post(sign, {**said, "declared": ""}))
    assert parent.post(sign, said).status_code == 303
    row = form_of(task, person)
    assert row.state == State.SENT and row.signed_how == "drawn" and row.promised == ["guardian"]
    assert [d["key"] for d in row.diff] == ["name", "phone"]
    assert "有差异" in text(parent.get(address))

    teacher = as_(place, "class_teacher")
    assert "秋季信息核对" in text(teacher.get("/"))
    board = teacher.get(f"/collect/{task.pk}/classes/{place.klass().pk}/")
    assert "张小明" in text(board) and "李小红" not in text(board) and "有差异" in text(board)
    one = f"/collect/{task.pk}/{person}/"
    page = teacher.get(one)
    assert "137****5678" in text(page) and "13712345678" not in page.content.decode()
    assert "data-paper=" in page.content.decode(), "the picture opens in place"
    file = re.search(r'data-paper="(/files/[^"]+)"', page.content.decode())
    assert file and teacher.get(file[1]).status_code == 200
    shown = teacher.post(f"{one}reveal/?key=phone", {"purpose": "核对证件"})
    assert "13712345678" in shown.content.decode()
    assert teacher.get(f"/collect/{task.pk}/{other}/").status_code == 404
    version = form_of(task, person).version
    lazy = teacher.post(f"{one}do/", {"deed": "check", "version": version, "mark_name": "yes"}, follow=True)
    assert "请逐项选择" in text(lazy)
    teacher.post(f"{one}do/", {"deed": "check", "version": version, "mark_name": "yes", "mark_phone": "yes"})
    assert form_of(task, person).state == State.CHECKED
    assert teacher.post(f"/collect/{task.pk}/confirm/", {"person": str(person)}).status_code == 403
    with act_as(place.user("registrar", "a1")) as actor:
        from xueji.registry.collect.held import held

        assert held(actor, [person])[person].values["phone"] == "13600001111", (
            "provisional until the school confirms"
        )

    head = as_(place, "school_head")
    assert "1 份待学校确认" in text(head.get("/"))
    page = head.get(f"/collect/{task.pk}/confirm/")
    assert "137****5678" in text(page)
    assert head.post(f"/collect/{task.pk}/confirm/", {"person": str(person)}).status_code == 302
    row = form_of(task, person)
    assert row.state == State.DONE and row.keys_wait
    with act_as(place.user("registrar", "a1")) as actor:
        now = held(actor, [person])[person].values
        assert now["phone"] == "13712345678" and now["name"] == "张小明"
    with seeing_all():
        event = Event.objects.filter(person_id=person, business="collect").get()
        assert "13712345678" not in str(event.detail) and "联系电话" in str(event.detail)
        assert PersonProfile.objects.get(person_id=person).data["only_child"] == "1"

    registrar = as_(place, "registrar")
    assert "关键信息更正" in text(registrar.get("/"))
    begun = registrar.post("/collect/keys/", {"person": str(person), "task": str(task.pk)})
    assert begun.status_code == 303 and begun["Location"].startswith("/cases/")
    with seeing_all():
        case = Case.objects.get(person_id=person, business="correct_key")
        assert case.form["new_name"] == "张晓明" and case.files.count() == 1
    row = form_of(task, person)
    assert row.sealed is None and row.case_id == case.case_id and not row.keys_wait
