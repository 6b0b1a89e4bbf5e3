"""资格审查: what the rules of the place say of a candidate, with their article (C-ENR-02).

Facts come from the candidate's line, the school's service area and plan, and from what the school states; a fact that
a rule asks for and nobody stated makes the candidate wait (待补充), never pass. Nothing here asks the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import Finding, caveat_words

from .models import Applicant, Area, Plan, Verdict

EVENT = "intake.apply"
REPORT = "admission.report"
#: Facts that the system fills in, or that its own questions below stand for.
_KNOWN = frozenset(
    {
        "student.stage", "student.birth_date", "student.age_at_entry", "student.hukou", "student.guardian_hukou",
        "student.residence", "school.in_zone", "case.applied_on", "case.due_on", "case.docs", "calendar.today",
        "student.late", "school.id",
    }
)  # fmt: skip
#: What the school states of a candidate beside the packs' own questions.
STATED = {
    "school.in_zone": "在学校服务范围内",
    "same_household": "与监护人户口一致",
    "lives_there": "户口与常住地一致",
}
_RANK = (Verdict.PASS, Verdict.WARN, Verdict.ASK, Verdict.BLOCK)


@dataclass(frozen=True)
class Setting:
    """What all candidates of a school, year and stage share."""

    policy: PolicySet
    year: int
    stage: str
    today: date
    areas: tuple[Area, ...] = ()
    plan: Plan | None = None

    @property
    def on(self) -> date:
        """The day on which rules are asked: inside the year of admission."""
        return self.today if self.today.year == self.year else date(self.year, 9, 1)


def in_zone(areas: Sequence[Area], area: str, division: str) -> bool | None:
    """Whether the school serves that place (C-ORG-09); None when neither the place nor the areas are known."""
    if not areas or not (area or division):
        return None
    for served in areas:
        if area and (served.name in area or area in served.name):
            return True
        if served.division and len(served.division) <= 6 and division.startswith(served.division):
            return True
    # A county's code alone does not tell the street.
    return False if area or any(s.division and len(s.division) <= 6 for s in areas) else None


def served_by(school_id: int, place: str) -> tuple[bool | None, list[str]]:
    """Whether a school serves a place, and what it serves; asked by transfers, in the writing role. One query."""
    areas = list(Area.objects.filter(school_id=school_id, asked_name="").order_by("name", "pk")[:500])
    return in_zone(areas, place, ""), [a.name for a in areas]


def age_at(born: date, year: int) -> int:
    """Whole years on the last day of August of the year of entry."""
    return year - born.year - ((born.month, born.day) > (8, 31))


def facts_of(s: Setting, a: Applicant) -> dict[str, Any]:
    """A candidate's facts by the packs' names; what nobody knows is left out."""
    own = dict(a.facts)
    zone = own.pop("school.in_zone", None)
    same, lives = own.pop("same_household", None), own.pop("lives_there", None)
    home = a.division or "here"
    facts: dict[str, Any] = {
        "student.stage": s.stage,
        "student.birth_date": a.birth_date,
        "student.age_at_entry": age_at(a.birth_date, s.year),
        "case.docs": list(a.papers),
        "case.applied_on": s.today,
        "school.in_zone": in_zone(s.areas, a.area, a.division) if zone is None else zone,
        **own,
    }
    if same is not None:
        facts |= {"student.hukou": home, "student.guardian_hukou": home if same else "elsewhere"}
    if lives is not None:
        facts |= {"student.hukou": home, "student.residence": home if lives else "elsewhere"}
    if s.plan is not None and s.plan.closes_on is not None:
        facts["case.due_on"] = s.plan.closes_on
    return {k: v for k, v in facts.items() if v is not None}


def assess(s: Setting, a: Applicant) -> tuple[str, list[dict[str, str]]]:
    """The verdict and its lines, the severest first. A stated reason lets general rules give way, never strict ones."""
    facts = facts_of(s, a)
    trace = s.policy.evaluate(EVENT, facts, s.on)
    general = {f.rule: a.override for f in trace.findings if f.force == "general"}
    if a.override and general:
        trace = s.policy.evaluate(EVENT, facts, s.on, general)
    worst = Verdict.PASS
    lines = []
    for finding in trace.findings:
        line = line_of(finding)
        lines.append(line)
        worst = max(worst, Verdict(line["verdict"]), key=_RANK.index)
    asked = {f.id for f in s.policy.facts_of(EVENT)}
    for fact, sentence in _place(s, a, facts):
        if not asked & set(fact):  # a rule of the place speaks for itself
            lines.append({"code": "place", "verdict": "warn", "sentence": sentence, "article": "", "caveat": "",
                          "papers": "", "general": ""})  # fmt: skip
            worst = max(worst, Verdict.WARN, key=_RANK.index)
    return str(worst), lines


def _place(s: Setting, a: Applicant, facts: dict[str, Any]) -> Iterable[tuple[tuple[str, ...], str]]:
    """What is to be flagged of where a candidate lives, with the facts that a rule would ask for (就近入学, 两个统一)."""
    if facts.get("school.in_zone") is False:
        served = "、".join(x.name for x in s.areas[:6]) or "—"
        yield (
            ("school.in_zone",),
            _("住址“%(place)s”不在本校服务范围内(%(served)s)")
            % {"place": a.area or a.division, "served": served},
        )
    if a.facts.get("same_household") is False:
        yield ("student.guardian_hukou",), _("学生与监护人的户口不一致")
    if a.facts.get("lives_there") is False:
        yield ("student.residence",), _("户口所在地与常住地不一致")


def line_of(finding: Finding) -> dict[str, str]:
    """A finding as it is kept with the candidate: verdict, sentence, article."""
    verdict = {"need_docs": "ask", "route": "block"}.get(finding.verdict, finding.verdict)
    if verdict in ("block", "ask") and not finding.stops:
        verdict = "warn"
    return {
        "code": finding.rule,
        "verdict": verdict,
        "sentence": finding.sentence,
        "article": finding.article,
        "caveat": "；".join(caveat_words(c) for c in finding.caveats if c != "source_cut"),
        "papers": "、".join(finding.missing_docs),
        "general": "1" if finding.force == "general" and verdict == "block" else "",
    }


def papers_of(policy: PolicySet, stage: str, on: date) -> list[str]:
    """新生材料清单: the papers that the rules of the place name for this stage, as a checklist (C-ENR-14)."""
    trace = policy.evaluate(EVENT, {"student.stage": stage, "case.docs": [], "student.age_at_entry": 0}, on)
    found = [name.split("|")[0] for f in trace.findings for name in f.missing_docs]
    return list(dict.fromkeys([*found, *USUAL]))


#: Papers that every new pupil's dossier holds.
USUAL = ("户口簿", "接种证", "体检表", "通讯录")


def questions(policy: PolicySet) -> list[tuple[str, str]]:
    """Facts that the school states, by yes or no: its own questions and those of the packs."""
    out = [(key, str(_(label))) for key, label in STATED.items()]
    out += [(f.id, f.label) for f in policy.facts_of(EVENT) if f.type == "bool" and f.id not in _KNOWN]
    return out


def may_report(s: Setting, a: Applicant, *, late: bool) -> Finding | None:
    """The rule that keeps a candidate from being received at the check-in, if one does (C-ENR-04)."""
    papers = [*a.papers, *(["录取通知书", "入学通知书"] if a.notice_no else [])]
    facts = {
        "student.stage": s.stage, "case.docs": papers, "student.late": late, "student.admission_plan": True,
    }  # fmt: skip
    trace = s.policy.evaluate(REPORT, facts, s.on)
    return next((f for f in trace.findings if f.stops), None)
