"""Carrying a message to another installation: HTTP POST to the address that the administrator entered, nowhere else.

No redirect is followed, no proxy of the environment is asked, the answer is read up to a small limit.
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from typing import Any

from .errors import NotDelivered, RelayError
from .models import Peer
from .peers import check_url

TIMEOUT = 10.0
_ANSWER = 16 * 1024
INBOX = "/relay/inbox/"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Whoever answers with another address is not asked there."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def post(peer: Peer, raw: bytes) -> bytes:
    """Send a message; returns the answer's text. Raises `NotDelivered` with a code and nothing of the content."""
    try:
        url = check_url(peer.base_url)
    except RelayError as error:
        raise NotDelivered("address") from error
    request = urllib.request.Request(  # noqa: S310 - checked to be http(s) above
        url + INBOX, data=raw, headers={"Content-Type": "application/json"}, method="POST"
    )
    try:
        with _opener.open(request, timeout=TIMEOUT) as answer:
            if answer.status != 200:
                raise NotDelivered(f"http_{answer.status}")
            return bytes(answer.read(_ANSWER))
    except urllib.error.HTTPError as error:
        raise NotDelivered(f"http_{error.code}") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NotDelivered("unreachable") from error
