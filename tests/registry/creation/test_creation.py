"""New records go up for approval, singly and in batch; seniors are registered level by level; windows open and close."""

from __future__ import annotations

import re
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests.children import enrol
from tests.helpers import Place, act_as, login, make_county, seeing_all

from xueji.ground.db.scope import acting
from xueji.registry.creation import commands, queries, windows
from xueji.registry.creation.errors import CreationError
from xueji.registry.creation.models import CreationItem, CreationList, CreationStep, CreationWindow
from xueji.registry.enrolment.models import Event
from xueji.registry.intake import gates
from xueji.registry.intake import queries as intake
from xueji.registry.intake.errors import IntakeError

pytestmark = pytest.mark.django_db
SEPTEMBER = date(2026, 9, 1)


@pytest.fixture
def place() -> Place:
    return make_county()


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def only() -> CreationList:
    with seeing_all():
        return CreationList.objects.order_by("-id")[0]


def passes(place: Place, one: CreationList, *who: tuple[str, str]) -> CreationList:
    for role, where in who:
        with seeing_all():
            one.refresh_from_db()
        with act_as(place.user(role, where)) as actor:
            commands.decide(actor, one.pk, version=one.version)
    with seeing_all():
        one.refresh_from_db()
    return one


@pytest.mark.capability("C-NUM-01", page="/creation/")
@pytest.mark.capability("C-NUM-02", page="/creation/<id>/")
def test_new_records_are_approved_and_one_goes_back_with_the_reason(place: Place, client: Client) -> None:
    """A registrar sees three new pupils who are not approved yet, one of them overdue, and sends them; the head passes.
    The county sees the list and the pupils as 学籍待审核, returns one with the reason and approves the others.
    The approved have it on their record; the school sees the returned one and sends it again.
    """
    today = timezone.localdate()
    a = enrol(place, name="新生甲", on=today - timedelta(days=5))
    b = enrol(place, name="新生乙", on=today - timedelta(days=5))
    c = enrol(place, name="新生丙", on=SEPTEMBER)
    registrar = login(client, place.user("registrar", "a1"))
    page = text(registrar.get("/creation/"))
    assert "提交这 3 名学生" in page, page[:2000]
    assert "1 人入学超过规定期限还没有提交" in page
    county = login(Client(), place.user("county_clerk", "a"))
    assert re.search(r"青禾县第一小学 3 1 0 0", text(county.get("/creation/")))
    assert "要提交的人数已变为 3" in text(registrar.post("/creation/", {"expected": 2}, follow=True))
    assert "已提交 3 名学生" in text(registrar.post("/creation/", {"expected": 3}, follow=True))
    one = only()
    assert "没有要提交的学生" in text(registrar.get("/creation/"))
    early = county.post(f"/creation/{one.pk}/decide/", {"version": one.version}, follow=True)
    assert "现在由“学校负责人”办理" in text(early)
    one = passes(place, one, ("school_head", "a1"))
    page = text(county.get(f"/creation/{one.pk}/"))
    assert page.count("学籍待审核") == 3
    without = county.post(
        f"/creation/{one.pk}/decide/", {"version": one.version, "back": str(c)}, follow=True
    )
    assert "退回的学生要写明原因" in text(without)
    done = {"version": one.version, "back": str(c), "reason": "入学材料不全", "opinion": "属实"}
    assert "已核准, 退回 1 人" in text(county.post(f"/creation/{one.pk}/decide/", done, follow=True))
    one = passes(place, one, ("county_head", "a"))
    assert one.state == "approved"
    with seeing_all():
        assert {i.person_id: i.state for i in CreationItem.objects.all()} == {
            a: "approved", b: "approved", c: "returned",
        }  # fmt: skip
        assert set(Event.objects.filter(business="creation").values_list("person_id", flat=True)) == {a, b}
    assert "学籍核准" in text(registrar.get(f"/students/{a}/"))
    page = text(registrar.get("/creation/"))
    assert "入学材料不全" in page
    assert "提交这 1 名学生" in page
    assert "已提交 1 名学生" in text(registrar.post("/creation/", {"expected": 1}, follow=True))


