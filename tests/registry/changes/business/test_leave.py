"""Leaving and coming back."""

from __future__ import annotations

import pytest
from django.test import Client
from tests.helpers import act_as, login, make_county, seeing_all
from tests.registry.changes.business.journey import (
    be_guest,
    day,
    draft,
    family,
    finish,
    four,
    now_of,
    pupil,
    rules_of,
    sound,
    wall,
)
from tests.registry.changes.world import make_child, pass_all, send

from xueji.ground.policy.statuses import Status
from xueji.registry.changes import commands as cases
from xueji.registry.changes.models import CaseStatus
from xueji.registry.enrolment.models import GUEST, EnrolmentState, Event, Roster
from xueji.registry.people.models import NumberLookup

pytestmark = pytest.mark.django_db


@pytest.mark.capability("C-LEV-03")
@pytest.mark.capability("C-CHG-02")
def test_abroad_and_back() -> None:
    """The registrar notes where the child goes and since when; school head and county pass.
    The record stays with the school in the status 出国(境); the child is counted out of those present.
    Back again it is put into a class, and the record goes on.
    """
    place = make_county()
    child = pupil(place)
    case = finish(place, draft(place, "abroad", child, destination="新西兰", happened_on=day(-2)))
    assert case.status == CaseStatus.DONE
    assert now_of(place, child).status == Status.ABROAD
    with seeing_all():
        event = Event.objects.get(person_id=child, business="abroad")
        assert event.detail["destination"] == "新西兰"
        assert event.detail["happened_on"] == day(-2)
        assert Roster.objects.get(person_id=child).status == Status.ABROAD
    klass = place.klass("c1", "S", 2025).pk
    back = finish(place, draft(place, "return", child, to_class_id=klass, resume_on=day()))
    assert back.status == CaseStatus.DONE
    assert (now_of(place, child).status, now_of(place, child).class_id) == (Status.STUDYING, klass)
    sound()


def test_leaving_for_another_ground_is_returned_for_repair_and_sent_again() -> None:
    """The county finds the destination unclear and returns the case with that very item.
    The registrar mends it and sends again; it comes back to the same step.
    The school is asked to write where the child is: without it nothing is sent.
    """
    place = make_county()
    child = pupil(place)
    case = draft(place, "leave", child, reason="随家人外出", happened_on=day())
    assert any("去向" in s for s in wall(place, case))
    with act_as(place.user("registrar", "c1")) as actor:
        cases.save_draft(
            actor,
            case_id=case.pk,
            form=case.form | {"reason": "随家人外出", "happened_on": day(), "destination": "不详"},
        )
    case = pass_all(place, send(place, case, ("registrar", "c1")), four("c1")[:1])
    with act_as(place.user("county_clerk", "c")) as actor:
        case = cases.return_for_repair(actor, case_id=case.pk, items=["去向写到县"], opinion="请补充去向")
    with act_as(place.user("registrar", "c1")) as actor:
        cases.save_draft(actor, case_id=case.pk, form=case.form | {"destination": "乙州市"})
        cases.resubmit(actor, case_id=case.pk)
    case = pass_all(place, case, four("c1")[1:])
    assert case.status == CaseStatus.DONE
    assert now_of(place, child).status == Status.AWAY
    sound()


def test_a_missing_guest_is_no_guest_any_more_and_comes_back_when_found() -> None:
    """A child who studies elsewhere as a guest cannot be found; its own school notes it.
    The stay at the other school ends on the same day.
    The family reads gentle words, without what was written about the search.
    """
    place = make_county()
    child = make_child(place)
    be_guest(place, child)
    case = draft(
        place,
        "missing",
        child,
        school="a1",
        happened_on=day(-3),
        reported_on=day(-2),
        reason_note="已家访并报案",
    )
    case = finish(place, case, "a1")
    assert now_of(place, child, "a1").status == Status.MISSING
    with seeing_all():
        guest = EnrolmentState.objects.get(person_id=child, kind=GUEST, valid_to=None)
        assert guest.status == Status.TRANSFERRED_OUT
        assert not Roster.objects.filter(person_id=child, reason="guest").exists()
    words, _then, page = family(place, case)
    assert "失踪" not in words + page.title
    assert page.wanted == []
    sound()
    found = draft(place, "return", child, school="a1", to_class_id=place.klass("a1").pk, resume_on=day())
    assert finish(place, found, "a1").status == CaseStatus.DONE
    sound()


@pytest.mark.capability("C-LEV-01")
def test_withdrawal_is_for_the_senior_stage_alone() -> None:
    """In the senior stage the family asks, the school agrees, the county approves: 退学.
    In a compulsory stage the page says with the article that it cannot be.
    A school under a place's rule says that the guardian asked, and that nobody was pushed out.
    """
    place = make_county()
    young = make_child(place)
    case = draft(place, "withdraw", young, "退学申请", school="a1", reason="其他", happened_on=day())
    assert any("中小学生学籍管理相关问题处理办法" in s and "小学阶段不能办理" in s for s in wall(place, case))
    senior = pupil(place)
    case = finish(place, draft(place, "withdraw", senior, "退学申请", reason="家庭原因", happened_on=day()))
    assert case.status == CaseStatus.DONE
    assert now_of(place, senior).status == Status.WITHDRAWN
    words, _then, _page = family(place, case)
    assert "退学已经办好" in words
    sound()


