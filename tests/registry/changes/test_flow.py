"""Returning, taking back, stopping, urging, waiting; who may do what, and two at once."""

from __future__ import annotations

import uuid
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import timezone
from tests.helpers import act_as, give_role, link_child, make_county, seeing_all
from tests.registry.changes.world import (
    EIGHT,
    FOUR,
    correction_draft,
    make_child,
    pass_all,
    send,
    suspend_draft,
    transfer_draft,
)

from xueji.ground.policy.engine import PolicySet
from xueji.registry.changes import commands as cases
from xueji.registry.changes import page as pages
from xueji.registry.changes import queries
from xueji.registry.changes.errors import Blocked, CaseError, StaleCase
from xueji.registry.changes.models import Case, CaseFile, CaseLog, CaseSeat, CaseStatus, CaseStep
from xueji.registry.enrolment import commands as enrolment_commands
from xueji.registry.enrolment.models import Roster

pytestmark = pytest.mark.django_db


def running(place: Any) -> tuple[uuid.UUID, Case]:
    """A transfer that has just been sent."""
    child = make_child(place)
    return child, send(place, transfer_draft(place, child), ("registrar", "b1"))


@pytest.mark.capability("C-CHG-03")
@pytest.mark.parametrize(
    "who", [("county_clerk", "b"), ("school_head", "a1"), ("registrar", "b1"), ("county_head", "a")]
)
def test_nobody_decides_out_of_turn(who: tuple[str, str]) -> None:
    place = make_county()
    _child, case = running(place)
    with act_as(place.user(*who)) as actor, pytest.raises(PermissionDenied):
        cases.decide(actor, case_id=case.pk, decision="pass", opinion="同意")


@pytest.mark.capability("C-CHG-03")
@pytest.mark.parametrize("who", [("school_head", "c1"), ("county_head", "c"), ("city_clerk", "city2")])
def test_to_strangers_the_case_does_not_exist(who: tuple[str, str]) -> None:
    place = make_county()
    _child, case = running(place)
    with act_as(place.user(*who)) as actor:
        with pytest.raises(Http404):
            pages.load(actor, case.pk)
        with pytest.raises(Http404):
            cases.decide(actor, case_id=case.pk, decision="pass", opinion="同意")
        assert not queries.listing(actor).rows
        assert not CaseSeat.objects.exists()


def test_row_security_hides_every_table_of_a_case_from_strangers() -> None:
    place = make_county()
    _child, case = running(place)
    with act_as(place.user("registrar", "c1")):
        for model in (Case, CaseStep, CaseSeat, CaseFile, CaseLog):
            assert not model.objects.exists(), model
    with act_as(place.user("county_clerk", "a")):
        assert Case.objects.filter(pk=case.pk).exists()


def test_a_draft_is_seen_by_its_school_alone() -> None:
    place = make_county()
    case = transfer_draft(place, make_child(place))
    for who in (("county_clerk", "b"), ("registrar", "a1"), ("county_clerk", "a")):
        with act_as(place.user(*who)) as actor:
            with pytest.raises(Http404):
                pages.load(actor, case.pk)
            assert not CaseSeat.objects.exists()
    with act_as(place.user("registrar", "b1")) as actor:
        assert pages.load(actor, case.pk).may("edit")


@pytest.mark.capability("C-TRF-09")
def test_clerk_and_head_are_two_people() -> None:
    place = make_county()
    _child, case = running(place)
    clerk = place.user("registrar", "b1")
    second = give_role(clerk, "school_head", place.org("b1"))
    with act_as(clerk, second) as actor:
        assert not pages.load(actor, case.pk).may("decide")
        with pytest.raises(CaseError, match="不能是同一个人"):
            cases.decide(actor, case_id=case.pk, decision="pass", opinion="同意")


def test_a_stale_page_is_told_who_acted_and_when() -> None:
    place = make_county()
    _child, case = running(place)
    pass_all(place, case, EIGHT[:1])
    with act_as(place.user("county_clerk", "b")) as actor, pytest.raises(StaleCase) as error:
        cases.decide(actor, case_id=case.pk, decision="pass", opinion="同意", version=case.version)
    assert "学校学籍主管领导b1" in error.value.message
    assert "已核办通过, 本页已更新" in error.value.message