@pytest.mark.capability("C-NUM-02", page="/creation/")
def test_a_county_approves_the_lists_of_many_schools_at_once(place: Place, client: Client) -> None:
    for school in ("a1", "a2"):
        enrol(place, school, name="新生甲" if school == "a1" else "新生乙")
        with act_as(place.user("registrar", school)) as actor:
            one = commands.send(actor, "creation", expected=1)
        passes(place, one, ("school_head", school))
    with seeing_all():
        marks = [f"{x.pk}:{x.version}" for x in CreationList.objects.order_by("pk")]
    county = login(client, place.user("county_clerk", "a"))
    assert "待我核准" in text(county.get("/creation/"))
    assert "已核准 2 份名单" in text(
        county.post("/creation/batch/", {"kind": "creation", "list": marks}, follow=True)
    )
    with seeing_all():
        assert set(CreationStep.objects.filter(state="current").values_list("role", flat=True)) == {
            "county_head"
        }
    again = text(county.post("/creation/batch/", {"kind": "creation", "list": marks}, follow=True))
    assert "刚刚有变动" in again


def test_nobody_sends_and_approves_and_a_list_goes_back_or_is_taken_back(
    place: Place, client: Client
) -> None:
    child = enrol(place, name="新生甲")
    with act_as(place.user("registrar", "a1")) as actor:
        one = commands.send(actor, "creation", expected=1)
        with pytest.raises(CreationError, match="没有要提交"):
            commands.send(actor, "creation", expected=1)
        commands.withdraw(actor, one.pk, version=one.version)
        one = commands.send(actor, "creation", expected=1)
    one = passes(place, one, ("school_head", "a1"))
    with act_as(place.user("county_head", "a")) as actor, pytest.raises(CreationError, match="现在由"):
        commands.decide(actor, one.pk, version=one.version)
    with act_as(place.user("county_clerk", "a")) as actor:
        with pytest.raises(CreationError, match="刚刚有变动"):
            commands.decide(actor, one.pk, version=one.version + 1)
        commands.return_list(actor, one.pk, version=one.version, reason="班级填错")
    with act_as(place.user("registrar", "a1")):
        found = queries.unsent(place.org("a1").pk, "creation")
        assert [(u.person_id, u.returned) for u in found] == [(child, "班级填错")]
    other = login(client, place.user("registrar", "b1"))
    assert other.get(f"/creation/{one.pk}/").status_code == 404
    assert login(Client(), place.user("class_teacher", "a1")).get("/creation/").status_code == 403


@pytest.mark.capability("C-NUM-19", page="/creation/senior/")
def test_seniors_are_registered_by_county_city_and_province(place: Place, client: Client) -> None:
    """A senior school uploads its cohort; head, county, city and province pass it in turn.
    The pupils are registered for the year; who came later is offered as not registered, and goes up by a second list.
    The county sees at a glance which school has registered whom.
    """
    first = enrol(place, "c1", stage="S", cohort=2026, birth=date(2011, 3, 4), name="高一甲")
    enrol(place, "c1", stage="S", cohort=2026, birth=date(2011, 3, 5), name="高一乙")
    enrol(place, "c1", stage="P", cohort=2026, name="小学生")
    registrar = login(client, place.user("registrar", "c1"))
    assert "提交这 2 名学生" in text(registrar.get("/creation/senior/"))
    registrar.post("/creation/senior/", {"expected": 2, "cohort": 2026})
    one = only()
    with seeing_all():
        roles = list(
            CreationStep.objects.filter(list_id=one.pk).order_by("seq").values_list("role", flat=True)
        )
    assert roles == ["registrar", "school_head", "county_clerk", "city_clerk", "province_clerk"]
    one = passes(place, one, ("school_head", "c1"), ("county_clerk", "c"), ("city_clerk", "city2"))
    assert one.state == "running"
    one = passes(place, one, ("province_clerk", "province"))
    assert one.state == "approved"
    with act_as(place.user("registrar", "c1")):
        assert queries.approved([first], "senior", 2026) == {first}
        assert queries.approved([first], "senior", 2025) == set()
    enrol(place, "c1", stage="S", cohort=2026, birth=date(2011, 3, 6), name="转来生")
    assert "提交这 1 名学生" in text(registrar.get("/creation/senior/"))
    county = text(login(Client(), place.user("county_clerk", "c")).get("/creation/senior/"))
    assert re.search(r"白石县实验学校 1 0 0 2", county), county[:2500]


