"""Who decides a case, in which order, until when: the chain of the packs with the units of the case put in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from xueji.ground.accounts.roles import Role
from xueji.ground.orgs.models import Org, OrgKind, School
from xueji.ground.policy.calendar import add_workdays
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.library import library

from .errors import CaseError

_ROLES = {
    (OrgKind.SCHOOL, "clerk"): Role.REGISTRAR,
    (OrgKind.SCHOOL, "head"): Role.SCHOOL_HEAD,
    (OrgKind.COUNTY, "clerk"): Role.COUNTY_CLERK,
    (OrgKind.COUNTY, "head"): Role.COUNTY_HEAD,
    (OrgKind.CITY, "clerk"): Role.CITY_CLERK,
    (OrgKind.CITY, "head"): Role.CITY_HEAD,
    (OrgKind.PROVINCE, "clerk"): Role.PROVINCE_CLERK,
    (OrgKind.PROVINCE, "head"): Role.PROVINCE_HEAD,
}
CLERK_ROLES = frozenset(role for (_kind, duty), role in _ROLES.items() if duty == "clerk")


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
        """The unit that a chain calls `to_school`, `from_authority` and so on."""
        found = {
            "school": self.start,
            "authority": self.start_authority,
            "to_school": self.target,
            "to_authority": self.target_authority,
            "from_school": self.source,
            "from_authority": self.source_authority,
            "higher_authority": self.start_authority.parent,
        }.get(name)
        if found is None:
            raise CaseError(_("办理流程中的单位没有找到, 请联系系统管理员核对单位设置"))
        return found

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


@dataclass(frozen=True)
class Planned:
    """A step before it begins; steps of one `clock` share its days."""

    seq: int
    label: str
    role: str
    duty: str
    side: str
    org: Org
    limit_days: int | None
    clock: str
    due_on: date | None


def units_of(start_school: int, source_school: int, target_school: int | None) -> Units:
    """Load the units of a case: two queries."""
    ids = {x for x in (start_school, source_school, target_school) if x is not None}
    authority = dict(School.objects.filter(pk__in=ids).values_list("org_id", "county_id"))
    orgs = {
        o.pk: o for o in Org.objects.select_related("parent").filter(pk__in=ids | set(authority.values()))
    }
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
    packs = library()
    ids = packs.chain_of(unit.policy) if unit.policy in packs.ids() else packs.ids_for(unit.division)
    return packs.resolve(ids, on)


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

    Raises `CaseError` when the packs of the place declare no chain for this business.
    """
    try:
        chain = policy.chain_for(business, variant_of(business, units))
    except KeyError as error:
        raise CaseError(_("本地规则没有规定这项业务的办理流程, 请联系主管部门")) from error
    out: list[Planned] = []
    day, clock, due = on, "", None
    for step in chain.steps:
        org = units.side(step.side)
        role = _ROLES.get((OrgKind(org.kind), step.role))
        if role is None:
            raise CaseError(_("%(org)s 没有能办理“%(step)s”的岗位") % {"org": org.name, "step": step.label})
        if step.clock != clock:
            clock, day = step.clock, due or day
            due = add_workdays(day, step.days) if step.days else None
        out.append(
            Planned(
                step.number, step.label, role.value, step.role, step.side, org, step.days, step.clock, due
            )
        )
    return out


def parties(units: Units, steps: Iterable[Planned]) -> list[int]:
    """Who takes part: all units of the case and of its steps."""
    return sorted({o.pk for o in units.all} | {s.org.pk for s in steps})