@pytest.mark.capability("C-CHG-03")
def test_returned_with_items_and_sent_again_it_is_back_at_the_same_step() -> None:
    place = make_county()
    _child, case = running(place)
    pass_all(place, case, EIGHT[:3])
    with act_as(place.user("registrar", "a1")) as actor:
        with pytest.raises(CaseError, match="写明"):
            cases.return_for_repair(actor, case_id=case.pk, items=[" "])
        cases.return_for_repair(actor, case_id=case.pk, items=["转学原因证明的照片不清楚"])
    with act_as(place.user("registrar", "b1")) as actor:
        page = pages.load(actor, case.pk)
        assert page.repair == ["转学原因证明的照片不清楚"]
        assert page.holder is not None
        assert page.holder.org == place.org("b1").name
        assert queries.todo_count(actor) == 1
        cases.attach(actor, case_id=case.pk, slot="转学原因证明", data=b"%PDF-1.4\n%%EOF", name="new.pdf")
        cases.resubmit(actor, case_id=case.pk)
    with seeing_all():
        step = CaseStep.objects.get(case=case, state="current")
        assert (step.seq, step.org_id) == (5, place.org("a1").pk)
    assert pass_all(place, case, EIGHT[3:]).status == CaseStatus.DONE


def test_refusal_needs_words_and_a_rule_and_ends_the_case() -> None:
    place = make_county()
    child, case = running(place)
    with act_as(place.user("school_head", "b1")) as actor:
        for opinion, rule in (("不行", "NAT"), ("材料与事实不符", "")):
            with pytest.raises(CaseError):
                cases.decide(actor, case_id=case.pk, decision="refuse", opinion=opinion, reason_rule=rule)
        reason = pages.load(actor, case.pk).reasons[0]
        assert "《" in reason
        case = cases.decide(
            actor, case_id=case.pk, decision="refuse", opinion="材料与事实不符", reason_rule=reason
        )
    assert case.status == CaseStatus.REFUSED
    assert reason in case.end_reason
    with seeing_all():
        assert set(Roster.objects.filter(person_id=child).values_list("open_case", flat=True)) == {""}
    with act_as(place.user("county_clerk", "b")) as actor, pytest.raises(CaseError):
        cases.decide(actor, case_id=case.pk, decision="pass", opinion="同意")


def test_withdrawn_only_before_anybody_handled_it() -> None:
    place = make_county()
    _child, case = running(place)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(CaseError):
        cases.withdraw(actor, case_id=case.pk)
    with act_as(place.user("registrar", "b1")) as actor:
        assert cases.withdraw(actor, case_id=case.pk).status == CaseStatus.WITHDRAWN
    place = make_county("2")
    _child, case = running(place)
    pass_all(place, case, EIGHT[:1])
    with act_as(place.user("registrar", "b1")) as actor:
        with pytest.raises(CaseError, match="不能撤回"):
            cases.withdraw(actor, case_id=case.pk)
        with pytest.raises(CaseError, match="写明理由"):
            cases.cancel(actor, case_id=case.pk, reason="")
        assert cases.cancel(actor, case_id=case.pk, reason="家长决定不转了").status == CaseStatus.CANCELLED


def test_urged_once_a_day_and_not_oneself() -> None:
    place = make_county()
    _child, case = running(place)
    with act_as(place.user("registrar", "b1")) as actor:
        with pytest.raises(CaseError, match="在本校"):
            cases.urge(actor, case_id=case.pk)
    pass_all(place, case, EIGHT[:1])
    with act_as(place.user("registrar", "b1")) as actor:
        cases.urge(actor, case_id=case.pk)
        with pytest.raises(CaseError, match="今天已经催办过"):
            cases.urge(actor, case_id=case.pk)
        assert pages.load(actor, case.pk).urged


