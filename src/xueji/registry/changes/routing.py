"""Who decides a case, in which order, until when: the chain of the packs with the units of the case put in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.utils.translation import gettext as _

from xueji.ground.accounts.roles import Role
from xueji.ground.orgs.models import AUTHORITY_KINDS, Org, OrgKind, School
from xueji.ground.policy import places
from xueji.ground.policy.calendar import add_workdays
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.model import EvidenceSlot, Step

from . import papers, results
from .errors import CaseError
from .models import Case, StepMode

_ROLES = {
    (OrgKind.SCHOOL, "clerk"): Role.REGISTRAR,
    (OrgKind.SCHOOL, "head"): Role.SCHOOL_HEAD,
    (OrgKind.CENTRAL, "clerk"): Role.CENTRAL_CLERK,
    (OrgKind.COUNTY, "clerk"): Role.COUNTY_CLERK,
    (OrgKind.COUNTY, "head"): Role.COUNTY_HEAD,
    (OrgKind.CITY, "clerk"): Role.CITY_CLERK,
    (OrgKind.CITY, "head"): Role.CITY_HEAD,
    (OrgKind.PROVINCE, "clerk"): Role.PROVINCE_CLERK,
    (OrgKind.PROVINCE, "head"): Role.PROVINCE_HEAD,
}
CLERK_ROLES = frozenset(role for (_kind, duty), role in _ROLES.items() if duty == "clerk")
#: A central school has a clerk alone: its only officer presses as well.
_HEAD_OF = {OrgKind(kind): role for (kind, duty), role in _ROLES.items() if duty == "head"} | {
    OrgKind.CENTRAL: Role.CENTRAL_CLERK
}
#: Where the paper of what was done while the system was down is kept (补录).
OUTAGE_SLOT = EvidenceSlot(
    "线下办理凭证", "线下办理凭证(纸质审批表)", True, "系统故障期间经各方签字盖章的纸质材料"
)


def role_at(kind: str, duty: str) -> str:
    """The role that has a duty in a kind of unit; empty where there is none."""
    found = _ROLES.get((OrgKind(kind), duty))
    return found.value if found else ""


def head_role(kind: str) -> str:
    """Who answers for a unit of this kind; empty where nobody does."""
    found = _HEAD_OF.get(OrgKind(kind))
    return found.value if found else ""


@dataclass(frozen=True)
class Units:
    """The organisations of a case: the starting school, the child's, the one that receives, and their authorities."""

    start: Org
    start_authority: Org
    source: Org
    source_authority: Org
    target: Org | None
    target_authority: Org | None
    variant: str = ""

    def side(self, name: str) -> Org:
        """The unit that a chain calls `to_school`, `from_authority`, `central` and so on. Raises `CaseError`."""
        found = self.find(name)
        if found is None:
            raise CaseError(_("办理流程中的单位没有找到, 请联系系统管理员核对单位设置"))
        return found

    def find(self, name: str) -> Org | None:
        """As `side`, or None when there is no such unit above the school."""
        tier = name.removeprefix("from_")
        if tier in (OrgKind.CENTRAL, OrgKind.CITY, OrgKind.PROVINCE):
            return _above(self.source if name.startswith("from_") else self.start, tier)
        return {
            "school": self.start,
            "authority": self.start_authority,
            "to_school": self.target,
            "to_authority": self.target_authority,
            "from_school": self.source,
            "from_authority": self.source_authority,
            "higher_authority": self.start_authority.parent,
        }.get(name)

    @property
    def all(self) -> list[Org]:
        """Each unit once."""
        units = (
            self.start,
            self.start_authority,
            self.source,
            self.source_authority,
            self.target,
            self.target_authority,
        )
        return list({o.pk: o for o in units if o is not None}.values())


def _above(org: Org, kind: str) -> Org | None:
    unit: Org | None = org
    while unit is not None and unit.kind != kind:
        unit = unit.parent
    return unit


@dataclass(frozen=True)
class Planned:
    """A step before it begins; steps of one `clock` share its days, steps of one `turn` stand side by side."""

    seq: int
    label: str
    role: str
    duty: str
    side: str
    org: Org
    limit_days: int
    clock: str
    due_on: date
    turn: int = 1
    branch: str = ""
    mode: str = "approve"
    limit_default: bool = False


_WITH_ABOVE = (
    "select * from org where id = any(%s) or id = any(select unnest(string_to_array(trim(both '/' from o.path), '/'))::int"
    " from org o where o.id = any(%s))"
)


def units_of(start_school: int, source_school: int, target_school: int | None) -> Units:
    """Load the units of a case with all that stand above them: two queries."""
    ids = list({x for x in (start_school, source_school, target_school) if x is not None})
    authority = dict(School.objects.filter(pk__in=ids).values_list("org_id", "county_id"))
    orgs = {o.pk: o for o in Org.objects.raw(_WITH_ABOVE, [list(authority.values()), ids])}
    for org in orgs.values():
        org.parent = orgs.get(org.parent_id) if org.parent_id else None
    return Units(
        start=orgs[start_school],
        start_authority=orgs[authority[start_school]],
        source=orgs[source_school],
        source_authority=orgs[authority[source_school]],
        target=orgs[target_school] if target_school is not None else None,
        target_authority=orgs[authority[target_school]] if target_school is not None else None,
    )


def policy_for(unit: Org, on: date) -> PolicySet:
    """The rules that hold for a unit on a day."""
    return places.policy_for(unit, on)


