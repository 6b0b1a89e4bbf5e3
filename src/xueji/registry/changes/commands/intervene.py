"""The authority above steps in: passes, stops, returns or hands a step to somebody else, with its reason (督办)."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from django.core.exceptions import PermissionDenied
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.orgs.models import Org

from .. import checks, routing
from ..errors import CaseError
from ..models import Case, CaseStatus, CaseStep, StepMode
from . import clock, flow
from ._base import need_words, note, opened, require_status, save, spread, steps_of, write_seats
from .decide import clash_of, clash_words, send_back

Action = Literal["pass", "stop", "return", "reassign"]


def intervene(
    actor: Any,
    *,
    case_id: uuid.UUID,
    action: Action,
    reason: str,
    to_org: int | None = None,
    step: int | None = None,
    version: int | None = None,
) -> Case:
    """Step in where a unit below holds a case (C-CHG-03): a county's head for its schools, a city's and a province's
    for the units below them. The reason is shown to all parties.

    `pass` goes over the step, which is not confirmed by it: a rule of force 应/不得 that asks for this very step
    forbids that. `reassign` hands it to another unit below (`to_org`), or to one's own. Raises Http404,
    PermissionDenied (no unit of one's own holds it), `StaleCase`, `CaseError`.
    """
    actor.require("case.intervene")
    with opened(actor, case_id, version) as case:
        require_status(case, (CaseStatus.RUNNING,))
        need_words(reason)
        held = held_below(actor, case)
        row = next((s for s in held if step is None or s.seq == step), None)
        if row is None:
            raise PermissionDenied(_("这件业务现在不在您下级单位的手里, 不能督办处理"))
        words = _("督办处理“%(step)s”: %(why)s") % {"step": row.label, "why": reason.strip()}
        if action == "pass":
            _require_open(actor, case, row)
            clash = clash_of(actor, case, row, steps_of(case))
            if clash is not None:
                raise CaseError(clash_words(clash))
            flow.drop_questions(case, row.seq)
            row.state, row.decision, row.forced = "done", "pass", True
            row.opinion = (_("上级代为通过: %s") % reason.strip())[:500]
            row.decider_id, row.decider_name = actor.user_id, actor.user_name
            row.decided_at = timezone.now()
            row.save()
            note(case, actor, "force_pass", words, step=row.seq)
            flow.advance(actor, case)
        elif action == "stop":
            flow.end_case(case, CaseStatus.CANCELLED, reason.strip(), enrolled=True)
            note(case, actor, "force_stop", words, step=row.seq)
            flow.after(case)
        elif action == "return":
            note(case, actor, "force_return", words, step=row.seq)
            send_back(case, row, actor, [reason.strip()], _("由上级督办退回"))
        else:
            _reassign(actor, case, row, to_org, words)
        return case


def held_below(actor: Any, case: Case) -> list[CaseStep]:
    """The steps of a case that units below the actor's hold now, the longest overdue first; two queries."""
    running = list(CaseStep.objects.filter(case=case, state="current", mode=StepMode.APPROVE))
    below = set(
        Org.objects.filter(pk__in=[s.org_id for s in running], path__startswith=actor.org_path or "-")
        .exclude(pk=actor.org_id)
        .values_list("pk", flat=True)
    )
    return sorted((s for s in running if s.org_id in below), key=lambda s: (str(s.due_on), s.seq))


def _require_open(actor: Any, case: Case, row: CaseStep) -> None:
    """Raises `CaseError` when a strong rule asks for this very step at the effect: going over it would be in vain."""
    m = flow.ready(actor, case)
    every = {f"{s.side}.{s.duty}" for s in steps_of(case) if s.asked_by is None and not s.forced}
    policy = routing.policy_for(m.units.start, m.today)
    whole, without = (
        checks.evaluate(policy, m.with_confirmed(roles), "effect")
        for roles in (every, every - {f"{row.side}.{row.duty}"})
    )
    allowed = {f.rule for f in whole.stopping}
    new = [f for f in without.stopping if f.force == "must" and f.rule not in allowed]
    if new:
        raise CaseError(
            _("这一环节不能代为通过, 可以改派、退回或终止。%s") % "；".join(f.sentence for f in new)
        )


def _reassign(actor: Any, case: Case, row: CaseStep, to_org: int | None, words: str) -> None:
    unit = Org.objects.filter(pk=to_org or actor.org_id, path__startswith=actor.org_path).first()
    if unit is None:
        raise CaseError(_("只能改派给本单位或下级单位"))
    role = routing.role_at(unit.kind, row.duty)
    if not role:
        raise CaseError(_("%(org)s 没有能办理“%(step)s”的岗位") % {"org": unit.name, "step": row.label})
    if (unit.pk, role) == (row.org_id, row.role):
        raise CaseError(_("这一环节已经在%s办理") % unit.name)
    row.org_id, row.role = unit.pk, role
    clock.arrive(case, row, [], timezone.localdate())
    if unit.pk not in case.parties:
        case.parties = sorted({*case.parties, unit.pk})
    spread(case)
    save(case)
    write_seats(case)
    note(
        case,
        actor,
        "reassign",
        _("%(words)s。改由%(org)s办理") % {"words": words, "org": unit.name},
        step=row.seq,
    )
