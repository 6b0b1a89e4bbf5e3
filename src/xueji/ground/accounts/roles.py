"""The roles of the first cut, and what each may do. Permission is data: commands ask `can`, pages draw from it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


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

#: action -> roles. The scope (whose students) is row-level security's part.
PERMISSIONS: dict[str, frozenset[Role]] = {
    "student.list": STAFF,
    "student.view": STAFF | PORTAL,
    # Lists of names leave a school for its own work only; authorities need an application and an approval.
    "student.export": SCHOOL_STAFF,
    "student.edit": frozenset({Role.REGISTRAR}),
    "identity.reveal": frozenset({Role.REGISTRAR, Role.SCHOOL_HEAD, *CLERKS, *HEADS}),
    "intake.import": frozenset({Role.REGISTRAR}),
    "case.start": frozenset({Role.REGISTRAR}),
    "case.decide": SCHOOL_STAFF | CLERKS | HEADS | {Role.CENTRAL_CLERK},
    # Entering what was done on paper while the system was down (补录); it is approved like any other case.
    "case.backfill": frozenset({Role.REGISTRAR}),
    "case.intervene": HEADS,
    "case.view": STAFF | PORTAL,
    "case.overview": AUTHORITY,
    # Whose suspension or absence ends; who left and was not taken up yet.
    "absence.view": SCHOOL_STAFF | {Role.CENTRAL_CLERK, Role.COUNTY_CLERK, Role.COUNTY_HEAD},
    "yearly.view": SCHOOL_STAFF | AUTHORITY,
    "yearly.confirm": frozenset({Role.SCHOOL_HEAD}),
    "yearly.place": CLERKS | HEADS,
    "problem.view": SCHOOL_STAFF | CLERKS | HEADS,
    "dropout.view": SCHOOL_STAFF | CLERKS | HEADS | {Role.CLASS_TEACHER},
    "dropout.write": SCHOOL_STAFF | {Role.CLASS_TEACHER},
    "family.invite": frozenset({Role.REGISTRAR, Role.CLASS_TEACHER}),
    "family.end": frozenset({Role.REGISTRAR}),
    # What parents and pupils ask for: the school answers, its authority once more after an appeal.
    "family.answer": CLERKS | {Role.REGISTRAR},
    "class.view": STAFF,
    "class.edit": frozenset({Role.REGISTRAR}),
    "roster.print": frozenset({Role.REGISTRAR, Role.SCHOOL_HEAD, Role.CLASS_TEACHER}),
    "register.print": SCHOOL_STAFF,
    "certificate.issue": frozenset({Role.REGISTRAR, Role.SCHOOL_HEAD}),
    "certificate.view": SCHOOL_STAFF | PORTAL,
    "statistics.view": STAFF - TEACHERS,
    "statistics.submit": SCHOOL_STAFF,
    "org.view": STAFF | {Role.SYSTEM_ADMIN},
    "org.edit": frozenset({Role.SYSTEM_ADMIN}),
    "account.manage": frozenset({Role.SECURITY_ADMIN}),
    "account.manage_own": frozenset({Role.REGISTRAR, Role.COUNTY_CLERK}),
    "audit.view": frozenset({Role.AUDIT_ADMIN}),
    "system.view": frozenset({Role.SYSTEM_ADMIN}),
    "relay.manage": frozenset({Role.SYSTEM_ADMIN}),
    "relay.view": SCHOOL_STAFF | CLERKS | HEADS,
    "policy.view": STAFF | ADMINS,
    # An authority proposes a version of its own rules; its head, another person, puts it into force.
    "policy.stage": CLERKS | HEADS,
    "policy.approve": HEADS,
}


def can(role: str, action: str) -> bool:
    """Whether a role may do an action at all; an unknown action is a programming error (KeyError)."""
    return role in PERMISSIONS[action]
