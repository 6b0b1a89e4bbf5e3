"""Searching for people without their names in an address.

Addresses end up in the logs of proxies, in histories and in links that are passed on. The search forms of people POST
their text; the answer is a redirect to the list, whose address carries the text sealed for this very account. Paging,
the back button and a bookmark of one's own go on working; to everybody else the address says nothing.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict

from xueji.ground.crypto import vault
from xueji.ground.crypto.errors import KeyMissing, Tampered

from .http import see_other

#: Lists of people that can be searched, with what else their forms narrow by.
PAGES = frozenset(
    {"/students/", "/cases/", "/cases/new/", "/yearly/admission/", "/accounts/", "/admission/candidates/",
     "/admission/children/", "/admission/clearances/"}
)  # fmt: skip
#: What is sealed in an address: sealed name -> open name.
_SEALED = {"s": "q", "p": "after"}
_LONGEST = 1500


def hide(user_id: int, text: str) -> str:
    """A text as an address may carry it: sealed, and of use to this account only."""
    return base64.urlsafe_b64encode(vault.seal(text, f"search:{user_id}")).decode().rstrip("=")


def show(user_id: int, sealed: str) -> str:
    """What was hidden; empty for anything that this account did not hide itself."""
    if not sealed or len(sealed) > _LONGEST:
        return ""
    try:
        blob = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
        return vault.open(blob, f"search:{user_id}")
    except (binascii.Error, ValueError, Tampered, KeyMissing):
        return ""


def address(user_id: int, params: Mapping[str, str]) -> str:
    """The query part of an address of such a list: what names people in it is sealed, blanks are left out."""
    out = {}
    for key, value in params.items():
        sealed = next((s for s, name in _SEALED.items() if name == key), "")
        if value:
            out[sealed or key] = hide(user_id, value) if sealed else value
    return "?" + urlencode(out)


class SearchMiddleware:
    """Turns a posted search into such an address, and such an address into what views read. Behind the actor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a posted search with a redirect; open what is sealed in the address of a list."""
        actor = getattr(request, "actor", None)
        if actor is None or request.path not in PAGES:
            return self.get_response(request)
        if request.method == "POST" and "find" in request.POST:
            asked = {
                k: str(v)[:100]
                for k, v in request.POST.items()
                if k not in ("find", "csrfmiddlewaretoken", "after", *_SEALED)
            }
            return see_other(request.path + address(actor.user_id, asked))
        if any(k in request.GET for k in _SEALED):
            opened = QueryDict(mutable=True)
            opened.update(
                {
                    _SEALED.get(k, k): show(actor.user_id, str(v)) if k in _SEALED else str(v)
                    for k, v in request.GET.items()
                }
            )
            request.GET = opened  # type: ignore[assignment]
        return self.get_response(request)
