"""Which facts the rules of graduation look at: what the record knows, and what the school has to state.

The record knows: student.stage, .status, .number_prefix, .has_record, .registered, .graduating and .served (the
years of the stage are over on the day of effect); case.decided_by lists the offices of the chain that the list takes,
case.certificate the paper that goes with a result, case.next_school the school that a graduate was placed at.
Everything else that a rule of the place asks for is stated by the school, child by child or for all at once, and what
nobody stated is unknown: it is asked for and never passes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.orgs.models import Org, OrgKind
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.statuses import Status
from xueji.registry.changes.routing import Planned

from .errors import YearlyError

BUSINESS = {Status.GRADUATED: "graduate", Status.COMPLETED: "complete", Status.INCOMPLETE: "end_early"}
RESULTS = tuple(BUSINESS)
CERTIFICATE = {"graduate": "毕业证书", "complete": "结业证书", "end_early": "肄业证明"}
EVENTS = ("apply", "effect")
#: Filled in by the system; a school cannot state them otherwise.
KNOWN = frozenset(
    {
        "student.stage", "student.grade", "student.status", "student.number_prefix", "student.has_record",
        "student.registered", "student.graduating", "student.served", "student.has_id_number", "student.home_school",
        "school.id", "case.decided_by", "case.certificate", "case.confirmed_roles", "case.channel",
        "case.system_failure", "case.effective_on", "calendar.today",
    }
)  # fmt: skip
#: What a child has to have achieved: failing here means another result, failing elsewhere means not yet.
ACHIEVED = frozenset(
    {
        "student.results", "student.subjects_passed", "student.conduct_passed", "student.sport_passed",
        "student.under_sanction", "student.completed",
    }
)  # fmt: skip
_OFFICES = {
    OrgKind.SCHOOL: ("学校",),
    OrgKind.COUNTY: ("县级教育行政部门", "县教育局", "学籍主管部门"),
    OrgKind.CITY: ("市级教育行政部门", "市教育局", "学籍主管部门"),
    OrgKind.PROVINCE: ("省级教育行政部门", "学籍主管部门"),
}


@dataclass(frozen=True)
class Question:
    """A fact that the school states: its choices as (stored value, word); none for free text."""

    id: str
    label: str
    choices: tuple[tuple[str, str], ...]

    def read(self, raw: str) -> Any:
        """The stored value of what was chosen; None takes it back. Raises `YearlyError`."""
        raw = raw.strip()[:60]
        if not raw:
            return None
        if not self.choices:
            return raw
        values: dict[str, Any] = {"true": True, "false": False}
        if raw not in {value for value, _word in self.choices}:
            raise YearlyError(_("请从列表中选择“%s”") % self.label)
        return values.get(raw, raw)

    def word(self, value: Any) -> str:
        """How a stated value reads."""
        key = {True: "true", False: "false"}.get(value, str(value))
        return dict(self.choices).get(key, str(value))


def questions(
    policy: PolicySet, businesses: Iterable[str] = tuple(BUSINESS.values())
) -> tuple[Question, ...]:
    """The facts that the rules of this place ask of the school, in the order of the rules."""
    found: dict[str, Question] = {}
    for business in businesses:
        for event in EVENTS:
            for item in policy.facts_of(f"{business}.{event}"):
                if item.id in KNOWN or item.id in found or item.type not in ("bool", "string"):
                    continue
                choices: tuple[tuple[str, str], ...] = ()
                if item.type == "bool":
                    choices = (("true", _("是")), ("false", _("否")))
                elif item.id == "student.results":
                    choices = (("合格", _("合格")), ("不合格", _("不合格")))
                found[item.id] = Question(item.id, item.label, choices)
    return tuple(found.values())


def offices(steps: Iterable[Planned], orgs: dict[int, Org]) -> list[str]:
    """The offices of a chain in order, by the names under which rules speak of them."""
    out: list[str] = []
    for step in steps:
        out += [word for word in _OFFICES.get(OrgKind(orgs[step.org.pk].kind), ()) if word not in out]
    return out


def ends_on(stage: str, cohort_year: int, system: str) -> date:
    """The day on which the years of a stage are over: the first of July of the last one."""
    return date(cohort_year + int(system.split("-")["PJS".index(stage)]), 7, 1)


def served(stage: str, cohort_year: int, system: str, on: date) -> bool:
    """Whether the years of the stage are over on a day; the last June counts (修业期满)."""
    end = ends_on(stage, cohort_year, system)
    return on >= end.replace(month=6, day=1)


def known(
    *,
    stage: str,
    cohort_year: int,
    system: str,
    on: date,
    school: Org,
    status: int,
    prefix: str,
    decided_by: list[str],
    registered: bool = True,
) -> dict[str, Any]:
    """The facts that the record itself has. `registered`: a senior's yearly registration was approved; true of others."""
    return {
        "student.stage": stage,
        "student.status": Status(status).code_label,
        "student.number_prefix": prefix,
        "student.has_record": True,
        "student.registered": registered,
        "student.graduating": True,
        "student.served": served(stage, cohort_year, system, on),
        "student.home_school": str(school.pk),
        "school.id": str(school.pk),
        "school.id.label": school.name,
        "case.channel": "electronic",
        "case.system_failure": False,
        "case.effective_on": on,
        "case.decided_by": decided_by,
    }
