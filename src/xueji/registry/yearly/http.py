"""What the views of this room share: who asks, what was ticked, running a command and saying what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from xueji.ground.accounts import http
from xueji.ground.accounts.http import see_other, whole

from .errors import YearlyError


def to(name: str, *args: Any, query: str = "") -> HttpResponseRedirect:
    """On to another address of this room, by GET."""
    return see_other(reverse(f"yearly:{name}", args=args) + (f"?{query}" if query else ""))


def version_of(request: HttpRequest) -> int | None:
    """The version of the list that the page was drawn from."""
    return whole(request.POST.get("version"))


def run(request: HttpRequest, deed: Callable[[], object], done: Callable[[Any], str]) -> Any:
    """Run a command of this room and say what came of it; None when it was refused."""
    return http.attempt(request, deed, done, refused=YearlyError)
