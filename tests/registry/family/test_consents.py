"""Consent to extras: given, refused and withdrawn with the same ease, effective at once, whose word counts by age.

Journey: a parent opens 同意与撤回 on the phone, taps 不同意 for the voluntary items; what the school had noted of them is
gone, the registrar cannot enter it again; the class list of the school shows it in the same minute.
"""

from __future__ import annotations

from datetime import date, timedelta

import pypdfium2
import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.test import Client
from django.utils import timezone
from tests.children import enrol
from tests.helpers import Place, act_as, give_role, link_child, login, make_county

from xueji.ground.accounts.models import User
from xueji.ground.db.scope import acting
from xueji.registry.family import consents, guardianship, sight
from xueji.registry.family.errors import FamilyError
from xueji.registry.family.models import Consent
from xueji.registry.people import queries as people
from xueji.registry.people.commands import NewGuardian, set_guardian, set_profile
from xueji.registry.people.errors import BadValue

pytestmark = pytest.mark.django_db


class World:
    """A child with two guardians who have accounts, and an account of its own."""

    def __init__(self, years: int = 9) -> None:
        self.place: Place = make_county()
        birth = sight.birthday(timezone.localdate() - timedelta(days=40), -years)
        self.person = enrol(
            self.place,
            name="欧阳娜娜",
            birth=birth,
            guardians=[
                NewGuardian(
                    name="欧阳锋", relation="51", sealed={"phone": "13900001111", "employer": "青禾农机站"}
                ),
                NewGuardian(name="张兰", relation="52", sealed={"employer": "县医院"}),
            ],
            profile={"blood_type": "1", "talents": "围棋", "phone": "13600003333"},
        )
        self.father, self.child = self.place.user("parent"), self.place.user("student")
        with transaction.atomic(), acting("writer"):
            self.mother = User.objects.create(username="mother", display_name="张兰", password="x")
        give_role(self.mother, "parent")
        link_child(self.father, self.person, 1)
        link_child(self.mother, self.person, 2)
        link_child(self.child, self.person, None)

    def say(self, user: User, code: str, agreed: bool) -> consents.Standing:
        with act_as(user) as actor:
            return consents.answer(actor, self.person, code, agreed=agreed)

    def holds(self, code: str) -> bool:
        with transaction.atomic():
            return consents.holds(self.person, code)

    def kept(self) -> dict[str, str]:
        with act_as(self.place.user("registrar", "a1")) as actor:
            return {f.key: f.value for f in people.profile(actor, self.person) if f.value}

    def employers(self) -> list[bool]:
        with act_as(self.place.user("registrar", "a1")) as actor:
            return ["employer" in g.has for g in people.guardians(actor, self.person)]


@pytest.fixture
def world() -> World:
    return World()


def test_nothing_holds_before_somebody_said_yes_and_one_no_outweighs_a_yes(world: World) -> None:
    assert not world.holds("publish_photo")
    world.say(world.father, "publish_photo", True)
    assert world.holds("publish_photo")
    world.say(world.mother, "publish_photo", False)
    assert not world.holds("publish_photo")
    world.say(world.mother, "publish_photo", True)
    assert world.holds("publish_photo")


@pytest.mark.capability("C-SEC-04")
def test_a_no_deletes_what_was_voluntary_and_nothing_is_taken_any_more(world: World) -> None:
    assert {"blood_type", "talents"} <= set(world.kept())
    world.say(world.father, "optional_child", False)
    assert not {"blood_type", "talents"} & set(world.kept())
    assert "phone" in world.kept()
    with act_as(world.place.user("registrar", "a1")) as actor:
        with pytest.raises(BadValue, match="不同意提供"):
            set_profile(actor, world.person, {"blood_type": "2"})
        set_profile(actor, world.person, {"phone": "13600004444"})
    world.say(world.father, "optional_child", True)
    with act_as(world.place.user("registrar", "a1")) as actor:
        set_profile(actor, world.person, {"blood_type": "2"})
    assert "blood_type" in world.kept()


def test_the_familys_own_voluntary_items_go_of_both_parents(world: World) -> None:
    assert world.employers() == [True, True]
    world.say(world.mother, "optional_family", False)
    assert world.employers() == [False, False]
    with act_as(world.place.user("registrar", "a1")) as actor, pytest.raises(BadValue, match="工作单位"):
        set_guardian(
            actor, world.person, 2, NewGuardian(name="张兰", relation="52", sealed={"employer": "县医院"})
        )


def test_a_withdrawal_is_one_tap_like_the_yes_and_is_kept_as_such(world: World, client: Client) -> None:
    login(client, world.father)
    url = f"/my/{world.person}/consents/"
    page = client.get(url).content.decode()
    assert page.count('value="yes"') == page.count('value="no"') == 5
    client.post(url, {"code": "publish_photo", "answer": "yes"})
    assert world.holds("publish_photo")
    client.post(url, {"code": "publish_photo", "answer": "no"})
    assert not world.holds("publish_photo")
    with transaction.atomic():
        said = [c.answer for c in consents.history(world.person)]
    assert said == ["withdrawn", "given"]
    # Refusing blocks nothing.
    assert client.get(f"/my/{world.person}/").status_code == 200


