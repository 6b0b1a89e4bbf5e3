"""Opinions kept for later, of one person or of a unit."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils.translation import gettext as _

from xueji.ground.accounts.roles import HEADS, Role
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting

from ..business import KINDS
from ..errors import CaseError
from ..models import OpinionTemplate

DECISIONS = ("pass", "refuse", "return")
MOST = 50


def keep_template(
    actor: Any, *, decision: str, text: str, business: str = "", for_unit: bool = False
) -> OpinionTemplate:
    """Keep an opinion for later, for oneself or (heads alone) for the whole unit. Raises PermissionDenied, `CaseError`."""
    actor.require("case.decide")
    words = text.strip()
    if decision not in DECISIONS or (business and business not in KINDS):
        raise Http404
    if not 2 <= len(words) <= 200:
        raise CaseError(_("意见模板要有 2 到 200 个字"))
    if for_unit:
        _require_head(actor)
    owner: dict[str, Any] = {"org_id": actor.org_id} if for_unit else {"user_id": actor.user_id}
    with transaction.atomic(), acting("writer"):
        held = OpinionTemplate.objects.filter(**owner)
        same = held.filter(decision=decision, business=business, text=words).first()
        if same is not None:
            return same
        if held.count() >= MOST:
            raise CaseError(_("最多保存 %s 条意见模板, 请先删除不用的") % MOST)
        row = OpinionTemplate(
            business=business, decision=decision, text=words, created_by=actor.user_id, **owner
        )
        row.save(force_insert=True)
    record(actor, "changes.template.keep", object_type="template", object_id=row.pk, after={"text": words})
    return row


def drop_template(actor: Any, *, template_id: int) -> None:
    """Delete an opinion template of one's own, or as a head one of the unit. Raises Http404, PermissionDenied."""
    actor.require("case.decide")
    row = OpinionTemplate.objects.filter(pk=template_id).first()
    if row is None or (row.user_id is None and row.org_id != actor.org_id):
        raise Http404
    if row.user_id is None:
        _require_head(actor)
    with transaction.atomic(), acting("writer"):
        OpinionTemplate.objects.filter(pk=row.pk).delete()
    record(
        actor,
        "changes.template.drop",
        object_type="template",
        object_id=template_id,
        before={"text": row.text},
    )


def _require_head(actor: Any) -> None:
    if actor.role not in HEADS | {Role.SCHOOL_HEAD, Role.CENTRAL_CLERK}:
        raise CaseError(_("单位的意见模板由单位负责人维护"))
