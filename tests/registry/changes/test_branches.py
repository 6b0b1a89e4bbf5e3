"""Chains by data: forks, filings, optional tiers, deadlines where no text gives any."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from tests.helpers import act_as, make_county, seeing_all
from tests.registry.changes.chains import step, use_chain
from tests.registry.changes.world import make_child, pass_all, send, suspend_draft

from xueji.ground.policy.calendar import add_open_workdays, add_workdays
from xueji.ground.policy.engine import PolicySet
from xueji.registry.changes import commands as cases
from xueji.registry.changes import queries
from xueji.registry.changes.errors import CaseError
from xueji.registry.changes.models import Case, CaseSeat, CaseStatus, CaseStep

pytestmark = pytest.mark.django_db


def steps_of(case: Case) -> list[CaseStep]:
    with seeing_all():
        return list(CaseStep.objects.filter(case=case).order_by("turn", "seq"))


def sent(place: Any, **form: Any) -> Case:
    return send(place, suspend_draft(place, make_child(place), **form), ("registrar", "a1"))


@pytest.mark.capability("C-CHG-12")
def test_branches_of_a_fork_are_decided_side_by_side_and_the_next_step_waits_for_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_chain(
        monkeypatch,
        step(2, "school", "head", branch="校"),
        step(3, "authority", "clerk", branch="县"),
        step(4, "authority", "head", branch="县"),
        step(5, "city", "clerk"),
    )
    place = make_county()
    case = sent(place)
    assert [s.state for s in steps_of(case)] == ["done", "current", "current", "future", "future"]
    with act_as(place.user("school_head", "a1")) as actor:
        assert queries.todo_count(actor) == 1
    pass_all(place, case, (("county_clerk", "a"),))
    assert [s.state for s in steps_of(case)] == ["done", "current", "done", "current", "future"]
    with act_as(place.user("city_clerk", "city1")) as actor, pytest.raises(PermissionDenied):
        cases.decide(actor, case_id=case.pk, decision="pass")
    pass_all(place, case, (("county_head", "a"), ("school_head", "a1")))
    assert [s.state for s in steps_of(case)] == ["done"] * 4 + ["current"]
    assert pass_all(place, case, (("city_clerk", "city1"),)).status == CaseStatus.DONE


def test_a_case_returned_in_one_branch_stops_the_other_and_goes_on_where_both_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_chain(monkeypatch, step(2, "school", "head", branch="校"), step(3, "authority", "clerk", branch="县"))
    place = make_county()
    case = sent(place)
    with act_as(place.user("school_head", "a1")) as actor:
        cases.return_for_repair(actor, case_id=case.pk, items=["休学申请的照片不清楚"])
    with act_as(place.user("county_clerk", "a")) as actor, pytest.raises(CaseError, match="退回待修改"):
        cases.decide(actor, case_id=case.pk, decision="pass")
    assert {s.left_days for s in steps_of(case)[1:]} == {5}
    with act_as(place.user("registrar", "a1")) as actor:
        assert queries.todo(actor).groups, "the starter holds it, with a day"
        cases.resubmit(actor, case_id=case.pk)
    assert [(s.state, s.left_days) for s in steps_of(case)[1:]] == [("current", None)] * 2
    assert pass_all(place, case, (("county_clerk", "a"), ("school_head", "a1"))).status == CaseStatus.DONE


@pytest.mark.capability("C-CHG-09")
def test_a_unit_that_is_only_told_holds_nothing_up_and_acknowledges_after_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_chain(monkeypatch, ("school", "head"), step(3, "authority", "clerk", mode="file"))
    place = make_county()
    case = sent(place)
    assert pass_all(place, case, (("school_head", "a1"),)).status == CaseStatus.DONE
    with act_as(place.user("county_clerk", "a")) as actor:
        assert queries.todo_count(actor) == 1
        with pytest.raises(CaseError):
            cases.decide(actor, case_id=case.pk, decision="refuse", opinion="不同意这样办", reason_rule="x")
        cases.acknowledge(actor, case_id=case.pk)
        assert queries.todo_count(actor) == 0
    assert [s.state for s in steps_of(case)] == ["done"] * 3


def test_a_business_that_is_only_filed_takes_effect_when_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    use_chain(monkeypatch, step(2, "authority", "clerk", mode="file"))
    place = make_county()
    case = sent(place)
    assert case.status == CaseStatus.DONE
    with act_as(place.user("county_clerk", "a")) as actor:
        cases.acknowledge(actor, case_id=case.pk)


def test_the_central_school_decides_where_there_is_one_and_is_left_out_where_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_chain(monkeypatch, step(2, "central", "clerk", optional=True), ("province", "head"))
    place = make_county()
    case = sent(place)
    assert [s.role for s in steps_of(case)] == ["registrar", "province_head"]
    child = make_child(place, school="a2")
    with act_as(place.user("registrar", "a2")) as actor:
        other = cases.start(actor, business="suspend", person_id=child)
        today = timezone.localdate()
        form = {
            "reason": "因事",
            "start": today.isoformat(),
            "end": today.replace(year=today.year + 1).isoformat(),
        }
        cases.save_draft(actor, case_id=other.pk, form=form)
        cases.attach(actor, case_id=other.pk, slot="休学申请", data=b"%PDF-1.4\n%%EOF", name="a.pdf")
        other = cases.submit(actor, case_id=other.pk)
    assert [s.role for s in steps_of(other)] == ["registrar", "central_clerk", "province_head"]
    with act_as(place.user("central_clerk", "central")) as actor:
        assert [r.case_id for r in queries.todo(actor).groups["later"]] == [other.pk]
    ended = pass_all(place, other, (("central_clerk", "central"), ("province_head", "province")))
    assert ended.status == CaseStatus.DONE


@pytest.mark.capability("C-CHG-04")
def test_every_step_has_a_day_also_where_no_text_gives_one(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.CASE_STEP_DAYS = 7
    use_chain(monkeypatch, ("school", "head"), step(3, "authority", "clerk", days=None))
    place = make_county()
    case = sent(place)
    pass_all(place, case, (("school_head", "a1"),))
    first, own, default = steps_of(case)
    assert (own.limit_default, default.limit_default, default.limit_days) == (False, True, 7)
    assert default.due_on == add_workdays(timezone.localdate(), 7)
    assert first.due_on is not None


def test_a_pause_moves_the_day_on_when_it_becomes_known(monkeypatch: pytest.MonkeyPatch) -> None:
    place = make_county()
    case = sent(place)
    before = steps_of(case)[1]
    assert before.due_on is not None
    today = timezone.localdate()
    closed = ((today, today + timedelta(days=60)),)
    monkeypatch.setattr(PolicySet, "pauses", lambda *_args, **_more: closed)
    late = before.due_on - timedelta(days=1)
    assert cases.tend(late) > 0
    after = steps_of(case)[1]
    assert after.due_on == add_open_workdays(today, before.limit_days or 0, closed)
    assert after.paused_days > 0
    assert cases.tend(late) == 0, "the same day once"
    with seeing_all():
        assert CaseSeat.objects.get(case=case, holds=True).due_on == after.due_on


def test_open_workdays_leave_out_closed_periods_that_overlap() -> None:
    monday = timezone.datetime(2026, 11, 23).date()
    closed = [(monday + timedelta(1), monday + timedelta(2)), (monday + timedelta(2), monday + timedelta(3))]
    assert add_open_workdays(monday, 1, closed) == monday + timedelta(4)
    assert add_open_workdays(monday, 1, []) == monday + timedelta(1)