def test_from_fourteen_the_pupil_decides_what_is_the_pupils() -> None:
    world = World(years=14)
    with pytest.raises(FamilyError, match="学生本人"):
        world.say(world.father, "optional_child", True)
    world.say(world.child, "optional_child", True)
    assert world.holds("optional_child")
    # A picture in the paper takes both words.
    world.say(world.father, "publish_photo", True)
    assert not world.holds("publish_photo")
    world.say(world.child, "publish_photo", True)
    assert world.holds("publish_photo")


def test_below_fourteen_the_childs_own_account_decides_nothing(world: World) -> None:
    with pytest.raises(FamilyError, match="监护人"):
        world.say(world.child, "optional_child", True)


def test_on_the_eighteenth_birthday_the_pupils_word_keeps_the_parents_in_and_ends_it() -> None:
    world = World(years=18)
    with pytest.raises(Http404):
        world.say(world.father, "optional_family", True)
    world.say(world.child, "adult_parents", True)
    with act_as(world.father) as actor:
        assert world.person in actor.persons
    world.say(world.child, "adult_parents", False)
    with act_as(world.father) as actor:
        assert world.person not in actor.persons


def test_a_new_version_asks_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    world.say(world.father, "publish_photo", True)
    newer = dict(consents.questions())
    newer["publish_photo"] = replace(newer["publish_photo"], version="2")
    monkeypatch.setattr(consents, "questions", lambda: newer)
    assert not world.holds("publish_photo")
    with transaction.atomic():
        assert consents.standings([world.person])[world.person]["publish_photo"].open
    world.say(world.father, "publish_photo", True)
    assert world.holds("publish_photo")


def test_a_guardian_who_was_shut_out_counts_no_more(world: World) -> None:
    world.say(world.father, "publish_photo", False)
    world.say(world.mother, "publish_photo", True)
    assert not world.holds("publish_photo")
    with act_as(world.place.user("registrar", "a1")) as actor:
        guardianship.put(
            actor, world.person, kind="revoked", guardian_no=1, since=timezone.localdate(), paper="判决书1号"
        )
    assert world.holds("publish_photo")


def test_the_school_sees_by_class_who_agreed_and_nobody_else_does(world: World, client: Client) -> None:
    world.say(world.father, "publish_photo", True)
    klass = world.place.klass("a1").pk
    for role in ("class_teacher", "registrar", "school_head"):
        with act_as(world.place.user(role, "a1")) as actor:
            (line,) = [x for x in consents.of_class(actor, klass) if x.person_id == world.person]
            assert [s.holds for s in line.standings] == [False, False, True, False, False, False]
    with act_as(world.place.user("registrar", "a2")) as actor:
        assert consents.of_class(actor, klass) == []
    with pytest.raises(PermissionDenied), act_as(world.place.user("county_clerk", "a")) as actor:
        consents.of_class(actor, klass)
    login(client, world.place.user("registrar", "a1"))
    assert "照片用于学校宣传" in client.get(f"/classes/{klass}/consents/").content.decode()


def test_nobody_answers_for_a_child_of_others(world: World) -> None:
    other = enrol(world.place, name="别家子")
    for user in (world.father, world.child):
        with pytest.raises(Http404), act_as(user) as actor:
            consents.answer(actor, other, "publish_photo", agreed=True)
    with pytest.raises(PermissionDenied), act_as(world.place.user("registrar", "a1")) as actor:
        consents.answer(actor, world.person, "publish_photo", agreed=True)
    with transaction.atomic(), acting("writer"):
        assert not Consent.objects.filter(person_id=other).exists()


@pytest.mark.parametrize(
    ("birth", "day", "years"),
    [
        (date(2012, 2, 29), date(2026, 2, 27), 13),
        (date(2012, 2, 29), date(2026, 2, 28), 14),
        (date(2012, 11, 22), date(2026, 11, 21), 13),
        (date(2012, 11, 22), date(2026, 11, 22), 14),
    ],
)
def test_birthdays_count_as_the_database_counts_them(birth: date, day: date, years: int) -> None:
    from django.db import connection

    assert sight.age(birth, day) == years
    with connection.cursor() as c:
        c.execute("select %s::date + interval '14 years' <= %s::date", [birth, day])
        assert c.fetchone()[0] is (years >= 14)


def test_no_question_is_about_what_the_law_orders() -> None:
    from xueji.ground.standards import purposes

    voluntary = {*purposes.voluntary()} | {"member_employer", "member_position", "member_ethnicity"}
    for q in consents.questions().values():
        assert set(q.fields) <= voluntary
        assert q.withdrawn
    asked = {f for q in consents.questions().values() for f in q.fields}
    assert {k for k in purposes.voluntary() if not k.startswith("member")} <= asked


def test_the_blank_form_says_on_its_back_why_each_item_is_asked_for(world: World, client: Client) -> None:
    login(client, world.place.user("class_teacher", "a1"))
    answer = client.get(f"/classes/{world.place.klass('a1').pk}/collection.pdf")
    document = pypdfium2.PdfDocument(answer.content)
    pages = [page.get_textpage().get_text_range() for page in document]
    assert "采集表" in pages[0]
    back = "".join(pages[1:])
    assert "为什么要填" in back
    assert "不影响上学和办事" in back
    assert client.get(f"/classes/{world.place.klass('a2').pk}/collection.pdf").status_code == 404
