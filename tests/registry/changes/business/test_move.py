"""Out of this system, and into it from elsewhere."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from tests.helpers import Place, act_as, make_county, seeing_all
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
    warnings,
)
from tests.registry.changes.world import (
    BORN,
    attach,
    identity,
    make_child,
    number_of,
    pass_all,
    send,
    transfer_draft,
)

from xueji.ground.orgs.models import SchoolClass
from xueji.ground.policy.statuses import Status
from xueji.registry.changes import commands as cases
from xueji.registry.changes import page as pages
from xueji.registry.changes.business import KINDS
from xueji.registry.changes.errors import CaseError
from xueji.registry.changes.models import Case, CaseStatus
from xueji.registry.enrolment import queries as record
from xueji.registry.enrolment.models import GUEST, EnrolmentState, Event, Roster
from xueji.registry.people.models import IdentityLookup, Person

pytestmark = pytest.mark.django_db


@pytest.mark.capability("C-TRF-04")
def test_out_of_the_system_on_its_day() -> None:
    """The school writes down which school takes the child and where; the county passes.
    The record ends in the status 转出 on its day; a stay as a guest elsewhere ends too.
    The county sends it back once because the place is missing; mended, it goes on.
    """
    place = make_county()
    child = make_child(place)
    be_guest(place, child)
    form = {"reason": "监护人工作调动", "effective_on": day()}
    case = draft(place, "transfer_out", child, "转学原因证明", school="a1", destination="外省某小学", **form)
    assert any("转入学校所在地" in s for s in wall(place, case))
    full = form | {"destination": "外省某小学", "destination_area": "某省某县"}
    with act_as(place.user("registrar", "a1")) as actor:
        cases.save_draft(actor, case_id=case.pk, form=full)
    case = pass_all(place, send(place, case, ("registrar", "a1")), four("a1")[:1])
    with act_as(place.user("county_clerk", "a")) as actor:
        case = cases.return_for_repair(actor, case_id=case.pk, items=["写明学校全称"], opinion="请写全称")
    with act_as(place.user("registrar", "a1")) as actor:
        cases.save_draft(actor, case_id=case.pk, form=full | {"destination": "外省某县第一小学"})
        case = cases.resubmit(actor, case_id=case.pk)
    case = pass_all(place, case, four("a1")[1:])
    assert case.status == CaseStatus.DONE
    with seeing_all():
        states = EnrolmentState.objects.filter(person_id=child, valid_to=None)
        assert {s.status for s in states} == {Status.TRANSFERRED_OUT}
        assert (
            Event.objects.get(person_id=child, business="transfer_out").detail["destination"]
            == "外省某县第一小学"
        )
    assert "转出已经办好" in family(place, case)[0]
    sound()


@pytest.mark.capability("C-TRF-15")
def test_whoever_is_abroad_is_transferred_without_returning_first() -> None:
    """A child abroad comes home to another town; the new school applies for the record at once.
    Until all have passed the status stays 出国(境) at the old school.
    Then the child is 在读 at the new one.
    """
    place = make_county()
    child = make_child(place)
    finish(place, draft(place, "abroad", child, school="a1", destination="新西兰", happened_on=day()), "a1")
    case = send(place, transfer_draft(place, child), ("registrar", "b1"))
    assert now_of(place, child, "a1").status == Status.ABROAD
    others = (("school_head", "b1"), ("county_clerk", "b"), ("county_head", "b"), ("registrar", "a1"))
    case = pass_all(place, case, (*others, *four("a1")))
    assert case.status == CaseStatus.DONE
    assert now_of(place, child, "b1").status == Status.STUDYING
    sound()


@pytest.mark.capability("C-TRF-15")
def test_a_transfer_ends_a_stay_as_a_guest() -> None:
    place = make_county()
    child = make_child(place)
    be_guest(place, child, "c1")
    case = send(place, transfer_draft(place, child), ("registrar", "b1"))
    others = (("school_head", "b1"), ("county_clerk", "b"), ("county_head", "b"), ("registrar", "a1"))
    pass_all(place, case, (*others, *four("a1")))
    with seeing_all():
        assert EnrolmentState.objects.get(person_id=child, kind=GUEST, valid_to=None).status > 10
    sound()


def test_a_full_grade_sends_the_family_to_the_authority_and_names_schools_with_room() -> None:
    place = make_county()
    child = make_child(place, school="b1")
    with seeing_all():
        SchoolClass.objects.filter(school_id=place.org("a1").pk).update(capacity=0)
    number = number_of(place, child, "b1")
    with act_as(place.user("registrar", "a1")) as actor:
        case = cases.start(actor, business="transfer", name="赵小满", number=number)
        form = {"reason": "其他", "effective_on": day(), "to_class_id": place.klass("a1").pk}
        cases.save_draft(actor, case_id=case.pk, form=form)
    found = next(s for s in wall(place, case) if "已经满额" in s)
    assert "提交后系统自动拒绝, 并转青禾县教育局(电话 0990-1234567)统筹安排" in found
    assert "青禾县东乡小学(45)" in found


def _arrival(place: Place, name: str = "孙小雨", number: str = "", **form: Any) -> Case:
    with act_as(place.user("registrar", "a1")) as actor:
        case = cases.start_newcomer(actor, name=name, number=number)
        values = {
            "new_name": name, "new_sex": "1", "new_birth_date": BORN.isoformat(), "new_id_type": "1" if number else "",
            "from_school": "外省某小学", "from_area": "某省某县", "reason": "家庭住址变动",
            "to_class_id": place.klass("a1").pk, "effective_on": day(),
        }  # fmt: skip
        cases.save_draft(actor, case_id=case.pk, form=case.form | values | form)
    attach(place, case, "学生基本信息表", "转学原因证明", by=("registrar", "a1"))
    return case


@pytest.mark.capability("C-TRF-03")
@pytest.mark.capability("C-TRF-19")
def test_a_child_from_elsewhere_is_recorded_when_all_have_decided_and_not_before() -> None:
    """The family brings the former school's papers; the school writes down the child and picks a class.
    Nothing is recorded while the case runs: no roster, no person, no number.
    With the last pass the child is in the class, with record and number, and can be found by its number.
    """
    place = make_county()
    number = identity()
    case = _arrival(place, number=number)
    assert number not in str(case.form) + str(case.summary)
    case = send(place, case, ("registrar", "a1"))
    assert case.student_name == "孙小雨"
    with seeing_all():
        assert not Person.objects.filter(pk=case.person_id).exists()
    case = pass_all(place, case, four("a1"))
    assert case.status == CaseStatus.DONE
    assert case.person_id is not None
    with act_as(place.user("registrar", "a1")) as actor:
        row = record.get_row(actor, case.person_id)
        assert (row.name, row.status, row.class_id) == ("孙小雨", Status.STUDYING, place.klass("a1").pk)
    with seeing_all():
        assert IdentityLookup.objects.get(person_id=case.person_id).id_type == "1"
        assert Event.objects.get(person_id=case.person_id).detail["from_school"] == "外省某小学"
        assert Roster.objects.get(person_id=case.person_id).number_prefix
    assert number_of(place, case.person_id)
    sound()


@pytest.mark.capability("C-TRF-03")
def test_an_arrival_is_told_what_is_missing_and_where_the_number_is_wrong() -> None:
    place = make_county()
    case = _arrival(place, from_school="", new_number=identity(date(2018, 1, 1)), new_id_type="1")
    walls = wall(place, case)
    assert any("原学校名称" in s for s in walls)
    assert any("证件号与性别、出生日期不一致" in s for s in walls)


@pytest.mark.capability("C-TRF-03")
def test_whoever_has_a_record_here_does_not_get_a_second_one() -> None:
    """A number that a child of this system holds is answered with: use 转到我校.
    A number typed later is found by the checks; the same name, sex and birth date without a number stop as well.
    Two schools that apply for one newcomer at once: the second is told why its case has ended.
    """
    place = make_county()
    number = identity()
    make_child(place, id_number=number)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(CaseError, match="转到我校"):
        cases.start_newcomer(actor, name="赵小满", number=number)
    typed = _arrival(place, new_number=number, new_id_type="1")
    assert any("改用“转到我校”" in s for s in wall(place, typed))
    twin = _arrival(place, name="赵小满")
    assert any("都相同的学生" in s for s in wall(place, twin))

    fresh = identity()
    first = send(place, _arrival(place, name="李小禾", number=fresh), ("registrar", "a1"))
    second = send(place, _arrival(place, name="李小荷", number=fresh), ("registrar", "a1"))
    assert pass_all(place, first, four("a1")).status == CaseStatus.DONE
    second = pass_all(place, second, four("a1"))
    assert second.status == CaseStatus.CANCELLED
    assert "已经在别处建立学籍" in second.end_reason
    sound()


@pytest.mark.capability("C-TRF-03")
def test_whoever_left_this_system_comes_back_to_the_same_record() -> None:
    place = make_county()
    number = identity()
    child = make_child(place, id_number=number)
    out = draft(
        place,
        "transfer_out",
        child,
        "转学原因证明",
        school="a1",
        reason="其他",
        effective_on=day(),
        destination="外省某小学",
        destination_area="某省",
    )
    finish(place, out, "a1")
    case = _arrival(place, name="赵小满", number=number)
    assert case.person_id == child
    assert wall(place, case) == []
    case = pass_all(place, send(place, case, ("registrar", "a1")), four("a1"))
    assert case.status == CaseStatus.DONE
    assert now_of(place, child, "a1").status == Status.STUDYING
    sound()


def test_a_button_pressed_twice_begins_one_arrival() -> None:
    place = make_county()
    number = identity()
    with act_as(place.user("registrar", "a1")) as actor:
        one = cases.start_newcomer(actor, name="周小舟", number=number)
        two = cases.start_newcomer(actor, name="周小舟", number=number)
        three = cases.start_newcomer(actor, name="周小舟")
    assert one.pk == two.pk
    assert three.pk != one.pk


def test_a_returned_arrival_is_mended_and_sent_again() -> None:
    place = make_county()
    case = send(place, _arrival(place, name="吴小禾", number=identity()), ("registrar", "a1"))
    case = pass_all(place, case, four("a1")[:1])
    with act_as(place.user("county_clerk", "a")) as actor:
        case = cases.return_for_repair(actor, case_id=case.pk, items=["原学校写全称"], opinion="请写全称")
    with act_as(place.user("registrar", "a1")) as actor:
        cases.save_draft(actor, case_id=case.pk, form=case.form | {"from_school": "外省某县第一小学"})
        case = cases.resubmit(actor, case_id=case.pk)
    assert pass_all(place, case, four("a1")[1:]).status == CaseStatus.DONE
    sound()


def test_the_reasons_offered_are_those_of_the_place() -> None:
    place = make_county()
    child = pupil(place, "b1", "J", 2025)
    case = draft(place, "transfer_out", child, school="b1")
    rules_of(place, "b1", "cn-45-beiliu")
    with act_as(place.user("registrar", "b1")):
        offered = dict(KINDS["transfer_out"].form(case).fields["reason"].choices)  # type: ignore[attr-defined]
    assert set(offered) == {"", "家庭迁移", "家长工作调动", "部队转业复员"}


def _fresh(case: Case) -> Case:
    with seeing_all():
        return Case.objects.get(pk=case.pk)


@pytest.mark.capability("C-TRF-06")
def test_who_goes_first_is_stated_with_its_basis_and_read_by_those_who_decide() -> None:
    place = make_county()
    child = make_child(place)
    case = transfer_draft(place, child, initiator="监护人", priority="户籍迁入")
    assert any("还没有写明依据" in s for s in wall(place, case))
    case = _fresh(case)
    with act_as(place.user("registrar", "b1")) as actor:
        form = case.form | {"priority_basis": "户口簿, 临川县公安局 2026 年 9 月迁入"}
        cases.save_draft(actor, case_id=case.pk, form=form)
    assert wall(place, case) == []
    case = send(place, case, ("registrar", "b1"))
    with act_as(place.user("school_head", "b1")) as actor:
        page = pages.load(actor, case.pk)
    told = {row["label"]: row["value"] for row in page.wanted}
    assert (told["优先类别"], told["由谁提出"]) == ("户籍迁入", "监护人")
    assert "2026 年 9 月迁入" in told["优先的依据"]


@pytest.mark.capability("C-TRF-06")
def test_no_school_makes_a_child_leave() -> None:
    """The school as the one who asks is refused everywhere, a minor in place of the guardian too."""
    place = make_county()
    case = transfer_draft(place, make_child(place), initiator="学校")
    assert any("不得胁迫或诱导学生转学" in s for s in wall(place, case))
    case = _fresh(case)
    for who, sentence in (("学生本人", "未满 18 周岁"), ("", "还没有写明由谁提出")):
        with act_as(place.user("registrar", "b1")) as actor:
            cases.save_draft(actor, case_id=case.pk, form=case.form | {"initiator": who})
        found = warnings(place, case) if not who else wall(place, case)
        assert any(sentence in s for s in found)


@pytest.mark.capability("C-TRF-06")
def test_who_is_not_eligible_by_the_rules_of_the_place_is_refused_in_their_words() -> None:
    place = make_county()
    child = pupil(place, "c1", "J", 2025)
    rules_of(place, "b1", "cn-44-shunde")
    number = number_of(place, child, "c1")
    with seeing_all():
        name = Roster.objects.get(person_id=child).name
    into = {"to_class_id": place.klass("b1", "J", 2025).pk, "effective_on": day(), "reason": "其他"}
    said = {}
    for qualified in (False, True):
        with act_as(place.user("registrar", "b1")) as actor:
            case = cases.start(actor, business="transfer", name=name, number=number)
            form = into | {"initiator": "监护人", "answers": {"student.qualified": qualified}}
            cases.save_draft(actor, case_id=case.pk, form=form)
        said[qualified] = wall(place, case)
    assert any("户籍迁入和政策性借读生优先" in s for s in said[False])
    assert not any("户籍迁入和政策性借读生优先" in s for s in said[True])
    assert not any("须由监护人提出" in s for s in said[True])
    with act_as(place.user("registrar", "b1")) as actor:
        cases.save_draft(actor, case_id=case.pk, form=into | {"initiator": "学校"})
    assert any("不得胁迫或诱导学生转学、退学" in s for s in wall(place, case))