@pytest.mark.capability("C-LEV-01")
@pytest.mark.rule("JSCS-WDR-02")
def test_a_place_asks_who_wanted_the_withdrawal_and_the_answer_is_shown_as_the_schools() -> None:
    place = make_county()
    rules_of(place, "c1", "cn-32-changshu")
    senior = pupil(place)
    case = draft(place, "withdraw", senior, "退学申请", reason="家庭原因", happened_on=day())
    assert any("发起人" in s for s in wall(place, case))
    with act_as(place.user("registrar", "c1")) as actor:
        form = {**case.form, "reason": "家庭原因", "happened_on": day()}
        cases.save_draft(
            actor,
            case_id=case.pk,
            form=form | {"answers": {"case.initiator": "学校", "judged.forced": False}},
        )
    assert any("不得借故迫使学生退学" in s for s in wall(place, case))
    with act_as(place.user("registrar", "c1")) as actor:
        cases.save_draft(
            actor,
            case_id=case.pk,
            form=form | {"answers": {"case.initiator": "监护人", "judged.forced": False}},
        )
    assert not any("不得借故迫使学生退学" in s for s in wall(place, case))


@pytest.mark.capability("C-LEV-04")
def test_nobody_is_expelled_from_compulsory_school() -> None:
    """A primary school cannot expel: the law's article is shown.
    A senior school does with the written decision, its number, and the day on which the family was told.
    The record ends in the status 开除; another school may still take the pupil.
    """
    place = make_county()
    young = make_child(place)
    case = draft(
        place,
        "expel",
        young,
        "处分决定",
        school="a1",
        reason="其他",
        decision_no="1",
        happened_on=day(),
        told_on=day(),
    )
    assert any("义务教育法" in s and "不得开除" in s for s in wall(place, case))
    senior = pupil(place)
    case = draft(place, "expel", senior, "处分决定", reason="严重违反校规", happened_on=day(-9))
    assert any("处分决定文号" in s for s in wall(place, case))
    with act_as(place.user("registrar", "c1")) as actor:
        cases.save_draft(
            actor,
            case_id=case.pk,
            form={
                "reason": "严重违反校规",
                "happened_on": day(-9),
                "told_on": day(-8),
                "decision_no": "校处〔2026〕3号",
            },
        )
    case = finish(place, case)
    assert now_of(place, senior).status == Status.EXPELLED
    assert any(r["value"] == "校处〔2026〕3号" for r in case.summary["rows"])
    sound()


@pytest.mark.capability("C-LEV-02")
@pytest.mark.capability("C-LEV-05")
def test_after_a_death_the_record_is_closed_the_number_kept_and_the_family_left_in_peace() -> None:
    """The school reports with the certificate; the county closes the record.
    Number and record stay for ever; a stay as a guest elsewhere ends with the same status.
    The family's page has few and gentle words: no date, no papers, no steps.
    """
    place = make_county()
    child = make_child(place)
    be_guest(place, child)
    with seeing_all():
        numbers = set(NumberLookup.objects.filter(person_id=child).values_list("bidx", flat=True))
    case = draft(place, "death", child, school="a1", happened_on=day(1))
    assert any("还没有到" in s for s in wall(place, case))
    assert any("死亡证明" in s for s in wall(place, case))
    with act_as(place.user("registrar", "a1")) as actor:
        cases.delete_draft(actor, case_id=case.pk)
    case = finish(place, draft(place, "death", child, "死亡证明", school="a1", happened_on=day(-1)), "a1")
    assert case.status == CaseStatus.DONE
    with seeing_all():
        assert set(
            EnrolmentState.objects.filter(person_id=child, valid_to=None).values_list("status", flat=True)
        ) == {Status.DECEASED}
        assert set(NumberLookup.objects.filter(person_id=child).values_list("bidx", flat=True)) == numbers
    words, then, page = family(place, case)
    assert "死亡" not in words + then + page.title
    assert (page.wanted, page.files, page.steps) == ([], [], [])
    browser = login(Client(), place.user("parent", ""))
    for address in (f"/my/{child}/", "/my/", "/cases/", f"/cases/{case.pk}/"):
        answer = browser.get(address)
        assert answer.status_code in (200, 302)
        assert "死亡" not in answer.content.decode(), address
    with act_as(place.user("registrar", "a1")) as actor:
        late = cases.start(actor, business="abroad", person_id=child)
        report, _steps = cases.preflight(actor, case_id=late.pk)
    assert any("死亡" in c.sentence for c in report.stopping)
    sound()


@pytest.mark.rule("GD-DEA-01")
def test_a_place_limits_the_days_within_which_a_death_is_reported() -> None:
    place = make_county()
    rules_of(place, "a1", "cn-44-school")
    child = make_child(place)
    late = draft(place, "death", child, "死亡证明", school="a1", happened_on=day(-60))
    assert any("内报学籍主管部门注销" in s for s in wall(place, late))
