"""What the views of this room share."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse

Crumbs = list[dict[str, str]]


def actor_of(request: HttpRequest, action: str) -> Any:
    """Who asks, if the role may. Raises PermissionDenied."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    actor.require(action)
    return actor


def attached(data: bytes, name: str, kind: str = "application/pdf") -> HttpResponse:
    """A file to keep; never shown inline."""
    response = HttpResponse(data, content_type=kind)
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return response


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
