"""Limits on pages by what they do: counted before the request's own transaction, so that nothing undoes the count."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from xueji.ground.accounts.http import USER_KEY, client_address

from .counting import count, words

_FILE = re.compile(r"\.(?:xlsx|csv|pdf|zip|json|toml|txt|xml)$|^/files/[^/]+/$|/file/$")
_REVEAL = re.compile(r"^/people/[^/]+/reveal/$")
#: Forms in which a child that is not one's own is named by name and number.
_LOOKUP = (
    "/cases/new/transfer/",
    "/cases/new/arrival/",
    "/yearly/admission/claim/",
    "/relay/new/",
    "/duplicates/check/",
)
_PUBLIC = ("/privacy/complain/",)


def kind_of(request: HttpRequest) -> str:
    """Which limit a request falls under; "" for none."""
    path = request.path
    if _FILE.search(path):
        return "export"
    if request.method == "POST":
        if _REVEAL.match(path):
            return "reveal"
        if path in _LOOKUP:
            return "lookup"
        if path.startswith("/emergency/"):
            return "emergency"
        return "public" if path in _PUBLIC else ""
    return "search" if (request.GET.get("q") or request.GET.get("s") or "").strip() else ""


class RateMiddleware:
    """Refuses what comes too often with 429, words and the time to wait."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Count what falls under a limit; strangers count for pages that they may open only. An address with a
        character that no text of the database can hold is nobody's.
        """
        if "\x00" in request.path_info:
            request.actor = None  # type: ignore[attr-defined]
            raise Http404
        kind = kind_of(request)
        if kind and not request.path.startswith(("/static/", "/relay/inbox/")):
            user = request.session.get(USER_KEY)
            if user is not None or kind == "public":
                wait = count(kind, user_id=user, address=client_address(request))
                if wait:
                    return refused(request, wait)
        return self.get_response(request)


def refused(request: HttpRequest, wait: int) -> HttpResponse:
    """The answer to a request that came too often."""
    request.actor = None  # type: ignore[attr-defined]
    response = render(request, "limits/429.html", {"words": words(wait)}, status=429)
    response["Retry-After"] = str(wait)
    response["Cache-Control"] = "private, no-store"
    return response
