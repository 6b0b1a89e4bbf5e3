"""A case on its way: frozen, its chain built; or waiting for what keeps it, and going on by itself."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting
from xueji.ground.policy.calendar import add_workdays
from xueji.ground.policy.engine import PolicySet
from xueji.registry.enrolment import commands as enrolment

from .. import checks, routing
from ..errors import CaseError
from ..kinds import KINDS, label_of
from ..material import Material
from ..models import Case, CaseStatus, CaseStep
from . import flow
from ._base import SYSTEM, lock_person, material, note, other_open, save, write_log, write_seats


def freeze(case: Case, m: Material, policy: PolicySet, report: checks.Report) -> None:
    """What the case is decided on stays with it."""
    case.summary = m.subject.summary(m.today) | _wanted(m)
    case.student_name = m.subject.name
    case.from_school_id = m.subject.school_id
    case.facts = dict(report.trace.facts)
    case.findings = [f.to_dict() for f in report.trace.findings] + [
        {"system": c.code, "verdict": c.verdict, "sentence": c.lasting}
        for c in report.checks
        if c.verdict != "pass" and not any(f.rule == c.code for f in report.trace.findings)
    ]
    case.packs, case.evaluated_on = policy.hash, m.today
    case.chain_version = str(m.subject.last_event)
    case.variant = routing.variant_of(case.business, m.units)
    days = KINDS[case.business].days
    raw = case.form.get(days[0][0]) if days else None
    case.effective_on = date.fromisoformat(raw) if raw else None


def _wanted(m: Material) -> dict[str, Any]:
    """What the case asks for, as the deciders read it; numbers masked."""
    form: dict[str, Any] = m.case.form
    out: dict[str, Any] = {}
    out["reason"] = "，".join(str(x) for x in (form.get("reason"), form.get("reason_note")) if x)
    for key in ("effective_on", "start", "end", "resume_on", "happened_on"):
        if form.get(key):
            out[key] = form[key]
    return {**out, **KINDS[m.case.business].wanted(m)}


def launch(case: Case, who: Any, m: Material, policy: PolicySet, report: checks.Report) -> None:
    """Build the chain and hand the case on; the first step is the sending itself. Raises `CaseError`."""
    steps = routing.plan(policy, case.business, m.units, m.today)
    freeze(case, m, policy, report)
    case.parties = routing.parties(m.units, steps)
    case.klasses = [m.subject.class_id] if m.subject.class_id else []
    case.status = CaseStatus.RUNNING
    now = timezone.now()
    rows = [
        CaseStep(
            case=case,
            seq=p.seq,
            turn=p.turn,
            branch=p.branch,
            mode=p.mode,
            side=p.side,
            duty=p.duty,
            clock=p.clock,
            label=p.label,
            role=p.role,
            org_id=p.org.pk,
            limit_days=p.limit_days,
            limit_default=p.limit_default,
            parties=case.parties,
            klasses=case.klasses,
            person_id=case.person_id,
        )
        for p in steps
    ]
    first = rows[0]
    first.state, first.decision, first.opinion = "done", "pass", str(_("提交申请"))
    first.arrived_at = first.decided_at = now
    first.due_on = add_workdays(m.today, first.limit_days or 1)
    first.decider_id, first.decider_name = case.creator_id, _submitter(case, who)
    CaseStep.objects.bulk_create(rows)
    assert case.person_id is not None
    enrolment.set_open_case(case.person_id, case.number or "")
    flow.advance(who, case)


def _submitter(case: Case, who: Any) -> str:
    if who.user_id is not None:
        return str(who.user_name)
    from xueji.ground.accounts.models import User

    with acting("writer"):  # the worker has no scope of its own
        return User.objects.filter(pk=case.creator_id).values_list("display_name", flat=True).first() or ""


def wait(case: Case, actor: Any, others: list[Case], *, problem: bool) -> None:
    """Keep a case that was sent until what keeps it is gone."""
    case.waits_for = _kept_by(others, problem=problem)[:200]
    case.status = CaseStatus.WAITING
    save(case)
    write_seats(case)
    note(case, actor, "submit", case_words(case))
    write_log(case, SYSTEM, "wait", case.waits_for)


def _kept_by(others: list[Case], *, problem: bool) -> str:
    if not others:
        return str(_("问题学籍处理完毕")) if problem else ""
    other = others[0]
    holder = CaseStep.objects.filter(case=other, state="current").values_list("label", flat=True).first()
    sent = timezone.localtime(other.submitted_at).date() if other.submitted_at else ""
    return _("%(label)s(%(day)s 发起, %(where)s)") % {
        "label": label_of(other.business),
        "day": sent,
        "where": holder or CaseStatus(other.status).label,
    }


def wake_child(person_id: uuid.UUID) -> Case | None:
    """Something that kept this child's cases is gone (a problem record was cleared): the next one goes on.

    For rooms and commands that stand in a transaction of their own. Returns the case that went on, if any.
    """
    with transaction.atomic(), acting("writer"):
        lock_person(person_id)
        return wake(person_id)


def wake(person_id: uuid.UUID) -> Case | None:
    """Let the oldest waiting case of a child go on, if nothing keeps it any more. Called when a case ends.

    Must run in the writing role with the child locked. A case that no longer passes its checks comes back to the
    school that started it, with the reasons; nobody has to start again. One of a school that the child has left ends.
    """
    waiting = list(
        Case.objects.select_for_update()
        .filter(person_id=person_id, status=CaseStatus.WAITING)
        .order_by("submitted_at", "pk")[:50]
    )
    if not waiting or other_open(waiting[0]):
        return None
    for case in waiting:
        try:
            with transaction.atomic():
                if _go_on(case):
                    return case
        except CaseError as error:
            # The one that ended must not be held up by what is wrong with this one.
            case.refresh_from_db()
            _give_back(case, [error.message])
            return case
    return None


def _go_on(case: Case) -> bool:
    """A waiting case that no other case keeps any more; False when a problem record does. Raises `CaseError`."""
    assert case.person_id is not None
    m = material(SYSTEM, case)
    kind = KINDS[case.business]
    if m.subject.problem and not kind.despite_problem:
        if case.waits_for != (words := _kept_by([], problem=True)):
            case.waits_for = words
            save(case)
            write_log(case, SYSTEM, "wait", words)
        return False
    policy = routing.policy_for(m.units.start, m.today)
    report = checks.run(policy, m, [])
    reasons = [c.lasting for c in report.stopping]
    if m.subject.school_id != case.from_school_id:
        reasons.insert(0, _("该生的学籍现在在%s, 请核对后重新提交") % m.subject.school_name)
        if not kind.lookup:
            # The school has lost the child: it could not send this again, and the new school would wait for it.
            _drop(case, _("该生的学籍已转到%s, 本校不再办理") % m.subject.school_name)
            return True
    if reasons:
        case.from_school_id = m.subject.school_id
        _give_back(case, reasons)
    else:
        case.waits_for = ""
        note(case, SYSTEM, "wake", case_words(case))
        launch(case, SYSTEM, m, policy, report)
    return True


def _give_back(case: Case, reasons: list[str]) -> None:
    """Back to the school that started it, with what is to mend."""
    case.waits_for = ""
    case.status = CaseStatus.RETURNED
    case.repair_due = flow.repair_day(timezone.localdate())
    save(case)
    write_seats(case)
    if case.person_id is not None:
        enrolment.set_open_case(case.person_id, case.number or "")
    note(case, SYSTEM, "return", "；".join(reasons))


def _drop(case: Case, reason: str) -> None:
    """A case that waited, and that its school can no longer go on with, ends."""
    flow.end_case(case, CaseStatus.CANCELLED, reason, enrolled=False)
    note(case, SYSTEM, "stop", reason)
    flow.after(case)


def case_words(case: Case) -> str:
    """Kind and number."""
    return f"{KINDS[case.business].label} {case.number}"
