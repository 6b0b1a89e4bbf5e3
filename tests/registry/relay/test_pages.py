"""The pages of both sides and of the system administrator, asked as a browser asks them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from tests.helpers import login
from tests.registry.changes.world import picture
from tests.registry.relay.two import (
    SLOTS,
    Installation,
    Network,
    begin,
    child_in,
    decide,
    fill_in,
    pass_all,
    send,
)

Two = tuple[Installation, Installation]


@contextmanager
def browser(side: Installation, role: str, where: str) -> Iterator[Client]:
    """Somebody of a side at his desk."""
    with side.on():
        yield login(Client(), side.place.user(role, where))


def text(answer: Any, *, status: int = 200) -> str:
    """What the page says."""
    assert answer.status_code == status, answer.content.decode()[:2000]
    return str(answer.content.decode())


def post(client: Client, path: str, data: dict[str, Any] | None = None) -> str:
    """Send a form and read the page that follows."""
    return text(client.post(path, data or {}, follow=True))


@pytest.mark.capability("C-TRF-07", page="/relay/")
def test_the_whole_way_by_the_pages_of_both_sides(sides: Two, network: Network) -> None:
    a, b = sides
    person, number = child_in(a)
    with browser(b, "registrar", "b1") as client:
        assert "从外省转入" in text(client.get("/relay/"))
        page = post(
            client,
            "/relay/new/",
            {"peer": b.peer().pk, "school_code": a.place.org("a1").code, "name": "赵小满", "number": number},
        )
        assert "正在查询" in page
    case_id = case_of(b)
    with browser(b, "registrar", "b1") as client:
        assert client.get(f"/relay/{case_id}/state/").status_code == 204
    network.settle()
    with browser(b, "registrar", "b1") as client:
        assert client.get(f"/relay/{case_id}/state/")["HX-Refresh"] == "true"
        page = text(client.get(f"/relay/{case_id}/"))
        assert "青禾县第一小学" in page
        assert "还没有选择编入的班级" in page
        assert "相关问题处理办法》" in page
        values = {
            "reason": "家庭住址变动",
            "to_class_id": b.place.klass("b1").pk,
            "effective_on": timezone.localdate().isoformat(),
            "then": "submit",
        }
        papers = {f"slot_{i}": SimpleUploadedFile(f"{slot}.jpg", picture()) for i, slot in enumerate(SLOTS)}
        page = post(client, f"/relay/{case_id}/save/", values | papers)
        assert "已提交" in page
        assert "学校学籍主管领导" in page
    for role, where in (("school_head", "b1"), ("county_clerk", "b"), ("county_head", "b")):
        with browser(b, role, where) as client:
            assert "待我办理" in text(client.get("/relay/?tab=todo"))
            assert "已核办通过" in post(client, f"/relay/{case_id}/decide/", {"decision": "pass"})
    network.settle()
    with browser(b, "registrar", "b1") as client:
        page = text(client.get(f"/relay/{case_id}/"))
        assert "在对方系统办理" in page
        assert "青禾县第一小学" in page
    with browser(a, "registrar", "a1") as client:
        page = text(client.get(f"/relay/{case_id}/"))
        assert "存于对方系统" in page
        assert "临川县九年制学校" in page
        assert "相关问题处理办法》" in page
        page = post(client, f"/relay/{case_id}/return/", {"items": "原因证明看不清楚"})
        assert "已退回转入学校修改" in page
    network.settle()
    with browser(b, "registrar", "b1") as client:
        assert "原因证明看不清楚" in text(client.get(f"/relay/{case_id}/edit/"))
        assert "已提交" in post(client, f"/relay/{case_id}/save/", values)
    network.settle()
    for role, where in (
        ("registrar", "a1"),
        ("school_head", "a1"),
        ("county_clerk", "a"),
        ("county_head", "a"),
    ):
        with browser(a, role, where) as client:
            assert "已核办通过" in post(client, f"/relay/{case_id}/decide/", {"decision": "pass"})
    network.settle()
    with browser(b, "registrar", "b1") as client:
        page = text(client.get(f"/relay/{case_id}/"))
        assert "起在本校在籍" in page
        page = text(client.get(f"/students/{person}/"))
        assert "赵小满" in page
        assert a.place.org("a1").name in page
    with browser(a, "registrar", "a1") as client:
        assert "起转到临川县九年制学校" in text(client.get(f"/relay/{case_id}/"))


def case_of(side: Installation) -> uuid.UUID:
    """The only transfer of a side."""
    from tests.helpers import seeing_all

    from xueji.registry.relay.models import RelayCase

    with side.on(), seeing_all():
        return RelayCase.objects.get().case_id


def test_those_who_take_no_part_see_nothing(sides: Two, network: Network) -> None:
    a, b = sides
    _person, number = child_in(a)
    case_id = begin(b, number, code=a.place.org("a1").code)
    network.settle()
    for side, role, where in ((b, "registrar", "c1"), (b, "county_clerk", "b"), (a, "registrar", "a1")):
        with browser(side, role, where) as client:
            assert client.get(f"/relay/{case_id}/").status_code == 404
            for deed in ("save", "discard", "decide", "return", "cancel", "remove"):
                data = {"decision": "pass"} if deed == "decide" else {}
                assert client.post(f"/relay/{case_id}/{deed}/", data).status_code in (403, 404), deed
    fill_in(b, case_id)
    send(b, case_id)
    network.settle()
    for side, role, where in ((b, "registrar", "c1"), (b, "county_clerk", "c"), (a, "registrar", "a1")):
        with browser(side, role, where) as client:
            assert client.get(f"/relay/{case_id}/").status_code == 404
    with browser(b, "county_head", "b") as client:
        assert client.get(f"/relay/{case_id}/").status_code == 200
        assert client.post(f"/relay/{case_id}/decide/", {"decision": "pass"}).status_code == 403
    with browser(b, "teacher", "b1") as client:
        assert client.get("/relay/").status_code == 403


def test_the_administrator_sees_messages_without_content_and_tries_them_again(
    sides: Two, network: Network
) -> None:
    a, b = sides
    _person, number = child_in(a)
    a.up = False
    case_id = begin(b, number, code=a.place.org("a1").code)
    network.settle()
    with browser(b, "system_admin", "province") as client:
        page = text(client.get("/relay/system/"))
        assert "连不上对方系统" in page
        assert "赵小满" not in page
        assert number not in page
        peer = text(client.get(f"/relay/system/peers/{b.peer().pk}/"))
        assert "查询学生" in peer
        message = message_of(b)
        assert "已重新安排" in post(client, f"/relay/system/messages/out/{message}/retry/")
        assert client.post(f"/relay/system/messages/out/{uuid.uuid4()}/retry/").status_code == 404
        card = client.get("/relay/system/card.json")
        assert card["Content-Disposition"].startswith("attachment")
    a.up = True
    network.settle()
    assert b.case(case_id).state == "draft"  # type: ignore[union-attr]
    for role, where in (("registrar", "b1"), ("county_head", "b"), ("audit_admin", "province")):
        with browser(b, role, where) as client:
            assert client.get("/relay/system/").status_code == 403
            assert client.post("/relay/system/keys/").status_code == 403
            assert client.get("/relay/system/card.json").status_code == 403


def message_of(side: Installation) -> uuid.UUID:
    """The only message that has not got through."""
    from tests.helpers import seeing_all

    from xueji.registry.relay.models import Outgoing

    with side.on(), seeing_all():
        return Outgoing.objects.exclude(state="sent").get().pk


def test_a_refusal_on_the_losing_side_is_told_to_the_receiving_one(sides: Two, network: Network) -> None:
    a, b = sides
    _person, number = child_in(a)
    case_id = begin(b, number, code=a.place.org("a1").code)
    network.settle()
    fill_in(b, case_id)
    send(b, case_id)
    pass_all(b, case_id)
    network.settle()
    decide(a, case_id, "refuse", "材料与事实不符")
    network.settle()
    with browser(b, "registrar", "b1") as client:
        page = text(client.get(f"/relay/{case_id}/"))
        assert "材料与事实不符" in page
        assert "未通过" in page
    assert (a.studying(), b.studying()) == (1, 0)
