"""A child that came from elsewhere: prefilled with what came along, asked for the rest, complete in the end."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest
from django.utils import timezone
from tests.helpers import Place, act_as, link_child, seeing_all
from tests.registry.changes.business.journey import finish
from tests.registry.changes.business.test_move import _arrival
from tests.registry.changes.test_transfer import EIGHT
from tests.registry.changes.world import identity, make_child, pass_all, send, transfer_draft
from tests.registry.collect.test_walk import as_, form_of, picture, place, signature, text

from xueji.registry.collect import arrivals, commands
from xueji.registry.collect.errors import CollectError
from xueji.registry.collect.held import held
from xueji.registry.collect.models import State, Task
from xueji.registry.people import commands as people
from xueji.registry.people.commands.members import change_guardian

pytestmark = pytest.mark.django_db

__all__ = ["place"]

#: What an answer needs for each required field that a newcomer's record lacks; whatever else is asked is voluntary.
ANSWERS = {
    "id_type": "1", "birthplace": "990101", "ethnicity": "01", "nationality": "156", "overseas_status": "00", "health": "10",
    "household_nature": "1", "household_division": "990101", "attendance_mode": "1", "current_address": "云梦路七号",
    "postal_address": "云梦路七号", "home_address": "云梦路七号", "phone": "13912345678", "postcode": "990100",
    "only_child": "0", "preschool": "1", "left_behind": "1", "rural_left_behind": "0", "disabled": "0",
    "aid_requested": "0", "boarding_subsidy": "0", "orphan": "0", "martyr_child": "0", "migrant_child": "0",
    "migrant_worker_child": "0", "commute_distance": "1.5", "commute_mode": "1", "school_bus": "0",
    "member1_name": "孙大山", "member1_relation": "1", "member1_address": "云梦路七号",
    "member1_household_division": "990101", "member1_phone": "13912345678", "member1_is_guardian": "1",
}  # fmt: skip


def open_for(place: Place, person: uuid.UUID, school: str = "a1") -> Task:
    """The registrar's one click."""
    registrar = as_(place, "registrar", school)
    due = (timezone.localdate() + timedelta(days=10)).isoformat()
    page = registrar.post("/collect/arrivals/", {"person": str(person), "due_on": due})
    assert page.status_code == 303, text(page)[:300]
    with seeing_all():
        return Task.objects.latest("id")


@pytest.mark.capability("C-COL-19", page="/collect/arrivals/")
def test_a_child_from_outside_is_collected_from_the_signed_sheet_until_its_record_is_whole(
    place: Place,
) -> None:
    """A child from another system is taken in by a case; the registrar sees it among 待采集 with the former school and all
    that is missing, opens the collection with one click and prints the sheet; what the family signed on paper is
    entered, checked and confirmed: the record is whole, and the child waits no more.
    """
    number = identity()
    case = finish(place, _arrival(place, number=number), "a1")
    person = case.person_id
    assert person is not None
    registrar = as_(place, "registrar")
    listed = registrar.get("/collect/arrivals/")
    assert "孙小雨" in text(listed) and "某省某县 外省某小学" in text(listed) and "系统外" in text(listed)
    assert number not in listed.content.decode()
    assert "转入待采集 1 人" in text(registrar.get("/collect/"))
    with act_as(place.user("registrar", "a1")) as actor:
        one = arrivals.came(actor, waiting=True)[0]
        assert {"phone", "home_address", "member1_name"} <= set(one.missing) and "name" not in one.missing

    task = open_for(place, person)
    assert task.total == 1 and task.scope == "arrivals" and "孙小雨" not in task.scope_words
    assert task.fields["phone"] == "must" and "talents" not in task.fields, "nothing beyond what is missing"
    assert "请勾选" in text(
        registrar.post("/collect/arrivals/", {"person": str(person), "due_on": "2099-01-01"}, follow=True)
    ), "a second click asks nobody twice"
    teacher = as_(place, "class_teacher")
    sheet = teacher.get(f"/collect/{task.pk}/classes/{place.klass().pk}/sheets.pdf?person={person}")
    assert sheet.content.startswith(b"%PDF-")
    with act_as(place.user("class_teacher", "a1")) as actor:
        commands.scan(actor, task.pk, person, category="form", data=picture(), name="sheet.jpg")
    typed = {f"to_{k}": v for k, v in ANSWERS.items() if k in task.fields}
    short = registrar.post(
        f"/collect/{task.pk}/{person}/fill/",
        {"to_phone": "13912345678", "reason": "按签字的表录入", "paper": "1"},
    )
    assert short.status_code == 422 and "没有填好" in text(short)
    sent = registrar.post(
        f"/collect/{task.pk}/{person}/fill/", {**typed, "reason": "按签字的表录入", "paper": "1"}
    )
    assert sent.status_code == 303, text(sent)[:800]
    row = form_of(task, person)
    assert row.way == "paper" and row.signed_how == "paper"
    with act_as(place.user("class_teacher", "a1")) as actor:
        commands.check(actor, task.pk, person, marks={d["key"]: "yes" for d in row.diff}, version=row.version)
    with act_as(place.user("school_head", "a1")) as actor:
        commands.confirm(actor, task.pk, [person])
    with act_as(place.user("registrar", "a1")) as actor:
        assert held(actor, [person])[person].values["phone"] == "13912345678"
        assert arrivals.came(actor, waiting=True) == []
        one = arrivals.came(actor, waiting=False)[0]
        assert (one.missing, one.face) == ((), State.DONE)
        commands.close_task(actor, task.pk)
        assert arrivals.came(actor, waiting=True) == [], "what was collected stays collected"
        assert [a.face for a in arrivals.came(actor, waiting=False)] == [State.DONE]
    assert "完整" in text(registrar.get("/collect/arrivals/"))