@pytest.mark.capability("C-CHG-10")
def test_a_second_case_waits_and_goes_on_by_itself() -> None:
    place = make_county()
    child = make_child(place)
    first = send(place, suspend_draft(place, child), ("registrar", "a1"))
    second = send(place, correction_draft(place, child, new_name="赵晓满"), ("registrar", "a1"))
    assert second.status == CaseStatus.WAITING
    assert "休学" in second.waits_for
    with seeing_all():
        assert not CaseStep.objects.filter(case=second).exists()
    pass_all(place, first, FOUR)
    with seeing_all():
        second = Case.objects.get(pk=second.pk)
        assert second.status == CaseStatus.RUNNING
        assert CaseLog.objects.filter(case=second, action="wake").exists()
    assert pass_all(place, second, FOUR).status == CaseStatus.DONE


def test_a_waiting_case_whose_ground_is_gone_comes_back_to_its_starter() -> None:
    place = make_county()
    child = make_child(place)
    first = send(place, suspend_draft(place, child), ("registrar", "a1"))
    second = send(place, transfer_draft(place, child), ("registrar", "b1"))
    assert second.status == CaseStatus.WAITING
    pass_all(place, first, FOUR)
    with seeing_all():
        second = Case.objects.get(pk=second.pk)
        assert second.status == CaseStatus.RETURNED
        assert "复学" in CaseLog.objects.filter(case=second, action="return").latest("id").text


def test_a_waiting_case_of_the_school_that_lost_the_child_ends_and_keeps_nobody_waiting() -> None:
    place = make_county()
    child = make_child(place)
    first = send(place, transfer_draft(place, child), ("registrar", "b1"))
    second = send(place, suspend_draft(place, child), ("registrar", "a1"))
    assert second.status == CaseStatus.WAITING
    pass_all(place, first, EIGHT)
    with seeing_all():
        second = Case.objects.get(pk=second.pk)
        assert second.status == CaseStatus.CANCELLED
        assert place.org("b1").name in second.end_reason
        assert not CaseSeat.objects.filter(case=second, holds=True).exists()
    with act_as(place.user("registrar", "b1")) as actor:
        case = cases.start(actor, business="suspend", person_id=child)
        report, _chain = cases.preflight(actor, case_id=case.pk)
        assert [c.verdict for c in report.checks if c.code == "open_case"] == ["pass"]


def test_a_waiting_case_that_cannot_go_on_does_not_hold_up_the_one_that_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = make_county()
    child = make_child(place)
    first = send(place, suspend_draft(place, child), ("registrar", "a1"))
    second = send(place, correction_draft(place, child, new_name="赵晓满"), ("registrar", "a1"))

    def no_chain(*_args: object) -> None:
        raise CaseError("本地规则没有规定这项业务的办理流程")

    with monkeypatch.context() as patch:
        patch.setattr("xueji.registry.changes.routing.plan", no_chain)
        assert pass_all(place, first, FOUR).status == CaseStatus.DONE
    with seeing_all():
        assert Case.objects.get(pk=second.pk).status == CaseStatus.RETURNED


def test_a_case_waits_for_a_problem_record_and_goes_on_when_it_is_cleared() -> None:
    place = make_county()
    child = make_child(place)
    case = suspend_draft(place, child)
    with seeing_all():
        enrolment_commands.set_problem(child, True)
    case = send(place, case, ("registrar", "a1"))
    assert (case.status, case.waits_for) == (CaseStatus.WAITING, "问题学籍处理完毕")
    with seeing_all():
        assert cases.wake_child(child) is None, "the problem is still there"
        enrolment_commands.set_problem(child, False)
        assert cases.wake_child(child) == case
        assert Case.objects.get(pk=case.pk).status == CaseStatus.RUNNING
        assert CaseLog.objects.filter(case=case, action="wake").exists()
    assert pass_all(place, case, FOUR).status == CaseStatus.DONE


def test_rosters_show_a_case_while_it_is_under_way_and_no_longer() -> None:
    place = make_county()
    child = make_child(place)
    case = send(place, suspend_draft(place, child), ("registrar", "a1"))
    with act_as(place.user("registrar", "a1")):
        assert Roster.objects.get(person_id=child).open_case == case.number
    pass_all(place, case, FOUR)
    with act_as(place.user("registrar", "a1")):
        assert Roster.objects.get(person_id=child).open_case == ""


