"""学生证, 学生卡, 学籍证: made for a class, sealed by the authority, lost, announced, replaced, given back, void."""

from __future__ import annotations

import io
import re
import uuid
from datetime import date, timedelta
from typing import Any

import pypdf
import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404
from django.test import Client
from tests.children import enrol
from tests.helpers import Place, act_as, link_child, login, make_county, seeing_all

from xueji.ground.accounts.actor import today
from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.office.cards import commands, papers, queries
from xueji.office.cards.errors import CardError
from xueji.office.cards.models import BatchState, CardBatch, CardState, StudentCard
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.timeline import Step, midnight

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


@pytest.fixture
def children(place: Place) -> list[uuid.UUID]:
    return [enrol(place, "a1", name=n) for n in ("安然", "白露", "曹植语")]


def words(data: bytes) -> str:
    return re.sub(r"\s", "", "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(data)).pages))


def made(place: Place, kind: str = "student", school: str = "a1", stage: str = "P") -> CardBatch:
    with act_as(place.user("registrar", school)) as actor:
        return commands.make(actor, kind=kind, class_id=place.klass(school, stage).pk)


def sealed(place: Place, batch: CardBatch, **chips: str) -> None:
    with act_as(place.user("registrar", "a1")) as actor:
        commands.send(actor, batch.pk)
    with act_as(place.user("county_clerk", "a")) as actor:
        commands.seal(actor, batch.pk)


def card_of(person: uuid.UUID, kind: str = "student") -> StudentCard:
    with seeing_all():
        return StudentCard.objects.filter(person_id=person, kind=kind).order_by("-year", "-serial").first()  # type: ignore[return-value]


def gansu(place: Place) -> None:
    """Put the school under the rules of Gansu, where the county seals."""
    with acting("writer"):
        Org.objects.filter(pk=place.org("a1").pk).update(policy="cn-62")


@pytest.mark.capability("C-CER-05", page="/cards/")
@pytest.mark.capability("C-CER-03", page="/cards/batches/")
def test_a_class_gets_its_cards_and_the_county_seals_them_as_one(
    place: Place, children: list[uuid.UUID]
) -> None:
    """The registrar makes cards for a class, the county seals the batch, the class takes its cards.

    Who sees: the registrar and the county's clerk; the class teacher sees the cards of the class.
    Ends with: numbered cards that are valid from the day of the seal, a roster to sign, cards to cut out.
    """
    gansu(place)
    school, county = Client(), Client()
    login(school, place.user("registrar", "a1"))
    login(county, place.user("county_clerk", "a"))
    klass = place.klass("a1").pk
    page = school.get(f"/cards/batches/new/?kind=student&class={klass}").content.decode()
    assert "安然" in page
    answer = school.post(
        "/cards/batches/new/",
        {"kind": "student", "class": klass, "some": "1", "person": [str(p) for p in children]},
    )
    assert answer.status_code == 303
    at = answer["Location"]
    page = school.get(at).content.decode()
    assert "由县级印制、发放、盖章" in page
    assert "由本校启用" not in page
    assert school.post(at + "start/", follow=True).content.decode().count("由县级印制、发放、盖章") >= 1
    assert county.get("/cards/batches/?state=sent").content.decode().count("data-row") == 0
    school.post(at + "send/")
    assert "学生证件验印" in county.get("/").content.decode()
    assert "整批验印" in county.get(at).content.decode()
    county.post(at + "seal/")
    batch_id = uuid.UUID(at.rstrip("/").rpartition("/")[2])
    with seeing_all():
        batch = CardBatch.objects.get(pk=batch_id)
        cards = list(StudentCard.objects.filter(batch=batch).order_by("serial"))
    assert (batch.state, batch.sealed_name) == (
        BatchState.SEALED,
        place.user("county_clerk", "a").display_name,
    )
    assert [c.serial for c in cards] == [1, 2, 3]
    assert {c.state for c in cards} == {CardState.VALID}
    assert {c.issued_on for c in cards} == {today()}
    assert cards[0].number == f"{place.org('a1').code}Z{today().year % 100:02d}00001"
    roster = words(school.get(at + "roster.pdf").content)
    assert "学生证发放花名册" in roster
    assert "领取人签字" in roster
    assert place.user("county_clerk", "a").display_name in roster
    sheet = words(school.get(at + "cards.pdf").content)
    assert cards[0].number in sheet
    assert "青禾县教育局验印" in sheet
    assert place.org("a1").short_name in county.get("/cards/").content.decode()
    assert ">学校<" not in school.get("/cards/").content.decode()
    teacher = login(Client(), place.user("class_teacher", "a1"))
    assert "白露" in teacher.get("/cards/").content.decode()
    with acting("audit"):
        done = set(AuditEntry.objects.filter(object_id=str(batch_id)).values_list("action", flat=True))
    assert {"cards.make", "cards.send", "cards.seal", "cards.roster", "cards.print"} <= done


@pytest.mark.capability("C-CER-05")
def test_one_card_in_force_and_only_those_who_have_none_get_one(
    place: Place, children: list[uuid.UUID]
) -> None:
    batch = made(place)
    assert batch.total == 3
    with pytest.raises(CardError, match="都已经有"):
        made(place)
    late = enrol(place, "a1", name="后来的")
    assert made(place).total == 1
    card = card_of(late)
    card.pk, card.number, card.serial = uuid.uuid4(), "X1", 99
    with pytest.raises(IntegrityError), transaction.atomic(), acting("writer"):
        card.save(force_insert=True)


@pytest.mark.capability("C-CER-05")
def test_where_no_rule_asks_for_a_seal_the_school_puts_its_cards_in_force(
    place: Place, children: list[uuid.UUID]
) -> None:
    batch = made(place)
    with act_as(place.user("registrar", "a1")) as actor:
        commands.put_in_force(actor, batch.pk)
    assert card_of(children[0]).state == CardState.VALID


@pytest.mark.capability("C-CER-03")
def test_the_county_sends_back_with_a_reason_and_nobody_else_seals(
    place: Place, children: list[uuid.UUID]
) -> None:
    batch = made(place)
    with act_as(place.user("county_clerk", "a")) as actor, pytest.raises(CardError, match="待送验"):
        commands.seal(actor, batch.pk)
    with act_as(place.user("registrar", "a1")) as actor:
        commands.send(actor, batch.pk)
        with pytest.raises(PermissionDenied):
            commands.seal(actor, batch.pk)
    with act_as(place.user("county_clerk", "b")) as actor, pytest.raises(Http404):
        commands.seal(actor, batch.pk)
    with act_as(place.user("city_clerk", "city1")) as actor, pytest.raises(PermissionDenied):
        commands.seal(actor, batch.pk)
    with act_as(place.user("county_clerk", "a")) as actor:
        with pytest.raises(CardError, match="退回的原因"):
            commands.send_back(actor, batch.pk, " ")
        commands.send_back(actor, batch.pk, "照片不全")
    page = login(Client(), place.user("registrar", "a1")).get(f"/cards/batches/{batch.pk}/").content.decode()
    assert "照片不全" in page
    with act_as(place.user("registrar", "a1")) as actor:
        commands.drop(actor, batch.pk)
    assert card_of(children[0]).state == CardState.VOID
    assert made(place).total == 3


@pytest.mark.capability("C-CER-05", page="/cards/{card}/")
def test_a_lost_card_is_reported_announced_replaced_and_found_again(
    place: Place, children: list[uuid.UUID]
) -> None:
    """A parent reports the card lost on the phone; the school announces it and makes a new one.

    Who sees: the parent, then the registrar on the card's page.
    Ends with: the old card void, a new one with another number and its fee, the found card taken in.
    """
    sealed(place, made(place))
    child = children[0]
    card = card_of(child)
    link_child(place.user("parent"), child)
    parent = login(Client(), place.user("parent"))
    assert f"/my/{child}/cards/" in parent.get(f"/my/{child}/").content.decode()
    assert card.number in parent.get(f"/my/{child}/cards/").content.decode()
    assert parent.get(f"/my/{children[1]}/cards/").status_code == 404
    parent.post(f"/cards/{card.pk}/lose/", {"why": "昨天在公交车上丢了"})
    assert "已挂失" in parent.get(f"/my/{child}/cards/").content.decode()
    office = login(Client(), place.user("registrar", "a1"))
    at = f"/cards/{card.pk}/"
    assert "公交车" in office.get(at).content.decode()
    assert "先挂失并登声明作废" in office.post(at + "replace/", {"fee": "0"}, follow=True).content.decode()
    notice = words(office.get(at + "notice.pdf").content)
    assert card.number in notice
    assert "安某某" in notice
    assert "安然" not in notice
    tomorrow = (today() + timedelta(days=1)).isoformat()
    refused = office.post(
        at + "announce/", {"on": tomorrow, "where": "校园公告栏"}, follow=True
    ).content.decode()
    assert "声明日期" in refused
    office.post(at + "announce/", {"on": today().isoformat(), "where": "校园公告栏"})
    answer = office.post(at + "replace/", {"fee": "5"})
    assert "/cards/batches/" in answer["Location"]
    new = card_of(child)
    assert (new.replaces, str(new.fee), new.state) == (card.pk, "5.00", CardState.MADE)
    assert new.number != card.number
    assert "新证已经补办" in office.post(at + "found/", follow=True).content.decode()
    with seeing_all():
        old = StudentCard.objects.get(pk=card.pk)
    assert (old.state, old.found_on) == (CardState.VOID, today())
    with acting("writer"):
        StudentCard.objects.filter(pk=card.pk).update(found_on=today() + timedelta(days=1))
    told = [event["title"] for event in office.get(at).context["events"]]
    assert told == ["制证", "验印", "挂失", "声明作废", "作废", "找回"]


@pytest.mark.capability("C-CER-05")
def test_a_card_found_in_time_is_valid_again_and_those_who_left_are_listed(
    place: Place, children: list[uuid.UUID]
) -> None:
    sealed(place, made(place))
    card = card_of(children[1])
    with act_as(place.user("class_teacher", "a1")) as actor:
        commands.lose(actor, card.pk, "放学路上丢了")
        with pytest.raises(PermissionDenied):
            commands.found(actor, card.pk)
    with act_as(place.user("registrar", "a1")) as actor:
        assert "恢复有效" in commands.found(actor, card.pk)
        assert card_of(children[1]).state == CardState.VALID
        assert queries.listed(actor, gone=True).rows == []
        enrolment.apply_step(actor, Step(children[1], "withdraw", 15, midnight(date(2026, 11, 1))))
        assert [x.card.pk for x in queries.listed(actor, gone=True).rows] == [card.pk]
        assert card.number in words(papers.cards_pdf(actor, card.batch_id)[0])
        with pytest.raises(CardError, match="原因"):
            commands.void(actor, card.pk, "")
        commands.void(actor, card.pk, "学生已退学")
        assert queries.listed(actor, gone=True).rows == []
        with pytest.raises(CardError, match="作废"):
            commands.lose(actor, card.pk, "又丢了")


@pytest.mark.capability("C-CER-06")
def test_a_smart_card_is_bound_by_the_county_to_one_pupil_and_is_free(
    place: Place, children: list[uuid.UUID]
) -> None:
    """The school asks for 学生卡 for a class; the county enters each card's number and seals the batch.

    Who sees: the registrar, the county's clerk.
    Ends with: every card number bound to one pupil, and no fee ever taken.
    """
    batch = made(place, "smart")
    with act_as(place.user("registrar", "a1")) as actor:
        with pytest.raises(CardError, match="主管部门发放"):
            commands.put_in_force(actor, batch.pk)
        commands.send(actor, batch.pk)
    at = f"/cards/batches/{batch.pk}/"
    county = login(Client(), place.user("county_clerk", "a"))
    with seeing_all():
        cards = list(StudentCard.objects.filter(batch=batch).order_by("serial"))
    names = [f"chip-{c.pk}" for c in cards]
    assert all(n in county.get(at).content.decode() for n in names)
    page = county.post(at + "seal/", dict.fromkeys(names, "0451A7F2"), follow=True).content.decode()
    assert "只能绑定一名学生" in page
    page = county.post(at + "seal/", {names[0]: "0451A7F2"}, follow=True).content.decode()
    assert "的卡号, 6到32位" in page
    county.post(at + "seal/", {n: f"0451a7f{i}" for i, n in enumerate(names)})
    card = card_of(children[0], "smart")
    assert (card.state, card.chip) == (CardState.VALID, "0451A7F0")
    assert "0451A7F0" in words(county.get(at + "cards.pdf").content)
    with act_as(place.user("registrar", "a1")) as actor:
        commands.lose(actor, card.pk, "丢了一张")
        commands.announce(actor, card.pk, on=today(), where="公告栏")
        with pytest.raises(CardError, match="第五条"):
            commands.replace(actor, card.pk, fee="10")
        commands.replace(actor, card.pk, fee="0")


@pytest.mark.capability("C-CER-07")
def test_the_city_gives_new_seniors_their_record_cards_with_the_roster(place: Place) -> None:
    """The senior school takes the roster of its new pupils to the city's bureau, which issues the 学籍证.

    Who sees: the school's registrar, the city's clerk.
    Ends with: the issued list, printed with the city's seal place and the day.
    """
    child = enrol(place, "c1", name="高一新生", stage="S", cohort=2026)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(CardError, match="只发给高中"):
        commands.make(actor, kind="record", class_id=place.klass("a1").pk)
    batch = made(place, "record", "c1", "S")
    with act_as(place.user("registrar", "c1")) as actor:
        commands.send(actor, batch.pk)
    with act_as(place.user("county_clerk", "c")) as actor, pytest.raises(PermissionDenied):
        commands.seal(actor, batch.pk)
    with act_as(place.user("city_clerk", "city2")) as actor:
        assert [b.pk for b, _school in queries.batches(actor, state="sent", kind="record")[0]] == [batch.pk]
        commands.seal(actor, batch.pk)
        data, name = papers.roster_pdf(actor, batch.pk)
    assert "学籍证发放花名册" in name
    text = words(data)
    assert "高一新生" in text
    assert "乙州市教育局" in text
    assert card_of(child, "record").state == CardState.VALID


@pytest.mark.parametrize(
    ("role", "where"), [("teacher", "a1"), ("system_admin", "province"), ("registrar", "c1")]
)
def test_cards_are_closed_to_others(place: Place, children: list[uuid.UUID], role: str, where: str) -> None:
    sealed(place, made(place))
    card = card_of(children[0])
    client = login(Client(), place.user(role, where))
    assert client.get(f"/cards/{card.pk}/").status_code in (403, 404)
    assert client.post(f"/cards/{card.pk}/lose/", {"why": "丢了"}).status_code in (403, 404)
    assert card_of(children[0]).state == CardState.VALID


def test_a_second_loss_asks_for_a_declaration_of_its_own(place: Place, children: list[uuid.UUID]) -> None:
    sealed(place, made(place))
    card = card_of(children[0])
    with act_as(place.user("registrar", "a1")) as actor:
        commands.lose(actor, card.pk, "放学路上丢的")
        commands.announce(actor, card.pk, on=today(), where="校园公告栏")
        commands.found(actor, card.pk)
        commands.lose(actor, card.pk, "又丢了一次")
        with pytest.raises(CardError, match="先挂失并登声明"):
            commands.replace(actor, card.pk)
    page = login(Client(), place.user("registrar", "a1"))
    said = page.post(f"/cards/{card.pk}/announce/", {"on": "昨天", "where": "校园公告栏"}, follow=True)
    assert "请填写声明的日期" in said.content.decode()
    assert card_of(children[0]).announced_on is None


def test_a_fee_that_is_no_number_is_refused_in_words(place: Place, children: list[uuid.UUID]) -> None:
    sealed(place, made(place))
    card = card_of(children[0])
    with act_as(place.user("registrar", "a1")) as actor:
        commands.lose(actor, card.pk, "放学路上丢的")
        commands.announce(actor, card.pk, on=today(), where="校园公告栏")
        for fee in ("nan", "-nan", "snan", "inf", "1e40", "很多"):
            with pytest.raises(CardError, match="工本费"):
                commands.replace(actor, card.pk, fee=fee)


def test_a_class_is_looked_at_under_the_lock_and_made_once(
    place: Place, children: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two clicks at once: the second waits for the lock, and finds nobody without a card when it has it."""
    steps: list[str] = []
    serial, pupils = commands._serial, queries.pupils

    def lock(*args: Any) -> int:
        steps.append("lock")
        return serial(*args)

    def look(*args: Any) -> list[queries.Lacking]:
        steps.append("look")
        return pupils(*args)

    monkeypatch.setattr(commands, "_serial", lock)
    monkeypatch.setattr(queries, "pupils", look)
    made(place)
    assert steps == ["lock", "look"]
    with pytest.raises(CardError, match="没有要做的"):
        made(place)
