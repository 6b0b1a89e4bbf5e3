"""Checks before sending (发起前体检): what the rules say, with their article, and what the record itself forbids."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import Finding, Trace, caveat_words

from . import facts as fact_builder
from .facts import Material, form_date
from .kinds import KINDS
from .models import Case, CaseStatus

_LATEST = timedelta(days=366)


@dataclass(frozen=True)
class Check:
    """One line of the panel. verdict: pass, warn, ask or block; the last two keep a case from being sent."""

    code: str
    verdict: str
    sentence: str
    article: str = ""
    action_url: str = ""
    action_label: str = ""

    @property
    def stops(self) -> bool:
        """Whether the case cannot be sent."""
        return self.verdict in ("block", "ask")


@dataclass(frozen=True)
class Report:
    """The whole check: lines for people, and what the case keeps."""

    checks: list[Check]
    trace: Trace

    @property
    def stopping(self) -> list[Check]:
        """What keeps the case from being sent."""
        return [c for c in self.checks if c.stops]


def evaluate(policy: PolicySet, m: Material, event: str = "apply") -> Trace:
    """Ask the rules of the place about the case. Must run in the writing role."""
    return policy.evaluate(f"{m.case.business}.{event}", fact_builder.build(m), m.today)


def run(policy: PolicySet, m: Material, others: Iterable[Case]) -> Report:
    """All checks of a case as it stands; `others` are the child's other open cases. Must run in the writing role."""
    trace = evaluate(policy, m)
    own = list(_system(policy, m, trace, list(others)))
    rules = [_of_finding(m, f) for f in trace.findings]
    order = {"block": 0, "ask": 1, "warn": 2, "pass": 3}
    return Report(sorted(own + rules, key=lambda c: order[c.verdict]), trace)


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
    return Check(finding.rule, verdict, finding.sentence, caveats, url, label)


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
    if case.business == "transfer" and s.school_id == m.units.start.pk:
        yield Check("place", "block", _("该生的学籍已经在本校, 不需要转学"))
    if case.business != "transfer" and s.school_id != m.units.start.pk:
        yield Check("place", "block", _("该生的学籍已不在本校, 不能由本校办理"))
    yield from _open_cases(others)
    if s.problem and case.business != "correct_key":
        yield Check("problem", "block", _("该生有问题学籍没有处理完, 处理完后才能提交。草稿会保留"))
    yield from _window(policy, m)
    yield from _dates(m)
    if case.business in ("transfer", "resume"):
        yield from _class(m)
    yield from _documents(policy, m, trace)
    if case.business == "correct_key" and not trace.facts.get("case.changed_fields"):
        yield Check(
            "fields", "block", _("还没有填写要变更的内容"), action_url="#form", action_label=_("去填写")
        )
    if case.business == "correct_key":
        yield from _number(trace.facts)


def _open_cases(others: list[Case]) -> Iterable[Check]:
    if not others:
        yield Check("open_case", "pass", _("没有其他正在办理的业务"))
    for other in others:
        label = KINDS[other.business].label if other.business in KINDS else other.business
        yield Check(
            "open_case",
            "warn",
            _("该生还有一件业务没有办完: %(label)s(%(day)s 发起)。可以提交, 提交后会等待, 那件办完后自动继续")
            % {"label": label, "day": other.submitted_at.date() if other.submitted_at else ""},
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
    wanted = {
        "transfer": (("effective_on", _("转入日期")),),
        "suspend": (("start", _("休学开始日期")), ("end", _("休学结束日期"))),
        "resume": (("resume_on", _("复学日期")),),
    }.get(m.case.business, ())
    for key, label in wanted:
        day = form_date(form, key)
        if day is None:
            text = _("还没有填写%s") % label
        elif day < m.today:
            text = _("%(label)s %(day)s 已经过去, 请改为今天或以后") % {"label": label, "day": day}
        elif day > m.today + _LATEST and key != "end":
            text = _("%(label)s %(day)s 在一年以后, 请核对") % {"label": label, "day": day}
        else:
            continue
        yield Check("dates", "block", text, action_url=f"#id_{key}", action_label=_("去填写"))
    start, end = form_date(form, "start"), form_date(form, "end")
    if m.case.business == "suspend" and start and end and end <= start:
        yield Check(
            "dates", "block", _("休学结束日期要晚于开始日期"), action_url="#id_end", action_label=_("去修改")
        )
    if not form.get("reason"):
        yield Check("reason", "block", _("还没有选择原因"), action_url="#id_reason", action_label=_("去选择"))


def _class(m: Material) -> Iterable[Check]:
    place, grade = m.place, m.subject.grade(m.today)
    if place is None or place.closed or place.school_id != m.units.start.pk:
        yield Check(
            "class",
            "block",
            _("还没有选择编入的班级"),
            action_url="#id_to_class_id",
            action_label=_("去选择"),
        )
        return
    to = place.grade(m.today)
    if m.case.business == "transfer" and (to is None or grade is None or to.code != grade.code):
        yield Check(
            "grade",
            "block",
            _("该生现为%(now)s, 所选班级是%(to)s, 转学要在同一年级")
            % {"now": grade.label if grade else "—", "to": to.label if to else "—"},
            action_url="#id_to_class_id",
            action_label=_("去修改"),
        )
    else:
        yield Check("grade", "pass", _("编入%s") % place.label(m.today))
    after = place.size + (0 if m.subject.class_id == place.id and m.subject.status == 1 else 1)
    words = {"class": place.label(m.today), "n": after, "cap": place.capacity}
    if after > place.capacity:
        yield Check(
            "capacity",
            "block",
            _("%(class)s额定 %(cap)s 人, 编入后有 %(n)s 人, 已经满额。请选其他班级, 或报主管部门统筹")
            % words,
            action_url="#id_to_class_id",
            action_label=_("换一个班"),
        )
    else:
        yield Check("capacity", "pass", _("%(class)s编入后 %(n)s 人, 额定 %(cap)s 人") % words)


def _documents(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    """Papers that the form asks for and no rule has already missed."""
    told = {doc for name in trace.missing_docs for doc in name.split("|")}
    for slot in policy.business(m.case.business).evidence:
        if slot.required and slot.doc not in m.docs and slot.doc not in told:
            yield Check(
                "docs",
                "block",
                _("还缺材料: %s") % slot.label,
                action_url="#materials",
                action_label=_("去上传"),
            )


def _number(known: Any) -> Iterable[Check]:
    if known.get("call.identity_match") is False:
        yield Check(
            "number",
            "block",
            _("证件号与性别、出生日期不一致, 或号码本身有误, 请对照户口簿再看一遍"),
            action_url="#id_new_number",
            action_label=_("去修改"),
        )
    if known.get("call.dedup_national") is False:
        yield Check(
            "dedup", "block", _("新证件号已由另一名学生使用, 不能变更。如果对方登记有误, 请先办理问题学籍")
        )


def open_statuses() -> tuple[str, ...]:
    """Statuses in which a case keeps others of the same child waiting."""
    return (CaseStatus.RUNNING, CaseStatus.RETURNED, CaseStatus.APPROVED)
