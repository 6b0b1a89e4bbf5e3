"""What the commands share: the locked row, the unit, the note."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404

from xueji.ground.accounts.actor import Actor
from xueji.ground.audit.commands import record
from xueji.ground.orgs.models import Org

from ..models import ExportRequest


def unit(actor: Actor) -> Org:
    """The unit for which the actor works. Raises PermissionDenied."""
    if actor.org_id is None:
        raise PermissionDenied
    return Org.objects.get(pk=actor.org_id)


def in_turn(what: str, org_id: int) -> None:
    """Whoever does the same for the same unit at this moment waits here until the transaction ends."""
    with connection.cursor() as c:
        c.execute("select pg_advisory_xact_lock(hashtext(%s), %s)", [what, org_id])


def locked(actor: Actor, key: uuid.UUID) -> ExportRequest:
    """An application of the actor's unit, for writing (in the writing role). Raises Http404."""
    row = ExportRequest.objects.select_for_update().filter(pk=key, org_id=actor.org_id or 0).first()
    if row is None or not _may_see(actor, row):
        raise Http404
    return row


def _may_see(actor: Actor, row: ExportRequest) -> bool:
    """Offices see their unit's applications; who only uses data sees the own ones."""
    return actor.can("export.view") or row.asked_by == actor.user_id


def note(actor: Any, action: str, row: ExportRequest, **more: Any) -> None:
    """The entry of the audit: purpose, fields, conditions, who uses, until when."""
    record(
        actor,
        action,
        object_type="export",
        object_id=row.pk,
        purpose=row.reason,
        after={
            "number": row.number,
            "fields": row.approved or row.fields,
            "conditions": row.conditions,
            "receiver": row.receiver,
            "responsible": row.responsible,
            "until": row.until.isoformat(),
            "state": str(row.state),
            **more.pop("after", {}),
        },
        **more,
    )
