"""Accounts and the roles that they hold. No student data; the link of parents and students lives in `portal_link`."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q

from xueji.ground.orgs.models import Org, SchoolClass

from .roles import Role


class UserManager(BaseUserManager["User"]):
    """Finds accounts by their user name, whatever the case of its letters."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username=(username or "").strip().lower())


class User(AbstractBaseUser):
    """An account. Identity numbers are never user names."""

    id = models.BigAutoField(primary_key=True)
    username = models.CharField(max_length=60, unique=True)
    display_name = models.CharField(max_length=50)
    phone = models.CharField(
        max_length=30, blank=True, help_text="office phone, shown to units that wait for it"
    )
    home_org = models.ForeignKey(
        Org, null=True, on_delete=models.PROTECT, help_text="unit that keeps the account"
    )
    is_active = models.BooleanField(default=True)
    must_change_password = models.BooleanField(default=False)
    failed_logins = models.PositiveSmallIntegerField(default=0)
    locked_until = models.DateTimeField(null=True, blank=True)
    last_seen_from = models.CharField(max_length=45, blank=True)
    rested_at = models.DateTimeField(null=True, help_text="disabled because nobody signed in for long")
    enabled_at = models.DateTimeField(null=True, help_text="enabled again: the time unused starts anew")
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "username"
    objects = UserManager()

    class Meta:
        db_table = "account_user"
        constraints = [
            models.CheckConstraint(
                condition=Q(username__regex=r"^[a-z0-9][a-z0-9._@-]*$"), name="username_shape"
            )
        ]

    def __str__(self) -> str:
        return self.display_name


class RoleAssignment(models.Model):
    """A role held by an account: role x organisation (or class) x dates."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="assignments")
    role = models.CharField(max_length=20, choices=Role.choices)
    org = models.ForeignKey(Org, null=True, on_delete=models.PROTECT)
    school_class = models.ForeignKey(SchoolClass, null=True, on_delete=models.PROTECT)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    granted_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    granted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "role_assignment"
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")), name="assignment_period"
            ),
            models.CheckConstraint(
                condition=(Q(role__in=["class_teacher", "teacher"]) & Q(school_class__isnull=False))
                | (~Q(role__in=["class_teacher", "teacher"]) & Q(school_class__isnull=True)),
                name="assignment_class",
            ),
            models.CheckConstraint(
                condition=Q(role__in=["parent", "student"]) | Q(org__isnull=False), name="assignment_org"
            ),
            # System, security and audit administration are three people: one account never holds two of them.
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(role__in=["system_admin", "security_admin", "audit_admin"]),
                name="one_admin_power",
            ),
        ]
        indexes = [models.Index(fields=["user", "role"]), models.Index(fields=["org", "role"])]


class UserSession(models.Model):
    """A signed-in session, so that its owner can see and end it, and the number of them has a limit."""

    session_key = models.CharField(max_length=40, primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    started_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField()
    address = models.CharField(max_length=45)
    agent = models.CharField(max_length=200, blank=True)
    factor = models.CharField(max_length=10, blank=True, help_text="what proved the second factor")
    factor_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "user_session"


class LoginFailure(models.Model):
    """Failed sign-ins by address, for the limit per address."""

    id = models.BigAutoField(primary_key=True)
    address = models.CharField(max_length=45)
    username = models.CharField(max_length=60)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "login_failure"
        indexes = [models.Index(fields=["address", "at"])]


class PortalLink(models.Model):
    """Which child a parent's account may see, or whose own account it is; with dates."""

    id = models.BigAutoField(primary_key=True)
    user_id = models.BigIntegerField(db_index=True)
    person_id = models.UUIDField(db_index=True)
    guardian_no = models.PositiveSmallIntegerField(null=True, help_text="null: the student's own account")
    since = models.DateField()
    until = models.DateField(null=True)

    class Meta:
        db_table = "portal_link"


class Delegation(models.Model):
    """Somebody of the same unit takes a holder's part in deciding cases for a while: absence, illness, leave.

    It gives the part in cases and nothing else of the role; the unit and the role are those of the assignment.
    """

    id = models.BigAutoField(primary_key=True)
    assignment = models.ForeignKey(RoleAssignment, on_delete=models.CASCADE, related_name="delegations")
    org_id = models.IntegerField(help_text="unit of the assignment, for row-level security")
    to_user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    since = models.DateField()
    until = models.DateField()
    reason = models.CharField(max_length=200)
    set_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "delegation"
        constraints = [
            models.CheckConstraint(condition=Q(until__gte=F("since")), name="delegation_period"),
        ]
        indexes = [models.Index(fields=["to_user", "until"]), models.Index(fields=["assignment", "until"])]


class Permission(models.Model):
    """A line of the shipped table of rights, written by every migration from `standards/permissions.csv`."""

    id = models.AutoField(primary_key=True)
    action = models.CharField(max_length=40)
    role = models.CharField(max_length=20)
    reach = models.CharField(max_length=10)
    held = models.BooleanField()
    local = models.CharField(max_length=10)
    pupils = models.BooleanField(help_text="gives sight of pupils: never an administrator's")
    basis = models.CharField(max_length=200)

    class Meta:
        db_table = "permission"
        constraints = [
            models.UniqueConstraint(fields=["role", "action"], name="permission_once"),
            models.CheckConstraint(
                condition=Q(pupils=False) | ~Q(role__in=["system_admin", "security_admin", "audit_admin"]),
                name="permission_no_pupils_for_admins",
            ),
        ]


class PermissionChange(models.Model):
    """What a place changed about the shipped table, for itself and everything below it, with dates.

    `take` narrows and holds at once; `give` and `reach` widen: they hold once a second person has agreed. Nothing
    here can touch a line that the table does not mark for it (the trigger of `permissions.sql`).
    """

    id = models.BigAutoField(primary_key=True)
    permission = models.ForeignKey(Permission, on_delete=models.PROTECT)
    org = models.ForeignKey(Org, on_delete=models.PROTECT)
    kind = models.CharField(max_length=5)
    reach = models.CharField(max_length=10, blank=True)
    since = models.DateField()
    until = models.DateField(null=True, blank=True)
    reason = models.CharField(max_length=200)
    set_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField(auto_now_add=True)
    agreed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    agreed_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "permission_change"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["take", "give", "reach"]), name="permission_change_kind"
            ),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("since")), name="permission_change_period"
            ),
            models.CheckConstraint(
                condition=~Q(kind="give") | Q(until__isnull=False), name="permission_change_give_ends"
            ),
            models.CheckConstraint(
                condition=Q(agreed_by=None) | ~Q(agreed_by=F("set_by")), name="permission_change_two_people"
            ),
        ]
        indexes = [models.Index(fields=["permission", "org"]), models.Index(fields=["org", "since"])]


from .models_identity import (  # noqa: E402 - its models point to the ones above
    Factor,
    FactorGuard,
    FactorKind,
    FactorRule,
    FormerPassword,
    Provider,
    RecoveryCode,
    SignIn,
    SsoIdentity,
)

__all__ = [
    "Delegation",
    "Factor",
    "FactorGuard",
    "FactorKind",
    "FactorRule",
    "FormerPassword",
    "LoginFailure",
    "Permission",
    "PermissionChange",
    "PortalLink",
    "Provider",
    "RecoveryCode",
    "RoleAssignment",
    "SignIn",
    "SsoIdentity",
    "User",
    "UserManager",
    "UserSession",
]