def variant_of(business: str, units: Units) -> str:
    """What the kind of case has found (`Kind.variant`); of a transfer `same_county`, `other_county` or
    `other_province`; empty for the rest."""
    if units.variant or business != "transfer":
        return units.variant
    if units.source_authority.pk == (units.target_authority or units.start_authority).pk:
        return "same_county"
    return "other_county" if units.source.division[:2] == units.start.division[:2] else "other_province"


def plan(policy: PolicySet, business: str, units: Units, on: date) -> list[Planned]:
    """The steps of a case submitted on `on`, with the day by which each must be done if all take their full time.

    Where no text gives days, this system's own default counts and is marked as such. Raises `CaseError` when the
    packs of the place declare no chain for this business, or name a unit or an officer that is not there.
    """
    try:
        chain = policy.chain_for(business, variant_of(business, units))
    except KeyError as error:
        raise CaseError(_("本地规则没有规定这项业务的办理流程, 请联系主管部门")) from error
    steps = list(_present(chain.steps, units))
    out: list[Planned] = []
    turn, start, reached = 0, on, on  # `reached`: the day by which all before a turn is done
    line: tuple[str, date] | None = None  # clock and day of the step before
    branches: dict[str, tuple[str, date]] = {}
    for i, (step, org, role) in enumerate(steps):
        forked = bool(step.branch)
        if not (forked and i and steps[i - 1][0].branch):
            turn, start, branches = turn + 1, reached, {}
        days = step.days or settings.CASE_STEP_DAYS
        held = branches.get(step.branch) if forked else line
        since = held[1] if held and forked else start
        due = held[1] if held and held[0] == step.clock else add_workdays(since, days)
        if step.mode != StepMode.FILE:
            line = None if forked else (step.clock, due)
            branches[step.branch] = (step.clock, due)
            reached = max(reached, due)
        out.append(
            Planned(
                seq=len(out) + 1,
                label=step.label,
                role=role,
                duty=step.role,
                side=step.side,
                org=org,
                limit_days=days,
                clock=step.clock,
                due_on=due,
                turn=turn,
                branch=step.branch,
                mode=step.mode,
                limit_default=step.days is None,
            )
        )
    return out


def _present(steps: Iterable[Step], units: Units) -> Iterable[tuple[Step, Org, str]]:
    """The steps whose unit is there. Raises `CaseError` for one that must not be left out."""
    seen: set[tuple[int, str]] = set()
    for step in steps:
        org = units.find(step.side) if step.optional else units.side(step.side)
        role = role_at(org.kind, step.role) if org else ""
        if org is None or (step.optional and (not role or (org.pk, role) in seen)):
            continue
        if not role:
            raise CaseError(_("%(org)s 没有能办理“%(step)s”的岗位") % {"org": org.name, "step": step.label})
        seen.add((org.pk, role))
        yield step, org, role


def slots_of(policy: PolicySet, case: Case) -> tuple[EvidenceSlot, ...]:
    """The papers of a case: those of its kind, and the paper file of what was done while the system was down."""
    slots = papers.slots(policy, case.business, case.summary.get("stage", ""))
    if results.late(case.business, case.summary) and results.slot_of(slots) is None:
        slots = (*slots, results.SLOT)
    return (*slots, OUTAGE_SLOT) if case.outage else slots


def parties(units: Units, steps: Iterable[Planned]) -> list[int]:
    """Who takes part: all units of the case and of its steps."""
    return sorted({o.pk for o in units.all} | {s.org.pk for s in steps})


#: Words by which rules name who decides (`case.decided_by`) and who is told (`case.recorded_with`).
_UNIT_WORDS = {
    OrgKind.SCHOOL: ("学校", "校方"),
    OrgKind.CENTRAL: ("学区", "中心校"),
    OrgKind.COUNTY: ("县", "县(区)教育局", "县级教育行政部门"),
    OrgKind.CITY: ("市", "市教育局", "市级教育行政部门"),
    OrgKind.PROVINCE: ("省", "省级教育行政部门"),
}
_AUTHORITY_WORDS = ("主管部门", "教育主管部门", "学籍主管部门", "教育行政部门", "上级教育部门", "基教科")
_DUTY_WORDS = {
    (OrgKind.SCHOOL, "clerk"): ("学籍管理员", "教务处"),
    (OrgKind.SCHOOL, "head"): ("校长", "分管校长", "校长或分管领导", "校领导", "学校学籍主管领导"),
}
_SIDE_WORDS = {"to_school": ("转入学校", "接收学校"), "from_school": ("转出学校",)}


def kinds_of_units(ids: Iterable[int]) -> dict[int, str]:
    """The kind of each unit; one query."""
    return dict(Org.objects.filter(pk__in=set(ids)).values_list("pk", "kind"))


def unit_words(kind: str, side: str) -> tuple[str, ...]:
    """What rules call a unit that takes part at a side."""
    words = _UNIT_WORDS.get(OrgKind(kind), ())
    own = _AUTHORITY_WORDS if kind in AUTHORITY_KINDS else ()
    return (*words, *own, *_SIDE_WORDS.get(side, ()))


def decider_words(kind: str, side: str, duty: str) -> tuple[str, ...]:
    """What rules call whoever decides a step: the unit, and the officer of a school."""
    return (*unit_words(kind, side), *_DUTY_WORDS.get((OrgKind(kind), duty), ()))
