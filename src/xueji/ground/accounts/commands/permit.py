"""Changing the table of rights at a place: narrowing holds at once, widening once a second person has agreed."""

from __future__ import annotations

from datetime import date, timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting

from .. import queries
from ..actor import Actor, today
from ..models import Permission, PermissionChange
from .manage import AccountError

#: What each mark of the shipped table lets a place do.
KINDS = {"narrow": "take", "widen": "give", "reach": "reach"}
LONGEST = timedelta(days=366)


def change_permission(
    actor: Actor,
    *,
    permission_id: int,
    org_id: int,
    since: date,
    until: date | None,
    reason: str,
    reach: str = "",
) -> PermissionChange:
    """Narrow or widen a line of the table for a unit and everything below it (未成年人网络保护条例 36, 最小授权).

    The security administrator changes what the table marks; a school's registrar or head sets how far its subject
    teachers look (C-ROL-07). Raises PermissionDenied, Http404, `AccountError`.
    """
    line = Permission.objects.filter(pk=permission_id).first()
    if line is None:
        raise Http404
    actor.require("teaching.scope" if line.local == "reach" else "permission.change")
    kind = KINDS.get(line.local, "")
    _check(actor, line, org_id, reach)
    if not reason.strip():
        raise AccountError(_("请写明原因"))
    if since < today() or (until is not None and until < since):
        raise AccountError(_("请填写今天以后的起止日期"))
    if kind == "give" and (until is None or until - since > LONGEST):
        raise AccountError(_("放宽的权限要有结束日期, 最长一年"))
    row = PermissionChange(
        permission=line,
        org_id=org_id,
        kind=kind,
        reach=reach,
        since=since,
        until=until,
        reason=reason.strip()[:200],
        set_by_id=actor.user_id,
    )
    with transaction.atomic(), acting("writer"):
        row.save(force_insert=True)
    _note(actor, "accounts.permission.change", row)
    return row


def _check(actor: Actor, line: Permission, org_id: int, reach: str) -> None:
    if line.local == "reach":
        if org_id != actor.org_id or reach not in ("grade", "school"):
            raise Http404
        return
    if line.local not in KINDS:
        raise AccountError(_("这一项由国家规定, 本地不能调整"))
    if not queries.in_unit(actor, org_id):
        raise Http404


def _pending(actor: Actor, change_id: int) -> PermissionChange:
    """A change of the actor's unit or below, locked; Http404 otherwise."""
    with acting("writer"):
        row = (
            PermissionChange.objects.select_for_update(of=("self",))
            .select_related("permission", "org")
            .filter(pk=change_id, ended_at=None)
            .first()
        )
    if row is None or not row.org.path.startswith(actor.org_path or "-"):
        raise Http404
    return row


def agree(actor: Actor, change_id: int) -> None:
    """Agree, as the second person, to what somebody else widened. Raises PermissionDenied, Http404, `AccountError`."""
    with transaction.atomic():
        row = _pending(actor, change_id)
        actor.require("teaching.scope" if row.kind == "reach" else "permission.approve")
        if row.kind == "reach" and row.org_id != actor.org_id:
            raise Http404
        if row.set_by_id == actor.user_id:
            raise PermissionDenied(_("放宽权限要由另一个人复核"))
        if row.kind == "take" or row.agreed_by_id is not None:
            raise AccountError(_("这一项不用再复核"))
        with acting("writer"):
            PermissionChange.objects.filter(pk=row.pk).update(
                agreed_by=actor.user_id, agreed_at=timezone.now()
            )
        _note(actor, "accounts.permission.agree", row)


def end_change(actor: Actor, change_id: int) -> None:
    """End a change before its day: the shipped table holds again. Raises PermissionDenied, Http404."""
    with transaction.atomic():
        row = _pending(actor, change_id)
        actor.require("teaching.scope" if row.kind == "reach" else "permission.change")
        with acting("writer"):
            PermissionChange.objects.filter(pk=row.pk).update(ended_by=actor.user_id, ended_at=timezone.now())
        _note(actor, "accounts.permission.end", row)


def _note(actor: Actor, action: str, row: PermissionChange) -> None:
    record(
        actor,
        action,
        object_type="permission",
        object_id=row.pk,
        after={
            "role": row.permission.role,
            "action": row.permission.action,
            "kind": row.kind,
            "reach": row.reach,
            "org": row.org_id,
            "since": row.since.isoformat(),
            "until": row.until.isoformat() if row.until else None,
            "reason": row.reason,
        },
    )
