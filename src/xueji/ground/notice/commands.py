"""Keeping who was shown the notice."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting

from . import queries
from .models import NoticeReading


def read(actor: Any) -> str:
    """The actor says that he has read the version in force; returns it. Saying it twice changes nothing."""
    notice = queries.current()
    if notice is None:
        return ""
    with transaction.atomic(), acting("writer"):
        _row, new = NoticeReading.objects.get_or_create(
            user_id=actor.user_id, version=notice.version, defaults={"address": actor.address[:45]}
        )
    if new:
        record(
            actor,
            "notice.read",
            object_type="policy_notice",
            object_id=notice.version,
            after={"digest": notice.digest},
        )
    return notice.version
