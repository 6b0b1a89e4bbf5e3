"""Managing accounts and roles. Every step is audited; passwords are shown once and kept only as a hash.

The actor is a security administrator, a registrar or county clerk for his own unit, or the command line acting as
the system (a `Who` whose role is `system`).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import Who, record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org, SchoolClass

from .. import queries, rules
from ..actor import Actor, today
from ..models import PortalLink, RoleAssignment, User, UserSession
from ..passwords import first_password
from ..roles import TEACHERS, Role
from .signin import end_sessions

SYSTEM = Who(None, "system", "system", None)


class AccountError(ValueError):
    """What was asked for is not possible; `message` is for the user."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class NewAccount:
    """An account with a password that is shown this once."""

    user_id: int
    username: str
    password: str


def _is_system(actor: Actor | Who) -> bool:
    return isinstance(actor, Who) and actor.role == "system" and actor.user_id is None


def _require_manager(actor: Actor | Who) -> None:
    if _is_system(actor) or actor.role in rules.GRANTS:
        return
    raise PermissionDenied(_("您没有管理账号的权限。可以找安全管理员"))


def _target(actor: Actor | Who, user_id: int) -> User:
    """The account, locked for change; Http404 outside the actor's unit, PermissionDenied if above him."""
    _require_manager(actor)
    with acting("writer"):
        user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise Http404
    if _is_system(actor):
        return user
    assert isinstance(actor, Actor)
    if not queries.in_unit(actor, user.home_org_id):
        raise Http404
    if user.pk == actor.user_id:
        raise AccountError(_("不能在这里管理自己的账号"))
    with acting("writer"):
        held = set(
            RoleAssignment.objects.filter(user_id=user_id)
            .exclude(valid_to__lt=today())
            .values_list("role", flat=True)
        )
    if not held <= rules.GRANTS[actor.role]:
        raise PermissionDenied(_("这个账号的权限不低于您, 不能由您管理"))
    return user


def create_account(
    actor: Actor | Who,
    *,
    username: str,
    display_name: str,
    org_id: int | None,
    phone: str = "",
    password: str = "",
) -> NewAccount:
    """Open an account of a unit with a first password that must be changed. Raises AccountError, Http404."""
    _require_manager(actor)
    name = username.strip().lower()
    if not rules.username_fits(name):
        raise AccountError(_("用户名用小写字母、数字和 . _ - 组成, 至少2位, 不能用身份证号"))
    if not display_name.strip():
        raise AccountError(_("请填写姓名"))
    if not _is_system(actor):
        assert isinstance(actor, Actor)
        if not queries.in_unit(actor, org_id):
            raise Http404
    secret = password or first_password()
    user = User(
        username=name,
        display_name=display_name.strip()[:50],
        phone=phone.strip()[:30],
        home_org_id=org_id,
        must_change_password=True,
        password=make_password(secret),
    )
    try:
        with transaction.atomic(), acting("writer"):
            user.save(force_insert=True)
    except IntegrityError as e:
        raise AccountError(_("用户名“%(name)s”已有人使用") % {"name": name}) from e
    record(
        actor,
        "accounts.create",
        object_type="user",
        object_id=user.pk,
        after={"username": name, "display_name": user.display_name, "org": org_id},
    )
    return NewAccount(user.pk, name, secret)


def grant_role(
    actor: Actor | Who,
    user_id: int,
    role: str,
    *,
    org_id: int | None = None,
    class_id: int | None = None,
    valid_from: date | None = None,
    valid_to: date | None = None,
) -> int:
    """Give an account a role at an organisation (a class for teachers) for a period; returns the assignment's id.

    Raises AccountError (role and place do not fit, admin powers would meet in one person), Http404, PermissionDenied.
    """
    user = _target(actor, user_id)
    if role not in Role.values:
        raise AccountError(_("没有这种身份"))
    if not _is_system(actor) and role not in rules.GRANTS[actor.role]:
        raise PermissionDenied(_("您不能授予这种身份"))
    _check_place(actor, role, org_id, class_id)
    start = valid_from or today()
    if valid_to and valid_to < start:
        raise AccountError(_("结束日期不能早于开始日期"))
    place: dict[str, Any] = {"org_id": org_id, "school_class_id": class_id}
    with acting("writer"):
        held = set(RoleAssignment.objects.filter(user_id=user.pk).values_list("role", flat=True))
        same = RoleAssignment.objects.filter(user_id=user.pk, role=role, **place)
        has_same = same.exclude(valid_to__lt=start).exists()
    if rules.mixes_powers(role, held):
        raise AccountError(_("系统、安全、审计三种管理员必须由不同的人担任, 也不能兼任业务身份"))
    if has_same:
        raise AccountError(_("这个账号已经有同样的身份"))
    row = RoleAssignment(
        user_id=user.pk,
        role=role,
        org_id=org_id,
        school_class_id=class_id,
        valid_from=start,
        valid_to=valid_to,
        granted_by_id=actor.user_id,
    )
    try:
        with transaction.atomic(), acting("writer"):
            row.save(force_insert=True)
    except IntegrityError as e:
        raise AccountError(_("系统、安全、审计三种管理员必须由不同的人担任, 也不能兼任业务身份")) from e
    record(
        actor,
        "accounts.role.grant",
        object_type="user",
        object_id=user.pk,
        after={
            "role": role,
            "org": org_id,
            "class": class_id,
            "from": start.isoformat(),
            "to": valid_to.isoformat() if valid_to else None,
        },
    )
    return row.pk


