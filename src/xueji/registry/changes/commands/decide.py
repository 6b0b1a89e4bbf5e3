"""Deciding: pass, return, refuse; taking back, stopping, urging; and what happens at the end of a case."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.errors import EnrolmentError, RecordChanged
from xueji.registry.people.errors import PeopleError

from .. import checks, effects, routing
from ..errors import CaseError
from ..models import Case, CaseLog, CaseStatus, CaseStep
from ._base import SYSTEM, lock_person, material, note, opened, own, require_status, save, write_seats
from .send import arrive, wake

MIN_OPINION = 5
Decision = Literal["pass", "refuse"]


def decide(
    actor: Any,
    *,
    case_id: uuid.UUID,
    decision: Decision,
    opinion: str = "",
    reason_rule: str = "",
    version: int | None = None,
) -> Case:
    """Pass or refuse the step that the actor's unit holds (C-CHG-03, C-TRF-09). The last pass takes effect at once,
    in the same transaction, or on its day. A refusal ends the case; it needs words and the rule it rests on.

    Raises Http404, PermissionDenied (not this one's turn), `StaleCase`, `CaseError`.
    """
    actor.require("case.decide")
    with opened(actor, case_id, version) as case:
        step = _my_step(actor, case)
        if decision == "refuse":
            _need_words(opinion)
            if not reason_rule.strip():
                raise CaseError(_("不通过要选择所依据的规定"))
        step.state = "done" if decision == "pass" else "refused"
        step.decision, step.opinion = decision, (opinion.strip() or str(_("同意")))[:500]
        step.decider_id, step.decider_name, step.decided_at = actor.user_id, actor.user_name, timezone.now()
        step.save()
        if decision == "refuse":
            reason = f"{reason_rule.strip()} {opinion.strip()}"
            _end(case, CaseStatus.REFUSED, reason, enrolled=True)
            note(case, actor, "refuse", f"{step.label}: {reason}", step=step.seq)
            _after(case)
            return case
        following = CaseStep.objects.filter(case=case, seq__gt=step.seq).order_by("seq").first()
        if following is not None:
            arrive(case, following, timezone.localdate())
            save(case)
            write_seats(case)
            note(case, actor, "pass", f"{step.label}: {step.opinion}", step=step.seq)
            return case
        note(case, actor, "pass", f"{step.label}: {step.opinion}", step=step.seq)
        _take_effect(actor, case)
        return case


def return_for_repair(
    actor: Any, *, case_id: uuid.UUID, items: Sequence[str], opinion: str = "", version: int | None = None
) -> Case:
    """Send a case back to the school that started it, with the very items to mend; it comes back to this step.

    Raises Http404, PermissionDenied, `StaleCase`, `CaseError`.
    """
    actor.require("case.decide")
    with opened(actor, case_id, version) as case:
        step = _my_step(actor, case)
        wanted = [x.strip() for x in items if x.strip()]
        if not wanted:
            raise CaseError(_("退回修改要写明需要修改的项目"))
        text = "；".join(wanted) + (f"。{opinion.strip()}" if opinion.strip() else "")
        if not opinion.strip():
            _need_words(text)
        step.state, step.decision, step.opinion = "returned", "return", text[:500]
        step.decider_id, step.decider_name, step.decided_at = actor.user_id, actor.user_name, timezone.now()
        step.save()
        case.status = CaseStatus.RETURNED
        case.summary = case.summary | {"repair": wanted}
        save(case)
        write_seats(case)
        note(case, actor, "return", f"{step.label}: {text}", step=step.seq)
    return case


def withdraw(actor: Any, *, case_id: uuid.UUID, version: int | None = None) -> Case:
    """The starting school takes a case back before anybody else has handled it (撤回).

    Raises Http404, `StaleCase`, `CaseError`.
    """
    actor.require("case.start")
    with opened(actor, case_id, version) as case:
        own(actor, case)
        require_status(case, (CaseStatus.RUNNING, CaseStatus.WAITING))
        if (
            CaseStep.objects.filter(case=case, seq__gt=1).exclude(decision="").exists()
            or (case.current_seq or 2) > 2
        ):
            raise CaseError(_("已有单位办理过, 不能撤回。如果确实不办了, 请撤销申请并说明原因"))
        _end(case, CaseStatus.WITHDRAWN, "", enrolled=case.status != CaseStatus.WAITING)
        note(case, actor, "withdraw")
        _after(case)
    return case


def cancel(actor: Any, *, case_id: uuid.UUID, reason: str, version: int | None = None) -> Case:
    """The starting school stops a case that is under way (撤销), with its reason. Nothing has taken effect yet.

    Raises Http404, `StaleCase`, `CaseError`.
    """
    actor.require("case.start")
    with opened(actor, case_id, version) as case:
        own(actor, case)
        require_status(case, (CaseStatus.RUNNING, CaseStatus.RETURNED, CaseStatus.WAITING))
        _need_words(reason)
        _end(case, CaseStatus.CANCELLED, reason.strip(), enrolled=case.status != CaseStatus.WAITING)
        note(case, actor, "cancel", reason.strip())
        _after(case)
    return case


def urge(actor: Any, *, case_id: uuid.UUID) -> Case:
    """Remind whoever holds the case, once a day. Raises Http404, `CaseError`."""
    actor.require("case.start")
    with opened(actor, case_id) as case:
        own(actor, case)
        require_status(case, (CaseStatus.RUNNING,))
        if CaseLog.objects.filter(case=case, action="urge", at__date=timezone.localdate()).exists():
            raise CaseError(_("今天已经催办过, 明天可以再催"))
        step = CaseStep.objects.get(case=case, state="current")
        if step.org_id == case.org_id:
            raise CaseError(_("这件业务现在在本校, 不需要催办"))
        holder = Org.objects.get(pk=step.org_id)
        note(case, actor, "urge", _("提醒%(org)s办理“%(step)s”") % {"org": holder.name, "step": step.label})
    return case


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
        # All children first and in one order: nobody waits for another in a circle.
        for person_id in sorted({p for _case, p in due if p is not None}):
            lock_person(person_id)
        for case_id, _person in due:
            case = Case.objects.select_for_update().get(pk=case_id)
            if case.status != CaseStatus.APPROVED:
                continue
            _end(case, CaseStatus.DONE, "", enrolled=True)
            note(case, SYSTEM, "apply", _effect_words(case))
            _after(case)
            done += 1
    return done


def _need_words(text: str) -> None:
    if len(text.strip()) < MIN_OPINION:
        raise CaseError(_("请写明理由, 至少 %s 个字") % MIN_OPINION)


def _my_step(actor: Any, case: Case) -> CaseStep:
    """The current step, if it is this actor's turn (四眼: nobody is both 经办 and 负责人 of one case)."""
    require_status(case, (CaseStatus.RUNNING,))
    steps = list(CaseStep.objects.filter(case=case).order_by("seq"))
    step = next(s for s in steps if s.state == "current")
    if (step.org_id, step.role) != (actor.org_id, actor.role):
        raise PermissionDenied(
            _("这件业务现在在%(org)s办理(%(step)s), 还没有轮到您")
            % {"org": Org.objects.get(pk=step.org_id).name, "step": step.label}
        )
    clerk = step.role in routing.CLERK_ROLES
    for other in steps:
        mine = other.decider_id == actor.user_id or (other.seq == 1 and case.creator_id == actor.user_id)
        if (
            mine
            and other.seq != step.seq
            and (other.org_id == step.org_id or (other.role in routing.CLERK_ROLES) != clerk)
        ):
            raise CaseError(
                _("您已经办理过“%s”, 经办和核办不能是同一个人, 请由本单位另一位同事办理") % other.label
            )
    return step


def _take_effect(actor: Any, case: Case) -> None:
    """The last step has passed: write the change, all of it or nothing. Raises `CaseError`."""
    m = material(actor, case)
    route = case.summary.get("route", {})
    m = m.with_confirmed(".".join(route[str(seq)][:2]) for seq in _done_steps(case) if str(seq) in route)
    policy = routing.policy_for(m.units.start, m.today)
    trace = checks.evaluate(policy, m, "effect")
    if not trace.may_proceed:
        raise CaseError("；".join(f.sentence for f in trace.stopping))
    try:
        with transaction.atomic():
            day = effects.apply(actor, case, m, policy)
    except RecordChanged as error:
        # Two cases that would change one record cannot both be applied: the second is told why and ends.
        _end(case, CaseStatus.CANCELLED, error.message, enrolled=True)
        note(case, SYSTEM, "stop", error.message)
        _after(case)
        return
    except (EnrolmentError, PeopleError) as error:
        raise CaseError(error.message) from error
    case.effective_on = day
    case.klasses = sorted({*case.klasses, *([case.to_class_id] if case.to_class_id else [])})
    case.findings = [*case.findings, *(f.to_dict() for f in trace.findings)]
    if day > m.today:
        case.status, case.current_seq = CaseStatus.APPROVED, None
        save(case)
        write_seats(case)
        note(case, actor, "approve", _effect_words(case))
        return
    _end(case, CaseStatus.DONE, "", enrolled=True)
    note(case, actor, "apply", _effect_words(case))
    _after(case)


def _done_steps(case: Case) -> list[int]:
    return list(CaseStep.objects.filter(case=case, state="done").values_list("seq", flat=True))


def _effect_words(case: Case) -> str:
    return _("自 %(day)s 起生效") % {"day": case.effective_on}


def _end(case: Case, status: CaseStatus, reason: str, *, enrolled: bool) -> None:
    """Close a case: nobody holds it any more; rosters no longer show it."""
    CaseStep.objects.filter(case=case, state="current").update(state="future", arrived_at=None, due_on=None)
    case.status, case.end_reason, case.current_seq = status, reason[:300], None
    case.ended_at, case.waits_for = timezone.now(), ""
    save(case)
    write_seats(case)
    if enrolled and case.person_id is not None:
        enrolment.set_open_case(case.person_id, "")


def _after(case: Case) -> None:
    """Whoever waited for this case goes on."""
    if case.person_id is not None:
        wake(case.person_id)
