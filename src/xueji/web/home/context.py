"""What every page's frame needs: who acts, where he may go, what waits for him."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest

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
    }
