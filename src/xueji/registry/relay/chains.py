"""The steps that this side decides: the chain of the place's own packs, its own half of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from xueji.ground.accounts.roles import Role
from xueji.ground.orgs.models import Org, OrgKind, School
from xueji.ground.policy.calendar import add_workdays
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.library import library

from .errors import RelayError
from .models import RelayStep, Side

BUSINESS, VARIANT = "transfer", "other_province"
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


@dataclass(frozen=True)
class Units:
    """The school of this side and the authorities above it."""

    school: Org
    authority: Org

    def of(self, side: str) -> Org | None:
        """The unit of a chain's side: to_school, from_authority, to_city, from_province ...; None if there is none."""
        what = side.partition("_")[2]
        if what == "school":
            return self.school
        if what == "authority":
            return self.authority
        above = self.authority.parent
        while above is not None and above.kind != what:
            above = above.parent
        return above


def units_of(school_id: int) -> Units:
    """Load them."""
    school = School.objects.select_related("org", "county__parent__parent__parent").get(pk=school_id)
    return Units(school.org, school.county)


def policy_for(unit: Org, on: date) -> PolicySet:
    """The rules that hold for a unit on a day."""
    packs = library()
    ids = packs.chain_of(unit.policy) if unit.policy in packs.ids() else packs.ids_for(unit.division)
    return packs.resolve(ids, on)


def plan(policy: PolicySet, side: str, units: Units, on: date) -> list[RelayStep]:
    """The own steps of a transfer, not yet begun; `due_on` is the day if all take their full time.

    Raises `RelayError` when the packs of the place declare no chain for it, or a unit is missing.
    """
    try:
        chain = policy.chain_for(BUSINESS, VARIANT)
    except KeyError as error:
        raise RelayError(_("本地规则没有规定跨省转学的办理流程, 请联系主管部门")) from error
    mine = "to_" if side == Side.IN else "from_"
    out: list[RelayStep] = []
    day, clock, due = on, "", None
    for step in chain.steps:
        if not step.side.startswith(mine):
            continue
        org = units.of(step.side)
        if org is None:
            continue
        role = _ROLES.get((OrgKind(org.kind), step.role))
        if role is None:
            raise RelayError(_("%(org)s 没有能办理“%(step)s”的岗位") % {"org": org.name, "step": step.label})
        if step.clock != clock:
            clock, day = step.clock, due or day
            due = add_workdays(day, step.days) if step.days else None
        out.append(
            RelayStep(
                own=True,
                seq=len(out) + 1,
                side=step.side,
                duty=step.role,
                label=step.label,
                role=role.value,
                org_id=org.pk,
                org_name=org.name,
                limit_days=step.days,
                clock=step.clock[:20],
                due_on=due,
            )
        )
    if len(out) < 2:
        raise RelayError(_("本地规则没有规定跨省转学的办理流程, 请联系主管部门"))
    return out
