"""The course of a running case: the next step, the forks, the effect after the last one, and the end."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.policy.calendar import add_workdays
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.errors import EnrolmentError, RecordChanged
from xueji.registry.people.errors import PeopleError

from .. import checks, effects, routing
from ..errors import CaseError
from ..material import Material
from ..models import Case, CaseStatus, CaseStep, StepMode
from . import clock
from ._base import SYSTEM, material, note, save, spread, steps_of, write_seats


def finished(step: CaseStep) -> bool:
    """Whether nobody waits for a step any more: decided, or told (备案)."""
    return step.state == "done" or (step.mode == StepMode.FILE and step.state == "informed")


def advance(who: Any, case: Case) -> bool:
    """Hand the case to whoever is next, in every branch of a fork; after the last step it takes effect.

    Returns whether it has come to its effect (or ended there). Raises `CaseError` when a rule forbids the effect.
    """
    today = timezone.localdate()
    while True:
        steps = steps_of(case)
        left = [s for s in steps if s.asked_by is None and not finished(s)]
        if not left:
            take_effect(who, case)
            return True
        heads: dict[str, CaseStep] = {}
        for step in left:
            if step.turn == left[0].turn:
                heads.setdefault(step.branch, step)
        told = False
        for step in heads.values():
            if step.state == "future":
                clock.arrive(case, step, steps, today)
                told = told or step.mode == StepMode.FILE
        if not told:
            case.current_seq = min(s.seq for s in heads.values())
            spread(case)
            save(case)
            write_seats(case)
            return False


def confirmed(case: Case, *, without: int | None = None) -> set[str]:
    """`side.duty` of every step that its own unit has passed; what an authority forced is not confirmed by it."""
    return {
        f"{s.side}.{s.duty}"
        for s in steps_of(case)
        if s.asked_by is None and s.mode == StepMode.APPROVE and s.state == "done" and not s.forced
        if s.seq != without
    }


def ready(who: Any, case: Case) -> Material:
    """What the rules are asked at the effect: as the case stands, with all that has been decided."""
    steps = [s for s in steps_of(case) if s.asked_by is None and finished(s)]
    units = routing.kinds_of_units(s.org_id for s in steps)
    words = [w for s in steps for w in routing.decider_words(units[s.org_id], s.side, s.duty) if not s.forced]
    told = [w for s in steps if s.mode == StepMode.FILE for w in routing.unit_words(units[s.org_id], s.side)]
    return material(who, case).with_confirmed(confirmed(case), decided_by=words, recorded_with=told)


def take_effect(who: Any, case: Case) -> None:
    """The last step has passed: write the change, all of it or nothing. Raises `CaseError`."""
    m = ready(who, case)
    policy = routing.policy_for(m.units.start, m.today)
    trace = checks.evaluate(policy, m, "effect")
    if not trace.may_proceed:
        raise CaseError("；".join(f.sentence for f in trace.stopping))
    case.current_seq = None
    units = (m.units.start_authority, m.units.source_authority, m.units.target_authority)
    try:
        with transaction.atomic():
            with connection.cursor() as c:  # the last seat of a class is given once
                enrolment.hold_counts(c, {u.pk for u in units if u is not None})
            day = effects.apply(who, case, m, policy)
    except RecordChanged as error:
        # Two cases that would change one record cannot both be applied: the second is told why and ends.
        end_case(case, CaseStatus.CANCELLED, error.message, enrolled=True)
        note(case, SYSTEM, "stop", error.message)
        after(case)
        return
    except (EnrolmentError, PeopleError) as error:
        raise CaseError(error.message) from error
    case.effective_on = day
    case.klasses = sorted({*case.klasses, *([case.to_class_id] if case.to_class_id else [])})
    case.findings = [*case.findings, *(f.to_dict() for f in trace.findings)]
    case.effect = {"facts": dict(trace.facts), "packs": policy.hash, "on": m.today.isoformat()}
    if day > m.today:
        case.status = CaseStatus.APPROVED
        spread(case)
        save(case)
        write_seats(case)
        note(case, who, "approve", effect_words(case))
        return
    end_case(case, CaseStatus.DONE, "", enrolled=True)
    note(case, who, "apply", effect_words(case))
    after(case)


def effect_words(case: Case) -> str:
    """From which day it holds."""
    return _("自 %(day)s 起生效") % {"day": case.effective_on}


def end_case(case: Case, status: CaseStatus, reason: str, *, enrolled: bool) -> None:
    """Close a case: nobody holds it any more; rosters no longer show it; who was only asked no longer sees it.

    Who is to be told of what took effect (备案) still acknowledges it.
    """
    drop_questions(case)
    waiting = ("current",) if status == CaseStatus.DONE else ("current", "informed")
    CaseStep.objects.filter(case=case, state__in=waiting).update(
        state="future", arrived_at=None, due_on=None, left_days=None
    )
    asked = set(case.summary.get("asked", ()))
    case.parties = sorted(set(case.parties) - asked)
    case.status, case.end_reason, case.current_seq = status, reason[:300], None
    case.ended_at, case.waits_for, case.repair_due = timezone.now(), "", None
    spread(case)
    save(case)
    write_seats(case)
    if enrolled and case.person_id is not None:
        enrolment.set_open_case(case.person_id, "")


def drop_questions(case: Case, by: int | None = None) -> None:
    """Questions to other units that nobody needs to answer any more; the log keeps that they were asked."""
    asked = CaseStep.objects.filter(case=case, asked_by__isnull=False, state="current")
    (asked if by is None else asked.filter(asked_by=by)).delete()


def after(case: Case) -> None:
    """Whoever waited for this case goes on."""
    from .launch import wake

    if case.person_id is not None:
        wake(case.person_id)


def repair_day(today: date) -> date:
    """Until when a starter mends a case that came back: the default of a step."""
    return add_workdays(today, settings.CASE_STEP_DAYS)
