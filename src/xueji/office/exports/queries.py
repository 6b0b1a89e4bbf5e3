"""Reading applications: those of the own unit, which row-level security narrows again."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.waiting import Ask, Heap, day

from .models import ExportRequest, ExportState
from .words import FIELDS

LIMIT = 100
_TONES = {"asked": "amber", "granted": "green", "refused": "red", "ended": "grey"}


def listed(actor: Any) -> list[ExportRequest]:
    """The applications of the actor's unit, newest first (at most 100)."""
    actor.require("export.view")
    return list(ExportRequest.objects.filter(org_id=actor.org_id or 0).order_by("-asked_at", "-pk")[:LIMIT])


def get(actor: Any, key: uuid.UUID) -> ExportRequest:
    """One application of the actor's unit. Raises Http404."""
    actor.require("export.view")
    row = ExportRequest.objects.filter(pk=key, org_id=actor.org_id or 0).first()
    if row is None:
        raise Http404
    return row


def waiting(actor: Any) -> Ask[Heap] | None:
    """Applications that wait for the actor's word."""
    if not actor.can("export.approve") or actor.org_id is None:
        return None
    return Ask(
        "select count(*) as n, (min(asked_at) at time zone 'Asia/Shanghai')::date as since from export_request"
        " where org_id = %(org)s and state = 'asked' and asked_by <> %(user)s",
        {"org": actor.org_id, "user": actor.user_id},
        lambda rows: Heap(
            _("申请导出含完整号码的名册"), rows[0]["n"], "/exports/", _("%s 件") % rows[0]["n"], _("待批准"),
            since=day(rows[0]["since"]),
        ),
    )  # fmt: skip


def fields_of(row: ExportRequest) -> list[str]:
    """The fields in words."""
    return [str(FIELDS[f][0]) for f in row.fields if f in FIELDS]


def face(row: ExportRequest) -> dict[str, str]:
    """State in words, with its colour; what was granted ends with its day."""
    if row.state == ExportState.GRANTED and row.until < today():
        return {"label": str(ExportState.ENDED.label), "tone": "grey"}
    return {"label": str(ExportState(row.state).label), "tone": _TONES[row.state]}
