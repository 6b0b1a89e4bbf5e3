"""A class teacher claims pupils; numbers of the school are made for whom they are wanted."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from tests.children import STUDYING, enrol
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.placement.pupils import text, wait_for_class

from xueji.ground.accounts.actor import today
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.models import Roster
from xueji.registry.enrolment.timeline import Step, midnight
from xueji.registry.placement.commands import claims, numbers
from xueji.registry.placement.errors import PlacementError
from xueji.registry.placement.models import Ask, AskState, SchoolNumber


@pytest.fixture
def place(db: None) -> Place:
    return make_county()


def row(person: Any) -> Roster:
    with seeing_all():
        return Roster.objects.get(person_id=person, kind=1, reason="enrolled")


def numbered(person: Any) -> str:
    with seeing_all():
        return str(SchoolNumber.objects.get(person_id=person).number)


@pytest.mark.capability("C-ENR-05", page="/placement/claims/")
def test_a_class_teacher_claims_and_the_office_approves(place: Place, client: Client) -> None:
    """The class teacher ticks two of three pupils who wait; nobody is in the class yet.
    The office approves one and refuses the other with a reason; only then the one has a class and a number.
    """
    one, two, older = (
        wait_for_class(place, "认领甲"), wait_for_class(place, "认领乙"),
        wait_for_class(place, "别的年级", cohort=2025),
    )  # fmt: skip
    klass = place.klass().pk
    teacher = login(client, place.user("class_teacher", "a1"))
    page = text(teacher.get("/placement/claims/"))
    assert "认领甲" in page
    assert "别的年级" not in page
    refused = teacher.post("/placement/claims/", {"class": klass, "person": [older]}, follow=True)
    assert "请刷新后重新选择" in text(refused)
    assert (
        teacher.post("/placement/claims/", {"class": place.klass(number=2).pk, "person": [one]}).status_code
        == 404
    )
    done = teacher.post("/placement/claims/", {"class": klass, "person": [one, two]}, follow=True)
    assert "已认领 2 名学生, 等教务处审批" in text(done)
    assert row(one).class_id is None
    office = login(Client(), place.user("registrar", "a1"))
    assert "班主任认领的学生 2 名" in text(office.get("/"))
    with seeing_all():
        ask = {a.person_id: a.pk for a in Ask.objects.all()}
    bare = office.post("/placement/claims/", {"do": "refuse", "ask": [ask[two]]}, follow=True)
    assert "不同意要写明理由" in text(bare)
    office.post("/placement/claims/", {"do": "refuse", "ask": [ask[two]], "words": "已安排到二班"})
    office.post("/placement/claims/", {"do": "agree", "ask": [ask[one]]})
    assert (row(one).class_id, row(one).class_seat) == (klass, 1)
    assert row(two).class_id is None
    with seeing_all():
        assert dict(Ask.objects.values_list("person_id", "state")) == {
            one: AskState.DONE,
            two: AskState.REFUSED,
        }


def test_where_the_office_places_nobody_claims(place: Place, client: Client) -> None:
    person = wait_for_class(place, "认领甲", school="c1")
    teacher = login(client, place.user("class_teacher", "c1"))
    page = text(teacher.get("/placement/claims/"))
    assert "本地规定由教务处统一编班" in page
    assert "认领甲" not in page
    with (
        act_as(place.user("class_teacher", "c1")) as actor,
        pytest.raises(PlacementError, match="教务处统一编班"),
    ):
        claims.claim(actor, place.klass("c1").pk, [person])


@pytest.mark.capability("C-NUM-11", page="/placement/classes/{id}/numbers/")
@pytest.mark.capability("C-NUM-12", page="/placement/classes/{id}/numbers/")
def test_a_number_is_made_only_where_it_is_ticked_and_stays_for_good(place: Place, client: Client) -> None:
    """The class teacher ticks 生成 for two of three pupils: numbers in that order, none for the third.
    One goes on leave and comes back with the same number; one leaves the school, the number is cancelled and stays.
    Who transfers in comes last of the year, with a remark.
    """
    one, two, three = (enrol(place, name=n) for n in ("学号甲", "学号乙", "学号丙"))
    here = f"/placement/classes/{place.klass().pk}/numbers/"
    teacher = login(client, place.user("class_teacher", "a1"))
    assert "已生成 2 个学号" in text(teacher.post(here, {"person": [two, one]}, follow=True))
    assert (numbered(two), numbered(one)) == ("2026P0001", "2026P0002")
    with seeing_all():
        assert not SchoolNumber.objects.filter(person_id=three).exists()
    assert "请先勾选" in text(teacher.post(here, {"person": [one]}, follow=True)), "who has a number keeps it"
    for business, to in (("suspend", 2), ("resume", STUDYING)):
        with act_as(place.user("registrar", "a1")) as actor:
            enrolment.apply_step(actor, Step(one, business, to, midnight(today())))
    assert "学号甲 2026P0002" in text(teacher.get(here))
    with act_as(place.user("registrar", "a2")) as actor:
        enrolment.apply_step(
            actor,
            Step(
                two, "transfer", STUDYING, midnight(today()), school_id=place.org("a2").pk,
                class_id=place.klass("a2").pk,
            ),
        )  # fmt: skip
    came = enrol(place, "a2", name="转入丁")
    with act_as(place.user("registrar", "a1")) as actor:
        enrolment.apply_step(
            actor,
            Step(
                came, "transfer", STUDYING, midnight(today()), school_id=place.org("a1").pk,
                class_id=place.klass().pk,
            ),
        )  # fmt: skip
    teacher.post(here, {"person": [came]})
    assert numbered(came) == "2026P0003"
    page = text(teacher.get(here))
    assert f"2026P0001 — {today():%Y-%m-%d} 离校, 学号注销" in page
    assert f"{today():%Y-%m-%d} 由青禾县东乡小学转入" in page


def test_two_classes_at_once_leave_no_gap_and_give_none_twice(own_database: str) -> None:
    place = make_county()
    first = [enrol(place, name=f"一班{x}") for x in "甲乙丙丁"]
    second = [enrol(place, name=f"二班{x}", number=2) for x in "甲乙丙丁"]
    user, other = place.user("class_teacher", "a1"), place.user("registrar", "a1")
    barrier, faults = threading.Barrier(2), []

    def give(who: Any, number: int, mine: list[Any]) -> None:
        try:
            barrier.wait(10)
            for person in mine:
                with act_as(who) as actor:
                    numbers.give(actor, place.klass(number=number).pk, [person])
        except Exception as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=give, args=(user, 1, first)),
        threading.Thread(target=give, args=(other, 2, second)),
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert faults == []
    with seeing_all():
        assert sorted(SchoolNumber.objects.values_list("number", flat=True)) == [
            f"2026P000{n}" for n in range(1, 9)
        ]
