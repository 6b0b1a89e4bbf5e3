"""Standing in: a colleague of the same unit takes somebody's part in deciding cases for a while (代办)."""

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
from ..models import Delegation, RoleAssignment
from ..roles import CASE_HEADS, can
from .manage import AccountError

LONGEST = timedelta(days=180)


def hand_over(
    actor: Actor, *, assignment_id: int, to_user_id: int, since: date, until: date, reason: str
) -> Delegation:
    """Hand one's own part in cases, or as head of the unit a colleague's, to somebody of the same unit (C-ROL).

    It gives the part in cases alone, and never to whoever is the only one to do the other half of it: 经办 and 负责人
    of a case stay two people. Raises PermissionDenied, Http404, `AccountError`.
    """
    _require_staff(actor)
    row = _assignment(actor, assignment_id)
    if not reason.strip():
        raise AccountError(_("请写明原因, 例如外出培训、病假"))
    if since < today() or until < since or until - since > LONGEST:
        raise AccountError(_("请填写今天以后的起止日期, 最长 %s 天") % LONGEST.days)
    chosen = next(
        (c for c in queries.colleagues(queries.deciders(actor), row) if c.user_id == to_user_id), None
    )
    if chosen is None:
        raise AccountError(_("只能交给本单位在岗的办理人员"))
    if chosen.why_not:
        raise AccountError(chosen.why_not)
    with transaction.atomic(), acting("writer"):
        RoleAssignment.objects.select_for_update().get(pk=row.pk)  # two at once do not both see nobody
        if Delegation.objects.filter(
            assignment=row, ended_at=None, since__lte=until, until__gte=since
        ).exists():
            raise AccountError(_("这段时间已经交给别人代办, 请先结束那一次"))
        handed = Delegation(
            assignment=row,
            org_id=row.org_id or 0,
            to_user_id=to_user_id,
            since=since,
            until=until,
            reason=reason.strip()[:200],
            set_by_id=actor.user_id,
        )
        handed.save(force_insert=True)
    record(
        actor,
        "accounts.delegation.set",
        object_type="user",
        object_id=row.user_id,
        after={
            "role": row.role,
            "org": row.org_id,
            "to": to_user_id,
            "since": since.isoformat(),
            "until": until.isoformat(),
            "reason": handed.reason,
        },
    )
    return handed


def end_hand_over(actor: Actor, delegation_id: int) -> None:
    """End it before its day: the holder, the head of the unit, or whoever stands in. Raises Http404, PermissionDenied."""
    _require_staff(actor)
    row = (
        Delegation.objects.select_related("assignment")
        .filter(pk=delegation_id, org_id=actor.org_id or 0, ended_at=None, until__gte=today())
        .first()
    )
    if row is None:
        raise Http404
    if actor.user_id not in (row.assignment.user_id, row.to_user_id) and actor.role not in CASE_HEADS:
        raise PermissionDenied(_("只有本人、代办人或单位负责人可以结束代办"))
    with transaction.atomic(), acting("writer"):
        Delegation.objects.filter(pk=row.pk).update(ended_at=timezone.now())
    record(
        actor,
        "accounts.delegation.end",
        object_type="user",
        object_id=row.assignment.user_id,
        before={"role": row.assignment.role, "to": row.to_user_id, "until": row.until.isoformat()},
    )


def _require_staff(actor: Actor) -> None:
    if not can(actor.role, "case.decide"):
        raise PermissionDenied(_("只有办理业务的人员可以设置代办"))


def _assignment(actor: Actor, assignment_id: int) -> RoleAssignment:
    """One's own assignment in force, or one of the unit for its head. Raises Http404, PermissionDenied."""
    row = queries.in_force(RoleAssignment.objects.filter(pk=assignment_id, org_id=actor.org_id or 0)).first()
    if row is None or not can(row.role, "case.decide"):
        raise Http404
    if row.user_id != actor.user_id and actor.role not in CASE_HEADS:
        raise PermissionDenied(_("只有本人或单位负责人可以设置代办"))
    return row
