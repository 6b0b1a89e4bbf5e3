"""Who sees a form: own family, own teachers, the school; and what each of them may do with it."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests.children import enrol
from tests.helpers import PASSWORD, Place, act_as, give_role, link_child, seeing_all
from tests.registry.collect.test_walk import as_, begin, child, form_of, place, signature, text

from xueji.registry.collect import commands, queries
from xueji.registry.collect.errors import CollectError
from xueji.registry.collect.models import Form, PupilNote, State
from xueji.registry.people import commands as people
from xueji.registry.people.models import Guardian

pytestmark = pytest.mark.django_db

__all__ = ["place"]


def answer(place: Place, task_id: int, person: uuid.UUID, **new: str) -> None:
    """The family answers and confirms with its password."""
    with act_as(place.user("parent")) as actor:
        commands.save_draft(actor, task_id, person, {f"to_{k}": v for k, v in new.items()})
        commands.send(actor, task_id, person, declared=True, signature=signature())


def test_a_foreign_parent_finds_no_form(place: Place) -> None:
    """A parent guesses the address of another child's form: there is nothing, on any of its pages, and in no row."""
    mine, foreign = child(place), child(place, "李小红")
    link_child(place.user("parent"), mine)
    task = begin(place)
    parent = as_(place, "parent", "")
    for path in ("", "sign/"):
        assert parent.get(f"/my/{foreign}/collect/{task.pk}/{path}").status_code == 404
        assert (
            parent.post(f"/my/{foreign}/collect/{task.pk}/{path}", {"to_phone": "13700000000"}).status_code
            == 404
        )
    assert parent.post(f"/my/{foreign}/collect/{task.pk}/later/", {"until": "2030-01-01"}).status_code == 404
    assert parent.get(f"/collect/{task.pk}/{foreign}/").status_code == 403
    assert parent.get(f"/collect/{task.pk}/{mine}/").status_code == 403
    with act_as(place.user("parent")) as actor:
        assert [f.person_id for f in Form.objects.all()] == [mine]
        with pytest.raises(CollectError):
            commands.send(actor, task.pk, mine, declared=False, signature=signature())
    with act_as(place.user("registrar", "b1")):
        assert not Form.objects.exists()
    with act_as(place.user("county_clerk", "a")):
        assert not Form.objects.exists(), "an authority reads figures, not forms"


def test_a_secret_home_is_kept_from_the_teacher(place: Place) -> None:
    person = child(place)
    task = begin(place)
    with seeing_all():
        people.guard(person, True)
    with act_as(place.user("class_teacher", "a1")):
        assert not Form.objects.exists()
    with act_as(place.user("registrar", "a1")):
        assert Form.objects.filter(person_id=person).exists()
    assert as_(place, "class_teacher").get(f"/collect/{task.pk}/{person}/").status_code == 404


@pytest.mark.capability("C-COL-14")
def test_a_return_goes_to_whoever_entered_it(place: Place) -> None:
    """The teacher returns a form with a reason: the family has it to do again and reads why; what a teacher typed for
    a family comes back to that teacher.
    """
    mine, typed = child(place), child(place, "李小红")
    link_child(place.user("parent"), mine)
    task = begin(place)
    answer(place, task.pk, mine, phone="13712345678")
    teacher = as_(place, "class_teacher")
    teacher.post(f"/collect/{task.pk}/{mine}/do/", {"deed": "return", "reason": "电话少一位吗, 请再看"})
    parent = as_(place, "parent", "")
    page = parent.get(f"/my/{mine}/")
    assert "电话少一位吗" in text(page) and "已退回" in text(page)
    assert "电话少一位吗" in text(parent.get(f"/my/{mine}/collect/{task.pk}/"))
    assert "已填 137****5678" in parent.get(f"/my/{mine}/collect/{task.pk}/").content.decode(), (
        "nothing is typed twice"
    )
    done = teacher.post(
        f"/collect/{task.pk}/{typed}/fill/", {"to_phone": "13900008888", "reason": "家长没有手机, 当面口述"}
    )
    assert done.status_code == 303
    with act_as(place.user("class_teacher", "a1")) as actor:
        commands.check(actor, task.pk, typed, marks={"phone": "yes"})
    with act_as(place.user("school_head", "a1")) as actor:
        commands.return_form(actor, task.pk, typed, reason="请家长补签字")
    assert "1 份退回给您修改" in text(teacher.get("/"))
    assert form_of(task, typed).entered_by == place.user("class_teacher", "a1").pk