@pytest.mark.capability("C-NUM-18", page="/creation/windows/")
def test_records_are_made_while_the_window_is_open(
    place: Place, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the place says so, a school publishes and sends only while its authority has opened the window.
    The county opens it with the reason, the school works, the county closes it again before its day.
    """
    monkeypatch.setattr(windows, "needed", lambda *_given: True)
    enrol(place, name="新生甲")
    with act_as(place.user("registrar", "a1")) as actor:
        school = intake.school_facts(place.org("a1").pk)
        with pytest.raises(IntakeError, match="没有开放"):
            gates.require_open(school)
        with pytest.raises(CreationError, match="没有开放"):
            commands.send(actor, "creation", expected=1)
    county = login(client, place.user("county_clerk", "a"))
    today = timezone.localdate()
    form = {
        "kind": "creation", "opens_on": today.isoformat(), "closes_on": (today + timedelta(days=7)).isoformat(),
        "reason": "补充注册通知",
    }  # fmt: skip
    assert "下属学校可以办理" in text(county.post("/creation/windows/", form, follow=True))
    registrar = login(Client(), place.user("registrar", "a1"))
    assert "开放中" in text(registrar.get("/creation/"))
    assert "补充注册通知" in text(registrar.get("/creation/windows/"))
    with act_as(place.user("registrar", "a1")) as actor:
        gates.require_open(school)
        commands.send(actor, "creation", expected=1)
    with act_as(place.user("registrar", "b1")), pytest.raises(IntakeError):
        gates.require_open(intake.school_facts(place.org("b1").pk))
    with seeing_all():
        window = CreationWindow.objects.get()
    assert "已关闭" in text(county.post(f"/creation/windows/{window.pk}/close/", follow=True))
    with act_as(place.user("registrar", "a1")), pytest.raises(IntakeError, match="没有开放"):
        gates.require_open(school)
    assert registrar.post("/creation/windows/", form).status_code == 403


def test_the_window_is_asked_for_only_where_the_place_says_so(place: Place) -> None:
    with act_as(place.user("registrar", "a1")):
        gates.require_open(intake.school_facts(place.org("a1").pk))


def test_nothing_waits_where_the_place_has_no_approval(
    place: Place, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The county has new records in force at once: its schools are asked for no list, nobody is overdue."""
    enrol(place, name="新生甲")
    registrar = login(client, place.user("registrar", "a1"))
    assert "提交这 1 名学生" in text(registrar.get("/creation/"))
    real = queries.policy_for

    def free(org: Any, day: date) -> Any:
        held = real(org, day)
        stated = SimpleNamespace(stated=True, value=False)
        return SimpleNamespace(
            param=lambda code: stated if code == "enrol.confirm_needed" else held.param(code)
        )

    monkeypatch.setattr(queries, "policy_for", free)
    page = text(registrar.get("/creation/"))
    assert "没有要提交的学生" in page and "提交这" not in page
    with (
        act_as(place.user("registrar", "a1")) as actor,
        pytest.raises(CreationError, match="不需要报主管部门核准"),
    ):
        commands.send(actor, "creation", expected=1)
    with act_as(place.user("county_clerk", "a")) as actor:
        assert queries.overview(actor, "creation") == []


def test_a_list_of_any_length_takes_the_same_statements(place: Place) -> None:
    taken = []
    for n in (2, 12):
        for i in range(n):
            enrol(place, name="甲" + "一二三四五六七八九十甲乙"[i])
        with act_as(place.user("registrar", "a1")) as actor, CaptureQueriesContext(connection) as sent:
            one = commands.send(actor, "creation", expected=n)
        one = passes(place, one, ("school_head", "a1"), ("county_clerk", "a"))
        with act_as(place.user("county_head", "a")) as actor, CaptureQueriesContext(connection) as done:
            commands.decide(actor, one.pk, version=one.version)
        taken.append((len(sent), len(done)))
    assert taken[0] == taken[1], taken


def test_a_pupil_waits_on_one_list_at_a_time(place: Place) -> None:
    child = enrol(place, name="新生甲")
    with act_as(place.user("registrar", "a1")) as actor:
        one = commands.send(actor, "creation", expected=1)
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic(), acting("writer"):
        CreationItem.objects.create(
            list_id=one.pk + 1,
            person_id=child,
            kind="creation",
            year=2026,
            county_id=one.county_id,
            school_id=one.school_id,
        )
