"""Reminding the other side, and the sheet of a transfer on paper."""

from __future__ import annotations

import uuid
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader
from tests.helpers import act_as, link_child, seeing_all
from tests.registry.relay.test_pages import browser, post, text
from tests.registry.relay.two import (
    Installation,
    Network,
    begin,
    child_in,
    decide,
    fill_in,
    pass_all,
    send,
)

from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.registry.relay import commands, queries
from xueji.registry.relay.commands import handlers
from xueji.registry.relay.errors import RelayError
from xueji.registry.relay.models import RelayLog
from xueji.registry.relay.outbox import open_talk

Two = tuple[Installation, Installation]


def away(a: Installation, b: Installation, network: Network) -> tuple[uuid.UUID, uuid.UUID]:
    """A transfer that B has decided and that lies with A; the child and the conversation."""
    person, number = child_in(a)
    case_id = begin(b, number, code=a.place.org("a1").code)
    network.settle()
    fill_in(b, case_id)
    send(b, case_id)
    network.settle()
    pass_all(b, case_id)
    network.settle()
    return person, case_id


def urges(side: Installation, case_id: uuid.UUID) -> int:
    with side.on(), seeing_all():
        return RelayLog.objects.filter(case_id=case_id, action="urge").count()


def urge(side: Installation, case_id: uuid.UUID, school: str = "b1") -> None:
    with side.on(), act_as(side.place.user("registrar", school)) as actor:
        commands.urge(actor, case_id=case_id)


@pytest.mark.capability("C-TRF-07", page="/relay/<id>/")
def test_the_waiting_school_reminds_the_other_side_once_a_day(sides: Two, network: Network) -> None:
    a, b = sides
    _person, case_id = away(a, b, network)
    with browser(b, "registrar", "b1") as client:
        assert f"/relay/{case_id}/urge/" in text(client.get(f"/relay/{case_id}/"))
        assert "已催办" in post(client, f"/relay/{case_id}/urge/")
        page = text(client.get(f"/relay/{case_id}/"))
        assert "今天已催办" in page
        assert "今天已经催办过" in post(client, f"/relay/{case_id}/urge/")
    network.settle()
    assert (urges(a, case_id), urges(b, case_id)) == (1, 1)
    with browser(a, "registrar", "a1") as client:
        assert "临川县九年制学校提醒尽快办理" in text(client.get(f"/relay/{case_id}/"))
        assert "对方催办" in text(client.get("/relay/?tab=todo"))
    decide(a, case_id)
    with a.on(), act_as(a.place.user("school_head", "a1")) as actor:
        rows, _more = queries.listing(actor, tab="todo")
        assert [r.urged for r in rows] == [False], "the mark belongs to the step that was reminded"


def test_a_second_reminder_of_a_day_changes_nothing_and_a_later_one_does(
    sides: Two, network: Network
) -> None:
    a, b = sides
    _person, case_id = away(a, b, network)
    for _ in range(2):
        hear(a, case_id, {"by": "远方小学"})
    assert urges(a, case_id) == 1
    with a.on(), seeing_all():
        entry = RelayLog.objects.get(case_id=case_id, action="urge")
        entry.delete()
        entry.at -= timedelta(days=1)
        entry.save(force_insert=True)
    hear(a, case_id, {"by": "远方小学"})
    assert urges(a, case_id) == 2


def hear(side: Installation, case_id: uuid.UUID, body: dict[str, Any]) -> None:
    """A reminder arrives."""
    with side.on(), seeing_all():
        peer = side.peer()
        handlers.handle(open_talk(case_id, peer), peer, "transfer.urge", body)


def test_nobody_reminds_while_it_lies_on_his_own_side_or_is_over(sides: Two, network: Network) -> None:
    a, b = sides
    _person, number = child_in(a)
    case_id = begin(b, number, code=a.place.org("a1").code)
    network.settle()
    fill_in(b, case_id)
    send(b, case_id)
    network.settle()
    with pytest.raises(RelayError, match="还在本系统办理"):
        urge(b, case_id)
    pass_all(b, case_id)
    network.settle()
    with browser(a, "registrar", "a1") as client:
        assert client.post(f"/relay/{case_id}/urge/").status_code == 404
        assert f"/relay/{case_id}/urge/" not in text(client.get(f"/relay/{case_id}/"))
    decide(a, case_id, "refuse", "材料与事实不符")
    network.settle()
    with pytest.raises(RelayError, match="未通过"):
        urge(b, case_id)
    hear(a, case_id, {"by": "远方小学"})
    assert (urges(a, case_id), urges(b, case_id)) == (0, 0)


@pytest.mark.capability("C-CHG-05", page="/relay/<id>/sheet.pdf")
def test_the_sheet_shows_the_steps_of_both_sides_and_is_audited(sides: Two, network: Network) -> None:
    a, b = sides
    _person, number = child_in(a)
    case_id = begin(b, number, code=a.place.org("a1").code)
    network.settle()
    with browser(b, "registrar", "b1") as client:
        assert client.get(f"/relay/{case_id}/sheet.pdf").status_code == 404, "never of a draft"
    fill_in(b, case_id)
    send(b, case_id)
    pass_all(b, case_id)
    network.settle()
    decide(a, case_id, opinion="学籍情况已核对")
    network.settle()
    for side, role, where in ((b, "registrar", "b1"), (a, "county_clerk", "a")):
        with browser(side, role, where) as client:
            assert "打印办理单" in text(client.get(f"/relay/{case_id}/"))
            answer = client.get(f"/relay/{case_id}/sheet.pdf")
            assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
            said = "".join(p.extract_text() for p in PdfReader(BytesIO(answer.content)).pages)
            for word in (
                "跨省转学办理单",
                "赵小满",
                "学籍情况已核对",
                "情况属实",
                "青禾县第一小学",
                "临川县",
            ):
                assert word in said.replace("\n", ""), word
        with side.on(), act_as(side.place.user("county_head", where[0])), acting("audit"):
            assert AuditEntry.objects.filter(action="relay.print", object_id=str(case_id)).count() == 1
    with browser(b, "registrar", "c1") as client:
        assert client.get(f"/relay/{case_id}/sheet.pdf").status_code == 404


@pytest.mark.capability("C-ROL-05", page="/my/<id>/")
def test_the_family_reads_where_the_transfer_is_and_how_it_ended(sides: Two, network: Network) -> None:
    a, b = sides
    person, case_id = away(a, b, network)
    with a.on():
        link_child(a.place.user("parent"), person)
    with browser(a, "parent", "") as client:
        page = text(client.get(f"/my/{person}/"))
        assert "跨省转学" in page
        assert "现在在青禾县第一小学办理" in page
        assert "下一步到青禾县" in page
        assert "B99省学籍系统" not in page
        assert client.get(f"/relay/{case_id}/").status_code == 403
        assert client.get(f"/relay/{case_id}/sheet.pdf").status_code == 403
    decide(a, case_id, "refuse", "材料与事实不符")
    with browser(a, "parent", "") as client:
        page = text(client.get(f"/my/{person}/"))
        assert "没有通过, 学籍没有变动" in page
        assert "材料与事实不符" not in page


def test_the_family_on_both_sides_reads_that_it_is_done(sides: Two, network: Network) -> None:
    a, b = sides
    person, case_id = away(a, b, network)
    pass_all(a, case_id)
    network.settle()
    with b.on():
        link_child(b.place.user("parent"), person)
    with browser(b, "parent", "") as client:
        page = text(client.get(f"/my/{person}/"))
        assert "起在临川县九年制学校就读" in page
