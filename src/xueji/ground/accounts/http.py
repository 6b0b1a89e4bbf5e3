"""Small things that views of every room need around a request."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import content_disposition_header, url_has_allowed_host_and_scheme

if TYPE_CHECKING:
    from .actor import Actor

#: Keys of the signed-in session.
USER_KEY = "xj_user"
ASSIGNMENT_KEY = "xj_assignment"
LAST_KEY = "xj_last"


def actor_of(request: HttpRequest) -> Actor:
    """Who asks; the middleware has seen to it that somebody does."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def see_other(url: str) -> HttpResponseRedirect:
    """On to another address, by GET, whatever was asked."""
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response


PDF = "application/pdf"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def attachment(data: bytes, name: str, mime: str = XLSX) -> HttpResponse:
    """A file to keep: never shown inside the site, never sniffed, never cached by anybody between."""
    response = HttpResponse(data, content_type=mime)
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, no-store"
    return response


def whole(raw: str | None) -> int | None:
    """A whole number of a form or an address that an id may be; None for anything else."""
    text = raw or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def day_of(raw: str | None) -> date | None:
    """A day of a form or an address (2026-09-01) that a record may hold; None for anything else."""
    try:
        found = date.fromisoformat((raw or "").strip())
    except ValueError:
        return None
    return found if 1900 <= found.year <= 2199 else None


def ticked(request: HttpRequest, name: str) -> list[uuid.UUID]:
    """The rows that were ticked on a page, at most 5,000; nonsense is passed over."""
    out = []
    for raw in request.POST.getlist(name)[:5000]:
        try:
            out.append(uuid.UUID(raw))
        except ValueError:
            continue
    return out


def attempt(
    request: HttpRequest, deed: Callable[[], object], done: Callable[[Any], str], *, refused: type[Exception]
) -> Any:
    """Run a command and say what came of it: what it gave (True for nothing); None when it was refused."""
    try:
        found = deed()
    except refused as error:
        messages.error(request, error.message)  # type: ignore[attr-defined]
        return None
    messages.success(request, done(found))
    return found if found is not None else True


def carry_out(
    request: HttpRequest, deed: Callable[[], Any], done: str, url: str, *, refused: type[Exception]
) -> HttpResponseRedirect:
    """Run a command, say what came of it, and go on to `url`. `refused` are errors with a `message` for the user."""
    try:
        deed()
    except refused as error:
        messages.error(request, error.message)  # type: ignore[attr-defined]
    else:
        messages.success(request, done)
    return see_other(url)


def client_address(request: HttpRequest) -> str:
    """The address of the client. X-Forwarded-For counts only as far as the installation has proxies of its own."""
    proxies: int = getattr(settings, "TRUSTED_PROXIES", 0)
    direct = str(request.META.get("REMOTE_ADDR", ""))
    if proxies:
        hops = [h.strip() for h in str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",") if h.strip()]
        if hops:
            direct = hops[-min(proxies, len(hops))]
    return direct[:45]


def client_agent(request: HttpRequest) -> str:
    """What the browser calls itself, cut to the length that is kept."""
    return str(request.META.get("HTTP_USER_AGENT", ""))[:200]


_BROWSERS = (
    ("MicroMessenger", "微信"),
    ("DingTalk", "钉钉"),
    ("QQBrowser", "QQ 浏览器"),
    ("360", "360 浏览器"),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("HarmonyOS", "鸿蒙"),
    ("Android", "安卓"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def agent_words(agent: str) -> str:
    """A browser as its user knows it, "Chrome · Windows", from what it calls itself; the raw beginning if unknown."""
    found = (next((word for mark, word in marks if mark in agent), "") for marks in (_BROWSERS, _SYSTEMS))
    return " · ".join(word for word in found if word) or agent[:40]


def safe_next(request: HttpRequest, raw: str | None) -> str:
    """`raw` if it is an address inside this site, else the home page: nobody is sent elsewhere after signing in."""
    if (
        raw
        and raw.startswith("/")
        and not raw.startswith(("/login", "/logout", "/role", "/session"))
        and url_has_allowed_host_and_scheme(raw, allowed_hosts=None, require_https=request.is_secure())
    ):
        return raw
    return "/"
