"""Marks, attendance and awards in the record: typed for a class, read on one page by whoever may, and by the family."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.http import Http404
from django.test import Client
from django.utils import timezone
from tests.children import enrol, id_number
from tests.helpers import Place, act_as, link_child, login, make_county, seeing_all
from tests.registry.changes.world import EIGHT, pass_all, send, suspend_draft, transfer_draft

from xueji.ground.audit.commands import flush
from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.registry.people.commands import NewGuardian, set_profile
from xueji.registry.termbook import commands, queries, words
from xueji.registry.termbook.errors import TermbookError
from xueji.registry.termbook.models import TermLine

pytestmark = pytest.mark.django_db
BORN, PHONE = date(2019, 5, 11), "13700000042"


@pytest.fixture
def place() -> Place:
    return make_county()


def child(place: Place, **more: Any) -> tuple[uuid.UUID, str]:
    number = id_number(BORN, "2")
    person = enrol(
        place, name=more.pop("name", "苏晴川"), sex="2", birth=BORN, identity=number,
        guardians=[NewGuardian("霍守常", "51", is_guardian=True, sealed={"phone": PHONE})], **more,
    )  # fmt: skip
    return person, number


def write(place: Place, values: dict[tuple[uuid.UUID, str], str], *who: str, **more: Any) -> int:
    now = words.term_of(timezone.localdate())
    said = {"year": now[0], "term": now[1], "kind": "mark"} | more
    with act_as(place.user(*(who or ("class_teacher", "a1")))) as actor:
        return commands.write_class(actor, place.klass("a1").pk, values=values, **said)


@pytest.mark.capability("C-QRY-02", page="/students/<uuid>/whole/")
def test_one_page_shows_the_whole_child_to_whoever_may_see_it(place: Place) -> None:
    """The registrar opens a pupil and chooses 全景; sees on one page who it is, the family, every movement, marks,
    attendance, awards, health and what lies in the file, masked; ends knowing the child without opening six pages."""
    person, number = child(place)
    with act_as(place.user("registrar", "a1")) as actor:
        set_profile(actor, person, {"health": "1"})
    teacher = login(Client(), place.user("class_teacher", "a1"))
    grid = f"/termbook/{place.klass('a1').pk}/"
    assert grid in teacher.get("/termbook/").content.decode()
    assert "苏晴川" in teacher.get(grid).content.decode(), "pupils come from the register"
    days = teacher.get(grid, {"kind": "attendance"}).content.decode()
    assert all(
        f'data-label="{label}"' in days and f"苏晴川 {label}" in days for label in ("病假(天)", "迟到(次)")
    ), "a phone and a reader of screens tell one box from the other"
    teacher.post(grid, {"kind": "mark", "subject": "13", f"13.{person}": "95.5"})
    teacher.post(grid, {"kind": "attendance", f"sick.{person}": "1.5", f"late.{person}": ""})
    today = timezone.localdate().isoformat()
    teacher.post(f"/students/{person}/awards/", {"name": "县级三好学生", "level": "43", "on": today})
    send(place, suspend_draft(place, person), ("registrar", "a1"))
    registrar = login(Client(), place.user("registrar", "a1"))
    assert f"/students/{person}/whole/" in registrar.get(f"/students/{person}/").content.decode()
    page = registrar.get(f"/students/{person}/whole/").content.decode()
    for words_ in (
        "苏晴川",
        "霍守常",
        "建籍",
        "语文",
        "95.5",
        "病假",
        "1.5",
        "县级三好学生",
        "健康",
        "休学",
        "档案材料",
    ):
        assert words_ in page, words_
    assert number not in page
    assert PHONE not in page
    flush()
    with transaction.atomic(), acting("audit"):
        assert AuditEntry.objects.filter(action="people.view", person_id=person).exists()
        assert AuditEntry.objects.filter(action="termbook.write", person_ids__contains=[person]).exists()
    shown = teacher.get(f"/students/{person}/whole/").content.decode()
    assert "95.5" in shown
    assert "健康信息不在您的权限内" in shown, "what is withheld is named"
    county = (
        login(Client(), place.user("county_clerk", "a")).get(f"/students/{person}/whole/").content.decode()
    )
    assert "苏晴川" in county
    assert "95.5" not in county, "marks are the school's matter"
    for who in (("registrar", "b1"), ("class_teacher", "a2"), ("county_clerk", "c")):
        assert login(Client(), place.user(*who)).get(f"/students/{person}/whole/").status_code == 404


def test_the_page_asks_as_much_for_a_long_book_as_for_a_short_one(place: Place) -> None:
    person, _number = child(place)
    client = login(Client(), place.user("registrar", "a1"))
    client.get(f"/students/{person}/whole/")

    def asked() -> int:
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as held:
            client.get(f"/students/{person}/whole/")
        return len(held)

    before = asked()
    for subject in ("13", "14", "41"):
        write(place, {(person, subject): "优"})
    assert asked() == before


@pytest.mark.capability("C-QRY-03", page="/my/<uuid>/terms/")
def test_family_and_pupil_read_own_data_marks_attendance_and_applications(place: Place) -> None:
    """A mother signs in on the phone, sees her child's data, marks, attendance and where the application stands; the
    pupil sees the same with an own account; neither sees anybody else's."""
    person, number = child(place)
    other, _n = child(place, name="何不见")
    write(place, {(person, "13"): "95", (other, "13"): "61"})
    write(place, {(person, "absent"): "3"}, kind="attendance")
    send(place, suspend_draft(place, person), ("registrar", "a1"))
    parent, pupil = place.user("parent"), place.user("student")
    link_child(parent, person)
    link_child(pupil, person, None)
    for user in (parent, pupil):
        client = login(Client(), user)
        home = client.get(f"/my/{person}/").content.decode()
        assert "苏晴川" in home
        assert "现在在" in home, "where the application is"
        assert f"/my/{person}/terms/" in home
        assert number not in home
        page = client.get(f"/my/{person}/terms/").content.decode()
        assert "语文" in page
        assert "95" in page
        assert "旷课" in page
        assert "61" not in page
        held = client.get(f"/my/{person}/data/").content.decode()
        assert "语文" in held, "all that is held"
        assert "记录孩子每学期的学习、出勤和获奖" in held, "and what for"
        assert client.get(f"/my/{other}/terms/").status_code == 404
        assert client.get(f"/my/{other}/").status_code == 404
        assert client.get("/termbook/").status_code == 403
    assert login(Client(), place.user("registrar", "a1")).get(f"/my/{person}/terms/").status_code == 403


