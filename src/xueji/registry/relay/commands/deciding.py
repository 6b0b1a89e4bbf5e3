"""Deciding on either side: pass, return, refuse; and giving up by the school that asked."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Literal

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from ..errors import RelayError
from ..models import RelayCase, RelayLog, RelayStep, Side, State
from ..outbox import say
from . import handover
from ._base import (
    arrive,
    current_step,
    end,
    need_words,
    note,
    opened,
    own_steps,
    require_state,
    save,
    tell_steps,
)
from .receiving import send_request

Decision = Literal["pass", "refuse"]


def decide(
    actor: Any,
    *,
    case_id: uuid.UUID,
    decision: Decision,
    opinion: str = "",
    reason_rule: str = "",
    version: int | None = None,
) -> RelayCase:
    """Pass or refuse the step that the actor's unit holds (C-TRF-07, C-TRF-09). The receiving side's last pass sends
    the request; the losing side's last pass begins the hand-over. A refusal ends the transfer on both sides.

    Raises Http404, PermissionDenied (not this one's turn), `StaleCase`, `RelayError`.
    """
    actor.require("case.decide")
    with opened(actor, case_id, version) as (case, talk):
        step = _my_step(actor, case)
        if decision == "refuse":
            need_words(opinion)
            if not reason_rule.strip():
                raise RelayError(_("不通过要选择所依据的规定"))
        following = next((s for s in own_steps(case) if s.seq > step.seq), None)
        last = decision == "pass" and following is None
        step.state = "done" if decision == "pass" else "refused"
        step.decision, step.opinion = decision, (opinion.strip() or str(_("同意")))[:500]
        step.decider_id, step.decider_name, step.decided_at = actor.user_id, actor.user_name, timezone.now()
        step.save()
        if decision == "refuse":
            reason = f"{reason_rule.strip()} {opinion.strip()}"
            tell_steps(case, talk)
            say(talk, "transfer.refused", {"reason": reason, "by": f"{step.org_name} {step.label}"})
            end(case, State.REFUSED, reason)
            note(case, actor, "refuse", f"{step.label}: {reason}", step=step.seq)
            return case
        note(case, actor, "pass", f"{step.label}: {step.opinion}", step=step.seq)
        if following is not None:
            arrive(case, following, timezone.localdate())
            tell_steps(case, talk)
        elif last and case.side == Side.IN:
            send_request(case, talk)
            note(case, actor, "request")
        else:
            handover.prepare(actor, case, talk)
        save(case)
    return case


def return_for_repair(
    actor: Any, *, case_id: uuid.UUID, items: Sequence[str], opinion: str = "", version: int | None = None
) -> RelayCase:
    """Send a transfer back to the school that receives, with the very items to mend; it comes back to this step.

    Raises Http404, PermissionDenied, `StaleCase`, `RelayError`.
    """
    actor.require("case.decide")
    with opened(actor, case_id, version) as (case, talk):
        step = _my_step(actor, case)
        wanted = [x.strip()[:100] for x in items if x.strip()][:20]
        if not wanted:
            raise RelayError(_("退回修改要写明需要修改的项目"))
        text = "；".join(wanted) + (f"。{opinion.strip()}" if opinion.strip() else "")
        need_words(text)
        step.state, step.decision, step.opinion = "returned", "return", text[:500]
        step.decider_id, step.decider_name, step.decided_at = actor.user_id, actor.user_name, timezone.now()
        step.save()
        case.state = State.RETURNED
        case.return_to = "own"
        case.summary = case.summary | {"repair": wanted}
        tell_steps(case, talk)
        if case.side == Side.OUT:
            say(talk, "transfer.returned", {"items": wanted, "by": f"{step.org_name} {step.label}"})
        save(case)
        note(case, actor, "return", f"{step.label}: {text}", step=step.seq)
    return case


def cancel(actor: Any, *, case_id: uuid.UUID, reason: str = "", version: int | None = None) -> RelayCase:
    """The receiving school takes its transfer back (撤回, before anybody else has handled it) or stops it (撤销, with
    its reason), as long as the child's record has not begun to move in here.

    Raises Http404, `StaleCase`, `RelayError`.
    """
    actor.require("case.start")
    with opened(actor, case_id, version) as (case, talk):
        if case.side != Side.IN or case.org_id != actor.org_id:
            raise Http404
        require_state(case, (State.RUNNING, State.RETURNED, State.AWAY))
        withdrawn = may_withdraw(case)
        if not withdrawn:
            need_words(reason)
        say(talk, "transfer.cancelled", {"reason": reason.strip()[:300], "withdrawn": withdrawn})
        end(case, State.WITHDRAWN if withdrawn else State.CANCELLED, reason.strip())
        note(case, actor, "withdraw" if withdrawn else "cancel", reason.strip())
    return case


def urge(actor: Any, *, case_id: uuid.UUID) -> RelayCase:
    """The receiving school reminds the other side, once a day, while the transfer lies there (催办).

    Raises Http404, `RelayError` (it lies on this side, or was urged today).
    """
    actor.require("case.start")
    with opened(actor, case_id) as (case, talk):
        if case.side != Side.IN or case.org_id != actor.org_id:
            raise Http404
        if case.state == State.RUNNING:
            raise RelayError(_("这件业务还在本系统办理, 不需要向对方催办"))
        require_state(case, (State.AWAY,))
        if RelayLog.objects.filter(case=case, action="urge", at__date=timezone.localdate()).exists():
            raise RelayError(_("今天已经催办过, 明天可以再催"))
        step = RelayStep.objects.filter(case=case, own=False, state="current").order_by("seq").first()
        say(talk, "transfer.urge", {"by": actor.org_name})
        words = {
            "org": step.org_name if step else case.peer.name,
            "step": step.label if step else _("本业务"),
        }
        note(case, actor, "urge", _("提醒%(org)s办理“%(step)s”") % words)
    return case


def may_withdraw(case: RelayCase) -> bool:
    """Whether nobody but the registrar has handled it yet."""
    return (
        case.state == State.RUNNING
        and not RelayStep.objects.filter(case=case, own=True, seq__gt=1).exclude(decision="").exists()
        and (case.current_seq or 2) <= 2
    )


def _my_step(actor: Any, case: RelayCase) -> RelayStep:
    """The step under way, if it is this actor's. Raises `RelayError`, PermissionDenied."""
    require_state(case, (State.RUNNING,))
    step = current_step(case)
    if step is None or (step.org_id, step.role) != (actor.org_id, actor.role):
        raise PermissionDenied(_("这件业务现在不在您这里办理"))
    for other in own_steps(case):
        if (
            other.decider_id == actor.user_id
            and other.seq != step.seq
            and (other.org_id == step.org_id or other.duty != step.duty)
        ):
            raise RelayError(
                _("您已经办理过“%s”, 经办和核办不能是同一个人, 请由本单位另一位同事办理") % other.label
            )
    return step
