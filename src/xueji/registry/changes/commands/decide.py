"""Deciding one's own step: pass, refuse, return; and taking back one's word until the next has acted."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from django.core.exceptions import PermissionDenied
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts import queries as accounts
from xueji.ground.orgs.models import Org

from .. import routing
from ..errors import CaseError
from ..models import Case, CaseStatus, CaseStep, StepMode
from . import clock, flow
from ._base import (
    need_words,
    note,
    opened,
    require_status,
    save,
    steps_of,
    write_seats,
)

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

    Whoever stands in for a colleague who is away decides that one's step; the log says for whom. Raises Http404,
    PermissionDenied (not this one's turn), `StaleCase`, `CaseError`.
    """
    actor.require("case.decide")
    with opened(actor, case_id, version) as case:
        step, away = my_step(actor, case)
        if decision == "refuse":
            need_words(opinion)
            if not reason_rule.strip():
                raise CaseError(_("不通过要选择所依据的规定"))
        elif CaseStep.objects.filter(case=case, asked_by=step.seq, state="current").exists():
            raise CaseError(_("还有会签单位没有答复, 答复后才能通过"))
        step.state = "done" if decision == "pass" else "refused"
        _sign(step, actor, away, decision, opinion.strip() or str(_("同意")))
        if decision == "refuse":
            reason = f"{reason_rule.strip()} {opinion.strip()}"
            flow.end_case(case, CaseStatus.REFUSED, reason, enrolled=True)
            note(case, actor, "refuse", f"{step.label}: {reason}{_for(away)}", step=step.seq)
            flow.after(case)
            return case
        note(case, actor, "pass", f"{step.label}: {step.opinion}{_for(away)}", step=step.seq)
        flow.advance(actor, case)
        return case


def return_for_repair(
    actor: Any, *, case_id: uuid.UUID, items: Sequence[str], opinion: str = "", version: int | None = None
) -> Case:
    """Send a case back to the school that started it, with the very items to mend; it comes back to this step.

    Raises Http404, PermissionDenied, `StaleCase`, `CaseError`.
    """
    actor.require("case.decide")
    with opened(actor, case_id, version) as case:
        step, away = my_step(actor, case)
        send_back(case, step, actor, items, opinion, away)
    return case


def send_back(
    case: Case, step: CaseStep, actor: Any, items: Sequence[str], opinion: str, away: str = ""
) -> None:
    """Return a case at a step: clocks stop, questions to other units fall away. Raises `CaseError`."""
    wanted = [x.strip() for x in items if x.strip()]
    if not wanted:
        raise CaseError(_("退回修改要写明需要修改的项目"))
    text = "；".join(wanted) + (f"。{opinion.strip()}" if opinion.strip() else "")
    if not opinion.strip():
        need_words(text)
    today = timezone.localdate()
    flow.drop_questions(case)
    step.state = "returned"
    _sign(step, actor, away, "return", text)
    clock.stop(case, steps_of(case), today)
    case.status, case.repair_due = CaseStatus.RETURNED, flow.repair_day(today)
    case.summary = case.summary | {"repair": wanted, "repair_version": case.version + 1}
    save(case)
    write_seats(case)
    note(case, actor, "return", f"{step.label}: {text}{_for(away)}", step=step.seq)


def take_back(actor: Any, *, case_id: uuid.UUID, version: int | None = None) -> Case:
    """Take back one's own pass or return, as long as nobody has acted on it (C-CHG-03).

    What has taken effect, or was refused, is undone by a new case only. Raises Http404, `StaleCase`, `CaseError`.
    """
    actor.require("case.decide")
    with opened(actor, case_id, version) as case:
        require_status(case, (CaseStatus.RUNNING, CaseStatus.RETURNED))
        steps = steps_of(case)
        step = last_own(actor, steps)
        if step is None or (case.status == CaseStatus.RETURNED and step.state != "returned"):
            raise CaseError(_("您没有可以收回的办理意见"))
        later = following(step, steps)
        if any(s.decision or s.asked_by is not None for s in later):
            raise CaseError(_("后面的环节已经办理, 不能收回。可以联系办理单位, 或由发起学校撤销申请"))
        for s in later:
            if s.state in ("current", "informed"):
                s.state, s.arrived_at, s.due_on, s.left_days = "future", None, None, None
                s.save(update_fields=["state", "arrived_at", "due_on", "left_days"])
        returned = step.state == "returned"
        if returned and case.version != case.summary.get("repair_version"):
            # What the starter has changed meanwhile nobody has checked, and no decider has seen.
            raise CaseError(_("发起学校已经开始修改, 不能收回。重新提交后会回到您这一环节"))
        step.state, step.decision, step.opinion = "current", "", ""
        step.decider_id, step.decided_at = None, None
        step.decider_name = step.acted_for = ""
        step.save()
        if returned:
            case.status, case.repair_due = CaseStatus.RUNNING, None
            case.summary = {k: v for k, v in case.summary.items() if k not in ("repair", "repair_version")}
            clock.go_on(case, steps, timezone.localdate())
        case.current_seq = step.seq
        save(case)
        write_seats(case)
        note(case, actor, "take_back", step.label, step=step.seq)
        return case