def test_the_book_goes_along_with_the_child_and_the_old_school_keeps_none_of_the_new(place: Place) -> None:
    person, _number = child(place)
    write(place, {(person, "13"): "88"})
    pass_all(place, send(place, transfer_draft(place, person, name="苏晴川"), ("registrar", "b1")), EIGHT)
    with act_as(place.user("registrar", "b1")) as actor:
        assert queries.of_person(actor, person)[0].marks[0].value == "88"
    with act_as(place.user("registrar", "a1")) as actor:
        assert queries.of_person(actor, person) == []


def test_a_correction_ends_what_was_there_and_a_blank_takes_it_out(place: Place) -> None:
    person, _number = child(place)
    assert write(place, {(person, "13"): "88"}) == 1
    assert write(place, {(person, "13"): "88"}) == 0
    assert write(place, {(person, "13"): "89"}) == 1
    assert write(place, {(person, "13"): " "}) == 0
    with seeing_all():
        rows = list(TermLine.objects.order_by("pk").values_list("value", "ended_why"))
    assert rows == [("88", "更正"), ("89", "更正")]
    with act_as(place.user("registrar", "a1")) as actor:
        assert queries.of_person(actor, person) == []


@pytest.mark.parametrize("text", ["151", "-1", "很好", "9.55", "=1+1", "1e3", "٩٩"])
def test_what_is_no_mark_is_refused_and_nothing_is_written(place: Place, text: str) -> None:
    person, _number = child(place)
    second, _n = child(place, name="白羽生")
    with pytest.raises(TermbookError):
        write(place, {(person, "13"): "90", (second, "13"): text})
    with seeing_all():
        assert not TermLine.objects.exists()


