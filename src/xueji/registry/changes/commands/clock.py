"""Clocks of steps: working days of the calendar, standing still in pauses and while a case is with its starter."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.utils import timezone

from xueji.ground.orgs.models import Org
from xueji.ground.policy.calendar import add_open_workdays, workdays_between, workdays_within

from ..models import Case, CaseStep, StepMode
from ..routing import policy_for

Closed = tuple[tuple[date, date], ...]


def closed(case: Case, today: date) -> Closed:
    """The pauses in which the clocks of a case stand still, by the rules of the unit that started it."""
    policy = policy_for(Org.objects.get(pk=case.org_id), today)
    return policy.pauses(case.business, graduating=False)


def arrive(case: Case, step: CaseStep, steps: Iterable[CaseStep], today: date) -> None:
    """A step begins: its clock starts, or goes on when the step before it shares the same one."""
    step.state = "informed" if step.mode == StepMode.FILE else "current"
    step.decision = step.opinion = step.decider_name = step.acted_for = ""
    step.decider_id = step.decided_at = step.left_days = step.reminded_on = None
    step.escalated, step.arrived_at = 0, timezone.now()
    before = _before(step, steps)
    pauses = closed(case, today)
    if before is not None and before.clock == step.clock and before.due_on and before.due_on >= today:
        step.due_on = before.due_on
    else:
        step.due_on = add_open_workdays(today, step.limit_days or 1, pauses)
    step.paused_days = workdays_within(today, step.due_on, pauses)
    step.save()


def _before(step: CaseStep, steps: Iterable[CaseStep]) -> CaseStep | None:
    earlier = [
        s
        for s in steps
        if s.asked_by is None
        and s.mode == StepMode.APPROVE
        and (s.turn < step.turn or (s.turn == step.turn and s.branch == step.branch and s.seq < step.seq))
    ]
    return max(earlier, key=lambda s: (s.turn, s.seq), default=None)


def stop(case: Case, steps: Iterable[CaseStep], today: date) -> None:
    """The case goes back to its starter: what is left of each running clock is kept."""
    pauses = closed(case, today)
    for step in steps:
        if step.state in ("current", "informed", "returned") and step.left_days is None and step.due_on:
            rest = workdays_between(today, step.due_on)
            step.left_days = rest - workdays_within(today, step.due_on, pauses) if rest > 0 else 0
            step.save(update_fields=["left_days"])


def go_on(case: Case, steps: Iterable[CaseStep], today: date) -> None:
    """The case is back: each clock goes on with what was left, at least one working day."""
    pauses = closed(case, today)
    for step in steps:
        if step.left_days is not None and step.state in ("current", "informed"):
            step.due_on = add_open_workdays(today, max(step.left_days, 1), pauses)
            step.paused_days = workdays_within(today, step.due_on, pauses)
            step.left_days, step.arrived_at = None, timezone.now()
            step.save(update_fields=["due_on", "paused_days", "left_days", "arrived_at"])


def shifted(step: CaseStep, pauses: Closed) -> tuple[date, int] | None:
    """The day and the pause of a running step by the pauses known now; None when nothing has changed.

    A pause that was made known after the step began moves its day on; a day never comes nearer.
    """
    if step.due_on is None or step.arrived_at is None or step.left_days is not None:
        return None
    start = timezone.localdate(step.arrived_at)
    paused = workdays_within(start, step.due_on, pauses)
    more = paused - step.paused_days
    if more <= 0:
        return None
    day = add_open_workdays(step.due_on, more, pauses)
    return day, workdays_within(start, day, pauses)
