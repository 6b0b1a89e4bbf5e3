"""Problem records: each school answers for its record, and what is left is arbitrated above them all."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404
from django.test import Client
from django.utils import timezone
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.changes.world import (
    FOUR,
    attach,
    correction_draft,
    identity,
    make_child,
    number_of,
    pass_all,
    send,
    suspend_draft,
)

from xueji.ground.db.scope import acting
from xueji.ground.policy.statuses import Status
from xueji.registry.changes import commands as cases
from xueji.registry.changes.errors import Blocked, CaseError
from xueji.registry.changes.models import Case, CaseStatus
from xueji.registry.enrolment.models import CubeDelta, EnrolmentState, Event, Roster
from xueji.registry.people import commands as people_commands
from xueji.registry.people import queries as people
from xueji.registry.people.models import StudentNumber
from xueji.registry.people.verify import VAULT
from xueji.registry.problems import commands as problems
from xueji.registry.problems import queries as problem_queries
from xueji.registry.problems.errors import ProblemError
from xueji.registry.problems.models import Kind, Problem, Side, State

pytestmark = pytest.mark.django_db

HERE = ("registrar", "a1")
THERE = ("registrar", "b1")
FOUR_B = (("school_head", "b1"), ("county_clerk", "b"), ("county_head", "b"))


def dispute(place: Place) -> tuple[Problem, uuid.UUID, uuid.UUID, str]:
    """A child of a1 claims a number that a child of b1 holds; two counties of one city."""
    number = identity()
    held = make_child(place, school="b1", name="钱多多", id_number=number)
    child = make_child(place)
    draft = correction_draft(place, child, new_number=number)
    with act_as(place.user(*HERE)) as actor:
        with pytest.raises(Blocked) as error:
            cases.submit(actor, case_id=draft.pk)
        check = next(c for c in error.value.checks if c.code == "dedup")
        assert check.action_url == f"/cases/{draft.pk}/dispute/"
        found = cases.dispute_number(actor, case_id=draft.pk)
    return found, child, held, number


def answer(place: Place, who: tuple[str, str], child: uuid.UUID, action: str, **form: str) -> Case:
    """A school answers, and its authority approves."""
    with act_as(place.user(*who)) as actor:
        case = cases.start(actor, business="problem", person_id=child)
        values = {"action": action, "statement": "户口簿原件已核对"} | form
        cases.save_draft(actor, case_id=case.pk, form=values)
    if action != "delete":
        attach(place, case, "佐证材料", by=who)
    return pass_all(place, send(place, case, who), FOUR if who == HERE else FOUR_B)


def flagged(child: uuid.UUID) -> bool:
    with seeing_all():
        return Roster.objects.filter(person_id=child, problem=True).exists()


def holder_of(place: Place, number: str, where: str) -> list[uuid.UUID]:
    with act_as(place.user("registrar", where)) as actor:
        return people.find_by_number(actor, number)


@pytest.mark.capability("C-DUP-02")
@pytest.mark.capability("C-INF-04")
def test_a_number_of_another_record_becomes_a_problem_of_both() -> None:
    place = make_county()
    found, child, held, number = dispute(place)
    assert flagged(child)
    assert flagged(held)
    assert found.superior_id == place.org("city1").pk
    for role, where in (HERE, THERE, ("county_clerk", "a"), ("county_clerk", "b"), ("city_head", "city1")):
        with act_as(place.user(role, where)) as actor:
            page = problem_queries.page(actor, found.pk)
            assert len(page.sides) == 2
            assert number not in str(page.problem.__dict__)
    for role, where in (("registrar", "a2"), ("county_clerk", "c"), ("city_head", "city2")):
        with act_as(place.user(role, where)) as actor, pytest.raises(Http404):
            problem_queries.page(actor, found.pk)


@pytest.mark.capability("C-DUP-04")
def test_when_one_side_was_wrong_the_other_keeps_the_number_and_all_is_clear() -> None:
    place = make_county()
    found, child, held, number = dispute(place)
    answer(place, THERE, held, "prove")
    assert flagged(child)
    case = answer(place, HERE, child, "change")
    assert case.status == CaseStatus.DONE
    with seeing_all():
        assert Problem.objects.get(pk=found.pk).state == State.CLOSED
    assert not flagged(child)
    assert not flagged(held)
    assert holder_of(place, number, "b1") == [held]


@pytest.mark.capability("C-DUP-04")
def test_the_holder_that_was_wrong_gives_the_number_up_to_whom_it_belongs() -> None:
    place = make_county()
    found, child, held, number = dispute(place)
    other = identity()
    answer(place, HERE, child, "prove")
    answer(place, THERE, held, "change", new_number=other)
    with seeing_all():
        assert Problem.objects.get(pk=found.pk).state == State.CLOSED
    assert holder_of(place, number, "a1") == [child]
    assert holder_of(place, other, "b1") == [held]


@pytest.mark.capability("C-DUP-05")
def test_two_that_both_prove_are_arbitrated_by_the_lowest_unit_above_both() -> None:
    place = make_county()
    found, child, held, number = dispute(place)
    answer(place, HERE, child, "prove")
    answer(place, THERE, held, "prove")
    with seeing_all():
        found = Problem.objects.get(pk=found.pk)
        assert found.state == State.ARBITRATING
        assert found.due_on is not None
        numbers = dict(Side.objects.filter(problem=found).values_list("person_id", "no"))
    orders = {numbers[child]: "keep", numbers[held]: "change"}
    with act_as(place.user("county_head", "a")) as actor, pytest.raises(PermissionDenied):
        problems.arbitrate(actor, found.pk, orders, opinion="户口簿在青禾县")
    with act_as(place.user("city_head", "city1")) as actor:
        with pytest.raises(ProblemError, match="最多保留一方"):
            problems.arbitrate(actor, found.pk, dict.fromkeys(orders, "keep"), opinion="两份户口簿都看过")
        done = problems.arbitrate(actor, found.pk, orders, opinion="公安部门证明该号码属于甲方学生")
    assert done.state == State.CLOSED
    assert holder_of(place, number, "a1") == [child]
    assert not flagged(child)
    assert not flagged(held)
    with seeing_all():
        assert Event.objects.filter(person_id=held, business="problem").exists()
        assert StudentNumber.objects.filter(person_id=held, scheme="national", state="current").count() == 1


@pytest.mark.capability("C-DUP-05")
def test_a_formal_number_goes_along_with_the_identity_number_it_was_made_of() -> None:
    place = make_county()
    found, child, held, number = dispute(place)
    with act_as(place.user("county_head", "b")) as actor:
        people_commands.record_check(actor, held, True, source="比对批次")
        people_commands.promote(actor, held, "G", at=timezone.now())
    answer(place, HERE, child, "prove")
    answer(place, THERE, held, "prove")
    with seeing_all():
        numbers = dict(Side.objects.filter(problem=found).values_list("person_id", "no"))
    with act_as(place.user("city_head", "city1")) as actor:
        orders = {numbers[child]: "keep", numbers[held]: "change"}
        problems.arbitrate(actor, found.pk, orders, opinion="公安部门证明该号码属于甲方学生")
    assert holder_of(place, f"G{number}", "a1") == [child]
    with seeing_all(), connection.cursor() as c:
        kept = StudentNumber.objects.filter(scheme="national", state="current")
        assert {n.person_id: n.prefix for n in kept} == {child: "G", held: "L"}
        for name in ("vault.lookup", "vault.orphan", "numbers.lookup", "numbers.orphan", "numbers.derived"):
            c.execute(VAULT[name][1])
            rows = c.fetchall()
            assert not rows or name == "vault.lookup", (name, rows)


@pytest.mark.capability("C-DUP-05")
def test_a_double_record_is_cancelled_and_the_movement_balances() -> None:
    place = make_county()
    one, two = make_child(place), make_child(place, school="b1")
    old = number_of(place, two, "b1")
    with act_as(place.user(*HERE)) as actor:
        found = problems.open_problem(actor, Kind.SAME_PERSON, [one, two], source="check")
    answer(place, HERE, one, "prove")
    case = answer(place, THERE, two, "delete")
    assert case.status == CaseStatus.DONE
    with seeing_all():
        assert Problem.objects.get(pk=found.pk).state == State.CLOSED
        link = EnrolmentState.objects.get(person_id=two, valid_to=None, kind=1)
        assert link.status == Status.CANCELLED
        event = Event.objects.get(person_id=two, event_id=link.event_id)
        assert event.case_id == case.pk
        total = CubeDelta.objects.filter(school_id=place.org("b1").pk, status__lt=10)
        assert sum(total.values_list("n", flat=True)) == 0
        assert StudentNumber.objects.get(person_id=two).state == "voided"
    assert holder_of(place, old, "b1") == [two]


@pytest.mark.capability("C-DUP-05")
def test_a_school_that_keeps_silent_does_not_hold_the_others_up() -> None:
    place = make_county()
    found, child, _held, _number = dispute(place)
    answer(place, HERE, child, "prove")
    late = timezone.localdate() + timedelta(days=60)
    assert problems.lapse_due(late) == 1
    assert problems.lapse_due(late) == 0
    with seeing_all():
        assert Problem.objects.get(pk=found.pk).state == State.ARBITRATING


@pytest.mark.capability("C-DUP-03")
def test_a_wrong_number_is_changed_or_deleted_but_not_proved() -> None:
    place = make_county()
    child = make_child(place)
    with act_as(place.user(*HERE)) as actor:
        problems.report(actor, child, "身份证号与户口簿不一致")
        case = cases.start(actor, business="problem", person_id=child)
        cases.save_draft(actor, case_id=case.pk, form={"action": "prove", "statement": "无误"})
        with pytest.raises(Blocked) as error:
            cases.submit(actor, case_id=case.pk)
        assert any("只能变更或删除" in c.sentence for c in error.value.checks)
        cases.delete_draft(actor, case_id=case.pk)
    answer(place, HERE, child, "change", new_number=identity())
    assert not flagged(child)


def test_without_proof_no_answer_is_sent() -> None:
    place = make_county()
    _found, child, _held, _number = dispute(place)
    with act_as(place.user(*HERE)) as actor:
        case = cases.start(actor, business="problem", person_id=child)
        cases.save_draft(actor, case_id=case.pk, form={"action": "prove", "statement": "无误"})
        with pytest.raises(Blocked) as error:
            cases.submit(actor, case_id=case.pk)
    assert any("佐证材料" in c.sentence for c in error.value.checks)


def test_nothing_open_nothing_to_answer() -> None:
    place = make_county()
    child = make_child(place)
    fresh = correction_draft(place, make_child(place), new_number=identity())
    with act_as(place.user(*HERE)) as actor:
        case = cases.start(actor, business="problem", person_id=child)
        with pytest.raises(Blocked) as error:
            cases.submit(actor, case_id=case.pk)
        assert any(c.code == "problem" for c in error.value.checks)
        with pytest.raises(CaseError, match="没有登记在其他学生名下"):
            cases.dispute_number(actor, case_id=fresh.pk)


@pytest.mark.capability("C-DUP-04")
def test_what_waited_for_the_problem_goes_on_when_it_is_cleared() -> None:
    place = make_county()
    child = make_child(place)
    with act_as(place.user(*HERE)) as actor:
        problems.report(actor, child, "身份证号与户口簿不一致")
    waiting = send(place, suspend_draft(place, child), HERE)
    assert waiting.status == CaseStatus.WAITING
    answer(place, HERE, child, "change", new_number=identity())
    with seeing_all():
        assert Case.objects.get(pk=waiting.pk).status == CaseStatus.RUNNING


@pytest.mark.capability("C-DUP-03", page="/problems/")
def test_the_list_and_the_page_of_a_problem() -> None:
    place = make_county()
    found, _child, _held, _number = dispute(place)
    for role, where in (HERE, THERE, ("county_clerk", "a")):
        browser = login(Client(), place.user(role, where))
        assert found.number in browser.get("/problems/?tab=open").content.decode()
        page = browser.get(f"/problems/{found.pk}/").content.decode()
        assert "青禾县第一小学" in page
        assert "临川县九年制学校" in page
    school = login(Client(), place.user(*HERE))
    assert found.number in school.get("/problems/").content.decode()
    assert "变更、佐证或删除" in school.get(f"/problems/{found.pk}/").content.decode()
    answer_ = school.post(f"/problems/{found.pk}/say/", {"text": "请贵校核对户口簿"})
    assert answer_.status_code == 303
    assert (
        "请贵校核对户口簿"
        in login(Client(), place.user(*THERE)).get(f"/problems/{found.pk}/").content.decode()
    )
    assert login(Client(), place.user("registrar", "a2")).get(f"/problems/{found.pk}/").status_code == 404


def test_the_same_problem_is_not_opened_twice() -> None:
    place = make_county()
    one, two = make_child(place), make_child(place, school="b1")
    with act_as(place.user(*HERE)) as actor:
        first = problems.open_problem(actor, Kind.SAME_PERSON, [one, two], source="check")
        assert problems.open_problem(actor, Kind.SAME_PERSON, [two, one], source="check").pk == first.pk
    with acting("writer"):
        assert Problem.objects.count() == 1
