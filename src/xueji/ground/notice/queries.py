"""The version in force, and former ones."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404
from django.utils import timezone

from xueji.ground.db.scope import acting

from .models import NoticeReading, PolicyNotice


def current() -> PolicyNotice | None:
    """What is in force today; one query."""
    return (
        PolicyNotice.objects.filter(since__lte=timezone.localdate())
        .order_by("-since", "-published_at")
        .first()
    )


def version(name: str) -> PolicyNotice:
    """One version. Raises Http404."""
    found = PolicyNotice.objects.filter(pk=name).first()
    if found is None:
        raise Http404
    return found


def versions(limit: int = 20) -> list[PolicyNotice]:
    """All of them, newest first, without their texts."""
    return list(PolicyNotice.objects.defer("body").order_by("-since", "-published_at")[:limit])


def readings(actor: Any) -> list[tuple[str, datetime]]:
    """Which versions the actor himself was shown, and when, newest first."""
    with acting("writer"):
        rows = NoticeReading.objects.filter(user_id=actor.user_id).order_by("-id")
        return list(rows.values_list("version", "at")[:20])