def test_what_the_teacher_refuses_is_not_put_on_record(place: Place) -> None:
    person = child(place)
    link_child(place.user("parent"), person)
    task = begin(place)
    answer(place, task.pk, person, phone="13712345678", member1_phone="13811112222")
    with act_as(place.user("class_teacher", "a1")) as actor:
        commands.check(actor, task.pk, person, marks={"phone": "no:号码打不通", "member1_phone": "yes"})
    with act_as(place.user("school_head", "a1")) as actor:
        assert commands.confirm(actor, task.pk, [person]) == 1
    from xueji.registry.collect.held import held

    with act_as(place.user("registrar", "a1")) as actor:
        now = held(actor, [person])[person].values
    assert (now["phone"], now["member1_phone"]) == ("13600001111", "13811112222")
    with seeing_all():
        assert Guardian.objects.get(person_id=person).name == "张大山", "what was not named stays"
    assert "号码打不通" in text(as_(place, "parent", "").get(f"/my/{person}/collect/{task.pk}/"))
    assert form_of(task, person).sealed is None, "what is in force lies on record alone"


def test_two_people_check_and_confirm(place: Place) -> None:
    person = child(place)
    link_child(place.user("parent"), person)
    task = begin(place)
    answer(place, task.pk, person)
    head = place.user("school_head", "a1")
    role = give_role(head, "class_teacher", place.org("a1"), place.klass())
    with act_as(head, role) as actor:
        commands.check(actor, task.pk, person, marks={})
    with act_as(head) as actor, pytest.raises(CollectError):
        commands.confirm(actor, task.pk, [person])
    with pytest.raises(IntegrityError), seeing_all(), transaction.atomic():
        Form.objects.filter(task_id=task.pk).update(confirmed_by=head.pk, checked_by=head.pk)


def test_a_password_confirms_instead_of_a_signature(place: Place) -> None:
    person = child(place)
    link_child(place.user("parent"), person)
    task = begin(place)
    parent = as_(place, "parent", "")
    sign = f"/my/{person}/collect/{task.pk}/sign/"
    assert "密码不对" in text(parent.post(sign, {"declared": "1", "password": "wrong"}))
    for nothing in ("data:image/png;base64,AAAA", "x"):
        assert parent.post(sign, {"declared": "1", "signature": nothing}).status_code == 422
    assert parent.post(sign, {"declared": "1", "password": PASSWORD}).status_code == 303
    assert form_of(task, person).signed_how == "password"


@pytest.mark.capability("C-COL-23")
def test_a_family_asks_for_a_later_day(place: Place) -> None:
    """The family asks for more time, the teacher grants it: the form counts as 延期, not as missing."""
    person = child(place)
    link_child(place.user("parent"), person)
    task = begin(place)
    until = (timezone.localdate() + timedelta(days=20)).isoformat()
    parent, teacher = as_(place, "parent", ""), as_(place, "class_teacher")
    parent.post(f"/my/{person}/collect/{task.pk}/later/", {"until": until, "reason": "家里有人住院"})
    board = f"/collect/{task.pk}/classes/{place.klass().pk}/"
    assert "家长申请延期" in text(teacher.get(board))
    assert "家里有人住院" in text(teacher.get(f"/collect/{task.pk}/{person}/"))
    teacher.post(f"/collect/{task.pk}/{person}/do/", {"deed": "later", "until": until})
    assert f"延到 {until}" in text(teacher.get(board))
    with act_as(place.user("registrar", "a1")) as actor:
        assert queries.counts(actor, task.pk).faces == {"later": 1}