def last_own(actor: Any, steps: Iterable[CaseStep]) -> CaseStep | None:
    """The step that the actor could take back: his own, the last one decided in its branch."""
    own = [
        s
        for s in steps
        if s.seq > 1
        and s.asked_by is None
        and s.mode == StepMode.APPROVE
        and not s.forced
        and (s.state, s.decider_id, s.org_id)
        in (("done", actor.user_id, actor.org_id), ("returned", actor.user_id, actor.org_id))
    ]
    return max(own, key=lambda s: str(s.decided_at), default=None)


def following(step: CaseStep, steps: Iterable[CaseStep]) -> list[CaseStep]:
    """What comes after a step: later in its branch, and all turns after it, with what was asked there."""
    after = [
        s
        for s in steps
        if s.asked_by is None and (s.turn > step.turn or (s.branch == step.branch and s.seq > step.seq))
    ]
    numbers = {s.seq for s in after}
    return after + [s for s in steps if s.asked_by in numbers]


def my_step(actor: Any, case: Case, mode: str = StepMode.APPROVE) -> tuple[CaseStep, str]:
    """The step whose turn it is for this actor, and the name of the colleague whose part he takes (or empty).

    四眼: nobody is both 经办 and 负责人 of one case, not for a colleague either. Raises PermissionDenied, `CaseError`.
    """
    if mode != StepMode.FILE:
        require_status(case, (CaseStatus.RUNNING,))
    steps = steps_of(case)
    running = [s for s in steps if s.state in ("current", "informed")]
    parts = {actor.role: ""} | {
        p.role: p.holder for p in accounts.handed_parts(actor) if p.role != actor.role
    }
    mine = [s for s in running if s.mode == mode and s.org_id == actor.org_id and s.role in parts]
    if not mine:
        asked = [s for s in running if s.mode != mode and s.org_id == actor.org_id and s.role in parts]
        if asked:
            raise CaseError(_("这件业务请您%s, 不由您审批") % StepMode(asked[0].mode).label)
        now = next((s for s in running if s.mode == mode), None)
        if now is None:
            raise PermissionDenied(_("这件业务现在没有等您办理的环节"))
        raise PermissionDenied(
            _("这件业务现在在%(org)s办理(%(step)s), 还没有轮到您")
            % {"org": Org.objects.get(pk=now.org_id).name, "step": now.label}
        )
    clash = None
    for step in sorted(mine, key=lambda s: (parts[s.role] != "", s.seq)):
        clash = clash_of(actor, case, step, steps)
        if clash is None:
            return step, parts[step.role]
    assert clash is not None
    raise CaseError(clash_words(clash))


def clash_of(actor: Any, case: Case, step: CaseStep, steps: Iterable[CaseStep]) -> CaseStep | None:
    """A step that this actor decided and that keeps him from deciding another one of the case."""
    if step.mode != StepMode.APPROVE:
        return None
    clerk = step.role in routing.CLERK_ROLES
    for other in steps:
        if other.seq == step.seq or other.mode != StepMode.APPROVE:
            continue
        mine = other.decider_id == actor.user_id or (other.seq == 1 and case.creator_id == actor.user_id)
        if mine and (other.org_id == step.org_id or (other.role in routing.CLERK_ROLES) != clerk):
            return other
    return None


def clash_words(clash: CaseStep) -> str:
    """Why somebody cannot decide, for the user."""
    return _("您已经办理过“%s”, 经办和核办不能是同一个人, 请由本单位另一位同事办理") % clash.label


def _sign(step: CaseStep, actor: Any, away: str, decision: str, opinion: str) -> None:
    step.decision, step.opinion, step.acted_for = decision, opinion[:500], away
    step.decider_id, step.decider_name, step.decided_at = actor.user_id, actor.user_name, timezone.now()
    step.save()


def _for(away: str) -> str:
    return _("(代 %s 办理)") % away if away else ""