@pytest.mark.capability("C-COL-19", page="/my/{person}/collect/{id}/")
def test_what_the_former_school_knew_is_there_and_only_the_rest_is_asked(place: Place) -> None:
    """A child is transferred inside the system: the receiving school's form is prefilled with what the former school had
    on record; the family corrects the address on the phone; nothing that cannot have changed is asked again.
    """
    person = make_child(place)
    link_child(place.user("parent"), person)
    known = {"phone": "13600001111", "home_address": "旧城路一号", "blood_type": "2", "only_child": "0"}
    with act_as(place.user("school_head", "a1")) as actor:
        people.change_profile(actor, person, known, event_id=uuid.uuid4(), at=timezone.now())
    case = pass_all(place, send(place, transfer_draft(place, person), ("registrar", "b1")), EIGHT)
    assert case.status == "done"
    with act_as(place.user("registrar", "a1")) as actor:
        assert arrivals.waiting_count(actor) == 0, "the school that gave the child away collects nothing"
        with pytest.raises(CollectError):
            commands.open_for_arrivals(actor, [person], due_on=timezone.localdate())
    with act_as(place.user("registrar", "b1")) as actor:
        one = arrivals.came(actor, waiting=True)[0]
        assert one.origin == place.org("a1").name and not one.outside
        assert "only_child" not in one.missing and "birthplace" in one.missing
    task = open_for(place, person, "b1")
    assert {"home_address", "phone", "birthplace", "name"} <= set(task.fields)
    assert not {"only_child", "blood_type"} & set(task.fields)
    parent = as_(place, "parent", "")
    page = parent.get(f"/my/{person}/collect/{task.pk}/")
    assert "136****1111" in text(page) and 'name="to_home_address"' in page.content.decode()
    with act_as(place.user("parent")) as actor:
        new = {f"to_{k}": v for k, v in ANSWERS.items() if k in task.fields and k != "id_type"}
        faults, _raw = commands.save_draft(actor, task.pk, person, new | {"to_home_address": "新城路二号"})
        assert not faults
        commands.send(actor, task.pk, person, declared=True, signature=signature())
    keys = {d["key"] for d in form_of(task, person).diff}
    assert "home_address" in keys and "only_child" not in keys
    with act_as(place.user("registrar", "b1")) as actor:
        assert commands.renew(actor, task.pk) == (0, 0), "nobody joins a collection for those who came"


def test_a_child_without_a_number_needs_one_guardian_whole(place: Place) -> None:
    """Neither number nor kind of document is demanded of a child that has none, but one guardian's data, to the last."""
    case = finish(place, _arrival(place), "a1")
    person = case.person_id
    assert person is not None
    task = open_for(place, person)
    assert {"member1_id_type", "member1_id_number"} <= set(task.fields)
    with act_as(place.user("registrar", "a1")) as actor:
        new = {f"to_{k}": v for k, v in ANSWERS.items() if k in task.fields and k != "id_type"}
        assert commands.save_draft(actor, task.pk, person, new)[0] == {}
        with pytest.raises(CollectError, match="监护人的完整信息"):
            commands.send(actor, task.pk, person, declared=True, reason="家长没有手机")
        papers = {"to_member1_id_type": "1", "to_member1_id_number": identity(date(1988, 3, 4))}
        assert commands.save_draft(actor, task.pk, person, new | papers)[0] == {}
        commands.send(actor, task.pk, person, declared=True, reason="家长没有手机")
    assert form_of(task, person).state == State.SENT


def test_a_former_guardian_stays(place: Place) -> None:
    """What came along of the family is on the new school's form as well."""
    person = make_child(place)
    with act_as(place.user("school_head", "a1")) as actor:
        change_guardian(
            actor, person, None, parts={"name": "赵大山", "relation": "1", "is_guardian": "1"},
            sealed={"phone": "13900001234"}, event_id=uuid.uuid4(),
        )  # fmt: skip
    pass_all(place, send(place, transfer_draft(place, person), ("registrar", "b1")), EIGHT)
    with act_as(place.user("registrar", "b1")) as actor:
        one = arrivals.came(actor, waiting=True)[0]
        assert "member1_name" not in one.missing and "member1_address" in one.missing


def test_a_child_whose_family_never_answered_waits_again_once_the_task_is_closed(place: Place) -> None:
    """The task is ended unanswered: the child stands among 待采集 again, in the list, its count and the to-do."""
    person = finish(place, _arrival(place, number=identity()), "a1").person_id
    assert person is not None
    task = open_for(place, person)
    with act_as(place.user("registrar", "a1")) as actor:
        assert arrivals.waiting_count(actor) == 0
        commands.close_task(actor, task.pk, reason="家长一直没有填写, 先结束")
        assert [a.person_id for a in arrivals.came(actor, waiting=True)] == [person]
        assert arrivals.came(actor, waiting=False) == [] and arrivals.waiting_count(actor) == 1
    assert "转入待采集 1 人" in text(as_(place, "registrar").get("/collect/"))
    again = open_for(place, person)
    with act_as(place.user("registrar", "a1")) as actor:
        assert [a.task_id for a in arrivals.came(actor, waiting=False)] == [again.pk]


def test_whoever_is_about_to_leave_has_not_come(place: Place) -> None:
    """A transfer that takes effect tomorrow stands in the former school's history today: nobody came by it."""
    person = make_child(place)
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    draft = transfer_draft(place, person, effective_on=tomorrow)
    pass_all(place, send(place, draft, ("registrar", "b1")), EIGHT)
    for school in ("a1", "b1"):
        with act_as(place.user("registrar", school)) as actor:
            assert arrivals.came(actor, waiting=True) == [] and arrivals.waiting_count(actor) == 0
