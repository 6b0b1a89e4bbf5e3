"""What the views of this room share: who asks, what was ticked, running a command and saying what came of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from xueji.ground.accounts.http import see_other, whole

from .errors import YearlyError


def to(name: str, *args: Any, query: str = "") -> HttpResponseRedirect:
    """On to another address of this room, by GET."""
    return see_other(reverse(f"yearly:{name}", args=args) + (f"?{query}" if query else ""))


def version_of(request: HttpRequest) -> int | None:
    """The version of the list that the page was drawn from."""
    return whole(request.POST.get("version"))


def ticked(request: HttpRequest, name: str = "person") -> list[uuid.UUID]:
    """The rows that were ticked; nonsense is passed over."""
    out = []
    for raw in request.POST.getlist(name)[:5000]:
        try:
            out.append(uuid.UUID(raw))
        except ValueError:
            continue
    return out


def day_of(raw: str | None) -> date | None:
    """A date of a form, or None."""
    try:
        return date.fromisoformat(raw or "")
    except ValueError:
        return None


def run(request: HttpRequest, deed: Callable[[], object], done: Callable[[Any], str]) -> Any:
    """Run a command and say what came of it; None when it was refused."""
    try:
        found = deed()
    except YearlyError as error:
        messages.error(request, error.message)
        return None
    messages.success(request, done(found))
    return found if found is not None else True