def test_a_closed_window_keeps_a_case_from_being_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    place = make_county()
    case = suspend_draft(place, make_child(place))
    today = timezone.localdate()
    source = SimpleNamespace(title="测试办法", doc_no="测1号")
    window = SimpleNamespace(
        kind="pause", label="学期末暂停", start=today, end=today, cite=SimpleNamespace(source=source)
    )
    monkeypatch.setattr(PolicySet, "closed_by", lambda *_args, **_more: window)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(Blocked) as error:
        cases.submit(actor, case_id=case.pk)
    assert [(c.code, c.article) for c in error.value.checks] == [("window", "《测试办法》测1号")]


def test_withdrawing_the_first_wakes_the_second() -> None:
    place = make_county()
    child = make_child(place)
    first = send(place, suspend_draft(place, child), ("registrar", "a1"))
    second = send(place, transfer_draft(place, child), ("registrar", "b1"))
    with act_as(place.user("registrar", "a1")) as actor:
        cases.withdraw(actor, case_id=first.pk)
    with seeing_all():
        assert Case.objects.get(pk=second.pk).status == CaseStatus.RUNNING
        assert CaseSeat.objects.filter(case=second).count() == 4


@pytest.mark.capability("C-TRF-07")
def test_the_parent_sees_the_own_childs_case_in_plain_words_and_no_other() -> None:
    place = make_county()
    child, case = running(place)
    other = send(place, suspend_draft(place, make_child(place, name="钱多多")), ("registrar", "a1"))
    link_child(place.user("parent"), child)
    with act_as(place.user("parent")) as actor:
        page = pages.load(actor, case.pk)
        now, following = pages.plain_words(page)
        assert place.org("b1").name in now
        assert "最长10个工作日" in now
        assert "不用您跑路" in following
        assert not page.log and not page.checks and page.holder and not page.holder.person
        assert all(not s["holder"] for s in page.steps)
        assert not page.rights
        with pytest.raises(Http404):
            pages.load(actor, other.pk)
        with pytest.raises(PermissionDenied):
            cases.decide(actor, case_id=case.pk, decision="pass")


def test_the_class_teacher_sees_the_case_of_a_child_of_the_class() -> None:
    place = make_county()
    _child, case = running(place)
    with act_as(place.user("class_teacher", "a1")) as actor:
        page = pages.load(actor, case.pk)
        assert page.rights <= {"print"}
        assert [r.case_id for r in queries.listing(actor).rows] == [case.pk]


def test_todo_is_grouped_by_deadline() -> None:
    place = make_county()
    _child, case = running(place)
    with seeing_all():
        CaseSeat.objects.filter(case=case, holds=True).update(due_on=date(2020, 1, 6))
    with act_as(place.user("school_head", "b1")) as actor:
        todo = queries.todo(actor)
        assert (todo.total, todo.overdue, list(todo.groups)) == (1, 1, ["overdue"])
        assert todo.groups["overdue"][0].due_words.startswith("已超")
        assert queries.counts(actor)["todo"] == queries.todo_count(actor) == 1
    with act_as(place.user("registrar", "b1")) as actor:
        assert not queries.todo(actor)
        assert [r.case_id for r in queries.started(actor)] == [case.pk]


def test_listing_pages_by_key_without_losing_or_doubling() -> None:
    place = make_county()
    sent = {send(place, suspend_draft(place, make_child(place)), ("registrar", "a1")).pk for _ in range(5)}
    with act_as(place.user("registrar", "a1")) as actor:
        seen: list[uuid.UUID] = []
        after = ""
        while True:
            page = queries.listing(actor, after=after, limit=2)
            seen += [r.case_id for r in page.rows]
            after = page.next
            if not after:
                break
        assert sorted(seen, key=str) == sorted(sent, key=str)
        number = queries.listing(actor, limit=1).rows[0].number
        assert [r.number for r in queries.listing(actor, queries.Filters(text=number)).rows] == [number]
        assert not queries.listing(actor, queries.Filters(text="100%")).rows
