"""OpenID Connect, the code flow with PKCE (OpenID Connect Core 1.0 section 3.1, RFC 7636)."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from typing import Any
from urllib.parse import quote, urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from django.conf import settings
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from . import Person, SsoRefused, fetch

#: Signatures with a key pair only: a token "signed" with nothing or with our own secret proves nothing.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
LEEWAY = 60
_KEEP = 600.0
_lock = threading.Lock()
_known: dict[str, tuple[float, dict[str, Any]]] = {}


def configured() -> bool:
    """Whether this installation has such a provider."""
    return bool(settings.OIDC_ISSUER and settings.OIDC_CLIENT_ID)


def back_url() -> str:
    """Where the provider sends people back to; registered there."""
    return f"{settings.PUBLIC_URL}/login/oidc/back/"


def begin() -> tuple[str, dict[str, str]]:
    """Where to send the visitor, and what to keep until he is back. Raises `SsoRefused`."""
    about = _discover()
    kept = {
        "state": secrets.token_urlsafe(32),
        "nonce": secrets.token_urlsafe(32),
        "verifier": secrets.token_urlsafe(64),
    }
    asked = {
        "response_type": "code",
        "client_id": settings.OIDC_CLIENT_ID,
        "redirect_uri": back_url(),
        "scope": settings.OIDC_SCOPES,
        "state": kept["state"],
        "nonce": kept["nonce"],
        "code_challenge": create_s256_code_challenge(kept["verifier"]),
        "code_challenge_method": "S256",
    }
    url = fetch.at_home(about["authorization_endpoint"], settings.OIDC_ISSUER)
    return f"{url}{'&' if '?' in url else '?'}{urlencode(asked)}", kept


def finish(kept: dict[str, str], code: str) -> Person:
    """Who the visitor is, after the provider sent him back with a code. Raises `SsoRefused`."""
    about = _discover()
    pair = f"{quote(settings.OIDC_CLIENT_ID, safe='')}:{quote(settings.OIDC_CLIENT_SECRET, safe='')}"
    said = _json(
        fetch.get(
            about["token_endpoint"],
            settings.OIDC_ISSUER,
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": back_url(),
                "client_id": settings.OIDC_CLIENT_ID,
                "code_verifier": kept["verifier"],
            },
            headers={
                "Authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
                "Accept": "application/json",
            },
        )
    )
    claims = _claims(about, str(said.get("id_token", "")), kept["nonce"], str(said.get("access_token", "")))
    email = claims.get("email") if claims.get("email_verified") is True else ""
    amr = claims.get("amr") or []
    proven = settings.OIDC_MFA and any(m in amr for m in ("mfa", "otp", "hwk", "swk", "fpt", "face"))
    return Person(str(claims["sub"]), str(email or "").strip().lower(), proven)


def _claims(about: dict[str, Any], token: str, nonce: str, access_token: str) -> Any:
    keys = _json(fetch.get(about["jwks_uri"], settings.OIDC_ISSUER))
    try:
        found = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)  # type: ignore[arg-type]
        claims = CodeIDToken(
            found.claims,
            found.header,
            options={
                "iss": {"essential": True, "value": about["issuer"]},
                "aud": {"essential": True, "value": settings.OIDC_CLIENT_ID},
            },
            params={
                "nonce": nonce,
                "client_id": settings.OIDC_CLIENT_ID,
                "access_token": access_token or None,
            },
        )
        claims.validate(now=int(time.time()), leeway=LEEWAY)
    except (
        Exception
    ) as e:  # whatever a foreign token makes a library stumble over is a refusal, never a fault
        if isinstance(e, (JoseError, ValueError, KeyError, TypeError, AttributeError)) or hasattr(e, "error"):
            raise SsoRefused("token") from e
        raise
    if not 0 < len(str(claims["sub"])) <= 200:
        raise SsoRefused("subject")
    return claims


def _discover() -> dict[str, Any]:
    """What the provider says of itself, kept for ten minutes."""
    issuer: str = settings.OIDC_ISSUER
    with _lock:
        at, about = _known.get(issuer, (0.0, {}))
    if about and time.monotonic() - at < _KEEP:
        return about
    about = _json(fetch.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration", issuer))
    if str(about.get("issuer", "")).rstrip("/") != issuer.rstrip("/"):
        raise SsoRefused("issuer")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        fetch.at_home(about.get(name, ""), issuer)
    with _lock:
        _known[issuer] = (time.monotonic(), about)
    return about


def _json(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as e:
        raise SsoRefused("answer") from e
    if not isinstance(found, dict):
        raise SsoRefused("answer")
    return found
