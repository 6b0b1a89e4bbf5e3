"""One transaction a request, in the scope of the account that is signed in.

The order matters: the session is read first, then the transaction opens and its first statement sets the scope;
everything that the view does stands or falls together. Two queries a request, no more.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.db import DataError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.defaults import bad_request

from xueji.ground.audit import commands as audit
from xueji.ground.audit import pages

from .actor import enter_session
from .http import ASSIGNMENT_KEY, USER_KEY, client_address

#: Pages for everybody: signing in, checking a certificate, and what machines ask.
PUBLIC = ("/login/", "/verify/", "/join/", "/privacy/notice/", "/privacy/complain/")
PUBLIC_PAGES = ("/privacy/",)
#: Answered without looking at the session at all.
UNTOUCHED = ("/static/", "/healthz", "/favicon.ico", "/relay/inbox/")
#: What must be done before the pages open: the gate's page, and what else may be opened meanwhile.
GATES: dict[str, tuple[str, tuple[str, ...]]] = {
    "factor": ("/me/factor/", ()),
    "password": ("/me/password/", ()),
    "duty": ("/me/duty/", ("/role/", "/help/")),
    "notice": ("/privacy/notice/", ("/privacy/", "/help/", "/role/")),
}
#: Open in front of every gate.
ALWAYS = ("/logout/", "/session/extend/")

_ROLLBACK = "_xueji_rollback"


class ActorMiddleware:
    """Sets `request.actor` (None for the public pages' anonymous visitors) and holds the request's transaction."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request as the account of its session, or send the visitor to the sign-in page."""
        request.actor = None  # type: ignore[attr-defined]
        if request.path.startswith(UNTOUCHED):
            return self.get_response(request)
        if request.session.get(USER_KEY) is None:
            return self._anonymous(request)
        with transaction.atomic():
            state, actor = enter_session(
                request.session.session_key or "",
                request.session.get(ASSIGNMENT_KEY),
                idle=settings.SESSION_IDLE_SECONDS,
                longest=settings.SESSION_COOKIE_AGE,
                address=client_address(request),
            )
            if actor is not None:
                request.actor = actor  # type: ignore[attr-defined]
                for gate in actor.gates:
                    page, beside = GATES[gate]
                    if request.path.startswith((page, *beside, *ALWAYS)):
                        break
                    return _send(request, page + (_onward(request) if gate == "factor" else ""))
                before = audit.deeds()
                response = self.get_response(request)
                # Nobody who comes to this computer later finds a page of a child in its store.
                response.setdefault("Cache-Control", "private, no-store")
                if response.status_code >= 500 or getattr(request, _ROLLBACK, False):
                    transaction.set_rollback(True)
                else:
                    pages.shown(request, actor, response, before)
        if actor is not None:
            pages.refused(request, actor, response)
            return response
        request.session.flush()
        return self._anonymous(request, state)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A view that raised leaves nothing behind. The error page is still drawn in its scope, then all is undone.

        What the database cannot even hold (a NUL, a number of thirty digits) is a wrong request, not a fault.
        """
        setattr(request, _ROLLBACK, True)
        return bad_request(request, exception) if isinstance(exception, DataError) else None

    def _anonymous(self, request: HttpRequest, why: str = "") -> HttpResponse:
        if request.path.startswith(PUBLIC) or request.path in PUBLIC_PAGES:
            return self.get_response(request)
        back = request.get_full_path()
        if request.method not in ("GET", "HEAD") or request.headers.get("HX-Request"):
            back = _page_before(request)
        asked = {k: v for k, v in (("next", back), ("why", why)) if v and v != "/"}
        return _send(request, settings.LOGIN_URL + (f"?{urlencode(asked)}" if asked else ""))


def _page_before(request: HttpRequest) -> str:
    """The page of this site that the browser says it comes from, else the first page."""
    try:
        referer = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return "/"
    return referer.path if referer.netloc == request.get_host() else "/"


def _onward(request: HttpRequest) -> str:
    """Where to go on once the gate is passed: pages, not deeds."""
    if request.method != "GET" or request.headers.get("HX-Request") or request.path == "/":
        return ""
    return "?" + urlencode({"next": request.get_full_path()})


def _send(request: HttpRequest, url: str) -> HttpResponse:
    """A redirect of the whole page, also when only a part of it was asked for."""
    if request.headers.get("HX-Request"):
        return HttpResponse(status=401, headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)
