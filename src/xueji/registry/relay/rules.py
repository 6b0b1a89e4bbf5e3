"""What the rules of this side's place say to a transfer, with their articles, and what the record itself forbids.

Each side asks its own packs: the receiving one before it sends the request, the losing one when it decides. What only
the other side can know (the class there, papers held there) is no reason to stop here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.orgs.models import Org, Term
from xueji.ground.policy import calendar
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import Finding, Trace, article_words, caveat_words
from xueji.registry.changes.subject import ClassPlace

from .chains import BUSINESS, VARIANT
from .models import RelayCase, RelayStep, Side

_LATEST = timedelta(days=366)


@dataclass(frozen=True)
class Check:
    """One line of the panel: verdict pass, warn, ask or block; the last two keep a transfer from being sent."""

    code: str
    verdict: str
    sentence: str
    article: str = ""
    action_url: str = ""
    action_label: str = ""

    @property
    def stops(self) -> bool:
        """Whether it cannot go on like this."""
        return self.verdict in ("block", "ask")


@dataclass(frozen=True)
class _TermRow:
    school_year: int
    number: int
    start: date
    end: date


def day_of(form: dict[str, Any], key: str) -> date | None:
    """A date of the stored form."""
    raw = form.get(key)
    return date.fromisoformat(raw) if raw else None


def facts(
    case: RelayCase,
    *,
    school: Org,
    submitted_by: str,
    today: date,
    place: ClassPlace | None,
    steps: Iterable[RelayStep],
) -> dict[str, Any]:
    """The facts of a transfer by the names that the packs declare."""
    s, form = case.summary, case.form
    to = place.grade(today) if place else None
    rows = [
        _TermRow(t.year_id, t.number, t.starts, t.ends)
        for t in Term.objects.filter(year__in=[today.year - 1, today.year, today.year + 1])
    ]
    known: dict[str, Any] = {
        "student.stage": s.get("stage"),
        "student.grade": s.get("grade_code") or None,
        "student.grade.label": s.get("grade") or None,
        "student.status": s.get("status"),
        "student.birth_date": s.get("birth_date"),
        "student.number_prefix": s.get("number_prefix"),
        "student.home_school": case.other_code if case.side == Side.IN else str(school.pk),
        "student.has_id_number": s.get("has_id_number"),
        "student.has_record": True,
        "school.id": str(school.pk) if case.side == Side.IN else case.other_code,
        "school.id.label": school.name if case.side == Side.IN else case.other_school,
        "case.channel": "electronic",
        "case.system_failure": False,
        "case.submitted_by": submitted_by,
        "case.variant": VARIANT,
        "case.reason": form.get("reason") or None,
        "case.docs": sorted(p["slot"] for p in case.papers),
        "case.confirmed_roles": sorted(f"{x.side}.{x.duty}" for x in steps if x.state == "done"),
        "case.from_grade": s.get("grade_code") or None,
        "case.from_grade.label": s.get("grade") or None,
        "case.effective_on": day_of(form, "effective_on"),
    }
    if case.side == Side.IN:
        known |= {
            "case.to_grade": to.code if to else None,
            "case.to_grade.label": to.label if to else None,
            "class.size_after": place.size + 1 if place else None,
        }
    else:
        known |= {
            "case.to_grade": form.get("to_grade_code") or None,
            "case.to_grade.label": form.get("to_grade") or None,
            "class.size_after": form.get("size_after"),
        }
    return known | dict(calendar.anchors(today, rows))


def ask(policy: PolicySet, known: dict[str, Any], today: date, event: str = "apply") -> Trace:
    """Put the facts to the rules of the place."""
    return policy.evaluate(f"{BUSINESS}.{event}", known, today)


def forbids(case: RelayCase, finding: Finding) -> bool:
    """Whether a finding stops this side. The losing side does not stop for what it is merely not told."""
    return finding.stops and not (case.side == Side.OUT and finding.verdict in ("ask", "need_docs"))


def of_findings(case: RelayCase, trace: Trace) -> list[Check]:
    """The findings as lines of the panel."""
    out = []
    for f in trace.findings:
        verdict = "block" if f.verdict in ("need_docs", "route") else f.verdict
        if verdict in ("block", "ask") and not forbids(case, f):
            verdict = "warn"
        url, label = "", ""
        if verdict in ("block", "ask"):
            docs = f.verdict == "need_docs"
            url, label = ("#materials", _("去上传")) if docs else ("#form", _("去修改"))
        caveats = "；".join(caveat_words(c) for c in f.caveats if c != "source_cut")
        out.append(Check(f.rule, verdict, f.sentence, caveats, url, label))
    return out


def of_receiving(
    policy: PolicySet, case: RelayCase, trace: Trace, place: ClassPlace | None, today: date
) -> Iterable[Check]:
    """What this school must have done before it sends: class, day, reason, papers."""
    form, s = case.form, case.summary
    allowed = (
        set(policy.param("transfer.states_allowed").value)
        if _has(policy, "transfer.states_allowed")
        else set()
    )
    if allowed and s.get("status") not in allowed:
        yield Check("status", "block", _("学籍状态为“%s”的学生不能办理转学") % s.get("status"))
    else:
        yield Check("status", "pass", _("学籍状态“%s”可以办理") % s.get("status"))
    window = policy.closed_by(BUSINESS, today, graduating=bool(s.get("last_grade")))
    if window is not None:
        yield Check(
            "window",
            "block",
            _("%(label)s(%(start)s 至 %(end)s), 现在不能提交。草稿会保留")
            % {"label": window.label, "start": window.start, "end": window.end},
            f"《{window.cite.source.title}》{window.cite.source.doc_no}",
        )
    day = day_of(form, "effective_on")
    if day is None or day < today or day > today + _LATEST:
        text = _("转入日期应为今天以后、一年以内") if day else _("还没有填写转入日期")
        yield Check("dates", "block", text, "", "#id_effective_on", _("去填写"))
    if not form.get("reason"):
        yield Check("reason", "block", _("还没有选择原因"), "", "#id_reason", _("去选择"))
    yield from _class(case, place, today)
    told = {doc for name in trace.missing_docs for doc in name.split("|")}
    have = {p["slot"] for p in case.papers}
    for slot in policy.business(BUSINESS).evidence:
        if slot.required and slot.doc not in have and slot.doc not in told:
            yield Check("docs", "block", _("还缺材料: %s") % slot.label, "", "#materials", _("去上传"))


def _class(case: RelayCase, place: ClassPlace | None, today: date) -> Iterable[Check]:
    if place is None or place.closed or place.school_id != case.org_id:
        yield Check("class", "block", _("还没有选择编入的班级"), "", "#id_to_class_id", _("去选择"))
        return
    to = place.grade(today)
    if to is None or to.code != case.summary.get("grade_code"):
        words = {"now": case.summary.get("grade") or "—", "to": to.label if to else "—"}
        yield Check(
            "grade",
            "block",
            _("该生现为%(now)s, 所选班级是%(to)s, 转学要在同一年级") % words,
            "",
            "#id_to_class_id",
            _("去修改"),
        )
        return
    words = {"class": place.label(today), "n": str(place.size + 1), "cap": str(place.capacity)}
    if place.size + 1 > place.capacity:
        yield Check(
            "capacity",
            "block",
            _("%(class)s额定 %(cap)s 人, 编入后有 %(n)s 人, 已经满额。请选其他班级, 或报主管部门统筹")
            % words,
            "",
            "#id_to_class_id",
            _("换一个班"),
        )
    else:
        yield Check("capacity", "pass", _("%(class)s编入后 %(n)s 人, 额定 %(cap)s 人") % words)


def _has(policy: PolicySet, name: str) -> bool:
    return name in policy.param_ids() and policy.param(name).stated


def article(policy: PolicySet) -> str:
    """The text on which transfers rest."""
    cite = policy.business(BUSINESS).cite
    return f"《{cite.source.title}》{article_words(cite.article)}"
