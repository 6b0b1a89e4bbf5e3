"""Asking a provider over HTTP: the configured hosts and nobody else, no redirect, no proxy, little patience."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from . import SsoRefused

TIMEOUT = 8.0
_MOST = 512 * 1024
_PORTS = {"https": 443, "http": 80}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Whoever answers with another address is not asked there."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address; raises `SsoRefused` for what is no address of the web."""
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError as e:
        raise SsoRefused("address") from e
    if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None:
        raise SsoRefused("address")
    return parts.scheme, parts.hostname.lower(), port or _PORTS[parts.scheme]


def at_home(url: str, base: str) -> str:
    """`url` if it is at the configured provider (same scheme, host and port). Raises `SsoRefused`."""
    if not isinstance(url, str) or origin(url) != origin(base):
        raise SsoRefused("elsewhere")
    return url


def get(
    url: str, base: str, *, data: dict[str, str] | None = None, headers: dict[str, str] | None = None
) -> bytes:
    """The answer of the provider to a GET, or to a POST of a form. Raises `SsoRefused`."""
    body = urllib.parse.urlencode(data).encode() if data is not None else None
    request = urllib.request.Request(at_home(url, base), data=body, headers=headers or {})  # noqa: S310 - see at_home
    try:
        with _opener.open(request, timeout=TIMEOUT) as answer:
            raw = bytes(answer.read(_MOST + 1))
    except urllib.error.HTTPError as e:
        raise SsoRefused(f"http_{e.code}") from e
    except (OSError, ValueError, http.client.HTTPException) as e:
        raise SsoRefused("unreachable") from e
    if len(raw) > _MOST:
        raise SsoRefused("too_long")
    return raw
