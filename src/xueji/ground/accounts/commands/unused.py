"""Accounts that nobody signs in to are disabled: a forgotten account is a door that nobody watches."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, Exists, F, OuterRef, QuerySet
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting

from ..models import RoleAssignment, User
from ..roles import PORTAL, Role
from .manage import SYSTEM, _end_all

#: Accounts disabled in one go; the next hour goes on.
MOST = 500


def last_used(users: QuerySet[User]) -> Any:
    """Each account with `used_at`: its last sign-in, or since when it waits for one."""
    since = F("created_at")
    return users.annotate(
        used_at=Greatest(
            Coalesce("last_login", since), since, Coalesce("enabled_at", since), output_field=DateTimeField()
        ),
        family=Exists(RoleAssignment.objects.filter(user=OuterRef("pk"), role__in=PORTAL))
        & ~Exists(RoleAssignment.objects.filter(user=OuterRef("pk")).exclude(role__in=PORTAL)),
    )


def rest_unused(now: datetime | None = None) -> int:
    """Disable accounts that nobody has signed in to for the days of the installation; returns how many.

    Parents and pupils come seldom and have longer. The last security administrator stays: somebody must be able to
    enable the others again. Whoever manages an account enables it.
    """
    now = now or timezone.now()
    rested = 0
    for family, days in ((False, settings.UNUSED_DAYS), (True, settings.UNUSED_PORTAL_DAYS)):
        if not days:
            continue
        with transaction.atomic(), acting("writer"):
            found = list(
                last_used(User.objects.filter(is_active=True))
                .filter(family=family, used_at__lt=now - timedelta(days=days))
                .order_by("used_at")[:MOST]
            )
            stays = _last_keeper([u.pk for u in found])
            ids = [u.pk for u in found if u.pk != stays]
            User.objects.filter(pk__in=ids).update(is_active=False, rested_at=now)
        for pk in ids:
            record(SYSTEM, "accounts.rest", object_type="user", object_id=pk, after={"days": days})
            _end_all(SYSTEM, pk)
        rested += len(ids)
    return rested


def _last_keeper(leaving: list[int]) -> int | None:
    """Who of these is the security administrator without whom there would be none; the one who came last."""
    held = RoleAssignment.objects.filter(role=Role.SECURITY_ADMIN, user__is_active=True)
    if held.exclude(user_id__in=leaving).exists():
        return None
    kept = held.filter(user_id__in=leaving).order_by("-user__last_login", "user_id").first()
    return kept.user_id if kept else None
