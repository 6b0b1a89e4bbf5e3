"""Registration for the authority's exams, verified against the record, seated, and the marks that come back (C-GRA-09)."""

from __future__ import annotations

import io
import re
import uuid
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import Http404
from django.test import Client
from django.utils import timezone
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.changes.world import correction_draft, make_child, send

from xueji.ground.sheets.write import write_csv
from xueji.registry.enrolment.models import Event, Roster
from xueji.registry.exams import books, commands, queries
from xueji.registry.exams.errors import ExamError
from xueji.registry.exams.models import Exam, ExamEntry, ExamState

pytestmark = pytest.mark.django_db

SUBJECTS = (("地理", "考试"), ("生物", "考试"))


def _plan(**more: Any) -> commands.Plan:
    day = timezone.localdate()
    held: dict[str, Any] = {
        "kind": "hk",
        "name": "一年级会考",
        "stage": "P",
        "cohort_year": 2026,
        "opens_on": day,
        "closes_on": day + timedelta(days=5),
        "held_on": day + timedelta(days=20),
        "subjects": SUBJECTS,
    }
    return commands.Plan(**held | more)


def _announced(place: Place, **more: Any) -> Exam:
    with act_as(place.user("county_clerk", "a")) as actor:
        return commands.announce(actor, _plan(**more))


def _closed(exam: Exam) -> None:
    """Registration ended yesterday."""
    day = timezone.localdate()
    with seeing_all():
        Exam.objects.filter(pk=exam.pk).update(
            opens_on=day - timedelta(days=9), closes_on=day - timedelta(days=1)
        )


def _ids(exam: Exam, *persons: uuid.UUID) -> list[int]:
    with seeing_all():
        return list(
            ExamEntry.objects.filter(exam=exam, person_id__in=persons)
            .order_by("pk")
            .values_list("pk", flat=True)
        )


