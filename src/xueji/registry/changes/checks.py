"""Checks before sending (发起前体检): what the rules say, with their article, and what the record itself forbids."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import Finding, Trace, caveat_words

from . import facts as fact_builder
from . import twins
from .business import KINDS, Check, asking, label_of
from .material import Material, form_date
from .models import Case, CaseStatus
from .routing import slots_of

_LATEST = timedelta(days=366)


@dataclass(frozen=True)
class Report:
    """The whole check: lines for people, what the case keeps, and whose records it told of (疑似同一人)."""

    checks: list[Check]
    trace: Trace
    twins: tuple[uuid.UUID, ...] = ()

    @property
    def stopping(self) -> list[Check]:
        """What keeps the case from being sent."""
        return [c for c in self.checks if c.stops]


def evaluate(policy: PolicySet, m: Material, event: str = "apply") -> Trace:
    """Ask the rules of the place about the case. Must run in the writing role."""
    kind = KINDS[m.case.business]
    own = {"event.kind": policy.business(m.case.business).label, **kind.facts(m)}
    reasons = {rule: stated["reason"] for rule, stated in m.case.overrides.items()}
    return policy.evaluate(f"{m.case.business}.{event}", fact_builder.build(m, own), m.today, reasons)


def overridable(finding: Finding) -> bool:
    """Whether the starter may go on in spite of it with a stated reason: rules of force 一般, met and not unknown."""
    return finding.force == "general" and finding.verdict in ("block", "route", "need_docs")


def run(policy: PolicySet, m: Material, others: Iterable[Case]) -> Report:
    """All checks of a case as it stands; `others` are the child's other open cases. Must run in the writing role."""
    trace = evaluate(policy, m)
    own = list(_system(policy, m, trace, list(others)))
    rules = [_of_finding(m, f) for f in trace.findings]
    alike = twins.find(m)
    own += twins.checks(m.case, alike)
    order = {"block": 0, "ask": 1, "warn": 2, "pass": 3}
    lines = sorted(own + rules, key=lambda c: order[c.verdict])
    return Report(lines, trace, tuple(twin.person_id for twin in alike))


def _of_finding(m: Material, finding: Finding) -> Check:
    verdict = finding.verdict
    if verdict in ("need_docs", "route"):
        verdict = "block"
    if verdict in ("block", "ask") and not finding.stops:
        verdict = "warn"
    url, label = "", ""
    if verdict in ("block", "ask"):
        docs = finding.verdict == "need_docs"
        url, label = ("#materials", _("去上传")) if docs else ("#form", _("去修改"))
    caveats = "；".join(caveat_words(code) for code in finding.caveats if code != "source_cut")
    words = finding.sentence
    if finding.overridden:
        words = _("%(rule)s。例外放行, 理由: %(why)s") % {"rule": words, "why": finding.overridden}
    return Check(finding.rule, verdict, words, caveats, url, label, overridable(finding) and finding.stops)


def _system(policy: PolicySet, m: Material, trace: Trace, others: list[Case]) -> Iterable[Check]:
    s, case = m.subject, m.case
    kind = KINDS[case.business]
    if s.status in kind.from_statuses:
        yield Check("status", "pass", _("学籍状态“%s”可以办理") % s.status.label)
    else:
        yield Check(
            "status",
            "block",
            _("学籍状态为“%(status)s”的学生不能办理%(kind)s")
            % {"status": s.status.label, "kind": kind.label},
        )
    if kind.lookup and s.school_id == m.units.start.pk:
        yield Check("place", "block", _("该生的学籍已经在本校, 不需要办理%(kind)s") % {"kind": kind.label})
    if not (kind.lookup or kind.guest) and s.school_id != m.units.start.pk:
        yield Check("place", "block", _("该生的学籍已不在本校, 不能由本校办理"))
    yield from _open_cases(others)
    if s.problem and not kind.despite_problem:
        yield Check(
            "problem", "warn", _("该生有问题学籍没有处理完。可以提交, 提交后会等待, 处理完后自动继续")
        )
    if s.open_case and s.open_case not in {case.number, *(o.number for o in others)}:
        yield Check("held", "block", _("该生正在办理 %s, 办完后才能提交。草稿会保留") % s.open_case)
    yield from _window(policy, m)
    yield from _dates(m)
    yield from _documents(policy, m, trace)
    yield from kind.checks(policy, m, trace)
    yield from asking.checks(policy, kind.id, kind.events(case), m.today, trace)


def _open_cases(others: list[Case]) -> Iterable[Check]:
    if not others:
        yield Check("open_case", "pass", _("没有其他正在办理的业务"))
    for other in others:
        yield Check(
            "open_case",
            "warn",
            _("该生还有一件业务没有办完: %(label)s(%(day)s 发起)。可以提交, 提交后会等待, 那件办完后自动继续")
            % {
                "label": label_of(other.business),
                "day": timezone.localdate(other.submitted_at) if other.submitted_at else "",
            },
        )


def _window(policy: PolicySet, m: Material) -> Iterable[Check]:
    grade = m.subject.grade(m.today)
    window = policy.closed_by(m.case.business, m.today, graduating=bool(grade and grade.last))
    if window is None:
        yield Check("window", "pass", _("现在可以办理这项业务"))
        return
    words = (
        _("%(label)s(%(start)s 至 %(end)s), 现在不能提交。草稿会保留, 开放后可以提交")
        if window.kind == "pause"
        else _("不在办理时间内: %(label)s 为 %(start)s 至 %(end)s。草稿会保留, 开放后可以提交")
    )
    source = window.cite.source
    yield Check(
        "window",
        "block",
        words % {"label": window.label, "start": window.start, "end": window.end},
        f"《{source.title}》{source.doc_no}",
    )


def _dates(m: Material) -> Iterable[Check]:
    form = m.case.form
    kind = KINDS[m.case.business]
    for key, label in kind.days:
        day = form_date(form, key)
        if day is None:
            text = _("还没有填写%s") % label
        elif day < m.today and not _true_day(m, key, day):
            text = _("%(label)s %(day)s 已经过去, 请改为今天或以后") % {"label": label, "day": day}
        elif day > m.today + _LATEST and key != "end":
            text = _("%(label)s %(day)s 在一年以后, 请核对") % {"label": label, "day": day}
        else:
            continue
        yield Check("dates", "block", text, action_url=f"#id_{key}", action_label=_("去填写"))
    if kind.needs_reason and not form.get("reason"):
        yield Check("reason", "block", _("还没有选择原因"), action_url="#id_reason", action_label=_("去选择"))


def _true_day(m: Material, key: str, day: date) -> bool:
    """Entered after an outage: the day of effect is the true one, or later."""
    if not m.case.outage:
        return False
    return key != KINDS[m.case.business].days[0][0] or day.isoformat() >= m.case.outage["on"]


def _documents(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    """Papers that the form asks for and no rule has already missed."""
    told = {doc for name in trace.missing_docs for doc in name.split("|")}
    for slot in slots_of(policy, m.case):
        if slot.required and slot.doc not in m.docs and slot.doc not in told:
            yield Check(
                "docs",
                "block",
                _("还缺材料: %s") % slot.label,
                action_url="#materials",
                action_label=_("去上传"),
            )


def open_statuses() -> tuple[str, ...]:
    """Statuses in which a case keeps others of the same child waiting."""
    return (CaseStatus.RUNNING, CaseStatus.RETURNED, CaseStatus.APPROVED)
