"""What the pages of the import share: who asks, what is sent as a file, the choices of coded fields."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from xueji.ground.standards.fields import fields

from . import books


def actor_of(request: HttpRequest) -> Any:
    """Whoever asks, if she may import. Raises PermissionDenied."""
    actor = request.actor  # type: ignore[attr-defined]
    actor.require("intake.import")
    return actor


def lists(keys: set[str]) -> list[dict[str, Any]]:
    """Choices of coded fields, once for each field that is repaired on the page."""
    return [
        {"key": f.key, "choices": books.choices(f.codeset)} for f in fields() if f.codeset and f.key in keys
    ]
