"""Duplicates over the whole database: found, explained, told no further than allowed, and not asked about twice."""

from __future__ import annotations

import uuid
from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.children import enrol, id_number
from tests.helpers import Place, act_as, login, make_county, seeing_all

from xueji.registry.duplicates import commands, listing, similar
from xueji.registry.duplicates.errors import DuplicatesError
from xueji.registry.duplicates.models import Pair, PairState, Run, RunState
from xueji.registry.problems.models import Kind, Problem

pytestmark = pytest.mark.django_db
BORN = date(2018, 3, 5)


def run(place: Place, role: str = "registrar", where: str = "a1") -> Run:
    with act_as(place.user(role, where)) as actor:
        row = commands.start_run(actor)
    while commands.work_off(row.pk):
        pass
    with seeing_all():
        row.refresh_from_db()
    return row


@pytest.mark.capability("C-DUP-02")
@pytest.mark.parametrize(
    ("name", "born", "words"),
    [
        ("陈丽华", BORN, "姓名相同, 出生日期相同"),
        ("陈丽华", date(2018, 3, 15), "姓名相同, 出生日期差一位"),
        ("陈丽华", date(2018, 5, 3), "姓名相同, 出生日期的月和日对调"),
        ("陳麗華", BORN, "姓名只差异体字、繁体字、间隔号或空格, 出生日期相同"),
        ("陈利华", BORN, "姓名同音, 出生日期相同"),
    ],
)
def test_each_likeness_is_explained_in_words(name: str, born: date, words: str) -> None:
    score, reasons = similar.judge("陈丽华", BORN, name, born)
    assert similar.in_words(reasons) == words
    assert (score >= similar.LEAST) == (reasons[0] != "same_sound")


def test_days_that_are_only_near_are_not_alike() -> None:
    assert similar.birth_reason(date(2019, 1, 30), date(2019, 1, 29)) == ""
    assert similar.birth_reason(date(2019, 1, 30), date(2019, 1, 20)) == "one_digit"
    assert similar.birth_reason(date(2019, 4, 2), date(2018, 2, 4)) == ""
    assert similar.name_key("买买提·吐尔逊") == similar.name_key("买买提 吐尔逊")


@pytest.mark.capability("C-DUP-02")
def test_a_school_checks_all_its_records_against_the_whole_database() -> None:
    """A registrar has all records of the school checked in the background.
    They see each suspicion with its reasons; of a record elsewhere the school and its telephone, nothing of the child.
    It ends as a problem record of both schools, or decided by the unit above both and not asked about again."""
    place = make_county()
    mine = enrol(place, "a1", name="陈丽华", sex="2", birth=BORN)
    far = enrol(place, "b1", name="陳麗華", sex="2", birth=BORN)
    twin = enrol(place, "a1", name="陈丽华", sex="2", birth=date(2018, 5, 3), number=2)
    enrol(place, "b1", name="王大力", birth=BORN)
    enrol(place, "a1", name="陈丽华", sex="1", birth=BORN)
    row = run(place)
    assert (row.state, row.total, row.done) == (RunState.DONE, 3, 3)
    with act_as(place.user("registrar", "a1")) as actor:
        rows, _next = listing.pairs(actor)
        assert {frozenset(r.seen) for r in rows} == {
            frozenset({mine, twin}),
            frozenset({mine}),
            frozenset({twin}),
        } or {frozenset(r.seen) for r in rows} == {frozenset({mine, twin}), frozenset({mine})}
        theirs = next(r for r in rows if len(r.seen) == 1 and mine in r.seen)
        hidden = next(s for s in theirs.sides if s.person_id is None)
        assert (hidden.name, hidden.birth_date, hidden.school) == ("", None, "临川县九年制学校")
        with pytest.raises(PermissionDenied):
            commands.decide_different(actor, theirs.id, "两校核对过户口簿")
        own = next(r for r in rows if set(r.seen) == {mine, twin})
        commands.decide_different(actor, own.id, "同名堂姐妹, 户口簿已核对")
        problem = commands.open_problem(actor, theirs.id)
        assert problem.kind == Kind.SAME_PERSON
    with act_as(place.user("registrar", "b1")) as actor:
        assert Problem.objects.get().pk == problem.pk
        assert [set(r.seen) for r in listing.pairs(actor, state="problem")[0]] == [{far}]
    with act_as(place.user("registrar", "c1")) as actor:
        assert listing.pairs(actor, state="") == ([], "")
        with pytest.raises(Http404):
            listing.pair(theirs.id)
    again = run(place, "county_clerk", "a")
    assert again.found == 0
    with seeing_all():
        assert Pair.objects.get(pk=own.id).state == PairState.DIFFERENT


