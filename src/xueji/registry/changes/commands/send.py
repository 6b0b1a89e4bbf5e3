"""Sending a case on its way: checks, number, chain; waiting for another case, and going on by itself."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.files import commands as files
from xueji.ground.policy.calendar import add_workdays
from xueji.ground.policy.engine import PolicySet
from xueji.registry.enrolment import commands as enrolment

from .. import checks, routing
from ..errors import Blocked, CaseError
from ..kinds import KINDS, label_of
from ..material import Material
from ..models import Case, CaseFile, CaseStatus, CaseStep
from ._base import (
    EDITABLE,
    SYSTEM,
    material,
    note,
    opened,
    other_open,
    own,
    require_status,
    save,
    write_log,
    write_seats,
)


def preflight(actor: Any, *, case_id: uuid.UUID) -> tuple[checks.Report, list[routing.Planned]]:
    """The checks of a draft (or returned case) as it stands, and the chain it would take (C-CHG-03, C-CHG-10).

    Writes nothing. Raises Http404, `CaseError`.
    """
    actor.require("case.start")
    with opened(actor, case_id) as case:
        own(actor, case)
        require_status(case, EDITABLE)
        m = material(actor, case)
        policy = routing.policy_for(m.units.start, m.today)
        report = checks.run(policy, m, other_open(case))
        return report, routing.plan(policy, case.business, m.units, m.today)


def submit(actor: Any, *, case_id: uuid.UUID, version: int | None = None) -> Case:
    """Send a draft: all checks again, facts and findings frozen, a number given, the chain built (C-TRF-01, C-SUS-01).

    If another case of the child is under way this one waits and goes on by itself when that ends. Raises Http404,
    `StaleCase`, `Blocked` with the checks that forbid it, `CaseError`.
    """
    actor.require("case.start")
    with opened(actor, case_id, version) as case:
        own(actor, case)
        require_status(case, (CaseStatus.DRAFT,))
        m, policy, report = _checked(actor, case)
        case.number = _next_number(policy.business(case.business).prefix, m)
        case.submitted_at = timezone.now()
        case.creator_id = actor.user_id
        case.parties = sorted({m.units.start.pk, m.units.start_authority.pk})
        others = other_open(case)
        if others:
            case.summary = m.subject.summary(m.today)
            _wait(case, actor, others)
        else:
            _launch(case, actor, m, policy, report)
            note(case, actor, "submit", _case_words(case))
        return case


def resubmit(actor: Any, *, case_id: uuid.UUID, version: int | None = None) -> Case:
    """Send a returned case again: checked anew, it goes back to the very step that returned it.

    Raises Http404, `StaleCase`, `Blocked`, `CaseError`.
    """
    actor.require("case.start")
    with opened(actor, case_id, version) as case:
        own(actor, case)
        require_status(case, (CaseStatus.RETURNED,))
        m, policy, report = _checked(actor, case)
        back = CaseStep.objects.filter(case=case, state="returned").order_by("-seq").first()
        if back is None:  # it came back from waiting, before anybody had it
            _launch(case, actor, m, policy, report)
        elif m.subject.school_id != case.from_school_id:
            raise CaseError(
                _("该生的学籍现在在%s, 这件业务不能继续, 请撤销后重新发起") % m.subject.school_name
            )
        else:
            _freeze(case, m, policy, report)
            first = CaseStep.objects.get(case=case, seq=1)
            first.decider_id, first.decider_name, first.decided_at = (
                actor.user_id,
                actor.user_name,
                timezone.now(),
            )
            first.save(update_fields=["decider_id", "decider_name", "decided_at"])
            case.status = CaseStatus.RUNNING
            arrive(case, back, m.today)
            _share(case)
            save(case)
            write_seats(case)
        note(case, actor, "resubmit", _case_words(case))
        return case


def wake(person_id: uuid.UUID) -> Case | None:
    """Let the oldest waiting case of a child go on, if nothing keeps it any more. Called when a case ends.

    Must run in the writing role with the child locked. A case that no longer passes its checks comes back to the
    school that started it, with the reasons; nobody has to start again. One of a school that the child has left ends.
    """
    case = (
        Case.objects.select_for_update()
        .filter(person_id=person_id, status=CaseStatus.WAITING)
        .order_by("submitted_at")
        .first()
    )
    if case is None or other_open(case):
        return None
    try:
        with transaction.atomic():
            return _go_on(case)
    except CaseError as error:
        # The one that ended must not be held up by what is wrong with this one.
        _give_back(case, [error.message])
    return case


def _go_on(case: Case) -> Case:
    """A waiting case that nothing keeps any more. Raises `CaseError`."""
    assert case.person_id is not None
    m = material(SYSTEM, case)
    policy = routing.policy_for(m.units.start, m.today)
    report = checks.run(policy, m, [])
    reasons = [c.sentence for c in report.stopping]
    if m.subject.school_id != case.from_school_id:
        reasons.insert(0, _("该生的学籍现在在%s, 请核对后重新提交") % m.subject.school_name)
        if case.business != "transfer":
            # The school has lost the child: it could not send this again, and the new school would wait for it.
            _drop(case, _("该生的学籍已转到%s, 本校不再办理") % m.subject.school_name)
            return case
    if reasons:
        case.from_school_id = m.subject.school_id
        _give_back(case, reasons)
    else:
        case.waits_for = ""
        _launch(case, SYSTEM, m, policy, report)
        note(case, SYSTEM, "wake", _case_words(case))
    return case


def _give_back(case: Case, reasons: list[str]) -> None:
    """Back to the school that started it, with what is to mend."""
    case.waits_for = ""
    case.status = CaseStatus.RETURNED
    save(case)
    write_seats(case)
    if case.person_id is not None:
        enrolment.set_open_case(case.person_id, case.number or "")
    note(case, SYSTEM, "return", "；".join(reasons))


def _drop(case: Case, reason: str) -> None:
    """A case that waited, and that its school can no longer go on with, ends."""
    case.waits_for = ""
    case.status, case.end_reason, case.ended_at = CaseStatus.CANCELLED, reason[:300], timezone.now()
    save(case)
    write_seats(case)
    note(case, SYSTEM, "stop", reason)
    if case.person_id is not None:
        wake(case.person_id)


def arrive(case: Case, step: CaseStep, today: date) -> None:
    """A step begins: its clock starts, or goes on when the step before of the same unit shares it."""
    before = CaseStep.objects.filter(case=case, seq=step.seq - 1).first()
    route = case.summary.get("route", {})
    shared = (
        before is not None and route.get(str(before.seq), [""])[-1] == route.get(str(step.seq), ["-"])[-1]
    )
    step.state = "current"
    step.decision = step.opinion = step.decider_name = ""
    step.decider_id = step.decided_at = None
    step.arrived_at = timezone.now()
    if shared and before is not None and before.due_on and before.due_on >= today:
        step.due_on = before.due_on
    else:
        step.due_on = add_workdays(today, step.limit_days) if step.limit_days else None
    step.save()
    case.current_seq = step.seq


def _checked(actor: Any, case: Case) -> tuple[Material, PolicySet, checks.Report]:
    m = material(actor, case)
    policy = routing.policy_for(m.units.start, m.today)
    report = checks.run(policy, m, other_open(case))
    if report.stopping:
        raise Blocked(_("还有 %s 项检查没有通过, 不能提交") % len(report.stopping), report.stopping)
    return m, policy, report


def _freeze(case: Case, m: Material, policy: PolicySet, report: checks.Report) -> None:
    """What the case is decided on stays with it."""
    route = case.summary.get("route")
    case.summary = m.subject.summary(m.today) | _wanted(m)
    if route:
        case.summary["route"] = route
    case.student_name = m.subject.name
    case.from_school_id = m.subject.school_id
    case.facts = dict(report.trace.facts)
    case.findings = [f.to_dict() for f in report.trace.findings] + [
        {"system": c.code, "verdict": c.verdict, "sentence": c.sentence}
        for c in report.checks
        if c.verdict != "pass" and not any(f.rule == c.code for f in report.trace.findings)
    ]
    case.packs = policy.hash
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


def _launch(case: Case, who: Any, m: Material, policy: PolicySet, report: checks.Report) -> None:
    """Build the chain and hand the case to its second step; the first is the sending itself."""
    steps = routing.plan(policy, case.business, m.units, m.today)
    _freeze(case, m, policy, report)
    case.parties = routing.parties(m.units, steps)
    case.klasses = [m.subject.class_id] if m.subject.class_id else []
    case.summary["route"] = {str(p.seq): [p.side, p.duty, p.clock] for p in steps}
    case.status = CaseStatus.RUNNING
    now = timezone.now()
    rows = [
        CaseStep(
            case=case,
            seq=p.seq,
            label=p.label,
            role=p.role,
            org_id=p.org.pk,
            limit_days=p.limit_days,
            parties=case.parties,
            klasses=case.klasses,
            person_id=case.person_id,
        )
        for p in steps
    ]
    first = rows[0]
    first.state, first.decision, first.opinion = "done", "pass", str(_("提交申请"))
    first.arrived_at = first.decided_at = now
    first.due_on = add_workdays(m.today, first.limit_days) if first.limit_days else None
    first.decider_id, first.decider_name = case.creator_id, _submitter(case, who)
    CaseStep.objects.bulk_create(rows)
    arrive(case, rows[1], m.today)
    _share(case)
    save(case)
    write_seats(case)
    assert case.person_id is not None
    enrolment.set_open_case(case.person_id, case.number or "")


def _submitter(case: Case, who: Any) -> str:
    if who.user_id is not None:
        return str(who.user_name)
    from xueji.ground.accounts.models import User

    return User.objects.filter(pk=case.creator_id).values_list("display_name", flat=True).first() or ""


def _share(case: Case) -> None:
    """Evidence is seen by all who take part."""
    rows = CaseFile.objects.filter(case=case)
    rows.update(parties=case.parties, klasses=[], person_id=case.person_id)
    files.share(rows.values_list("file_id", flat=True), readers=case.parties)


def _wait(case: Case, actor: Any, others: list[Case]) -> None:
    other = others[0]
    holder = CaseStep.objects.filter(case=other, state="current").values_list("label", flat=True).first()
    sent = timezone.localtime(other.submitted_at).date() if other.submitted_at else ""
    case.waits_for = (
        _("%(label)s(%(day)s 发起, %(where)s)")
        % {"label": label_of(other.business), "day": sent, "where": holder or CaseStatus(other.status).label}
    )[:200]
    case.status = CaseStatus.WAITING
    save(case)
    write_seats(case)
    note(case, actor, "submit", _case_words(case))
    write_log(case, SYSTEM, "wait", case.waits_for)


def _case_words(case: Case) -> str:
    return f"{KINDS[case.business].label} {case.number}"


def _next_number(prefix: str, m: Material) -> str:
    """ZX-2026-990101-000123; the counter's row is the lock, a roll-back leaves no gap."""
    run = f"{prefix}-{m.today.year}-{m.units.start.division}"
    with connection.cursor() as c:
        c.execute(
            "insert into case_counter (run, last) values (%s, 1)"
            " on conflict (run) do update set last = case_counter.last + 1 returning last",
            [run],
        )
        return f"{run}-{c.fetchone()[0]:06d}"
