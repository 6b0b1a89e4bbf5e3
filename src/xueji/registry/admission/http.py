"""What the views of this room share: who asks, what was ticked, running a command and saying what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from xueji.ground.accounts import http
from xueji.ground.accounts.http import see_other, whole

from .commands._base import year_of
from .errors import AdmissionError
from .queries import stages_of


def to(name: str, *args: Any, query: str = "") -> HttpResponseRedirect:
    """On to another address of this room, by GET."""
    return see_other(reverse(f"admission:{name}", args=args) + (f"?{query}" if query else ""))


def chosen(actor: Any, data: Any) -> tuple[int, str, list[tuple[str, str]]]:
    """Year and stage of an address or a form, and the stages to choose from."""
    now = year_of()
    year = whole(data.get("year")) or now
    year = year if abs(year - now) <= 1 else now
    stages = stages_of(actor)
    stage = data.get("stage", "")
    if stage not in dict(stages):
        stage = stages[0][0] if stages else "P"
    return year, stage, stages


def run(request: HttpRequest, deed: Callable[[], object], done: Callable[[Any], str]) -> Any:
    """Run a command of this room and say what came of it; None when it was refused."""
    return http.attempt(request, deed, done, refused=AdmissionError)