@pytest.mark.capability("C-COL-11", page="/collect/{id}/classes/{id}/sheets.pdf")
@pytest.mark.capability("C-COL-18")
def test_a_family_without_a_phone_signs_on_paper(place: Place) -> None:
    """The teacher prints the sheets of the class, files the scan of the signed one and types what was corrected."""
    person, other = child(place), child(place, "李小红")
    task = begin(place)
    teacher = as_(place, "class_teacher")
    board = f"/collect/{task.pk}/classes/{place.klass().pk}/"
    pdf = teacher.get(board + "sheets.pdf")
    assert pdf.content.startswith(b"%PDF-") and pdf["Content-Type"] == "application/pdf"
    one = f"/collect/{task.pk}/{person}/"
    teacher.post(one + "do/", {"deed": "paper"})
    assert "线下" in text(teacher.get(board))
    said = {"to_phone": "13712345678", "reason": "按签字的核对单录入", "paper": "1"}
    assert "请先上传签字的采集核对单" in text(teacher.post(one + "fill/", said))
    from django.core.files.uploadedfile import SimpleUploadedFile
    from tests.registry.collect.test_walk import picture

    teacher.post(
        one + "do/", {"deed": "scan", "category": "form", "file": SimpleUploadedFile("a.jpg", picture())}
    )
    assert teacher.post(one + "fill/", said).status_code == 303
    row = form_of(task, person)
    assert (row.signed_how, row.way, row.state) == ("paper", "paper", State.SENT)
    assert "签字的采集核对单" in text(teacher.get(one))
    assert form_of(task, other).state == State.UNREAD


def test_many_forms_cost_no_more_statements_than_few(place: Place) -> None:
    """One statement makes the forms of 3 children or of 23, one each reminds and passes them."""
    counts: list[tuple[int, int, int]] = []
    for n in (3, 20):
        for i in range(n):
            enrol(place, name=f"学生{'甲乙丙丁戊己庚辛壬癸'[i % 10]}{'一二三'[i // 10]}")
        with act_as(place.user("registrar", "a1")) as actor:
            with CaptureQueriesContext(connection) as made:
                task = commands.open_task(
                    actor,
                    title="核对",
                    purpose="核对学籍信息",
                    scope="school",
                    due_on=timezone.localdate(),
                    fields={"phone": "may"},
                )
        with act_as(place.user("class_teacher", "a1")) as actor, CaptureQueriesContext(connection) as told:
            assert commands.remind(actor, task.pk, place.klass().pk) == task.total
        with seeing_all():
            Form.objects.filter(task_id=task.pk).update(state=State.SENT)
        with act_as(place.user("class_teacher", "a1")) as actor, CaptureQueriesContext(connection) as passed:
            assert commands.check_plain(actor, task.pk, place.klass().pk) == task.total
        counts.append((len(made), len(told), len(passed)))
    assert counts[0] == counts[1]


@pytest.mark.capability("C-COL-21", page="/students/{person}/notes/")
def test_lines_about_a_pupil_are_for_own_teachers_and_the_family(place: Place) -> None:
    """The teacher writes about a home visit, the family about interests: the office and other classes read neither."""
    person = child(place)
    link_child(place.user("parent"), person)
    task = begin(place)
    with act_as(place.user("parent")) as actor:
        commands.save_draft(actor, task.pk, person, {"note_interest": "喜欢下围棋"})
        commands.send(actor, task.pk, person, declared=True, signature=signature())
    with act_as(place.user("class_teacher", "a1")) as actor:
        commands.check(actor, task.pk, person, marks={})
    with act_as(place.user("school_head", "a1")) as actor:
        commands.confirm(actor, task.pk, [person])
    teacher = as_(place, "class_teacher")
    teacher.post(f"/students/{person}/notes/", {"kind": "visit", "text": "家访时见到了祖父"})
    page = text(teacher.get(f"/students/{person}/notes/"))
    assert "喜欢下围棋" in page and "家访时见到了祖父" in page
    assert as_(place, "registrar").get(f"/students/{person}/notes/").status_code == 403
    for who in (
        place.user("registrar", "a1"),
        place.user("class_teacher", "a2"),
        place.user("county_clerk", "a"),
    ):
        with act_as(who):
            assert not PupilNote.objects.exists()
