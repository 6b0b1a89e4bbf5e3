"""Who answers for data protection in a unit: the designated officer, or its head while nobody is designated."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from xueji.ground.accounts.roles import CASE_HEADS
from xueji.ground.orgs.models import AUTHORITY_KINDS, Org

from .models import Officer


def current(org_id: Any) -> Officer | None:
    """The officer of a unit today; one query."""
    return Officer.objects.filter(org_id=org_id, until=None).first()


def published(org_ids: list[int]) -> list[Officer]:
    """Officers of units for the public page (个人信息保护法 52: name and contact are published)."""
    return list(Officer.objects.filter(org_id__in=org_ids[:500], until=None).order_by("org_id"))


def listed(text: str = "") -> list[tuple[str, Officer]]:
    """Units with their officers for the public list: the authorities', or those of units with `text` in their name."""
    ids = Officer.objects.filter(until=None).values("org_id")
    units = Org.objects.filter(pk__in=ids, valid_to=None).order_by("path")
    units = units.filter(name__icontains=text[:40]) if text else units.filter(kind__in=AUTHORITY_KINDS)
    names = dict(units.values_list("id", "name")[:200])
    found = {o.org_id: o for o in Officer.objects.filter(org_id__in=names, until=None)}
    return [(name, found[pk]) for pk, name in names.items() if pk in found]


def acts(actor: Any) -> bool:
    """Whether the actor is the officer of the own unit; while nobody is, the head is."""
    found = current(actor.org_id)
    return actor.role in CASE_HEADS if found is None else found.user_id == actor.user_id


def require(actor: Any, action: str = "privacy.act") -> None:
    """Raise PermissionDenied unless the role may and the account is the officer of its unit."""
    actor.require(action)
    if not acts(actor):
        raise PermissionDenied(_("这件事由本单位的个人信息保护负责人办理"))
