"""What time brings: reminders, pressing the overdue, narrowing what is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import timezone
from tests.helpers import Place, act_as, make_county, seeing_all
from tests.registry.changes.world import (
    EIGHT,
    FOUR,
    make_child,
    pass_all,
    send,
    suspend_draft,
    transfer_draft,
)

from xueji.ground.policy.calendar import add_workdays
from xueji.registry.changes import commands as cases
from xueji.registry.changes import page as pages
from xueji.registry.changes import queries
from xueji.registry.changes.errors import CaseError
from xueji.registry.changes.models import Case, CaseFile, CaseLog, CaseStatus, CaseStep

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


def sent(place: Place) -> Case:
    return send(place, suspend_draft(place, make_child(place)), ("registrar", "a1"))


def logged(case: Case, action: str) -> list[str]:
    with seeing_all():
        rows = CaseLog.objects.filter(case=case, action=action).order_by("id")
        return list(rows.values_list("text", flat=True))


def current(case: Case) -> CaseStep:
    with seeing_all():
        return CaseStep.objects.get(case=case, state="current")


@pytest.mark.capability("C-CHG-04")
def test_a_step_is_reminded_of_once_before_its_day(place: Place) -> None:
    case = sent(place)
    due = current(case).due_on
    assert due is not None
    assert cases.tend(timezone.localdate()) == 0
    assert cases.tend(add_workdays(due, -1)) == 1
    assert cases.tend(add_workdays(due, -1)) == 0
    assert cases.tend(due) == 0
    (words,) = logged(case, "remind")
    assert place.org("a1").name in words
    assert str(due) in words


@pytest.mark.capability("C-CHG-04")
def test_what_is_overdue_goes_to_the_head_of_the_unit_and_then_to_the_authority_above_each_once(
    place: Place, settings: Any
) -> None:
    settings.CASE_ESCALATE_DAYS = 3
    case = sent(place)
    pass_all(place, case, FOUR[:1])
    due = current(case).due_on
    assert due is not None
    late = add_workdays(due, 1)
    for _twice in range(2):
        cases.tend(late)
    assert len(logged(case, "press")) == 1
    assert place.org("a").name in logged(case, "press")[0]
    with act_as(place.user("county_head", "a")) as actor:
        todo = queries.todo(actor)
        assert [r.case_id for r in todo.groups["pressed"]] == [case.pk]
        assert todo.total == queries.todo_count(actor) == queries.counts(actor)["todo"] == 1
        with pytest.raises(PermissionDenied):
            cases.decide(actor, case_id=case.pk, decision="pass")
    with act_as(place.user("city_head", "city1")) as actor:
        assert queries.todo_count(actor) == 0
    for _twice in range(2):
        cases.tend(add_workdays(due, 4))
    assert len(logged(case, "press")) == 2
    assert place.org("city1").name in logged(case, "press")[1]
    with act_as(place.user("city_head", "city1")) as actor:
        assert list(queries.todo(actor).groups) == ["pressed"]
        assert pages.load(actor, case.pk).case.pk == case.pk
    pass_all(place, case, FOUR[1:2])
    for who in (("county_head", "a"), ("city_head", "city1")):
        with act_as(place.user(*who)) as actor:
            assert "pressed" not in queries.todo(actor).groups, "it was for that step alone"


def test_a_case_that_is_being_mended_is_not_pressed_and_keeps_its_days(place: Place) -> None:
    case = sent(place)
    with act_as(place.user("school_head", "a1")) as actor:
        cases.return_for_repair(actor, case_id=case.pk, items=["休学申请的照片不清楚"])
    with seeing_all():
        step = CaseStep.objects.get(case=case, state="returned")
        assert step.left_days == step.limit_days
        assert Case.objects.get(pk=case.pk).repair_due == add_workdays(timezone.localdate(), 10)
        CaseStep.objects.filter(pk=step.pk).update(left_days=3)
    assert cases.tend(timezone.localdate() + timedelta(days=90)) == 0
    with act_as(place.user("registrar", "a1")) as actor:
        cases.resubmit(actor, case_id=case.pk)
    assert current(case).due_on == add_workdays(timezone.localdate(), 3)


@pytest.mark.capability("C-CHG-03")
def test_ones_own_word_is_taken_back_until_the_next_has_acted(place: Place) -> None:
    case = sent(place)
    with act_as(place.user("school_head", "a1")) as actor:
        with pytest.raises(CaseError, match="没有可以收回"):
            cases.take_back(actor, case_id=case.pk)
        cases.decide(actor, case_id=case.pk, decision="pass")
        case = cases.take_back(actor, case_id=case.pk)
        assert current(case).org_id == place.org("a1").pk
        assert queries.todo_count(actor) == 1
        cases.return_for_repair(actor, case_id=case.pk, items=["休学申请的照片不清楚"])
        assert cases.take_back(actor, case_id=case.pk).status == CaseStatus.RUNNING
        assert current(case).left_days is None
        cases.decide(actor, case_id=case.pk, decision="pass")
    pass_all(place, case, FOUR[1:2])
    with act_as(place.user("school_head", "a1")) as actor, pytest.raises(CaseError, match="已经办理"):
        cases.take_back(actor, case_id=case.pk)
    pass_all(place, case, FOUR[2:])
    with act_as(place.user("county_head", "a")) as actor, pytest.raises(CaseError, match="已办结"):
        cases.take_back(actor, case_id=case.pk)
    assert len(logged(case, "take_back")) == 2


def test_what_ended_without_effect_is_after_a_while_its_starters_alone(place: Place, settings: Any) -> None:
    settings.CASE_SIGHT_DAYS = 30
    case = send(place, transfer_draft(place, make_child(place)), ("registrar", "b1"))
    pass_all(place, case, (("school_head", "b1"), ("county_clerk", "b")))
    with act_as(place.user("county_head", "b")) as actor:
        cases.decide(
            actor, case_id=case.pk, decision="refuse", opinion="材料与事实不符", reason_rule="其他规定"
        )
    cases.tend()
    with act_as(place.user("school_head", "a1")) as actor:
        assert pages.load(actor, case.pk).log, "so far all parties see it"
    with seeing_all():
        Case.objects.filter(pk=case.pk).update(ended_at=timezone.now() - timedelta(days=31))
    assert cases.tend() == 1
    assert cases.tend() == 0
    for who in (("school_head", "a1"), ("county_clerk", "a"), ("county_head", "b"), ("class_teacher", "a1")):
        with act_as(place.user(*who)) as actor:
            with pytest.raises(Http404):
                pages.load(actor, case.pk)
            assert not CaseLog.objects.exists() and not CaseStep.objects.exists()
            assert not CaseFile.objects.exists()
            assert not queries.listing(actor).rows
    with act_as(place.user("registrar", "b1")) as actor:
        page = pages.load(actor, case.pk)
        assert page.log and page.files


def test_the_new_class_teacher_sees_all_of_the_case_that_brought_the_child(place: Place) -> None:
    case = send(place, transfer_draft(place, make_child(place)), ("registrar", "b1"))
    with act_as(place.user("class_teacher", "b1")) as actor, pytest.raises(Http404):
        pages.load(actor, case.pk)
    pass_all(place, case, EIGHT)
    pages_seen = []
    for school in ("a1", "b1"):
        with act_as(place.user("class_teacher", school)) as actor:
            page = pages.load(actor, case.pk)
            pages_seen.append((len(page.steps), len(page.log)))
            assert not page.files, "papers are for those who decide"
    assert pages_seen[0] == pages_seen[1]
    assert pages_seen[0][0] == 8
