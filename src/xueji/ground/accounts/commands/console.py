"""Accounts from the terminal (`xueji user`): for the first account and for emergencies. Acts as the system."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org

from .. import queries
from ..models import User
from ..roles import Role
from . import factor, manage

_LIST_MOST = 500


def run(
    action: str,
    *,
    username: str | None = None,
    name: str | None = None,
    role: str | None = None,
    org: str | None = None,
    class_id: int | None = None,
) -> list[dict[str, Any]] | dict[str, Any]:
    """list, create, grant, reset, unlock, factor-reset, disable or enable. `org` is a code of a unit or school.

    Returns what happened, with the new first password where there is one; raises ValidationError in words.
    """
    if action == "list":
        return _listing(username or "")
    if not username:
        raise ValidationError(_("请给出用户名"))
    try:
        with transaction.atomic():
            return _do(action, username.strip().lower(), name or "", role or "", org or "", class_id)
    except manage.AccountError as e:
        raise ValidationError(e.message) from e


def _do(action: str, username: str, name: str, role: str, org: str, class_id: int | None) -> dict[str, Any]:
    place = _place(org)
    if action == "create":
        made = manage.create_account(
            manage.SYSTEM, username=username, display_name=name or username, org_id=place
        )
        if role:
            _grant(made.user_id, role, place, class_id)
        return {"username": made.username, "password": made.password, "role": role}
    with acting("writer"):
        user = User.objects.filter(username=username).first()
    if user is None:
        raise ValidationError(_("没有叫 %(name)s 的账号") % {"name": username})
    if action == "grant":
        _grant(user.pk, role, place, class_id)
        return {"username": username, "role": role}
    if action == "reset":
        made = manage.reset_password(manage.SYSTEM, user.pk)
        return {"username": made.username, "password": made.password}
    if action == "unlock":
        manage.unlock(manage.SYSTEM, user.pk)
        return {"username": username, "unlocked": True}
    if action == "factor-reset":
        return {"username": username, "code": factor.reset(manage.SYSTEM, user.pk)}
    if action == "enable":
        manage.set_active(manage.SYSTEM, user.pk, True)
        return {"username": username, "active": True}
    if action == "disable":
        manage.set_active(manage.SYSTEM, user.pk, False)
        return {"username": username, "active": False}
    raise ValidationError(_("没有这种操作: %(what)s") % {"what": action})


def _place(code: str) -> int | None:
    if not code:
        return None
    found = Org.objects.filter(code=code).values_list("id", flat=True).first()
    found = found or Org.objects.filter(school__school_code=code).values_list("id", flat=True).first()
    if found is None:
        raise ValidationError(_("没有代码为 %(code)s 的单位") % {"code": code})
    return found


def _grant(user_id: int, role: str, place: int | None, class_id: int | None) -> None:
    if role not in Role.values:
        raise ValidationError(_("身份代码只能是: %(all)s") % {"all": ", ".join(Role.values)})
    manage.grant_role(manage.SYSTEM, user_id, role, org_id=place, class_id=class_id)


def _listing(start: str) -> list[dict[str, Any]]:
    with transaction.atomic(), acting("writer"):
        users = list(
            User.objects.filter(username__startswith=start.lower()).order_by("username")[:_LIST_MOST]
        )
        roles = queries.role_rows([u.pk for u in users])
    return [
        {
            "username": u.username,
            "name": u.display_name,
            "active": u.is_active,
            "roles": ", ".join(f"{r.role}@{r.place}" for r in roles.get(u.pk, []) if r.in_force),
        }
        for u in users
    ]


def who(username: str, roles: Iterable[str], *, org_id: int | None = None) -> tuple[int, int | None] | None:
    """The account that a command of the terminal acts as, and its assignment in one of these roles; None if unknown."""
    with transaction.atomic(), acting("writer"):
        user = User.objects.filter(username=username.strip().lower(), is_active=True).first()
        if user is None:
            return None
        held = user.assignments.filter(role__in=list(roles))
        if org_id is not None:
            held = held.filter(org_id=org_id)
        return user.pk, held.values_list("id", flat=True).first()
