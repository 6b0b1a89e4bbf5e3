"""Naming the officer of a unit (个人信息保护法 52)."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.models import RoleAssignment, User
from xueji.ground.accounts.roles import PORTAL
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting

from ..errors import PrivacyError
from ..models import Officer


def candidates(actor: Any) -> list[tuple[int, str]]:
    """Accounts that work in the actor's unit, as id and name with role; at most 200."""
    actor.require("privacy.designate")
    today = timezone.localdate()
    with transaction.atomic(), acting("writer"):
        rows = (
            RoleAssignment.objects.filter(org_id=actor.org_id, user__is_active=True, valid_from__lte=today)
            .exclude(role__in=PORTAL)
            .exclude(valid_to__lt=today)
            .select_related("user")
            .order_by("user__display_name", "pk")[:200]
        )
        found = {r.user_id: f"{r.user.display_name} · {r.get_role_display()}" for r in rows}
    return list(found.items())


def designate(actor: Any, *, user_id: int, phone: str) -> Officer:
    """Name an account of the own unit; the officer before is so no more. Raises `PrivacyError`."""
    if user_id not in dict(candidates(actor)):
        raise PrivacyError(_("只能指定在本单位任职的人"))
    if not phone.strip():
        raise PrivacyError(_("请填写对外公布的办公电话"))
    today = timezone.localdate()
    with transaction.atomic(), acting("writer"):
        before = Officer.objects.select_for_update().filter(org_id=actor.org_id, until=None).first()
        if before is not None:
            before.until = today
            before.save()
        made = Officer.objects.create(
            org_id=actor.org_id,
            user_id=user_id,
            name=User.objects.get(pk=user_id).display_name,
            phone=phone.strip()[:30],
            since=today,
            set_by=actor.user_id,
        )
    record(
        actor,
        "privacy.officer",
        object_type="privacy_officer",
        object_id=made.pk,
        before={"user": before.user_id} if before else None,
        after={"user": user_id},
    )
    return made
