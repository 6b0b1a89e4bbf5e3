"""The roles, and what each may do. Permission is data: `standards/permissions.csv`, one line a role and an action."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from django.db import models
from django.utils.translation import gettext_lazy as _

from xueji.ground.standards.codes import read_rows


class Role(models.TextChoices):
    """Roles that can be assigned (C-ROL); each is bound to an organisation, some to a class as well."""

    REGISTRAR = "registrar", _("学籍管理员")
    SCHOOL_HEAD = "school_head", _("学校学籍主管领导")
    CLASS_TEACHER = "class_teacher", _("班主任")
    TEACHER = "teacher", _("任课教师")
    CENTRAL_CLERK = "central_clerk", _("中心校学籍管理员")
    COUNTY_CLERK = "county_clerk", _("县级经办人")
    COUNTY_HEAD = "county_head", _("县级负责人")
    CITY_CLERK = "city_clerk", _("市级经办人")
    CITY_HEAD = "city_head", _("市级负责人")
    PROVINCE_CLERK = "province_clerk", _("省级经办人")
    PROVINCE_HEAD = "province_head", _("省级负责人")
    PARENT = "parent", _("家长")
    STUDENT = "student", _("学生")
    SYSTEM_ADMIN = "system_admin", _("系统管理员")
    SECURITY_ADMIN = "security_admin", _("安全管理员")
    AUDIT_ADMIN = "audit_admin", _("审计管理员")


ADMINS = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})
PORTAL = frozenset({Role.PARENT, Role.STUDENT})
SCHOOL_STAFF = frozenset({Role.REGISTRAR, Role.SCHOOL_HEAD})
TEACHERS = frozenset({Role.CLASS_TEACHER, Role.TEACHER})
CLERKS = frozenset({Role.COUNTY_CLERK, Role.CITY_CLERK, Role.PROVINCE_CLERK})
HEADS = frozenset({Role.COUNTY_HEAD, Role.CITY_HEAD, Role.PROVINCE_HEAD})
AUTHORITY = CLERKS | HEADS | {Role.CENTRAL_CLERK}
#: Who answers for a unit, and so for who stands in for whom there. A central school has one officer.
CASE_HEADS = HEADS | {Role.SCHOOL_HEAD, Role.CENTRAL_CLERK}
STAFF = SCHOOL_STAFF | TEACHERS | AUTHORITY

#: How far a right reaches, in words.
REACHES = {
    "province": _("本省"),
    "city": _("本市"),
    "county": _("本县"),
    "central": _("中心校及所属学校"),
    "school": _("本校"),
    "grade": _("本年级"),
    "class": _("本班"),
    "child": _("自己的孩子"),
    "self": _("本人"),
    "unit": _("所在单位及下级(不含学生信息)"),
}
LOCAL = frozenset({"fixed", "narrow", "widen", "reach"})


@dataclass(frozen=True)
class Right:
    """A line of the shipped table: what a role may do, how far it reaches, and what a place may change about it.

    `local`: "fixed" (nothing), "narrow" (a place may take it away), "widen" (not held; a place may give it with a
    second person), "reach" (a school may let it reach further than the own classes).
    """

    action: str
    role: str
    reach: str
    held: bool
    local: str
    basis: str


@dataclass(frozen=True)
class Action:
    """Something that can be allowed: its name and area in words, and whether it gives sight of pupils."""

    code: str
    name: str
    area: str
    pupils: bool


@lru_cache(maxsize=1)
def actions() -> dict[str, Action]:
    """Every action by code, in the order of `standards/permission_actions.csv`."""
    rows = read_rows("permission_actions.csv")
    return {r["code"]: Action(r["code"], r["name"], r["area"], r["pupils"] == "Y") for r in rows}


@lru_cache(maxsize=1)
def rights() -> tuple[Right, ...]:
    """The lines of `standards/permissions.csv`; raises ValueError on a line that makes no sense."""
    out = []
    for r in read_rows("permissions.csv"):
        right = Right(r["action"], r["role"], r["reach"], r["held"] == "Y", r["local"], r["basis"])
        sees = actions()[right.action].pupils
        if (
            right.role not in Role.values
            or right.reach not in REACHES
            or right.local not in LOCAL
            or right.held == (right.local == "widen")
            or (sees and right.role in ADMINS)
        ):
            raise ValueError(f"permissions.csv: {right}")
        out.append(right)
    return tuple(out)


class _Permissions(Mapping[str, frozenset[Role]]):
    """action -> roles that hold it as shipped; read when it is first asked."""

    @cached_property
    def _held(self) -> dict[str, frozenset[Role]]:
        held: dict[str, set[Role]] = {a: set() for a in actions()}
        for right in rights():
            if right.held:
                held[right.action].add(Role(right.role))
        return {a: frozenset(roles) for a, roles in held.items()}

    def __getitem__(self, action: str) -> frozenset[Role]:
        return self._held[action]

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)


#: What is shipped, for menus, documents and tests. What an actor may do is in the database's table (`Actor.can`): a
#: place may narrow or widen it. The scope (whose students) is row-level security's part.
PERMISSIONS: Mapping[str, frozenset[Role]] = _Permissions()


def can(role: str, action: str) -> bool:
    """Whether a role may do an action as shipped; an unknown action is a programming error (KeyError)."""
    return role in PERMISSIONS[action]
