"""Each term a class is counted against its names; what differs goes to the leader; the school reviews the term."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404
from django.test import Client
from django.utils import timezone
from tests.children import enrol
from tests.helpers import PASSWORD, Place, act_as, login, make_county, seeing_all

from xueji.registry.people import commands as people
from xueji.registry.submission import books, checks, classes, commands, reviews, stale, terms
from xueji.registry.submission.commands import Absence, Extra
from xueji.registry.submission.errors import SubmissionError
from xueji.registry.submission.models import CheckState, ClassCheck, TermReview

pytestmark = pytest.mark.django_db

TEACHER, OFFICE, HEAD = ("class_teacher", "a2"), ("registrar", "a2"), ("school_head", "a2")


@pytest.fixture
def place() -> Place:
    return make_county()


@pytest.mark.capability("C-ENR-15", page="/headcount/{id}/")
@pytest.mark.capability("C-INF-08", page="/headcount/")
def test_a_teacher_counts_and_what_differs_goes_to_the_leader(place: Place, client: Client) -> None:
    """The teacher sees list and missing items, says who is absent and why, and who has no record; the figures must
    agree; a difference waits for the leader, who writes what was done; then the class is verified for the term.
    """
    ill, gone = enrol(place, "a2", name="方雨桐"), enrol(place, "a2", name="江望舒")
    enrol(place, "a2", name="苏晴川")
    klass = place.klass("a2").pk
    login(client, place.user(*TEACHER))
    assert "清点在校人数" in client.get("/").content.decode()
    page = client.get(f"/headcount/{klass}/").content.decode()
    assert "没有照片" in page and "邮政编码" in page  # what is missing of each child
    form = {
        f"cause:{ill}": "sick",
        f"cause:{gone}": "moved",
        f"why:{gone}": "上月去了外省",
        "extra_name": ["卓玛·央金"],
    }
    answer = client.post(f"/headcount/{klass}/", form | {"present": "3"})
    assert answer.status_code == 422 and "应到场 2 人, 您填的是 3 人" in answer.content.decode()
    assert client.post(f"/headcount/{klass}/", form | {"present": "2"}).status_code == 303
    with seeing_all():
        row = ClassCheck.objects.get()
    assert (row.listed, row.present, row.excused, row.lacking, row.extra) == (3, 2, 1, 1, 1)
    assert row.state == CheckState.REPORTED and not row.balanced and row.gaps == 3
    with act_as(place.user(*OFFICE)) as actor, pytest.raises(PermissionDenied, match="学校学籍主管领导"):
        commands.settle(actor, row.pk, how={})
    login(client, place.user(*HEAD))
    assert "1 个班人数不符" in client.get("/").content.decode()
    lines = [x["row"] for x in _lines(row) if x["open"]]
    assert {x.name for x in lines} == {"江望舒", "卓玛·央金"}
    client.post(f"/headcount/{row.pk}/settle/", {f"how:{lines[0].pk}": "已发起转学"})
    assert _state(row) == CheckState.REPORTED  # every line wants words
    client.post(f"/headcount/{row.pk}/settle/", {f"how:{x.pk}": "已办理" for x in lines})
    assert _state(row) == CheckState.VERIFIED
    with act_as(place.user("county_clerk", "a")) as actor:
        schools, _next = classes.of_schools(actor, terms.now(date.today()))
        found = next(r for r in schools if r.school_id == place.org("a2").pk)
        assert (found.verified, found.lacking, found.extra, found.balanced) == (1, 1, 1, False)


def _lines(row: ClassCheck) -> list[dict[str, Any]]:
    with seeing_all():
        return classes.lines([row.pk])[row.pk]


def _state(row: ClassCheck) -> str:
    with seeing_all():
        return ClassCheck.objects.get(pk=row.pk).state


@pytest.mark.capability("C-ENR-15")
def test_a_class_that_agrees_is_verified_at_once_and_a_changed_list_asks_again(
    place: Place, client: Client
) -> None:
    """Equal: 账实相符. A child that comes later makes the page ask for a new comparison; the new one replaces the old."""
    enrol(place, "a2", name="方雨桐")
    klass = place.klass("a2").pk
    with act_as(place.user(*TEACHER)) as actor:
        first = commands.verify_class(actor, klass, present=1)
        assert first.balanced and first.state == CheckState.VERIFIED
    enrol(place, "a2", name="苏晴川")
    login(client, place.user(*TEACHER))
    assert "核对后名单有变动" in client.get("/headcount/").content.decode()
    with act_as(place.user(*OFFICE)) as actor:  # policy lets the office count, too
        commands.verify_class(actor, klass, present=2)
        assert [
            r.check.listed for r in classes.of_school(place.org("a2").pk, terms.now(date.today())) if r.check
        ] == [2]
    with act_as(place.user("class_teacher", "a1")) as actor, pytest.raises(Http404):
        commands.verify_class(actor, klass, present=2)
    with act_as(place.user(*HEAD)) as actor, pytest.raises(PermissionDenied):
        commands.verify_class(actor, klass, present=2)


@pytest.mark.capability("C-DUP-08")
def test_children_without_a_record_stop_the_school_until_somebody_deals_with_them(place: Place) -> None:
    """A child in the room without a record counts as 漏报 for the school until the leader has settled it."""
    enrol(place, "a2", name="方雨桐")
    with act_as(place.user(*TEACHER)) as actor:
        row = commands.verify_class(actor, place.klass("a2").pk, present=2, extras=[Extra("卓玛·央金", "2")])
    term = terms.now(date.today())
    scope = checks.Scope(schools=(place.org("a2").pk,), year=term.year, term=term.number)
    with act_as(place.user("county_clerk", "a")):
        assert checks.counts(scope)[place.org("a2").pk]["omitted"] == 1
    line = _lines(row)[0]["row"]
    with act_as(place.user(*HEAD)) as actor:
        commands.settle(actor, row.pk, how={line.pk: "已补录建籍"})
        assert "omitted" not in checks.counts(scope)[place.org("a2").pk]


@pytest.mark.capability("C-ENR-16", page="/submission/reviews/")
def test_the_term_review_is_resolved_signed_sent_and_answered(place: Place, client: Client) -> None:
    """The registrar resolves what the review found, signs and sends the figures; the county sends it back with a reason,
    gets it again and accepts; then it stays. An unverified class stops it.
    """
    enrol(place, "a2", name="方雨桐")
    login(client, place.user(*OFFICE))
    form = {"held_on": date.today().isoformat(), "members": "教导主任、班主任代表", "password": PASSWORD}
    page = client.post("/submission/reviews/send/", form, follow=True).content.decode()
    assert "请先处理: 班级未核对 1" in page
    with act_as(place.user(*TEACHER)) as actor:
        commands.verify_class(actor, place.klass("a2").pk, present=1)
    page = client.post("/submission/reviews/send/", form, follow=True).content.decode()
    assert "请写明处理情况: 必填项空缺 1" in page
    client.post("/submission/reviews/send/", form | {"how:blank": "本周补齐", "how:photo": "下周统一拍照"})
    with seeing_all():
        row = TermReview.objects.get()
    assert row.figures["pupils"] == 1 and row.figures["verified"] == 1 and row.state == "sent"
    login(client, place.user("county_clerk", "a"))
    page = client.get("/submission/reviews/").content.decode()
    assert "下周统一拍照" in page and "未报送" in page
    client.post(f"/submission/reviews/{row.pk}/answer/", {"deed": "return", "words": "请附控辍保学情况说明"})
    login(client, place.user(*OFFICE))
    assert "请附控辍保学情况说明" in client.get("/submission/reviews/").content.decode()
    client.post("/submission/reviews/send/", form | {"how:blank": "本周补齐", "how:photo": "下周统一拍照"})
    assert client.get(f"/submission/reviews/{row.pk}/review.pdf").status_code == 200
    with act_as(place.user("county_clerk", "a")) as actor:
        assert commands.answer_review(actor, row.pk, accept=True).state == "accepted"
        rows, _next = reviews.of_schools(actor, terms.now(date.today()), only="missing")
        assert place.org("a2").pk not in {r.school_id for r in rows}
    with act_as(place.user("county_clerk", "b")) as actor, pytest.raises(Http404):
        commands.answer_review(actor, row.pk, accept=True)
    with act_as(place.user(*OFFICE)) as actor, pytest.raises(SubmissionError, match="已由主管部门受理"):
        commands.send_review(
            actor,
            held_on=date.today(),
            members="教导主任",
            resolved={"blank": "补齐", "photo": "补齐"},
            password=PASSWORD,
        )


@pytest.mark.capability("C-INF-06", page="/submission/stale/")
def test_records_that_nobody_touched_are_listed(place: Place, client: Client) -> None:
    """The registrar sees whose record has rested for a year; one that was edited yesterday is not there."""
    old, fresh = enrol(place, "a2", name="方雨桐"), enrol(place, "a2", name="苏晴川")
    with seeing_all(), connection.cursor() as c:
        c.execute("select count(*) from event where person_id = any(%s::uuid[])", [[old, fresh]])
        assert c.fetchone()[0] >= 2
    with act_as(place.user(*OFFICE)) as actor:
        assert stale.children(actor, 12)[0] == []
    later = timezone.now() + timedelta(days=400)
    with act_as(place.user(*OFFICE)) as actor:
        assert stale.count(actor, 12, now=later) == 2
        rows, _next = stale.children(actor, 12, now=later)
        assert {r.name for r in rows} == {"方雨桐", "苏晴川"}
    login(client, place.user(*OFFICE))
    assert "没有久未更新的学籍" in client.get("/submission/stale/").content.decode()


@pytest.mark.capability("C-DUP-07", page="/submission/proofreading/")
@pytest.mark.capability("C-SUB-10")
def test_the_whole_school_is_proofread_and_the_master_carries_code_and_name(
    place: Place, client: Client
) -> None:
    """The registrar prints the list of eight items by class, the form of corrections of the term, and gets the master as
    a workbook named by the school's code and full name.
    """
    child = enrol(place, "a2", name="方雨桐")
    with act_as(place.user(*OFFICE)) as actor:
        people.set_profile(actor, child, {"postcode": "990101"})
        data, name = books.proof_list(actor, "xlsx")
        assert name == place.org("a2").code + "青禾县东乡小学"
        assert books.corrections(actor)[0]["what"] == "邮政编码"
    login(client, place.user(*OFFICE))
    assert "邮政编码" in client.get("/submission/proofreading/").content.decode()
    for address in ("list.pdf", "list.xlsx", "corrections.pdf", f"list.pdf?class={place.klass('a2').pk}"):
        assert client.get(f"/submission/proofreading/{address}").status_code == 200
    assert data[:2] == b"PK"
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(Http404):
        books.proof_list(actor, "pdf", class_id=place.klass("a2").pk)


def test_absences_want_a_cause_and_the_list_of_today(place: Place) -> None:
    """An unknown cause, a child of another class, a name left empty are refused in words."""
    enrol(place, "a2", name="方雨桐")
    other = enrol(place, "a1", name="苏晴川")
    klass = place.klass("a2").pk
    with act_as(place.user(*TEACHER)) as actor:
        mine = classes.pupils(klass)[0].person_id
        for more, words in (
            ({"absences": [Absence(mine, "holiday")]}, "请为每名未到的学生选择原因"),
            ({"absences": [Absence(other, "sick")]}, "名单刚有变动"),
            ({"extras": [Extra(" ")]}, "请填写名单外学生的姓名"),
        ):
            with pytest.raises(SubmissionError, match=words):
                commands.verify_class(actor, klass, present=0, **more)  # type: ignore[arg-type]
