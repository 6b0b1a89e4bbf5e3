"""Sending a case: all checks again, stated exceptions, then on its way or waiting."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.policy.engine import PolicySet

from .. import checks, placing, routing, twins
from ..counters import next_number
from ..errors import Blocked, CaseError
from ..kinds import KINDS
from ..material import Material
from ..models import Case, CaseStatus, CaseStep
from . import clock
from ._base import (
    EDITABLE,
    material,
    need_words,
    note,
    opened,
    other_open,
    own,
    require_status,
    save,
    spread,
    steps_of,
    write_seats,
)
from .launch import case_words, freeze, launch, wait
from .placing import refuse


def preflight(actor: Any, *, case_id: uuid.UUID) -> tuple[checks.Report, list[routing.Planned]]:
    """The checks of a draft (or returned case) as it stands, and the chain it would take (C-CHG-03, C-CHG-10).

    Writes nothing but who looked, where it tells of other children. Raises Http404, `CaseError`.
    """
    actor.require("case.start")
    with opened(actor, case_id) as case:
        own(actor, case)
        require_status(case, EDITABLE)
        m = material(actor, case)
        policy = routing.policy_for(m.units.start, m.today)
        report = checks.run(policy, m, other_open(case))
        if report.twins:
            record(
                actor,
                "duplicates.check",
                object_type="case",
                object_id=case.case_id,
                after={"found": len(report.twins)},
                row_count=len(report.twins),
                persons=report.twins,
            )
        return report, routing.plan(policy, case.business, m.units, m.today)


def submit(
    actor: Any,
    *,
    case_id: uuid.UUID,
    version: int | None = None,
    overrides: Mapping[str, str] | None = None,
) -> Case:
    """Send a draft: all checks again, facts and findings frozen, a number given, the chain built (C-TRF-01, C-SUS-01).

    `overrides` gives reasons for going on in spite of rules of force 一般, by rule; they stay with the case for all
    deciders to see (C-CHG-10). If another case of the child is under way, or a problem record is not cleared, this
    one waits and goes on by itself. A transfer that nothing forbids but a full grade is refused and passed on to the
    authority (C-TRF-05). Raises Http404, `StaleCase`, `Blocked` with the checks that forbid it, `CaseError`.
    """
    actor.require("case.start")
    with opened(actor, case_id, version) as case:
        own(actor, case)
        require_status(case, (CaseStatus.DRAFT,))
        m, policy, report = _checked(actor, case, overrides or {})
        case.number = next_number(policy.business(case.business).prefix, m.units.start.division, m.today.year)
        case.submitted_at = timezone.now()
        case.creator_id = actor.user_id
        case.parties = sorted({m.units.start.pk, m.units.start_authority.pk})
        if report.stopping:
            refuse(actor, case, m, policy, report)
            return case
        others = other_open(case)
        problem = m.subject.problem and not KINDS[case.business].despite_problem
        if others or problem:
            # What it was checked against is on its page while it waits; when it goes on it is checked anew.
            freeze(case, m, policy, report)
            wait(case, actor, others, problem=problem)
            return case
        case.status = CaseStatus.RUNNING
        note(case, actor, "submit", case_words(case) + _exceptions(case))
        launch(case, actor, m, policy, report)
        return case


def resubmit(
    actor: Any,
    *,
    case_id: uuid.UUID,
    version: int | None = None,
    overrides: Mapping[str, str] | None = None,
) -> Case:
    """Send a returned case again: checked anew, it goes back to the very step that returned it.

    Raises Http404, `StaleCase`, `Blocked`, `CaseError`.
    """
    actor.require("case.start")
    with opened(actor, case_id, version) as case:
        own(actor, case)
        require_status(case, (CaseStatus.RETURNED,))
        m, policy, report = _checked(actor, case, overrides or {})
        if report.stopping:
            refuse(actor, case, m, policy, report)
            return case
        steps = steps_of(case)
        back = next((s for s in steps if s.state == "returned"), None)
        if back is None:  # it came back from waiting, before anybody had it
            note(case, actor, "resubmit", case_words(case) + _exceptions(case))
            launch(case, actor, m, policy, report)
            return case
        if m.subject.school_id != case.from_school_id:
            raise CaseError(
                _("该生的学籍现在在%s, 这件业务不能继续, 请撤销后重新发起") % m.subject.school_name
            )
        freeze(case, m, policy, report)
        first = CaseStep.objects.get(case=case, seq=1)
        first.decider_id, first.decider_name = actor.user_id, actor.user_name
        first.decided_at = timezone.now()
        first.save(update_fields=["decider_id", "decider_name", "decided_at"])
        case.status, case.repair_due = CaseStatus.RUNNING, None
        left = back.left_days
        clock.arrive(case, back, steps, m.today)
        if left is not None:
            back.left_days = left
        clock.go_on(case, [back, *(s for s in steps if s.pk != back.pk)], m.today)
        case.current_seq = back.seq
        spread(case)
        save(case)
        write_seats(case)
        note(case, actor, "resubmit", case_words(case) + _exceptions(case))
        return case


def _checked(actor: Any, case: Case, reasons: Mapping[str, str]) -> tuple[Material, PolicySet, checks.Report]:
    m = material(actor, case)
    policy = routing.policy_for(m.units.start, m.today)
    if reasons:
        _override(actor, case, m, checks.evaluate(policy, m), reasons)
    report = checks.run(policy, m, other_open(case))
    if report.stopping and not placing.only_full(policy, m, report):
        raise Blocked(_("还有 %s 项检查没有通过, 不能提交") % len(report.stopping), report.stopping)
    return m, policy, report


def _override(actor: Any, case: Case, m: Material, trace: Any, reasons: Mapping[str, str]) -> None:
    """Keep the stated exceptions with the case, and why a likely record is another child's (疑似同一人). Raises
    `CaseError` for a rule that allows none.
    """
    at = timezone.now().isoformat(timespec="seconds")
    alike = {twins.code(case, t.person_id) for t in (twins.find(m) if _of_twins(reasons) else ())}
    for rule, reason in reasons.items():
        finding = trace.finding(rule)
        if rule in alike:
            article = twins.title()
        elif rule.startswith(twins.PREFIX):
            continue  # what was typed has changed since: the likeness is gone
        elif finding is None or not (checks.overridable(finding) or finding.overridden):
            raise CaseError(_("规定 %s 不能例外放行") % rule)
        else:
            article = finding.article
        need_words(reason)
        case.overrides = case.overrides | {
            rule: {
                "reason": reason.strip()[:300],
                "by": actor.user_name,
                "org": actor.org_name,
                "at": at,
                "article": article,
            }
        }


def _of_twins(reasons: Mapping[str, str]) -> bool:
    return any(rule.startswith(twins.PREFIX) for rule in reasons)


def _exceptions(case: Case) -> str:
    if not case.overrides:
        return ""
    words = "；".join(f"{v['article']}: {v['reason']}" for v in case.overrides.values())
    return str(_("。例外: %s") % words)
