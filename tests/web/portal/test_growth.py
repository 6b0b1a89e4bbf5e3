"""成长记录: from admission to graduation on one page, for the school and for the family."""

from __future__ import annotations

import pytest
from django.test import Client
from tests.children import enrol
from tests.helpers import act_as, link_child, login, make_county
from tests.registry.changes.business.journey import be_guest, day, draft, finish
from tests.registry.yearly.world import graduated

from xueji.office.certificates import commands

pytestmark = pytest.mark.django_db


@pytest.mark.capability("C-GRA-07", page="/students/")
def test_the_record_leads_from_admission_to_graduation_for_school_and_family(client: Client) -> None:
    place = make_county()
    _row, people = graduated(place, 2)
    with act_as(place.user("registrar", "a1")) as actor:
        proof = commands.issue(actor, people[0], kind="graduation", purpose="升学")
    link_child(place.user("parent"), people[0])
    school = login(client, place.user("registrar", "a1"))
    assert f"/students/{people[0]}/growth/" in school.get(f"/students/{people[0]}/").content.decode()
    family = login(Client(), place.user("parent"))
    assert f"/my/{people[0]}/growth/" in family.get(f"/my/{people[0]}/").content.decode()
    for page in (
        school.get(f"/students/{people[0]}/growth/").content.decode(),
        family.get(f"/my/{people[0]}/growth/").content.decode(),
    ):
        assert "<c-" not in page
        assert "data-print" in page
        story = page.split("从入学到毕业", 1)[1]
        assert story.index("2020-09-01") < story.index("毕业")
        assert place.org("a1").name in story
        for words in ("六年级(1)班", "一年级(1)班"):
            if words in page:
                break
        else:
            pytest.fail("no class is named")
    assert proof.number in school.get(f"/students/{people[0]}/growth/").content.decode()


def test_another_child_stays_unseen(client: Client) -> None:
    place = make_county()
    mine, other = enrol(place, name="我的"), enrol(place, name="别人")
    link_child(place.user("parent"), mine)
    who = login(client, place.user("parent"))
    assert who.get(f"/my/{other}/growth/").status_code == 404
    assert who.get(f"/students/{other}/growth/").status_code == 404
    assert login(Client(), place.user("registrar", "b1")).get(f"/students/{other}/growth/").status_code == 404


@pytest.mark.capability("C-GRA-07")
def test_after_a_death_the_record_does_not_say_the_word(client: Client) -> None:
    place = make_county()
    child = enrol(place, name="小星")
    finish(place, draft(place, "death", child, "死亡证明", school="a1", happened_on=day(-1)), "a1")
    page = login(client, place.user("registrar", "a1")).get(f"/students/{child}/growth/").content.decode()
    assert "学籍手续" in page
    assert "死亡" not in page


def test_a_stay_as_a_guest_stands_beside_the_record_of_the_own_school(client: Client) -> None:
    place = make_county()
    child = enrol(place, name="小客")
    be_guest(place, child)
    page = login(client, place.user("registrar", "a1")).get(f"/students/{child}/growth/").content.decode()
    table = page.split("从入学到毕业", 1)[0]
    assert place.org("a1").name in table
    assert place.org("b1").name in table
    assert "借读" in table
