"""Two change places; a child comes in in the middle of a term."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from tests.children import enrol
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.placement.pupils import text, wait_for_class

from xueji.ground.accounts.actor import today
from xueji.ground.orgs.models import Org
from xueji.registry.enrolment.commands import activate_due
from xueji.registry.enrolment.models import Event, Roster
from xueji.registry.enrolment.timeline import midnight
from xueji.registry.placement.commands import asks, placing
from xueji.registry.placement.errors import PlacementError
from xueji.registry.placement.models import Ask, AskState

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


def row(person: Any) -> Roster:
    with seeing_all():
        return Roster.objects.get(person_id=person, kind=1, reason="enrolled")


@pytest.mark.capability("C-ENR-06", page="/placement/swap/")
def test_two_pupils_change_places_from_a_day_and_the_list_says_so(place: Place, client: Client) -> None:
    """The registrar finds two pupils of parallel classes by name, says why and from when.
    Until that day both rosters stay; on it both change, each pupil with the next number of the new class.
    The list of changes has both, with the class of before, the reason and who did it.
    """
    one, other = enrol(place, name="对调甲"), enrol(place, name="对调乙", number=2)
    first, second = place.klass(number=1).pk, place.klass(number=2).pk
    day = today() + timedelta(days=3)
    registrar = login(client, place.user("registrar", "a1"))
    page = text(registrar.get("/placement/swap/", {"a": "对调甲", "b": "对调乙"}))
    assert "对调甲 一年级(1)班" in page
    assert "对调乙 一年级(2)班" in page
    form = {"one": one, "other": other, "on": day.isoformat()}
    assert registrar.post("/placement/swap/", form).status_code == 422
    done = registrar.post("/placement/swap/", form | {"reason": "监护人申请"}, follow=True)
    assert "已对调" in text(done)
    assert (row(one).class_id, row(other).class_id) == (first, second)
    listed = text(registrar.get("/placement/changes/"))
    assert "待生效" in listed
    activate_due(midnight(day))
    assert (row(one).class_id, row(other).class_id) == (second, first)
    assert (row(one).class_seat, row(other).class_seat) == (2, 2)
    listed = text(registrar.get("/placement/changes/", {"class": first, "kind": "change_class"}))
    assert "对调甲 调班 一年级(1)班 一年级(2)班" in listed
    assert "监护人申请" in listed
    with seeing_all():
        assert Event.objects.filter(business="change_class", person_id__in=[one, other]).count() == 2
    teacher = login(client, place.user("class_teacher", "a1"))
    assert teacher.get("/placement/swap/").status_code == 403
    assert "对调乙" in text(teacher.get("/placement/changes/"))


def test_where_the_place_wants_the_heads_word_a_swap_waits_for_it(
    place: Place, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asks, "head_decides", lambda policy: True)
    one, other = enrol(place, name="甲甲"), enrol(place, name="乙乙", number=2)
    with act_as(place.user("registrar", "a1")) as actor:
        ask = asks.ask_swap(actor, one, other, reason="学生适应情况")
        assert ask.state == AskState.ASKED
        with pytest.raises(PlacementError, match="正在办理的申请"):
            asks.ask_swap(actor, one, other, reason="再来一次")
    head = login(client, place.user("school_head", "a1"))
    assert "甲甲 — 乙乙" in text(head.get("/placement/changes/"))
    here = f"/placement/asks/{ask.pk}/"
    assert "不同意要写明理由" in text(head.post(here, {"do": "refuse"}, follow=True))
    head.post(here, {"do": "agree"})
    assert row(one).class_id == place.klass(number=2).pk
    with seeing_all():
        assert Ask.objects.get().state == AskState.DONE


def test_only_parallel_classes_of_the_own_school(place: Place) -> None:
    one, mate = enrol(place, name="甲甲"), enrol(place, name="乙乙")
    older = enrol(place, name="丙丙", cohort=2025, on=date(2025, 9, 1))
    with act_as(place.user("registrar", "a1")) as actor:
        for other in (mate, older):
            with pytest.raises(PlacementError, match="同年级的两个不同的班"):
                asks.ask_swap(actor, one, other, reason="x")


@pytest.mark.capability("C-ENR-07", page="/placement/entries/")
@pytest.mark.capability("C-ENR-20", page="/placement/entries/")
@pytest.mark.rule("HEBJZ-CLS-03")
def test_a_mid_term_entrant_is_approved_placed_and_received(place: Place, client: Client) -> None:
    """A child came to the third grade in November: nobody can put it into a class by hand.
    The registrar asks with the result of the assessment, the head agrees, the office places, the teacher receives.
    Only then the child stands in the class; the teacher has no way to refuse.
    """
    with seeing_all():
        Org.objects.filter(pk=place.org("a1").pk).update(policy="cn-13-jinzhou")
    person = wait_for_class(place, "插班生", cohort=2026 - 2)
    klass = place.klass(cohort=2024).pk
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(PlacementError, match="校长审批"):
        placing.place(actor, [person], klass)
    registrar = login(client, place.user("registrar", "a1"))
    assert "插班生 · 三年级" in text(registrar.get("/placement/entries/"))
    form = {"person": person, "reason": "随父母迁居", "assessed_on": today().isoformat()}
    assert "请填写编班考核的日期和结果" in text(registrar.post("/placement/entries/", form, follow=True))
    registrar.post("/placement/entries/", form | {"assessment": "语文、数学考核合格, 适合三年级"})
    with seeing_all():
        ask = Ask.objects.get()
    here = f"/placement/asks/{ask.pk}/"
    assert "适合三年级" in text(registrar.get(here))
    assert "请刷新" in text(registrar.post(here, {"do": "assign", "class": klass}, follow=True))
    assert row(person).class_id is None
    head = login(Client(), place.user("school_head", "a1"))
    assert "插班、对调申请 1 件" in text(head.get("/"))
    head.post(here, {"do": "agree", "words": "同意"})
    assert row(person).class_id is None, "approved, and not in a class yet"
    assert "已编入班级" in text(registrar.post(here, {"do": "assign", "class": klass}, follow=True))
    assert row(person).class_id == klass
    assert row(person).class_seat == 1
    with seeing_all():
        event = Event.objects.get(person_id=person, business="place")
    assert "第四条" in event.article
    # The class teacher of another class neither sees nor receives it.
    other = login(Client(), place.user("class_teacher", "a1"))
    assert other.get(here).status_code == 404
    from tests.helpers import give_role

    user = place.user("class_teacher", "a1")
    assignment = give_role(user, "class_teacher", place.org("a1"), place.klass(cohort=2024))
    teacher = login(Client(), user, assignment)
    page = text(teacher.get(here))
    assert "确认接收" in page
    assert "不同意" not in page
    assert teacher.post(here, {"do": "refuse", "words": "不收"}).status_code == 403
    assert "已接收" in text(teacher.post(here, {"do": "receive"}, follow=True))
    with seeing_all():
        assert Ask.objects.get().state == AskState.DONE


def test_a_refused_entrant_has_no_class_and_may_be_asked_for_again(place: Place) -> None:
    person = wait_for_class(place, "插班生", cohort=2024)
    with act_as(place.user("registrar", "a1")) as actor:
        ask = asks.ask_entry(actor, person, reason="迁居")
    with act_as(place.user("school_head", "a1")) as actor:
        asks.decide(actor, ask.pk, agree=False, words="没有转学手续")
    with act_as(place.user("registrar", "a1")) as actor:
        with pytest.raises(PlacementError, match="请刷新"):
            asks.assign(actor, ask.pk, place.klass(cohort=2024).pk)
        again = asks.ask_entry(actor, person, reason="手续已补齐")
        asks.withdraw(actor, again.pk)
    assert row(person).class_id is None


@pytest.mark.capability("C-NUM-14", page="/placement/apart/")
def test_records_and_children_that_are_apart_are_listed(place: Place, client: Client) -> None:
    """The registrar opens the list: a guest whose record is elsewhere, and an own pupil who did not come back."""
    from tests.children import STUDYING

    from xueji.registry.enrolment import commands as enrolment
    from xueji.registry.enrolment.timeline import Step
    from xueji.registry.placement.commands import terms

    guest = enrol(place, "a2", name="借读生")
    with act_as(place.user("registrar", "a1")) as actor:
        enrolment.apply_step(
            actor,
            Step(
                guest,
                "borrow",
                STUDYING,
                midnight(date(2026, 9, 10)),
                kind=2,
                school_id=place.org("a1").pk,
                class_id=place.klass().pk,
            ),
        )
    absent = enrol(place, name="没来的")
    with act_as(place.user("class_teacher", "a1")) as actor:
        terms.mark(actor, place.klass().pk, absent, state="absent")
    page = text(login(client, place.user("registrar", "a1")).get("/placement/apart/"))
    assert "借读生" in page
    assert "在本校借读, 学籍在外校" in page
    assert "没来的" in page
    here = text(login(client, place.user("registrar", "a2")).get("/placement/apart/"))
    assert "学籍在本校, 在外校借读" in here