@pytest.mark.capability("C-DUP-02")
@pytest.mark.capability("C-NUM-13")
def test_one_child_is_looked_up_before_it_is_entered_and_a_foreign_record_is_not_told() -> None:
    place = make_county()
    number = id_number(BORN, "2")
    kid = enrol(place, "b1", name="陈丽华", sex="2", birth=BORN, identity=number)
    with act_as(place.user("registrar", "a1")) as actor:
        by_name = commands.check_one(actor, name="陈丽华", sex="2", birth=date(2018, 3, 6))
        by_number = commands.check_one(actor, name="", sex="", birth=None, number=number)
        assert [(h.person_id, h.school) for h in by_name] == [(None, "临川县九年制学校")]
        # How near the guess came is not told of a child out of scope.
        assert (by_name[0].score, by_name[0].words) == (0, "姓名、性别、出生日期相同或相近")
        assert (by_number[0].score, by_number[0].words) == (100, "证件号码相同")
        assert commands.check_one(actor, name="周不在", sex="1", birth=BORN) == []
        with pytest.raises(DuplicatesError):
            commands.check_one(actor, name="周不在", sex="1", birth=None)
    with act_as(place.user("registrar", "b1")) as actor:
        assert commands.check_one(actor, name="", sex="", birth=None, number=number)[0].person_id == kid
        near = commands.check_one(actor, name="陈丽华", sex="2", birth=date(2018, 3, 6))
        assert (near[0].person_id, near[0].words) == (kid, "姓名相同, 出生日期差一位")
    with act_as(place.user("class_teacher", "a1")) as actor, pytest.raises(PermissionDenied):
        commands.check_one(actor, name="陈丽华", sex="2", birth=BORN)


def test_a_run_takes_a_fixed_number_of_statements() -> None:
    counted = []
    for n in (2, 8):
        place = make_county(tag=str(n))
        for i in range(n):
            enrol(place, "a1", name="何" + "一二三四五六七八"[i], birth=BORN)
            enrol(place, "b1", name="何" + "一二三四五六七八"[i], birth=BORN)
        with act_as(place.user("registrar", "a1")) as actor:
            row = commands.start_run(actor)
        with CaptureQueriesContext(connection) as found:
            commands.work_off(row.pk)
        counted.append(len(found))
    assert counted[0] == counted[1]


def test_the_pages_lead_from_a_suspicion_to_a_merge_and_back(client: Client) -> None:
    place = make_county()
    kept = enrol(place, "a1", name="陈丽华", sex="2", birth=BORN)
    merged = enrol(place, "a2", name="陈丽华", sex="2", birth=date(2018, 5, 3))
    run(place, "county_clerk", "a")
    with seeing_all():
        pair = Pair.objects.get()
    login(client, place.user("county_clerk", "a"))
    page = client.get("/duplicates/").content.decode()
    assert "出生日期的月和日对调" in page
    page = client.get(f"/duplicates/{pair.pk}/").content.decode()
    assert f"/merges/new/{kept}/{merged}/" in page
    page = client.get(f"/merges/new/{kept}/{merged}/").content.decode()
    assert "青禾县东乡小学" in page
    answer = client.post(
        f"/merges/new/{kept}/{merged}/", {"basis": "户口簿与出生证核对一致", "take_name": "kept"}
    )
    url = answer["Location"]
    assert url.startswith("/merges/")
    assert "等待另一位负责人决定" in client.get(url).content.decode()
    head = login(Client(), place.user("county_head", "a"))
    assert "同意合并" in head.get(url).content.decode()
    head.post(f"{url}decide/", {"decision": "pass", "opinion": "同意", "version": "1"})
    assert "已合并" in head.get("/merges/").content.decode()
    # The former address leads to the record that goes on.
    answer = client.get(f"/students/{merged}/")
    assert (answer.status_code, answer["Location"]) == (302, f"/students/{kept}/")
    assert client.get(f"/students/{merged}/?alias=1").status_code == 200
    assert "合并档案" in client.get(f"/students/{kept}/").content.decode()
    client.post(f"{url}undo/", {"reason": "查明是两个孩子"})
    head.post(f"{url}undo/decide/", {"decision": "pass", "opinion": "同意"})
    assert client.get(f"/students/{merged}/").status_code == 200
    school = login(Client(), place.user("registrar", "a2"))
    assert "已撤销合并" in school.get(url).content.decode()
    assert login(Client(), place.user("registrar", "b1")).get(url).status_code == 404
    check = school.post(
        "/duplicates/check/", {"name": "陈丽华", "sex": "2", "birth_date": "2018-03-05", "number": ""}
    )
    assert "青禾县第一小学" in check.content.decode()
    assert str(kept) not in check.content.decode()
    assert uuid.UUID(str(merged))
