"""CAS, protocol version 3: a ticket that the provider redeems once (Apereo CAS Protocol 3.0 sections 2.1 and 2.8)."""

from __future__ import annotations

import re
import secrets
from urllib.parse import urlencode
from xml.etree.ElementTree import ParseError  # nosec B405

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from django.conf import settings

from . import Person, SsoRefused, fetch

_NS = "{http://www.yale.edu/tp/cas}"
_TICKET = re.compile(r"[A-Za-z0-9._-]{1,256}")


def configured() -> bool:
    """Whether this installation has such a provider."""
    return bool(settings.CAS_URL)


def back_url(state: str) -> str:
    """The service that the ticket is made for. It carries the state: no ticket of another visit fits."""
    return f"{settings.PUBLIC_URL}/login/cas/back/?{urlencode({'state': state})}"


def begin() -> tuple[str, dict[str, str]]:
    """Where to send the visitor, and what to keep until he is back."""
    state = secrets.token_urlsafe(32)
    return f"{settings.CAS_URL}/login?{urlencode({'service': back_url(state)})}", {"state": state}


def finish(kept: dict[str, str], ticket: str) -> Person:
    """Who the visitor is, after the provider sent him back with a ticket. Raises `SsoRefused`."""
    if not _TICKET.fullmatch(ticket):
        raise SsoRefused("ticket")
    asked = urlencode({"service": back_url(kept["state"]), "ticket": ticket})
    return Person(_user(fetch.get(f"{settings.CAS_URL}/p3/serviceValidate?{asked}", settings.CAS_URL)))


def _user(raw: bytes) -> str:
    """The user of a successful answer: that very shape, nothing read from anywhere else in it."""
    try:
        root = ElementTree.fromstring(raw, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as e:
        raise SsoRefused("answer") from e
    if root.tag != f"{_NS}serviceResponse" or [c.tag for c in root] != [f"{_NS}authenticationSuccess"]:
        raise SsoRefused("ticket")
    users = root[0].findall(f"{_NS}user")
    name = (users[0].text or "").strip() if len(users) == 1 else ""
    if not 0 < len(name) <= 200:
        raise SsoRefused("subject")
    return name
