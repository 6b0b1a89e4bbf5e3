"""The readiness of a cohort (毕业准备清单): what the rules say, once for all children with the same facts.

Set-based: one statement reads the facts of all children of a list, each distinct combination is evaluated once, one
statement writes the rows. A combination is blocked (what the record forbids: another status, an open case, a problem
record; or a rule that only time or the school can satisfy), asks (a rule looks at something nobody stated), or is
ready with the result that the rules lead to: 毕业, 结业 when what is lacking is the child's own achievement, 肄业 when
it left midway.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.orgs.models import Org
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import Finding, article_words, caveat_words
from xueji.ground.policy.model import Cite
from xueji.ground.policy.statuses import Status

from . import facts as known_facts
from .facts import ACHIEVED, BUSINESS, CERTIFICATE, EVENTS
from .models import ListKind

ORDER = {"block": 0, "ask": 1, "warn": 2, "pass": 3}


@dataclass(frozen=True)
class Setting:
    """What all children of a list share."""

    kind: str
    stage: str
    cohort_year: int
    system: str
    school: Org
    effective_on: date
    today: date
    policy: PolicySet
    decided_by: tuple[str, ...]


@dataclass(frozen=True)
class Vector:
    """The facts in which children of a list differ."""

    status: int
    open_case: bool
    problem: bool
    prefix: str
    photo: bool
    verified: bool
    guest: bool
    moved_on: bool
    next_school: bool
    registered: bool
    given: str


@dataclass(frozen=True)
class Assessment:
    """What follows for a vector: verdict (ready, warn, ask, blocked), the result proposed, the lines to show."""

    verdict: str
    proposed: int | None
    findings: list[dict[str, Any]]
    facts: dict[str, Any]

    @property
    def hard(self) -> bool:
        """Blocked by the record itself: no reason helps."""
        return self.verdict == "blocked" and any(
            x["verdict"] == "block" and "action" in x for x in self.findings
        )


def assess(s: Setting, v: Vector) -> Assessment:
    """Judge one combination of facts: what the record forbids first, then the rules of the place."""
    given: dict[str, Any] = json.loads(v.given)
    facts = known_facts.known(
        stage=s.stage, cohort_year=s.cohort_year, system=s.system, on=s.effective_on, school=s.school,
        status=v.status, prefix=v.prefix, decided_by=list(s.decided_by), registered=v.registered,
    )  # fmt: skip
    if v.next_school:
        facts["case.next_school"] = _("已分配")
    facts |= given
    lines = list(_record(s, v))
    if any(x["verdict"] == "block" for x in lines):
        return _done("blocked", None, lines, facts)
    if s.kind == ListKind.UNDO:
        verdict, found = _ask_rules(s, "undo_finish", facts)
        if verdict != "pass":
            return _done("blocked" if verdict == "block" else "ask", None, lines + found, facts)
        return _done(
            "warn" if _warned(lines + found) else "ready", int(Status.STUDYING), lines + found, facts
        )
    if given.get("student.left_midway") is True and s.kind != ListKind.EXCHANGE:
        return _settle(s, Status.INCOMPLETE, lines, facts)
    verdict, found = _ask_rules(s, "graduate", facts)
    if verdict == "pass":
        all_lines = lines + found
        return _done("warn" if _warned(all_lines) else "ready", int(Status.GRADUATED), all_lines, facts)
    failed = {name for f in found if f["verdict"] == "block" for name in f["failing"]}
    if verdict == "block" and s.kind != ListKind.EXCHANGE and failed and failed <= ACHIEVED:
        # Everything that is lacking is the child's own achievement: the other result is looked at.
        kept = [x | {"verdict": "warn"} if x["verdict"] == "block" else x for x in found]
        return _settle(s, Status.COMPLETED, lines + kept, facts)
    return _done("blocked" if verdict == "block" else "ask", None, lines + found, facts)


def judge(s: Setting, result: int, facts: dict[str, Any], reason: str) -> tuple[str, list[dict[str, Any]]]:
    """What the rules say of one result for a child, when a person chooses it with a reason: pass, ask or block.

    Rules that hold 'in general' give way to the reason; those that must hold do not.
    """
    if result == Status.STUDYING:
        return _ask_rules(s, "undo_finish", facts, reason)
    return _ask_rules(s, BUSINESS[Status(result)], facts, reason)


def _settle(s: Setting, result: Status, lines: list[dict[str, Any]], facts: dict[str, Any]) -> Assessment:
    verdict, found = _ask_rules(s, BUSINESS[result], facts)
    if verdict == "pass":
        return _done("ready" if result is Status.INCOMPLETE else "warn", int(result), lines + found, facts)
    return _done("blocked" if verdict == "block" else "ask", None, lines + found, facts)


def _done(
    verdict: str, proposed: int | None, lines: list[dict[str, Any]], facts: dict[str, Any]
) -> Assessment:
    shown = sorted(lines, key=lambda x: ORDER[x["verdict"]])
    return Assessment(
        verdict, proposed, shown, {k: v.isoformat() if isinstance(v, date) else v for k, v in facts.items()}
    )


def _warned(lines: list[dict[str, Any]]) -> bool:
    return any(x["verdict"] == "warn" for x in lines)


def _ask_rules(
    s: Setting, business: str, facts: dict[str, Any], reason: str = ""
) -> tuple[str, list[dict[str, Any]]]:
    """All rules of a business: the severest verdict (pass, ask, block) and the lines, the severest first."""
    facts = facts | {"case.certificate": CERTIFICATE.get(business)}
    worst = "pass"
    lines: list[dict[str, Any]] = []
    for event in EVENTS:
        trace = s.policy.evaluate(f"{business}.{event}", facts, s.today)
        general = {f.rule: reason for f in trace.findings if f.overridable}
        if reason and general:
            trace = s.policy.evaluate(f"{business}.{event}", facts, s.today, general)
        for finding in trace.findings:
            line = _line(finding)
            lines.append(line)
            if line["verdict"] in ("ask", "block") and ORDER[line["verdict"]] < ORDER[worst]:
                worst = line["verdict"]
    return worst, lines


def _line(finding: Finding) -> dict[str, Any]:
    verdict = {"need_docs": "block", "route": "block"}.get(finding.verdict, finding.verdict)
    if verdict in ("block", "ask") and not finding.stops:
        verdict = "warn"
    failing = [
        name[1:]
        for name, value in finding.values.items()
        if name.startswith("$") and value is not None and not _met(name[1:], value)
    ]
    others = finding.verdict == "block" and not failing
    return {
        "code": finding.rule,
        "verdict": verdict,
        "sentence": finding.sentence,
        "article": finding.article,
        "caveat": "；".join(caveat_words(c) for c in finding.caveats if c != "source_cut"),
        "asks": [ask.name for ask in finding.asks if ask.kind in ("field", "judged")],
        "failing": ["*"] if others else failing,
    }


def _met(name: str, value: Any) -> bool:
    """Whether a fact that a rule looked at can be what it missed."""
    if name == "student.under_sanction":
        return value is False
    return value is not False and value != "不合格"


def _record(s: Setting, v: Vector) -> list[dict[str, Any]]:
    """What the record itself forbids or should be mended first."""
    out: list[dict[str, Any]] = []
    wanted = {ListKind.UNDO: tuple(BUSINESS), ListKind.EXCHANGE: (Status.COMPLETED,)}.get(
        ListKind(s.kind), (Status.STUDYING,)
    )
    if v.status not in wanted:
        out.append(
            _own(
                s, "status", "block",
                _("学籍状态为“%(now)s”, 只有“%(wanted)s”的学生可以列入") % {
                    "now": Status(v.status).label, "wanted": "、".join(str(w.label) for w in wanted)},
                _url(v.status),
            )
        )  # fmt: skip
    if v.moved_on:
        out.append(_own(s, "moved_on", "block", _("已有更晚的学籍变动, 不能再由本名册办理")))
    if v.open_case:
        out.append(_own(s, "open_case", "block", _("有正在办理的业务, 办结或撤销后才能列入")))
    if v.problem:
        out.append(_own(s, "problem", "block", _("有问题学籍没有处理完, 处理完后才能列入")))
    if s.kind == ListKind.UNDO:
        return out
    if not known_facts.served(s.stage, s.cohort_year, s.system, s.effective_on):
        end = known_facts.ends_on(s.stage, s.cohort_year, s.system)
        out.append(
            _own(
                s,
                "served",
                "warn",
                _("修业年限到 %s 期满, 名册的生效日期早于这个日期, 请核对学制") % f"{end:%Y-%m}",
            )
        )
    if v.prefix not in ("G", "J"):
        out.append(_own(s, "number", "warn", _("还没有正式学籍号, 建议先完成身份核验")))
    if not v.photo:
        out.append(_own(s, "photo", "warn", _("缺照片, 毕业证书和登记表上没有照片")))
    if not v.verified:
        out.append(_own(s, "verified", "warn", _("身份信息未核验")))
    if v.guest:
        out.append(_own(s, "guest", "warn", _("正在外校借读, 由学籍所在学校办理毕业")))
    return out


def _url(status: int) -> str:
    return "resume" if status == Status.SUSPENDED else ""


def _own(s: Setting, code: str, verdict: str, sentence: str, action: str = "") -> dict[str, Any]:
    cite = _cite(s, "status" if code in ("status", "moved_on") else "chain") if verdict == "block" else None
    article = f"《{cite.source.title}》{article_words(cite.article)}" if cite else ""
    return {
        "code": code, "verdict": verdict, "sentence": sentence, "article": article, "caveat": "", "asks": [],
        "failing": [], "action": action,
    }  # fmt: skip


def _cite(s: Setting, what: str) -> Cite | None:
    """Where it stands: the legal transition, or the order of business."""
    business = "undo_finish" if s.kind == ListKind.UNDO else "graduate"
    if what == "status":
        return next((t.cite for t in s.policy.transitions(business)), None)
    try:
        return s.policy.chain_for(business).cite
    except KeyError:
        return None
