"""Others' part in a case: units asked, the authority above, colleagues standing in, templates."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.utils import timezone
from tests.helpers import Place, act_as, give_role, make_county, password_hash, seeing_all
from tests.registry.changes.chains import step, use_chain
from tests.registry.changes.world import (
    EIGHT,
    FOUR,
    make_child,
    pass_all,
    send,
    suspend_draft,
    transfer_draft,
)

from xueji.ground.accounts import commands as accounts
from xueji.ground.accounts import queries as account_queries
from xueji.ground.accounts.models import RoleAssignment, User
from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.registry.changes import commands as cases
from xueji.registry.changes import page as pages
from xueji.registry.changes import queries
from xueji.registry.changes.errors import CaseError
from xueji.registry.changes.models import Case, CaseLog, CaseStatus, CaseStep

pytestmark = pytest.mark.django_db
WHY = "该单位逾期不办, 家长已多次反映"


@pytest.fixture
def place() -> Place:
    return make_county()


def sent(place: Place) -> Case:
    return send(place, suspend_draft(place, make_child(place)), ("registrar", "a1"))


def audited() -> set[str]:
    with transaction.atomic(), acting("audit"):
        return set(AuditEntry.objects.values_list("action", flat=True))


def running(case: Case) -> list[tuple[str, int]]:
    with seeing_all():
        rows = CaseStep.objects.filter(case=case, state="current").order_by("turn", "seq")
        return [(s.mode, s.org_id) for s in rows]


def somebody(place: Place, role: str, where: str, name: str) -> User:
    """One more person of a unit."""
    with seeing_all():
        user = User.objects.create(
            username=f"{role}.{where}.more",
            display_name=name,
            home_org=place.org(where),
            password=password_hash(),
        )
    give_role(user, role, place.org(where))
    return user


def part_of(user: User) -> int:
    with seeing_all():
        return RoleAssignment.objects.get(user=user).pk


# --- asking other units -----------------------------------------------------------------------------------------


def test_units_that_are_asked_see_the_case_and_must_answer_before_it_passes(place: Place) -> None:
    case = sent(place)
    pass_all(place, case, FOUR[:1])
    with act_as(place.user("city_clerk", "city1")) as actor, pytest.raises(PermissionDenied):
        cases.advise(actor, case_id=case.pk, agree=True, opinion="")
    a2, city = place.org("a2").pk, place.org("city1").pk
    with act_as(place.user("county_clerk", "a")) as actor:
        with pytest.raises(CaseError, match="上下级"):
            cases.ask_opinion(actor, case_id=case.pk, org_ids=[place.org("b1").pk], question="请核实情况")
        cases.ask_opinion(actor, case_id=case.pk, org_ids=[a2, city], question="请核实该生的就读情况")
        with pytest.raises(CaseError, match="会签单位没有答复"):
            cases.decide(actor, case_id=case.pk, decision="pass")
    assert sorted(running(case)) == sorted([("approve", place.org("a").pk), ("advise", a2), ("advise", city)])
    with act_as(place.user("registrar", "a2")) as actor:
        page = pages.load(actor, case.pk)
        assert page.log and page.files
        assert queries.todo_count(actor) == 1
        with pytest.raises(CaseError, match="会签"):
            cases.decide(actor, case_id=case.pk, decision="pass")
        with pytest.raises(CaseError, match="写明理由"):
            cases.advise(actor, case_id=case.pk, agree=False, opinion="不")
        cases.advise(actor, case_id=case.pk, agree=False, opinion="该生上周还在本校参加活动")
        assert queries.todo_count(actor) == 0
    with act_as(place.user("city_clerk", "city1")) as actor:
        cases.advise(actor, case_id=case.pk, agree=True, opinion="")
    assert pass_all(place, case, FOUR[1:]).status == CaseStatus.DONE
    with act_as(place.user("registrar", "a2")) as actor, pytest.raises(Http404):
        pages.load(actor, case.pk)


def test_questions_fall_away_when_the_asker_returns_the_case(place: Place) -> None:
    case = sent(place)
    with act_as(place.user("school_head", "a1")) as actor:
        cases.ask_opinion(actor, case_id=case.pk, org_ids=[place.org("a").pk], question="这种情况能否休学")
        cases.return_for_repair(actor, case_id=case.pk, items=["休学申请的照片不清楚"])
    assert running(case) == []
    with act_as(place.user("registrar", "a1")) as actor:
        cases.resubmit(actor, case_id=case.pk)
    assert pass_all(place, case, FOUR).status == CaseStatus.DONE


# --- the authority above ----------------------------------------------------------------------------------------


def test_the_head_above_steps_in_and_nobody_else(place: Place) -> None:
    case = sent(place)
    for who in (("county_clerk", "a"), ("school_head", "a1")):
        with act_as(place.user(*who)) as actor, pytest.raises(PermissionDenied):
            cases.intervene(actor, case_id=case.pk, action="stop", reason=WHY)
    with act_as(place.user("county_head", "b")) as actor, pytest.raises(Http404):
        cases.intervene(actor, case_id=case.pk, action="stop", reason=WHY)
    with act_as(place.user("county_head", "a")) as actor:
        with pytest.raises(CaseError, match="写明理由"):
            cases.intervene(actor, case_id=case.pk, action="stop", reason="停")
        assert cases.intervene(actor, case_id=case.pk, action="stop", reason=WHY).status == (
            CaseStatus.CANCELLED
        )
        assert any(WHY in e["text"] for e in pages.load(actor, case.pk).log)
    assert "changes.force_stop" in audited()


def test_a_county_cannot_step_in_on_its_own_step_but_the_city_can(place: Place) -> None:
    case = sent(place)
    pass_all(place, case, FOUR[:1])
    with act_as(place.user("county_head", "a")) as actor, pytest.raises(PermissionDenied, match="下级"):
        cases.intervene(actor, case_id=case.pk, action="return", reason=WHY)
    with act_as(place.user("city_head", "city1")) as actor:
        case = cases.intervene(actor, case_id=case.pk, action="return", reason=WHY)
    assert case.status == CaseStatus.RETURNED
    assert case.summary["repair"] == [WHY]


def test_passing_over_a_step_is_said_and_confirms_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_chain(monkeypatch, ("school", "head"), ("authority", "clerk"))
    case = sent(place)
    with act_as(place.user("county_head", "a")) as actor:
        cases.intervene(actor, case_id=case.pk, action="pass", reason=WHY)
    with seeing_all():
        step = CaseStep.objects.get(case=case, seq=2)
        assert (step.state, step.forced, step.decider_id) == ("done", True, place.user("county_head", "a").pk)
    assert pass_all(place, case, (("county_clerk", "a"),)).status == CaseStatus.DONE


@pytest.mark.rule("NAT-TRF-10")
def test_no_authority_goes_over_a_step_that_a_strong_rule_asks_for(place: Place) -> None:
    case = send(place, transfer_draft(place, make_child(place)), ("registrar", "b1"))
    with act_as(place.user("county_head", "b")) as actor:
        with pytest.raises(CaseError, match="不能代为通过.*都办结后转学才生效"):
            cases.intervene(actor, case_id=case.pk, action="pass", reason=WHY)
        cases.intervene(actor, case_id=case.pk, action="reassign", reason=WHY, to_org=place.org("b").pk)
        # 四眼: who takes the step over decides no other half of it.
        cases.decide(actor, case_id=case.pk, decision="pass")
    pass_all(place, case, EIGHT[1:2])
    with act_as(place.user("county_head", "b")) as actor, pytest.raises(CaseError, match="同一个人"):
        cases.decide(actor, case_id=case.pk, decision="pass")


# --- standing in -------------------------------------------------------------------------------------------------


def hand_over(place: Place, to: User, *, role: str = "county_head", where: str = "a") -> None:
    holder = place.user(role, where)
    today = timezone.localdate()
    with act_as(holder) as actor:
        accounts.hand_over(
            actor,
            assignment_id=part_of(holder),
            to_user_id=to.pk,
            since=today,
            until=today + timedelta(days=7),
            reason="外出培训",
        )


@pytest.mark.capability("C-CHG-03")
def test_a_colleague_stands_in_and_the_case_says_for_whom(place: Place) -> None:
    other = somebody(place, "county_clerk", "a", "代理经办")
    hand_over(place, other)
    case = sent(place)
    pass_all(place, case, FOUR[:2])
    with act_as(other) as actor:
        assert [r.case_id for rows in queries.todo(actor).groups.values() for r in rows] == [case.pk]
        assert queries.next_todo(actor, but=uuid.uuid4()) == case.pk
        case = cases.decide(actor, case_id=case.pk, decision="pass", opinion="同意")
    assert case.status == CaseStatus.DONE
    with seeing_all():
        last = CaseStep.objects.get(case=case, seq=4)
        assert (last.decider_id, last.acted_for) == (other.pk, place.user("county_head", "a").display_name)
        words = CaseLog.objects.filter(case=case, action="pass").latest("id").text
    assert f"代 {place.user('county_head', 'a').display_name} 办理" in words


def test_whoever_did_the_other_half_of_the_case_does_not_stand_in_for_it(place: Place) -> None:
    other = somebody(place, "county_clerk", "a", "代理经办")
    hand_over(place, other)
    case = sent(place)
    pass_all(place, case, FOUR[:1])
    with act_as(other) as actor:
        cases.decide(actor, case_id=case.pk, decision="pass")
        with pytest.raises(CaseError, match="同一个人"):
            cases.decide(actor, case_id=case.pk, decision="pass")


def test_nobody_stands_in_who_alone_does_the_other_half(place: Place) -> None:
    clerk = place.user("county_clerk", "a")
    with pytest.raises(accounts.AccountError, match="唯一"):
        hand_over(place, clerk)
    with act_as(place.user("county_head", "a")) as actor:
        row = account_queries.own_parts(actor, account_queries.deciders(actor))
        assert {r.user_id for r in row} == {clerk.pk, actor.user_id}, "a head arranges it for all of the unit"
    stranger = place.user("county_clerk", "b")
    with pytest.raises(accounts.AccountError, match="本单位"):
        hand_over(place, stranger)


def test_standing_in_ends_on_its_day_or_before(place: Place) -> None:
    other = somebody(place, "county_clerk", "a", "代理经办")
    hand_over(place, other)
    with pytest.raises(accounts.AccountError, match="已经交给别人"):
        hand_over(place, other)
    case = sent(place)
    pass_all(place, case, FOUR[:2])
    with act_as(place.user("county_clerk", "a")) as actor:
        assert not account_queries.stand_ins(actor), "it does not concern him"
    with act_as(other) as actor:
        (row,) = account_queries.stand_ins(actor)
        accounts.end_hand_over(actor, row.id)
        with pytest.raises(PermissionDenied):
            cases.decide(actor, case_id=case.pk, decision="pass")
        assert queries.todo_count(actor) == 0
        with pytest.raises(Http404):
            accounts.end_hand_over(actor, row.id)
    assert {"accounts.delegation.set", "accounts.delegation.end"} <= audited()


@pytest.mark.parametrize(
    ("since", "until"), [(-1, 3), (3, 1), (0, 400)], ids=["past", "backwards", "too long"]
)
def test_standing_in_has_sensible_days(place: Place, since: int, until: int) -> None:
    other = somebody(place, "county_clerk", "a", "代理经办")
    holder = place.user("county_head", "a")
    today: date = timezone.localdate()
    with act_as(holder) as actor, pytest.raises(accounts.AccountError, match="日期"):
        accounts.hand_over(
            actor,
            assignment_id=part_of(holder),
            to_user_id=other.pk,
            since=today + timedelta(days=since),
            until=today + timedelta(days=until),
            reason="外出培训",
        )


# --- templates ---------------------------------------------------------------------------------------------------


def test_opinions_are_kept_for_oneself_and_by_the_head_for_the_unit(place: Place) -> None:
    with act_as(place.user("county_clerk", "a")) as actor:
        row = cases.keep_template(actor, decision="pass", text="已电话核实, 同意", business="suspend")
        assert cases.keep_template(actor, decision="pass", text="已电话核实, 同意", business="suspend") == row
        with pytest.raises(CaseError, match="负责人"):
            cases.keep_template(actor, decision="pass", text="同意办理", for_unit=True)
    with act_as(place.user("county_head", "a")) as actor:
        cases.keep_template(actor, decision="pass", text="经研究同意", for_unit=True)
        assert "已电话核实, 同意" not in queries.templates(actor, "suspend", "pass")
        with pytest.raises(Http404):
            cases.drop_template(actor, template_id=row.pk)
    with act_as(place.user("county_clerk", "a")) as actor:
        found = queries.templates(actor, "suspend", "pass")
        assert found[:2] == ["已电话核实, 同意", "经研究同意"]
        assert len(found) > 2, "the system's own come last"
        assert "已电话核实, 同意" not in queries.templates(actor, "transfer", "pass")
        cases.drop_template(actor, template_id=row.pk)
        assert queries.templates(actor, "suspend", "pass")[0] == "经研究同意"
    with act_as(place.user("county_head", "b")) as actor:
        assert "经研究同意" not in queries.templates(actor, "suspend", "pass")


def test_a_fork_held_below_is_stepped_into_where_it_is_named(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_chain(monkeypatch, step(2, "school", "head", branch="校"), step(3, "authority", "clerk", branch="县"))
    case = sent(place)
    with act_as(place.user("city_head", "city1")) as actor:
        cases.intervene(actor, case_id=case.pk, action="pass", reason=WHY, step=3)
    assert running(case) == [("approve", place.org("a1").pk)]
