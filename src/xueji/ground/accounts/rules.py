"""Who may manage which accounts, and which roles fit which organisation. Data and pure functions."""

from __future__ import annotations

import re

from xueji.ground.orgs.models import OrgKind

from .roles import ADMINS, CLERKS, HEADS, PORTAL, SCHOOL_STAFF, TEACHERS, Role

#: Who hands out which roles in his own unit. Nobody can reach a role with more power than his own from here; the
#: test of the permission table walks the closure.
GRANTS: dict[str, frozenset[Role]] = {
    Role.SECURITY_ADMIN: frozenset(Role),
    Role.COUNTY_CLERK: SCHOOL_STAFF | TEACHERS | {Role.CENTRAL_CLERK},
    Role.REGISTRAR: TEACHERS | PORTAL,
}

_AUTHORITY = frozenset({OrgKind.NATION, OrgKind.PROVINCE, OrgKind.CITY, OrgKind.COUNTY})
_TIER = {"county": OrgKind.COUNTY, "city": OrgKind.CITY, "province": OrgKind.PROVINCE}
_IDENTITY = re.compile(r"^\d{15}$|^\d{17}[\dx]$")
_USERNAME = re.compile(r"^[a-z0-9][a-z0-9._@-]{1,59}$")


def kinds_of(role: str) -> frozenset[str]:
    """Kinds of organisation to which a role can be bound; empty for parents and students."""
    if role in PORTAL:
        return frozenset()
    if role in SCHOOL_STAFF | TEACHERS:
        return frozenset({OrgKind.SCHOOL})
    if role == Role.CENTRAL_CLERK:
        return frozenset({OrgKind.CENTRAL})
    if role in CLERKS | HEADS:
        return frozenset({_TIER[role.split("_")[0]]})
    return _AUTHORITY | {OrgKind.SCHOOL, OrgKind.CENTRAL}


def mixes_powers(role: str, held: set[str]) -> bool:
    """Whether an account that holds `held` would join an admin power with anything else by taking `role`."""
    others = held - {role}
    return bool(others) and (role in ADMINS or bool(others & ADMINS))


def username_fits(name: str) -> bool:
    """Small letters, digits, `._@-`; never an identity number."""
    return bool(_USERNAME.match(name)) and not _IDENTITY.match(name)