def _words(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.mark.capability("C-GRA-09", page="/exams/")
def test_from_registration_to_marks() -> None:
    """The county's clerk announces an exam. The registrar registers the cohort from the record, verifies who is right and
    says what is wrong with another; after the last day the clerk gives out tickets, the school prints them.
    The clerk returns the marks; the school reads them, and each stands in the pupil's history.
    """
    place = make_county()
    one, two = make_child(place), make_child(place, name="钱多多")
    clerk = login(Client(), place.user("county_clerk", "a"))
    day = timezone.localdate()
    answer = clerk.post(
        "/exams/",
        {
            "name": "一年级会考", "kind": "hk", "stage": "P", "cohort": "2026", "opens_on": str(day),
            "closes_on": str(day + timedelta(days=5)), "held_on": str(day + timedelta(days=20)),
            "subjects": "地理 考试\n生物",
        },
    )  # fmt: skip
    url = answer["Location"]
    exam = Exam.objects.get(pk=int(url.strip("/").split("/")[-1]))
    registrar = login(Client(), place.user("registrar", "a1"))
    assert "一年级会考" in _words(registrar.get("/exams/"))
    registrar.post(f"{url}enter/")
    assert "考试报名" in _words(registrar.get("/"))
    page = _words(registrar.get(url))
    assert "赵小满" in page
    assert "钱多多" in page
    registrar.post(f"{url}check/", {"pick": [str(i) for i in _ids(exam, one)], "how": "checked"})
    registrar.post(
        f"{url}check/",
        {"pick": [str(i) for i in _ids(exam, two)], "how": "wrong", "why": "姓名与户口簿不一致"},
    )
    assert "姓名与户口簿不一致" in _words(registrar.get(f"{url}?state=wrong"))
    sheet = openpyxl.load_workbook(io.BytesIO(registrar.get(f"{url}list.xlsx").content)).active
    assert sheet is not None
    cells = [str(c) for row in sheet.iter_rows(values_only=True) for c in row if c]
    assert {"赵小满", "已核对", "信息有误"} <= set(cells)
    assert not any(re.fullmatch(r"\d{17}[\dX]", c) for c in cells)
    assert "截止后才能" in _words(clerk.post(f"{url}seat/", follow=True))
    _closed(exam)
    clerk.post(f"{url}seat/")
    with seeing_all():
        entry = ExamEntry.objects.get(exam=exam, person_id=one)
        assert ExamEntry.objects.get(exam=exam, person_id=two).ticket == ""
    assert re.fullmatch(rf"{exam.held_on:%y}990101\d{{8}}", entry.ticket)
    assert (entry.room, entry.seat) == (1, 1)
    assert registrar.get(f"{url}tickets.pdf").content[:4] == b"%PDF"
    marks = write_csv(("准考证号", "姓名", "地理", "生物"), [(entry.ticket, "赵小满", "A", "88")])
    clerk.post(f"{url}marks/", {"file": SimpleUploadedFile("成绩.csv", marks)})
    page = _words(registrar.get(url))
    assert "成绩已返回" in page
    assert " A 88 " in page
    with seeing_all():
        event = Event.objects.get(person_id=one, business="exam")
    assert event.reason == "一年级会考 成绩返回"
    clerk.post(f"{url}marks/", {"file": SimpleUploadedFile("成绩.csv", marks)})
    with seeing_all():
        assert Event.objects.filter(person_id=one, business="exam").count() == 1, (
            "the same sheet changes nothing"
        )
    later = write_csv(("准考证号", "姓名", "地理"), [(entry.ticket, "赵小满", "B")])
    clerk.post(f"{url}marks/", {"file": SimpleUploadedFile("更正.csv", later)})
    with seeing_all():
        assert ExamEntry.objects.get(pk=entry.pk).marks == {"地理": "B", "生物": "88"}
        assert Event.objects.filter(person_id=one, business="exam").count() == 2
    clerk.post(f"{url}marks/", {"file": SimpleUploadedFile("成绩.csv", marks)})
    assert "考试成绩" in _words(registrar.get(f"/students/{one}/"))
    assert "排名" not in page
    paper = registrar.get(f"/certificates/new/?person={one}&kind=results").content.decode()
    assert "地理 A" in paper
    assert "生物 88" in paper


@pytest.mark.capability("C-GRA-09")
def test_who_is_not_sound_is_not_verified_and_who_changed_afterwards_is_not_seated() -> None:
    place = make_county()
    busy, sound, renamed = (make_child(place, name=n) for n in ("孙正办", "李无误", "周将改"))
    exam = _announced(place)
    with act_as(place.user("registrar", "a1")) as actor:
        assert commands.enter(actor, exam.pk) == 3
        assert commands.enter(actor, exam.pk) == 0
    send(place, correction_draft(place, busy, new_name="孙新名"), ("registrar", "a1"))
    with act_as(place.user("registrar", "a1")) as actor:
        with pytest.raises(ExamError) as error:
            commands.check(actor, exam.pk, _ids(exam, busy, sound), how="checked")
        assert "孙正办 正在办理" in error.value.lines[0]
        with pytest.raises(ExamError, match="请选择核对结果"):
            commands.check(actor, exam.pk, _ids(exam, sound), how="open")
        with pytest.raises(ExamError, match="写明"):
            commands.check(actor, exam.pk, _ids(exam, busy), how="out")
        commands.check(actor, exam.pk, _ids(exam, sound, renamed), how="checked")
    with seeing_all():
        ExamEntry.objects.filter(exam=exam, person_id=renamed).update(name="周从前")  # the record moved on
    with act_as(place.user("registrar", "a1")) as actor:
        rows, _more = queries.entries(exam.pk, school_id=actor.org_id)
        assert {r.name: r.differs for r in rows}["周从前"] == "核对后学籍有变动"
    _closed(exam)
    with act_as(place.user("county_clerk", "a")) as actor:
        with pytest.raises(ExamError, match="有 1 名学生核对后学籍有变动, 已退回学校重新核对"):
            commands.seat(actor, exam.pk)
    with seeing_all():
        assert Exam.objects.get(pk=exam.pk).state == ExamState.OPEN, "nobody is seated yet"
        entry = ExamEntry.objects.get(exam=exam, person_id=renamed)
        assert (entry.state, entry.why) == ("open", "核对后学籍信息有变动")
    registrar = login(Client(), place.user("registrar", "a1"))
    assert "勾选的核对无误" in _words(registrar.get(f"/exams/{exam.pk}/"))
    with act_as(place.user("registrar", "a1")) as actor:
        with pytest.raises(ExamError, match="现在不能修改"):
            commands.check(actor, exam.pk, _ids(exam, renamed, sound), how="checked")
        assert commands.check(actor, exam.pk, _ids(exam, renamed), how="checked") == 1
    with act_as(place.user("county_clerk", "a")) as actor:
        assert commands.seat(actor, exam.pk) == 2
        with pytest.raises(ExamError, match="已编排准考证"):
            commands.seat(actor, exam.pk)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(ExamError, match="已编排准考证"):
        commands.check(actor, exam.pk, _ids(exam, busy), how="out", why="不参加")
    with seeing_all():
        assert ExamEntry.objects.get(exam=exam, person_id=renamed).ticket != ""
        assert ExamEntry.objects.get(exam=exam, person_id=busy).ticket == ""


@pytest.mark.capability("C-GRA-09")
def test_marks_come_for_all_lines_or_for_none() -> None:
    place = make_county()
    child = make_child(place)
    exam = _announced(place)
    with act_as(place.user("registrar", "a1")) as actor:
        commands.enter(actor, exam.pk)
        commands.check(actor, exam.pk, _ids(exam, child), how="checked")
    with act_as(place.user("county_clerk", "a")) as actor, pytest.raises(ExamError, match="报名核对"):
        commands.marks(actor, exam.pk, b"x", "成绩.csv")
    _closed(exam)
    with act_as(place.user("county_clerk", "a")) as actor:
        commands.seat(actor, exam.pk)
    with seeing_all():
        ticket = ExamEntry.objects.get(exam=exam).ticket
    head = ("准考证号", "姓名", "地理")
    for rows, words in (
        ([(ticket, "赵小满", "很好看")], "不是成绩"),
        ([(ticket, "赵大满", "A")], "对不上"),
        ([(ticket, "赵小满", "A"), (ticket, "赵小满", "B")], "重复"),
        ([(ticket, "赵小满", "A"), ("1234", "赵小满", "B")], "对不上"),
    ):
        with act_as(place.user("county_clerk", "a")) as actor, pytest.raises(ExamError) as error:
            commands.marks(actor, exam.pk, write_csv(head, rows), "成绩.csv")
        assert any(words in line for line in error.value.lines)
    with act_as(place.user("county_clerk", "a")) as actor:
        with pytest.raises(ExamError, match="缺少列"):
            commands.marks(actor, exam.pk, write_csv(("准考证号", "地理"), [(ticket, "A")]), "成绩.csv")
        with pytest.raises(ExamError, match="没有这次考试的科目"):
            commands.marks(actor, exam.pk, write_csv(("准考证号", "姓名"), [(ticket, "赵小满")]), "成绩.csv")
    with seeing_all():
        assert ExamEntry.objects.get(exam=exam).marks == {}
        assert not Event.objects.filter(business="exam").exists()
        assert Exam.objects.get(pk=exam.pk).state == ExamState.SEATED


@pytest.mark.capability("C-GRA-09")
@pytest.mark.rule("GXHS-EXM-01")
@pytest.mark.rule("GXHS-EXM-02")
def test_subjects_and_marks_are_of_the_kind_that_the_place_gives() -> None:
    place = make_county()
    with seeing_all():
        for key in ("a", "a1"):
            org = place.org(key)
            org.policy = "cn-45-senior"
            org.save()
    with (
        act_as(place.user("county_clerk", "a")) as actor,
        pytest.raises(ExamError, match="第七条.*会考分考试和考查"),
    ):
        commands.announce(actor, _plan(subjects=(("书法", "考试"),)))
    child = make_child(place)
    exam = _announced(place, subjects=(("地理", "考试"), ("劳动技术", "考查")))
    assert "第七条" in exam.article
    with act_as(place.user("registrar", "a1")) as actor:
        commands.enter(actor, exam.pk)
        commands.check(actor, exam.pk, _ids(exam, child), how="checked")
    _closed(exam)
    with act_as(place.user("county_clerk", "a")) as actor:
        commands.seat(actor, exam.pk)
    with seeing_all():
        ticket = ExamEntry.objects.get(exam=exam).ticket
    head = ("准考证号", "姓名", "地理", "劳动技术")
    with act_as(place.user("county_clerk", "a")) as actor:
        with pytest.raises(ExamError) as error:
            commands.marks(actor, exam.pk, write_csv(head, [(ticket, "赵小满", "88", "A")]), "成绩.csv")
        assert sum("第八条" in line for line in error.value.lines) == 2
        assert (
            commands.marks(actor, exam.pk, write_csv(head, [(ticket, "赵小满", "B", "及格")]), "成绩.csv")
            == 1
        )


@pytest.mark.capability("C-GRA-09")
def test_each_keeps_to_his_part() -> None:
    place = make_county()
    child = make_child(place)
    exam = _announced(place)
    other = make_child(place, name="吴二班", cohort=2025)
    for who in (("registrar", "a1"), ("county_head", "a"), ("school_head", "a1")):
        with act_as(place.user(*who)) as actor, pytest.raises(PermissionDenied):
            commands.announce(actor, _plan())
    with act_as(place.user("registrar", "b1")) as actor, pytest.raises(Http404):
        commands.enter(actor, exam.pk)
    with act_as(place.user("class_teacher", "a1")) as actor, pytest.raises(PermissionDenied):
        commands.enter(actor, exam.pk)
    with act_as(place.user("registrar", "a1")) as actor:
        assert commands.enter(actor, exam.pk) == 1
    assert _ids(exam, other) == []
    with act_as(place.user("registrar", "a2")) as actor, pytest.raises(Http404):
        commands.check(actor, exam.pk, _ids(exam, child), how="checked")
    with act_as(place.user("class_teacher", "a1")) as actor:
        assert commands.check(actor, exam.pk, _ids(exam, child), how="checked") == 1
    with act_as(place.user("city_clerk", "city1")) as actor, pytest.raises(Http404):
        commands.seat(actor, exam.pk)
    assert (
        login(Client(), place.user("registrar", "a2")).get(f"/exams/{exam.pk}/list.xlsx").status_code == 200
    )
    with act_as(place.user("registrar", "a2")) as actor:
        assert queries.entries(exam.pk, school_id=None)[0] == []
    _closed(exam)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(ExamError, match="现在不能修改"):
        commands.check(actor, exam.pk, _ids(exam, child), how="out", why="不参加")


@pytest.mark.capability("C-GRA-09")
def test_tickets_are_counted_within_each_county_and_a_deed_that_is_not_noted_is_not_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The five digits of the serial hold a county's pupils, not those of a province."""
    place = make_county()
    here, there = make_child(place), make_child(place, school="b1", name="钱多多")
    with act_as(place.user("province_clerk", "province")) as actor:
        exam = commands.announce(actor, _plan())
    for school, child in (("a1", here), ("b1", there)):
        with act_as(place.user("registrar", school)) as actor:
            commands.enter(actor, exam.pk)
            commands.check(actor, exam.pk, _ids(exam, child), how="checked")
    _closed(exam)

    def broken(*_args: Any, **_more: Any) -> None:
        raise RuntimeError("the audit cannot be written")

    with act_as(place.user("province_clerk", "province")) as actor:
        with monkeypatch.context() as m, pytest.raises(RuntimeError):
            m.setattr(commands, "record", broken)
            commands.seat(actor, exam.pk)
        assert Exam.objects.get(pk=exam.pk).state == ExamState.OPEN
        assert commands.seat(actor, exam.pk) == 2
    with seeing_all():
        tickets = dict(ExamEntry.objects.filter(exam=exam).values_list("person_id", "ticket"))
    assert tickets[here][-5:] == tickets[there][-5:] == "00001"
    assert tickets[here] != tickets[there]


@pytest.mark.capability("C-GRA-09")
def test_a_long_list_of_schools_goes_on_and_many_tickets_come_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = make_county()
    children = [make_child(place), make_child(place, name="钱多多")]
    away = make_child(place, school="b1", name="孙别县")
    with act_as(place.user("province_clerk", "province")) as actor:
        exam = commands.announce(actor, _plan())
    for school, persons in (("a1", children), ("b1", [away])):
        with act_as(place.user("registrar", school)) as actor:
            commands.enter(actor, exam.pk)
            commands.check(actor, exam.pk, _ids(exam, *persons), how="checked")
    _closed(exam)
    monkeypatch.setattr(queries, "SCHOOLS", 1)
    monkeypatch.setattr(books, "MAX_TICKETS", 1)
    url = f"/exams/{exam.pk}/"
    with act_as(place.user("province_clerk", "province")) as actor:
        commands.seat(actor, exam.pk)
        first, key = queries.progress(exam.pk)
        second, end = queries.progress(exam.pk, after=int(key))
    assert [(p.school_id, p.checked) for p in first + second] == sorted(
        [(place.org("a1").pk, 2), (place.org("b1").pk, 1)]
    )
    assert end == ""
    assert (
        f"after={key}" in login(Client(), place.user("province_clerk", "province")).get(url).content.decode()
    )
    registrar = login(Client(), place.user("registrar", "a1"))
    links = re.findall(r'href="([^"]+tickets\.pdf[^"]*)"', registrar.get(url).content.decode())
    assert links == [f"{url}tickets.pdf", f"{url}tickets.pdf?after={_ids(exam, *children)[0]}"]
    assert all(registrar.get(link).content[:4] == b"%PDF" for link in links)


@pytest.mark.capability("C-GRA-09")
def test_who_left_is_set_out_and_the_reason_can_be_put_right() -> None:
    place = make_county()
    child = make_child(place)
    exam = _announced(place)
    with act_as(place.user("registrar", "a1")) as actor:
        commands.enter(actor, exam.pk)
    with seeing_all():
        Roster.objects.filter(person_id=child).delete()
    with act_as(place.user("registrar", "a1")) as actor:
        for why in ("已经转走", "随父母迁居外省"):
            commands.check(actor, exam.pk, _ids(exam, child), how="out", why=why)
    with seeing_all():
        entry = ExamEntry.objects.get(exam=exam, person_id=child)
    assert (entry.state, entry.why, entry.name) == ("out", "随父母迁居外省", "赵小满")