def test_others_classes_children_and_terms_to_come_are_refused(place: Place) -> None:
    person, _number = child(place)
    far = enrol(place, "b1", name="秦远山")
    with pytest.raises(TermbookError, match="不在这个班"):
        write(place, {(far, "13"): "90"})
    with pytest.raises(TermbookError, match="学期"):
        write(place, {(person, "13"): "90"}, year=timezone.localdate().year + 1)
    with pytest.raises(TermbookError, match="科目"):
        write(place, {(person, "99"): "90"})
    for who, error in ((("class_teacher", "b1"), Http404), (("registrar", "a2"), Http404),
                       (("teacher", "a1"), PermissionDenied), (("school_head", "a1"), PermissionDenied),
                       (("county_clerk", "a"), PermissionDenied)):  # fmt: skip
        with pytest.raises(error):
            write(place, {(person, "13"): "90"}, *who)
    with act_as(place.user("class_teacher", "b1")) as actor, pytest.raises(Http404):
        commands.add_award(actor, person, name="三好学生", level="60", on=timezone.localdate())


def test_an_award_is_entered_once_and_taken_out_with_a_reason(place: Place) -> None:
    person, _number = child(place)
    today = timezone.localdate()
    with act_as(place.user("registrar", "a1")) as actor:
        row = commands.add_award(actor, person, name="三好学生", level="60", on=today)
        for bad in ({"name": "三好学生"}, {"name": "x"}, {"level": "00"}, {"on": date(1999, 1, 1)}):
            with pytest.raises(TermbookError):
                commands.add_award(
                    actor, person, **({"name": "优秀少先队员", "level": "60", "on": today} | bad)
                )  # type: ignore[arg-type]
        with pytest.raises(TermbookError):
            commands.end_award(actor, row.pk, why="")
        commands.end_award(actor, row.pk, why="登记错了人")
        with pytest.raises(Http404):
            commands.end_award(actor, row.pk, why="登记错了人")
        assert queries.of_person(actor, person) == []


def test_the_database_keeps_one_line_a_child_term_and_item(place: Place) -> None:
    person, _number = child(place)
    write(place, {(person, "13"): "88"})
    with pytest.raises(IntegrityError), seeing_all(), connection.cursor() as c:
        c.execute(
            "insert into term_line (person_id, school_id, year, term, kind, item, value, user_id, user_name, at,"
            " ended_name, ended_why) select person_id, school_id, year, term, kind, item, '9', 0, '-', now(), '', ''"
            " from term_line"
        )


def test_a_page_that_lay_open_takes_nothing_back_that_a_colleague_wrote_meanwhile(place: Place) -> None:
    first, second = (child(place, name=n)[0] for n in ("苏晴川", "白羽生"))
    teacher = login(Client(), place.user("class_teacher", "a1"))
    grid = f"/termbook/{place.klass('a1').pk}/"
    given = {"kind": "mark", "subject": "13", f"was.13.{first}": "", f"was.13.{second}": ""}
    fields = teacher.get(grid, {"subject": "13"}).content.decode()
    assert f'name="was.13.{first}" value=""' in fields
    write(place, {(second, "13"): "77"}, "registrar", "a1")
    wrong = teacher.post(grid, given | {f"13.{first}": "很好", f"13.{second}": ""})
    assert wrong.status_code == 422
    page = wrong.content.decode()
    assert 'value="很好"' in page and f'name="was.13.{second}" value=""' in page, (
        "what was typed and given stays"
    )
    teacher.post(grid, given | {f"13.{first}": "90", f"13.{second}": ""})
    with seeing_all():
        held = dict(TermLine.objects.filter(ended_at=None).values_list("person_id", "value"))
    assert held == {first: "90", second: "77"}


def test_figures_typed_at_full_width_are_kept_as_figures() -> None:
    assert (words.mark("９５．５"), words.mark("ａ"), words.count("１．５")) == ("95.5", "A", "1.5")
