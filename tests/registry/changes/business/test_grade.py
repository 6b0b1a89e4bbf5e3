"""Class and grade inside the school."""

from __future__ import annotations

import pytest
from tests.helpers import act_as, make_county, seeing_all
from tests.registry.changes.business.journey import (
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
    warnings,
)
from tests.registry.changes.world import make_child, pass_all, send

from xueji.ground.orgs.models import SchoolClass
from xueji.ground.policy.statuses import Status
from xueji.registry.changes import commands as cases
from xueji.registry.changes.models import CaseStatus
from xueji.registry.enrolment.models import Event, Roster

pytestmark = pytest.mark.django_db


@pytest.mark.capability("C-CHG-08")
def test_the_school_alone_changes_a_class_and_it_holds_at_once() -> None:
    """The registrar picks another class of the grade and sends; nobody else decides.
    The roster shows the new class at once, head-counts of the school stay as they are.
    The class where the child is already is no answer, nor is a full one: other classes with room are named.
    """
    place = make_county()
    child = make_child(place)
    second = place.klass("a1", number=2)
    here = {"school": "a1", "reason": "监护人申请", "effective_on": day()}
    case = draft(place, "change_class", child, **here, to_class_id=place.klass("a1").pk)
    assert any("已经在这个班级" in s for s in wall(place, case))
    with seeing_all():
        SchoolClass.objects.filter(pk=second.pk).update(capacity=0)
    with act_as(place.user("registrar", "a1")) as actor:
        cases.save_draft(actor, case_id=case.pk, form={**case.form, **here, "to_class_id": second.pk})
    assert any("已经满额" in s and "(1)班" in s for s in wall(place, case))
    with seeing_all():
        SchoolClass.objects.filter(pk=second.pk).update(capacity=45)
    done = send(place, case, ("registrar", "a1"))
    assert done.status == CaseStatus.DONE
    with seeing_all():
        assert Roster.objects.get(person_id=child).class_id == second.pk
        assert Event.objects.get(person_id=child, business="change_class").detail["reason"] == "监护人申请"
    assert "调班已经办好" in family(place, done)[0]
    sound()


@pytest.mark.capability("C-PRO-02")
def test_a_year_again_where_the_place_says_nothing_is_for_the_authority() -> None:
    """The family asks for the grade once more; the class is one of the next cohort.
    The page warns that the place's rules do not say whether that may be; the county decides.
    The child goes on with the younger cohort, and the movement balances.
    """
    place = make_county()
    child = pupil(place, cohort=2025)
    case = draft(
        place,
        "repeat",
        child,
        reason="学生和监护人自愿",
        effective_on=day(),
        to_class_id=place.klass("c1", "S", 2024).pk,
    )
    assert any("不是低一年级的班级" in s for s in wall(place, case))
    with act_as(place.user("registrar", "c1")) as actor:
        cases.save_draft(
            actor,
            case_id=case.pk,
            form={
                **case.form,
                "to_class_id": place.klass("c1", "S", 2026).pk,
                "reason": "学生和监护人自愿",
                "effective_on": day(),
            },
        )
    assert any("本地规定没有写明" in s for s in warnings(place, case))
    case = finish(place, case)
    link = now_of(place, child)
    assert (link.status, link.cohort_year) == (Status.STUDYING, 2026)
    sound()


@pytest.mark.capability("C-PRO-02")
@pytest.mark.rule("GXHS-GRD-02")
def test_where_repeating_is_voluntary_the_school_is_asked_whether_it_is() -> None:
    place = make_county()
    rules_of(place, "c1", "cn-45-senior")
    child = pupil(place)
    case = draft(
        place, "repeat", child, reason="其他", effective_on=day(), to_class_id=place.klass("c1", "S", 2026).pk
    )
    assert not any("本地规定没有写明" in s for s in warnings(place, case))
    with act_as(place.user("registrar", "c1")) as actor:
        cases.save_draft(
            actor,
            case_id=case.pk,
            form={
                **case.form,
                "reason": "其他",
                "effective_on": day(),
                "to_class_id": place.klass("c1", "S", 2026).pk,
                "answers": {"student.voluntary": False},
            },
        )
    assert any("留级只按学生自愿" in s for s in warnings(place, case))


@pytest.mark.capability("C-PRO-02")
@pytest.mark.rule("GD-GRD-02")
@pytest.mark.parametrize("business", ["repeat", "skip"])
def test_where_grades_follow_each_other_nobody_repeats_or_skips(business: str) -> None:
    place = make_county()
    rules_of(place, "a1", "cn-44-school")
    child = make_child(place, cohort=2025)
    case = draft(place, business, child, school="a1", effective_on=day())
    assert any("不允许跳级、留级" in s for s in wall(place, case))


@pytest.mark.capability("C-PRO-03")
def test_a_grade_ahead_after_a_test_that_was_passed() -> None:
    """Who does well takes the test of the grade above; its day and result are written down.
    Without a passed test nothing is sent; the county finds the paper unclear, returns it, and passes it then.
    The child goes on with the older cohort.
    """
    place = make_county()
    child = pupil(place, cohort=2025)
    form = {"reason": "学业成绩优异", "effective_on": day(), "to_class_id": place.klass("c1", "S", 2024).pk}
    case = draft(place, "skip", child, **form)
    assert any("水平测试并且合格" in s for s in wall(place, case))
    with act_as(place.user("registrar", "c1")) as actor:
        cases.save_draft(actor, case_id=case.pk, form=form | {"test_on": day(-5), "test_ok": "合格"})
    case = pass_all(place, send(place, case, ("registrar", "c1")), four("c1")[:1])
    with act_as(place.user("county_clerk", "c")) as actor:
        case = cases.return_for_repair(actor, case_id=case.pk, items=["写明测试科目"], opinion="请补充")
    with act_as(place.user("registrar", "c1")) as actor:
        cases.save_draft(actor, case_id=case.pk, form=case.form | {"reason_note": "语文数学英语"})
        case = cases.resubmit(actor, case_id=case.pk)
    case = pass_all(place, case, four("c1")[1:])
    assert now_of(place, child).cohort_year == 2024
    assert {"label": "测试结果", "value": "合格"} in case.summary["rows"]
    sound()
