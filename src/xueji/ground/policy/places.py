"""Which packs govern a unit, and which one is its own to write."""

from __future__ import annotations

from datetime import date

from xueji.ground.orgs.models import Org, OrgKind
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.library import NATIONAL, PolicyLibrary, library

TIER = {
    OrgKind.NATION: "national",
    OrgKind.PROVINCE: "province",
    OrgKind.CITY: "city",
    OrgKind.COUNTY: "county",
    OrgKind.SCHOOL: "school",
}
"""The tier of pack that a kind of unit may have of its own."""


def line_for(org: Org | None, packs: PolicyLibrary) -> tuple[str, ...]:
    """The packs that govern a unit, the nation's first: those it is bound to by name, else those of its division."""
    if org is None:
        return packs.chain_of(NATIONAL)
    if org.policy in packs.ids():
        return packs.chain_of(org.policy)
    return packs.ids_for(org.division, org.code if org.kind == OrgKind.SCHOOL else "")


def policy_for(org: Org | None, on: date) -> PolicySet:
    """The rules that hold for a unit on a day; the nation's for those who have none. No query of its own."""
    packs = library().on(on)
    return packs.resolve(line_for(org, packs), on)


def own_pack(org: Org) -> str:
    """The id of the pack that an authority may write: of its own tier and division; empty when it has none."""
    if org.policy:
        return org.policy
    province, city, county = org.division[:2], org.division[2:4], org.division[4:6]
    names = {
        OrgKind.NATION: NATIONAL,
        OrgKind.PROVINCE: f"{NATIONAL}-{province}",
        OrgKind.CITY: f"{NATIONAL}-{province}-{city}",
        OrgKind.COUNTY: f"{NATIONAL}-{province}-{city}{county}",
    }
    return names.get(OrgKind(org.kind), "")


def parent_of(org: Org, packs: PolicyLibrary) -> str:
    """The pack that a unit's own pack must extend: the lowest above it that is in force; empty for the nation."""
    own = own_pack(org)
    if own in packs.ids() and packs.pack(own).reference:
        return packs.pack(own).extends
    province, city = org.division[:2], org.division[2:4]
    names = [NATIONAL, f"{NATIONAL}-{province}", f"{NATIONAL}-{province}-{city}"]
    above = names[: list(TIER).index(OrgKind(org.kind))]
    there = [name for name in above if name in packs.ids() and not packs.pack(name).reference and name != own]
    return there[-1] if there else ""
