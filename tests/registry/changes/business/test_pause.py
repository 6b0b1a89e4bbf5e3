"""Suspension, ordered and advised; its extension; return early and late; a place that is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from tests.helpers import act_as, make_county, seeing_all
from tests.registry.changes.business.journey import (
    be_guest,
    day,
    draft,
    family,
    finish,
    now_of,
    pupil,
    rules_of,
    sound,
    wall,
    warnings,
)
from tests.registry.changes.world import FOUR, make_child, pass_all, send, suspend_draft

from xueji.ground.policy.statuses import Status
from xueji.registry.changes import commands as cases
from xueji.registry.changes import history
from xueji.registry.changes.models import CaseStatus
from xueji.registry.enrolment.models import GUEST, EnrolmentState, Event

pytestmark = pytest.mark.django_db


@pytest.mark.capability("C-SUS-02")
def test_an_ordered_suspension_keeps_what_the_family_was_told_and_answered() -> None:
    """A child with an infectious illness is told to stay at home: the school orders the suspension.
    When the family was told and what it answered is written down; those who decide read it.
    One who was a guest elsewhere is no guest any more.
    """
    place = make_county()
    child = make_child(place)
    be_guest(place, child)
    case = suspend_draft(place, child, how="order", reason="其他")
    assert any("要告知监护人并记下答复" in s for s in wall(place, case))
    with act_as(place.user("registrar", "a1")) as actor:
        form = {"how": "order", "reason": "其他", "start": day(), "end": day(90)}
        cases.save_draft(actor, case_id=case.pk, form=form | {"told_on": day(), "answer": "不同意"})
    case = pass_all(place, send(place, case, ("registrar", "a1")), FOUR)
    assert case.status == CaseStatus.DONE
    assert {"label": "监护人的答复", "value": "不同意"} in case.summary["rows"]
    with seeing_all():
        detail = Event.objects.get(person_id=child, business="suspend").detail
        assert (detail["how"], detail["answer"]) == ("order", "不同意")
        assert EnrolmentState.objects.get(person_id=child, kind=GUEST, valid_to=None).status > 10
    sound()


@pytest.mark.capability("C-SUS-02")
def test_advice_that_the_family_does_not_take_suspends_nobody() -> None:
    place = make_county()
    case = suspend_draft(place, make_child(place), how="advise", told_on=day(), answer="不同意")
    assert any("监护人没有同意" in s for s in wall(place, case))


@pytest.mark.rule("GXBL-SUS-02")
def test_a_place_that_orders_suspension_for_infection_finds_it_ordered() -> None:
    place = make_county()
    rules_of(place, "b1", "cn-45-beiliu")
    child = pupil(place, "b1", "J", 2025)
    form = {
        "school": "b1",
        "reason": "因病",
        "start": day(),
        "end": day(200),
        "told_on": day(),
        "answer": "同意",
    }
    case = draft(place, "suspend", child, "休学申请", "病情证明", how="order", **form)
    with act_as(place.user("registrar", "b1")) as actor:
        report, _steps = cases.preflight(actor, case_id=case.pk)
    assert any(c.code == "GXBL-SUS-02" and c.verdict == "pass" for c in report.checks)


def _suspended(place, child, days=30):  # type: ignore[no-untyped-def]
    case = suspend_draft(place, child, end=(timezone.localdate() + timedelta(days=days)).isoformat())
    return pass_all(place, send(place, case, ("registrar", "a1")), FOUR)


@pytest.mark.capability("C-SUS-03")
def test_an_extension_goes_on_from_the_end_and_knows_how_long_it_all_lasts() -> None:
    """Before the period ends the family asks for more; the new end follows the old one.
    One period is no longer than the place allows for one; all together no longer than for all.
    The record keeps each period: how many, since when, until when.
    """
    place = make_county()
    child = make_child(place)
    _suspended(place, child)
    case = draft(place, "suspend_extend", child, "休学申请", school="a1", reason="因事", end=day(20))
    assert any("晚于今天和原定的结束日期" in s for s in wall(place, case))
    with act_as(place.user("registrar", "a1")) as actor:
        cases.save_draft(actor, case_id=case.pk, form={"reason": "因事", "end": day(900)})
    walls = wall(place, case)
    assert any("第十二条: 每次休学1年" in s for s in walls)
    assert any("连续休学一般不超过2年" in s for s in walls)
    with act_as(place.user("registrar", "a1")) as actor:
        cases.save_draft(actor, case_id=case.pk, form={"reason": "因事", "end": day(300)})
    case = pass_all(place, send(place, case, ("registrar", "a1")), FOUR)
    assert case.status == CaseStatus.DONE
    with seeing_all():
        run = history.run_of(child, Status.SUSPENDED)
    assert [p.end.isoformat() for p in run if p.end] == [day(30), day(300)]
    assert run[1].start.isoformat() == day(30)
    assert {"label": "连续第几次", "value": "2"} in case.summary["rows"]
    sound()


@pytest.mark.rule("GXBL-SUS-05")
def test_a_place_counts_the_consecutive_periods() -> None:
    place = make_county()
    child = pupil(place, "b1", "J", 2025)
    first = draft(place, "suspend", child, "休学申请", school="b1", reason="因事", start=day(), end=day(30))
    finish(place, first, "b1")
    more = {"school": "b1", "reason": "因事"}
    finish(place, draft(place, "suspend_extend", child, "休学申请", **more, end=day(60)), "b1")
    rules_of(place, "b1", "cn-45-beiliu")
    case = draft(place, "suspend_extend", child, "休学申请", **more, end=day(90))
    with act_as(place.user("registrar", "b1")) as actor:
        report, _steps = cases.preflight(actor, case_id=case.pk)
    assert report.trace.facts["case.suspend_count"] == 3
    assert [c.verdict for c in report.checks if c.code == "GXBL-SUS-05"] == ["block"]


@pytest.mark.capability("C-SUS-05")
def test_an_early_return_is_shown_as_early_and_refused_where_the_place_refuses_it() -> None:
    """A child is well again before the period ends; the page says how much earlier it is.
    Where the place allows it those who decide see the warning; the class is one of the own or the next cohort.
    Where the place forbids it the article is shown and nothing is sent.
    """
    place = make_county()
    child = make_child(place)
    _suspended(place, child, 100)
    form = {"school": "a1", "reason": "因事", "resume_on": day(), "to_class_id": place.klass("a1").pk}
    case = draft(place, "resume", child, "复学申请", **form)
    assert any("提前复学" in s for s in warnings(place, case))
    rules_of(place, "a1", "cn-13-qianan")
    with act_as(place.user("registrar", "a1")) as actor:
        cases.save_draft(
            actor,
            case_id=case.pk,
            form={**case.form, **form, "answers": {"student.attends_elsewhere": False}},
        )
    assert any("不得提前复学" in s for s in wall(place, case))
    rules_of(place, "a1", "")
    case = pass_all(place, send(place, case, ("registrar", "a1")), FOUR)
    assert "复学已经办好" in family(place, case)[0]
    assert now_of(place, child, "a1").status == Status.STUDYING
    sound()


@pytest.mark.capability("C-SUS-07")
def test_a_late_return_says_why() -> None:
    place = make_county()
    child = make_child(place)
    _suspended(place, child, 1)
    with seeing_all():
        detail = Event.objects.get(person_id=child, business="suspend").detail
        state = EnrolmentState.objects.get(person_id=child, valid_to=None)
    assert detail["planned_end"] == day(1)
    assert state.status == Status.SUSPENDED
    form = {"school": "a1", "reason": "因事", "resume_on": day(60), "to_class_id": place.klass("a1").pk}
    case = draft(place, "resume", child, "复学申请", **form)
    assert any("已经逾期" in s for s in wall(place, case))
    with act_as(place.user("registrar", "a1")) as actor:
        cases.save_draft(
            actor, case_id=case.pk, form={**case.form, **form, "reason_note": "家长书面说明在材料里"}
        )
    assert any("已经逾期" in s for s in warnings(place, case))
    assert not any("已经逾期" in s for s in wall(place, case))


@pytest.mark.rule("GD-RES-02")
def test_a_place_that_sends_back_with_the_next_cohort_knows_the_class_by_its_word() -> None:
    place = make_county()
    child = make_child(place, cohort=2025)
    _suspended(place, child, 100)
    rules_of(place, "a1", "cn-44-school")
    form = {"school": "a1", "reason": "因事", "resume_on": day()}
    case = draft(place, "resume", child, "复学申请", **form, to_class_id=place.klass("a1", cohort=2025).pk)
    with act_as(place.user("registrar", "a1")) as actor:
        report, _steps = cases.preflight(actor, case_id=case.pk)
        assert any(c.code == "GD-RES-02" and c.verdict == "block" for c in report.checks)
        cases.save_draft(
            actor, case_id=case.pk, form={**case.form, "to_class_id": place.klass("a1", cohort=2026).pk}
        )
        report, _steps = cases.preflight(actor, case_id=case.pk)
    assert report.trace.facts["case.grade_plan"] == "下一届"
    assert any(c.code == "GD-RES-02" and c.verdict == "pass" for c in report.checks)


@pytest.mark.rule("HEBQA-SUS-06")
def test_a_place_that_limits_the_share_of_a_grade_gets_the_numbers() -> None:
    place = make_county()
    rules_of(place, "a1", "cn-13-qianan")
    case = suspend_draft(place, make_child(place))
    with act_as(place.user("registrar", "a1")) as actor:
        report, _steps = cases.preflight(actor, case_id=case.pk)
    assert (report.trace.facts["grade.enrolled"], report.trace.facts["grade.suspended_after"]) == (1, 1)
    assert [c.verdict for c in report.checks if c.code == "HEBQA-SUS-06"] == ["block"]


@pytest.mark.capability("C-CHG-02")
def test_a_place_is_kept_in_the_senior_stage_and_taken_up_again() -> None:
    """A senior pupil joins the army: the place is kept, the record stays with the school.
    In a compulsory stage the page says with the article that this is not for it.
    Coming back, the pupil is put into a class and studies on.
    """
    place = make_county()
    young = draft(
        place, "reserve", make_child(place), school="a1", reason="应征入伍", start=day(), end=day(300)
    )
    assert any("小学阶段不能办理" in s for s in wall(place, young))
    child = pupil(place)
    case = finish(place, draft(place, "reserve", child, reason="应征入伍", start=day(), end=day(300)))
    assert case.status == CaseStatus.DONE
    assert now_of(place, child).status == Status.RESERVED
    back = draft(place, "restore", child, resume_on=day(), to_class_id=place.klass("c1", "S", 2025).pk)
    assert finish(place, back).status == CaseStatus.DONE
    assert now_of(place, child).status == Status.STUDYING
    sound()
