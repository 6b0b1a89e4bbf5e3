"""What every page's frame needs: who acts, where he may go, what waits for him."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from . import nav


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context of the base templates. No query for anonymous visitors, at most one for others, and only if drawn."""
    actor = getattr(request, "actor", None)
    if actor is None:
        return {"actor": None, "nav": [], "links": {"home": "/", "login": settings.LOGIN_URL}}
    return {
        "actor": actor,
        "nav": nav.menu(actor, request.path),
        "links": nav.links(actor),
        "todo_count": cache(lambda: nav.todo_count(actor)),
        "term_label": nav.term_label(),
        "session_seconds": settings.SESSION_IDLE_SECONDS,
        "mark": _mark(actor),
    }


def _mark(actor: Any) -> dict[str, str]:
    """The watermark of whoever may look at pupils' data: a photo of the screen tells who took it, and when."""
    if actor.is_portal or not actor.can("student.view"):
        return {}
    return {
        "who": f"{actor.name} {actor.org_name}"[:40],
        "when": f"{timezone.localtime():%Y-%m-%d %H:%M}",
    }
