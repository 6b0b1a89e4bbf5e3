"""Handing work to a successor (移交): roles, classes, drafts and imports, on a day, with a list that is kept (C-ROL-08)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts import commands as accounts
from xueji.ground.accounts.actor import Actor, today
from xueji.ground.accounts.models import Delegation, RoleAssignment
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting

from .. import handing
from ..errors import ChargeError
from ..models import HandOver


def hand_over(
    actor: Actor, from_id: int, *, to_id: int, assignments: Sequence[int], day: date, note: str = ""
) -> HandOver:
    """Give the chosen roles of one account to a colleague of the same unit from `day` on.

    The former holder holds them up to the day before; the same day, nothing from now on. Drafts and imports that he
    began and has not finished become the successor's, his standing-ins end. Raises ChargeError, `AccountError`,
    PermissionDenied, Http404: who may take and give a role is asked of the room of accounts.
    """
    actor.require("handover.write")
    if from_id == to_id:
        raise ChargeError(_("请选择另一位接手的人"))
    if not assignments:
        raise ChargeError(_("请选择要移交的身份"))
    if day < today():
        raise ChargeError(_("移交日期不能早于今天"))
    with acting("writer"):
        held = handing.assignments(from_id)
        people = handing.names([from_id, to_id])
    chosen = [row for row in held if row.pk in set(assignments)]
    orgs = {row.org_id for row in chosen}
    if len(chosen) != len(set(assignments)) or to_id not in people:
        raise Http404
    if len(orgs) != 1 or (org_id := orgs.pop()) is None:
        raise ChargeError(_("一次只移交一个单位的工作"))
    if people[to_id].home_org_id != org_id or not people[to_id].is_active:
        raise ChargeError(_("接手的人须是本单位在用的账号"))
    with acting("writer"):
        items = handing.items(org_id, from_id, chosen)
    with transaction.atomic():
        for row in chosen:
            accounts.end_role(actor, from_id, row.pk, on=day)
            with acting("writer"):
                has = handing.holds(to_id, row, day)
            if not has:
                accounts.grant_role(
                    actor, to_id, row.role, org_id=row.org_id, class_id=row.school_class_id, valid_from=day
                )
        kept = HandOver(
            org_id=org_id,
            from_id=from_id,
            from_name=people[from_id].display_name,
            to_id=to_id,
            to_name=people[to_id].display_name,
            roles=[handing.label(row) for row in chosen],
            day=day,
            items=items,
            note=note.strip()[:300],
            written_by=actor.user_id,
            written_name=actor.user_name,
        )
        with acting("writer"):
            kept.save(force_insert=True)
            _move(org_id, from_id, to_id, [row.pk for row in chosen])
    record(
        actor,
        "handover.write",
        object_type="handover",
        object_id=kept.pk,
        after={"from": from_id, "to": to_id, "day": day.isoformat(), "roles": kept.roles, "items": items},
    )
    return kept


def _move(org_id: int, from_id: int, to_id: int, assignments: list[int]) -> None:
    """Hand on what carries the holder's name; whatever hangs on role, class or school follows the role by itself."""
    with connection.cursor() as c:
        given = [to_id, org_id, from_id]
        c.execute(
            "update case_ set creator_id = %s where org_id = %s and creator_id = %s and status = 'draft'",
            given,
        )
        c.execute(
            "update import_batch set creator_id = %s where school_id = %s and creator_id = %s"
            " and state = any(%s)",
            [*given, list(handing.OPEN_BATCHES)],
        )
    Delegation.objects.filter(assignment_id__in=assignments, ended_at=None).update(ended_at=timezone.now())
    if not RoleAssignment.objects.filter(user_id=from_id, org_id=org_id, valid_to=None).exists():
        Delegation.objects.filter(to_user_id=from_id, org_id=org_id, ended_at=None).update(
            ended_at=timezone.now()
        )


def confirm(actor: Actor, pk: int, *, remark: str = "") -> HandOver:
    """The successor confirms the list, with a remark if something is missing. Raises Http404, ChargeError."""
    with transaction.atomic(), acting("writer"):
        row = HandOver.objects.select_for_update().filter(pk=pk, to_id=actor.user_id).first()
        if row is None:
            raise Http404
        if row.confirmed_at is not None:
            raise ChargeError(_("已经确认过"))
        row.confirmed_at, row.remark = timezone.now(), remark.strip()[:300]
        row.save()
    after: dict[str, Any] = {"remark": row.remark}
    record(actor, "handover.confirm", object_type="handover", object_id=row.pk, after=after)
    return row
