"""Applications for files in tests: asked, reviewed, granted, signed for."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone
from tests.helpers import Place, act_as
from tests.registry.changes.world import picture

from xueji.office.exports import commands
from xueji.office.exports.models import ExportRequest


def application(**more: Any) -> dict[str, Any]:
    """Everything that an application says, for an examination."""
    return {
        "purpose_code": "exam", "fields": ["name", "identity", "phone"], "conditions": {}, "reason": "办理中考报名",
        "use_scope": "只在教务处内", "way": "在教务处电脑上核对", "recipient_kind": "inside", "receiver": "教务处",
        "responsible": "廖主任", "handler": "贺老师", "until": timezone.localdate() + timedelta(days=3),
        "plan": picture(), "plan_name": "保障方案.jpg",
    } | more  # fmt: skip


def ask(place: Place, *who: str, **more: Any) -> ExportRequest:
    """Apply as somebody, the registrar of a1 unless said."""
    if "fields" in more and "purpose_code" not in more and "address" in more["fields"]:
        more["purpose_code"] = "admission"
    with act_as(place.user(*(who or ("registrar", "a1")))) as actor:
        return commands.ask(actor, **application(**more))


def review(place: Place, row: ExportRequest, *who: str, **more: Any) -> ExportRequest:
    """The office keeps all fields unless said."""
    with act_as(place.user(*(who or ("registrar", "a1")))) as actor:
        return commands.review(actor, row.pk, **({"fields": row.fields, "least": True} | more))


def grant(place: Place, row: ExportRequest, *who: str, **more: Any) -> ExportRequest:
    """The head's word: yes unless said."""
    with act_as(place.user(*(who or ("school_head", "a1")))) as actor:
        return commands.decide(actor, row.pk, **({"granted": True} | more))


def promise(place: Place, row: ExportRequest, *who: str) -> ExportRequest:
    """The promise on signed paper, brought by the office."""
    with act_as(place.user(*(who or ("registrar", "a1")))) as actor:
        return commands.acknowledge(actor, row.pk, read=True, data=picture(), name="责任书.jpg")


def granted_export(place: Place, school: str, **more: Any) -> uuid.UUID:
    """A school's application that only waits for the file."""
    row = ask(place, "registrar", school, **more)
    review(place, row, "registrar", school)
    grant(place, row, "school_head", school)
    promise(place, row, "registrar", school)
    return row.pk
