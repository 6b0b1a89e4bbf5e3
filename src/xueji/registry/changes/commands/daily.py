"""What time brings to cases: effects whose day has come, pauses, reminders, pressing the overdue, narrowing sight."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.ground.policy.calendar import add_workdays, workdays_between

from ..checks import open_statuses
from ..models import Case, CaseStatus, CaseStep, StepMode
from . import clock, flow
from ._base import SYSTEM, lock_persons, note, pressers, save, spread, write_seats
from .launch import wake

#: A step is reminded of when no more working days than this are left.
REMIND_DAYS = 2
#: Children that one round takes in hand; what is left comes with the next.
_MOST = 500


def finish_due(today: date | None = None) -> int:
    """Close approved cases whose day has come; the timeline's own links are activated by the enrolment room.

    Called by the daily job. Idempotent; returns how many were closed.
    """
    today = today or timezone.localdate()
    done = 0
    with transaction.atomic(), acting("writer"):
        due = list(
            Case.objects.filter(status=CaseStatus.APPROVED, effective_on__lte=today)
            .order_by("effective_on", "pk")
            .values_list("pk", "person_id")[:5000]
        )
        _lock_all(p for _case, p in due)
        for case_id, _person in due:
            case = Case.objects.select_for_update().get(pk=case_id)
            if case.status != CaseStatus.APPROVED:
                continue
            flow.end_case(case, CaseStatus.DONE, "", enrolled=True)
            note(case, SYSTEM, "apply", flow.effect_words(case))
            flow.after(case)
            done += 1
    return done


def tend(today: date | None = None) -> int:
    """Look after the clocks of all running cases (C-CHG-04): move days on by pauses that became known, remind before
    a day comes (once), press what is overdue (the unit's head first, then also the authority above; each once and
    seen in their to-dos), and narrow the sight of cases that ended without effect long ago.

    Called by the daily job. Idempotent; returns how many entries it wrote.
    """
    today = today or timezone.localdate()
    with transaction.atomic(), acting("writer"):
        return _clocks(today) + _narrow(today) + _wake_left()


def _lock_all(persons: Iterable[uuid.UUID | None]) -> None:
    """All children first and in one order: nobody waits for another in a circle."""
    lock_persons({p for p in persons if p is not None})


def _clocks(today: date) -> int:
    overdue = Q(due_on__lt=today) & ~Q(mode=StepMode.FILE)
    long_ago = add_workdays(today, -settings.CASE_ESCALATE_DAYS)
    # What nothing is left to be said of would stand before all others for ever.
    wanted = (
        Q(reminded_on=None, due_on__gte=today, due_on__lte=add_workdays(today, REMIND_DAYS))
        | (overdue & Q(escalated=0))
        | (overdue & Q(escalated=1, due_on__lte=long_ago))
    )
    running = Q(case__status=CaseStatus.RUNNING) | Q(case__status=CaseStatus.DONE, state="informed")
    due = CaseStep.objects.filter(wanted, running, state__in=("current", "informed"), left_days=None)
    rows = list(due.order_by("due_on", "pk").values_list("case_id", "case__person_id")[:_MOST])
    _lock_all(person for _case, person in rows)
    return sum(_case_clocks(case_id, today) for case_id in dict.fromkeys(case for case, _person in rows))


def _case_clocks(case_id: uuid.UUID, today: date) -> int:
    case = Case.objects.select_for_update().get(pk=case_id)
    if case.status not in (CaseStatus.RUNNING, CaseStatus.DONE):
        return 0
    pauses = clock.closed(case, today)
    words: list[tuple[str, str]] = []
    for step in CaseStep.objects.filter(case=case, state__in=("current", "informed"), left_days=None):
        moved = clock.shifted(step, pauses)
        if moved is not None:
            step.due_on, step.paused_days = moved
            step.reminded_on = None
            words.append(
                (
                    "shift",
                    _("“%(step)s”的期限顺延至 %(day)s, 暂停办理期间不计")
                    % {"step": step.label, "day": step.due_on},
                )
            )
        words += _remind(step, today) + _press(step, today)
        step.save(update_fields=["due_on", "paused_days", "reminded_on", "escalated"])
    if words:
        write_seats(case)
        for action, text in words:
            note(case, SYSTEM, action, text)
    return len(words)


def _remind(step: CaseStep, today: date) -> list[tuple[str, str]]:
    assert step.due_on is not None
    left = workdays_between(today, step.due_on)
    if step.reminded_on is not None or step.due_on < today or left > REMIND_DAYS:
        return []
    step.reminded_on = today
    org = Org.objects.get(pk=step.org_id)
    return [
        (
            "remind",
            _("%(org)s的“%(step)s”将在 %(day)s 到期")
            % {"org": org.name, "step": step.label, "day": step.due_on},
        )
    ]


def _press(step: CaseStep, today: date) -> list[tuple[str, str]]:
    """Overdue: at once to the head of the unit; some working days later also to the authority above."""
    if step.mode == StepMode.FILE or step.due_on is None or step.due_on >= today:
        return []
    level = 2 if workdays_between(step.due_on, today) > settings.CASE_ESCALATE_DAYS else 1
    out = []
    while step.escalated < level:
        told = set(pressers(step)) if step.escalated else set()
        step.escalated += 1
        new = [org for org, role in pressers(step) if (org, role) not in told]
        names = dict(Org.objects.filter(pk__in=new).values_list("pk", "name"))
        if names:
            out.append(
                (
                    "press",
                    _("“%(step)s”应在 %(day)s 前办结, 已超期, 由%(who)s督办")
                    % {"step": step.label, "day": step.due_on, "who": "、".join(names.values())},
                )
            )
    return out


def _wake_left() -> int:
    """Cases that wait for nothing any more, because whoever could have woken them was just busy with the child."""
    waiting = Case.objects.filter(status=CaseStatus.WAITING).exclude(
        person_id__in=Case.objects.filter(status__in=open_statuses()).values("person_id")
    )
    persons = list(waiting.order_by("submitted_at", "pk").values_list("person_id", flat=True)[:_MOST])
    _lock_all(persons)
    return sum(wake(p) is not None for p in dict.fromkeys(persons) if p is not None)


def _narrow(today: date) -> int:
    """Cases that ended without effect are, after a while, nobody's business but the starter's."""
    before = timezone.now() - timedelta(days=settings.CASE_SIGHT_DAYS)
    old = Case.objects.filter(
        status__in=(CaseStatus.REFUSED, CaseStatus.WITHDRAWN, CaseStatus.CANCELLED),
        ended_at__lt=before,
        narrowed_at=None,
    )
    done = 0
    for case in old.order_by("ended_at", "pk").select_for_update()[:_MOST]:
        case.parties, case.klasses, case.narrowed_at = [case.org_id], [], timezone.now()
        spread(case)
        save(case)
        write_seats(case)
        done += 1
    return done