def _check_place(actor: Actor | Who, role: str, org_id: int | None, class_id: int | None) -> None:
    kinds = rules.kinds_of(role)
    if not kinds:
        if org_id or class_id:
            raise AccountError(_("家长和学生的身份不挂单位"))
        return
    org = Org.objects.filter(pk=org_id or 0).first()
    if org is None:
        raise AccountError(_("请选择单位"))
    if org.kind not in kinds:
        raise AccountError(_("这种身份不能授予这一级单位"))
    if not _is_system(actor):
        assert isinstance(actor, Actor)
        if not queries.in_unit(actor, org.pk):
            raise Http404
    if role in TEACHERS:
        if not SchoolClass.objects.filter(pk=class_id or 0, school_id=org.pk, closed_on=None).exists():
            raise AccountError(_("请选择这所学校的班级"))
    elif class_id:
        raise AccountError(_("这种身份不挂班级"))


def end_role(actor: Actor | Who, user_id: int, assignment_id: int, *, on: date | None = None) -> None:
    """End a role from today, or from a later day, on. The account's other roles go on."""
    user = _target(actor, user_id)
    with acting("writer"):
        row = RoleAssignment.objects.filter(pk=assignment_id, user_id=user.pk).first()
    if row is None:
        raise Http404
    last = (on or today()) - timedelta(days=1)
    if row.valid_to is not None and row.valid_to < last:
        last = row.valid_to
    with acting("writer"):
        if row.valid_from > last:
            RoleAssignment.objects.filter(pk=row.pk).delete()  # it never held for a whole day
        else:
            RoleAssignment.objects.filter(pk=row.pk).update(valid_to=last)
    record(
        actor,
        "accounts.role.end",
        object_type="user",
        object_id=user.pk,
        before={"role": row.role, "org": row.org_id, "class": row.school_class_id},
    )


def set_active(actor: Actor | Who, user_id: int, active: bool) -> None:
    """Disable an account (its sessions end at once) or enable it again."""
    user = _target(actor, user_id)
    if user.is_active == active:
        return
    with acting("writer"):
        # Enabled again, the time without a sign-in starts anew.
        User.objects.filter(pk=user.pk).update(
            is_active=active, rested_at=None, enabled_at=timezone.now() if active else user.enabled_at
        )
    record(actor, "accounts.enable" if active else "accounts.disable", object_type="user", object_id=user.pk)
    if not active:
        _end_all(actor, user.pk)


def reset_password(actor: Actor | Who, user_id: int, *, password: str = "") -> NewAccount:
    """A new first password, shown once; the account is unlocked and its sessions end."""
    user = _target(actor, user_id)
    secret = password or first_password()
    with acting("writer"):
        User.objects.filter(pk=user.pk).update(
            password=make_password(secret), must_change_password=True, failed_logins=0, locked_until=None
        )
    record(actor, "accounts.password.reset", object_type="user", object_id=user.pk)
    _end_all(actor, user.pk)
    return NewAccount(user.pk, user.username, secret)


def unlock(actor: Actor | Who, user_id: int) -> None:
    """Lift the lock after too many failed sign-ins."""
    user = _target(actor, user_id)
    with acting("writer"):
        User.objects.filter(pk=user.pk).update(failed_logins=0, locked_until=None)
    record(actor, "accounts.unlock", object_type="user", object_id=user.pk)


def link_child(
    actor: Actor | Who,
    user_id: int,
    person_id: uuid.UUID,
    *,
    guardian_no: int | None = None,
    since: date | None = None,
) -> None:
    """Let a parent's account see a child (`guardian_no`), or a student's account its own record (None).

    The caller has seen that the person is in the actor's scope: persons live on the floor above.
    """
    user = _target(actor, user_id)
    role = Role.STUDENT if guardian_no is None else Role.PARENT
    with acting("writer"):
        holds = RoleAssignment.objects.filter(user_id=user.pk, role=role).exists()
    if not holds:
        raise AccountError(_("先给账号家长或学生身份, 再关联学生"))
    with acting("writer"):
        if PortalLink.objects.filter(user_id=user.pk, person_id=person_id, until=None).exists():
            raise AccountError(_("已经关联过这名学生"))
        PortalLink.objects.create(
            user_id=user.pk, person_id=person_id, guardian_no=guardian_no, since=since or today()
        )
    record(
        actor,
        "accounts.link_child",
        object_type="user",
        object_id=user.pk,
        person_id=person_id,
        after={"guardian_no": guardian_no},
    )


def _end_all(actor: Actor | Who, user_id: int) -> None:
    with acting("writer"):
        keys = list(UserSession.objects.filter(user_id=user_id).values_list("session_key", flat=True))
    end_sessions(actor, user_id, keys)
