"""The register of each school is endorsed every September (学籍验章, C-ENR-17)."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client
from tests.children import enrol
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.placement.pupils import wait_for_class

from xueji.ground.accounts.actor import today
from xueji.ground.orgs.grades import start_year_of
from xueji.ground.orgs.models import Org
from xueji.registry.yearly import commands, stamps
from xueji.registry.yearly.errors import YearlyError
from xueji.registry.yearly.models import RegisterStamp, StampState

pytestmark = pytest.mark.django_db


def _words(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def _asked(place: Place, school: str) -> RegisterStamp:
    enrol(place, school, name="在册的")
    with act_as(place.user("registrar", school)) as actor:
        return commands.ask_stamp(actor)


@pytest.mark.capability("C-ENR-17", page="/yearly/stamps/")
@pytest.mark.rule("HEBQA-RPT-01")
def test_a_register_is_handed_in_and_endorsed_for_the_year() -> None:
    """The registrar hands the register in: how many, and as it stands. The county's clerk sees which schools wait, ticks
    and endorses, by the article of the place; the central school does the same for its own schools.
    The school reads by whom and when its register was endorsed; it cannot be handed in again that year.
    """
    place = make_county()
    with seeing_all():
        for key in ("a", "a1", "a2"):
            org = place.org(key)
            org.policy = "cn-13-qianan"
            org.save()
    enrol(place, name="在册的")
    office = login(Client(), place.user("registrar", "a1"))
    assert "现在在籍 1 人" in _words(office.get("/yearly/stamps/"))
    assert "名册已提交验章" in _words(office.post("/yearly/stamps/ask/", follow=True))
    clerk = login(Client(), place.user("county_clerk", "a"))
    assert "学籍验章" in _words(clerk.get("/"))
    page = _words(clerk.get("/yearly/stamps/"))
    assert "青禾县第一小学 待验章" in page
    assert "青禾县东乡小学 还没有提交" in page
    answer = clerk.post(
        "/yearly/stamps/give/", {"school": [str(place.org("a1").pk)], "how": "stamp"}, follow=True
    )
    assert "已验章 1 所学校" in _words(answer)
    page = _words(office.get("/yearly/stamps/"))
    assert "青禾县教育局" in page
    assert "三.2" in page
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(YearlyError, match="已经验章"):
        commands.ask_stamp(actor)
    _asked(place, "a2")
    central = login(Client(), place.user("central_clerk", "central"))
    assert "青禾县第一小学" not in _words(central.get("/yearly/stamps/"))
    central.post("/yearly/stamps/give/", {"school": [str(place.org("a2").pk)], "how": "stamp"})
    with seeing_all():
        row = RegisterStamp.objects.get(school_id=place.org("a2").pk)
    assert (row.state, row.stamped_org, row.start_year) == (
        StampState.STAMPED, "青禾县东乡中心校", start_year_of(today()),
    )  # fmt: skip


@pytest.mark.capability("C-ENR-17")
def test_a_register_that_changed_since_is_returned_and_handed_in_again() -> None:
    place = make_county()
    _asked(place, "a1")
    enrol(place, name="后来的", number=2)
    a1 = place.org("a1").pk
    with act_as(place.user("county_clerk", "a")) as actor:
        with pytest.raises(YearlyError, match="提交以后有变动"):
            commands.stamp(actor, [a1])
        with pytest.raises(YearlyError, match="退回的理由"):
            commands.stamp(actor, [a1], back="改")
        commands.stamp(actor, [a1], back="名册有变动, 请重新提交")
        with pytest.raises(YearlyError, match="退回"):
            commands.stamp(actor, [a1])
    office = login(Client(), place.user("registrar", "a1"))
    assert "退回待重新提交" in _words(office.get("/"))
    assert "名册有变动, 请重新提交" in _words(office.get("/yearly/stamps/"))
    with act_as(place.user("registrar", "a1")) as actor:
        assert commands.ask_stamp(actor).total == 2
    with act_as(place.user("county_head", "a")) as actor:
        assert commands.stamp(actor, [a1]) == 1


@pytest.mark.capability("C-ENR-17")
def test_new_pupils_without_a_class_and_empty_registers_are_not_handed_in() -> None:
    place = make_county()
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(YearlyError, match="没有在籍学生"):
        commands.ask_stamp(actor)
    wait_for_class(place, "没编班的", cohort=start_year_of(today()))
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(YearlyError, match="1 名新生没有编班"):
        commands.ask_stamp(actor)


@pytest.mark.capability("C-ENR-17")
def test_each_endorses_the_schools_below_alone() -> None:
    place = make_county()
    _asked(place, "a1")
    _asked(place, "a2")
    a1, a2 = place.org("a1").pk, place.org("a2").pk
    for who in (("registrar", "a1"), ("school_head", "a1"), ("city_clerk", "city1")):
        with act_as(place.user(*who)) as actor, pytest.raises(PermissionDenied):
            commands.stamp(actor, [a1])
    for who in (("county_clerk", "b"), ("central_clerk", "central")):
        with act_as(place.user(*who)) as actor, pytest.raises(Http404):
            commands.stamp(actor, [a1, a2])
    with act_as(place.user("school_head", "a1")) as actor, pytest.raises(PermissionDenied):
        commands.ask_stamp(actor)
    with act_as(place.user("registrar", "b1")) as actor:
        assert [x.state for x in stamps.of_year(actor, start_year_of(today())).lines] == [""]
    with act_as(place.user("county_clerk", "a")) as actor:
        assert commands.stamp(actor, [a1, a2]) == 2


@pytest.mark.capability("C-ENR-17")
def test_a_closed_school_is_not_late() -> None:
    place = make_county()
    year = start_year_of(today())
    with seeing_all():
        Org.objects.filter(pk=place.org("a2").pk).update(valid_to=date(year, 8, 1))
    with act_as(place.user("county_clerk", "a")) as actor:
        assert place.org("a2").pk not in {x.school_id for x in stamps.of_year(actor, year).lines}
        assert place.org("a2").pk in {x.school_id for x in stamps.of_year(actor, year - 1).lines}


@pytest.mark.capability("C-ENR-17")
def test_the_list_of_schools_goes_on_those_that_wait_first_and_none_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = make_county()
    _asked(place, "a2")
    year = start_year_of(today())
    with act_as(place.user("county_clerk", "a")) as actor:
        whole = stamps.of_year(actor, year)
        assert whole.following == ""
        assert whole.total == len(whole.lines) > 1
        monkeypatch.setattr(stamps, "PAGE", 1)
        seen, after = [], ""
        while True:
            page = stamps.of_year(actor, year, after=after)
            assert (page.total, page.done) == (whole.total, 0)
            seen += [x.school_id for x in page.lines]
            if not (after := page.following):
                break
    assert seen == [x.school_id for x in whole.lines]
    assert seen[0] == place.org("a2").pk
    clerk = login(Client(), place.user("county_clerk", "a"))
    answer = clerk.get("/yearly/stamps/")
    assert f"共 {whole.total} 所学校" in _words(answer)
    following = re.search(r'rel="next" href="([^"]+)"', answer.content.decode())
    assert following is not None
    assert "青禾县第一小学" in _words(clerk.get("/yearly/stamps/" + following[1].replace("&amp;", "&")))


@pytest.mark.capability("C-ENR-17")
def test_a_return_needs_words() -> None:
    place = make_county()
    row = _asked(place, "a1")
    clerk = login(Client(), place.user("county_clerk", "a"))
    answer = clerk.post(
        "/yearly/stamps/give/",
        {"school": [str(place.org("a1").pk)], "how": "back", "back": "  "},
        follow=True,
    )
    assert "请写明退回的理由" in _words(answer)
    with seeing_all():
        row.refresh_from_db()
    assert row.state == StampState.ASKED
