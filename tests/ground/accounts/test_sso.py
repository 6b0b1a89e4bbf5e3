"""Single sign-on against providers of our own on the loopback: the whole flow, and everything that is refused."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from django.db import transaction
from django.test import Client
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from tests.helpers import PASSWORD, Place, act_as, login, make_county, seeing_all

from xueji.ground.accounts.commands import AccountError
from xueji.ground.accounts.commands import sso as binding
from xueji.ground.accounts.models import FactorRule, RoleAssignment, SsoIdentity, User, UserSession
from xueji.ground.accounts.sso import SsoRefused, cas, fetch, oidc
from xueji.ground.db.scope import acting

pytestmark = pytest.mark.django_db


@dataclass
class Fake:
    """A provider: what it signs, what it says, and what it was asked."""

    url: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    signs: RSAKey | None = None
    claims: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tickets: dict[str, str] = field(default_factory=dict)
    xml: str = ""
    algorithm: str = "RS256"
    asked: list[str] = field(default_factory=list)

    def discovery(self) -> dict[str, Any]:
        there = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }
        return there | self.about

    def authorise(self, address: str) -> dict[str, str]:
        """What the provider's page does with somebody who has signed in there: sends him back with a code."""
        asked = dict(parse_qsl(urlsplit(address).query))
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """A code is redeemed once, by its client, with the verifier that fits the challenge (RFC 7636)."""
        asked = self.codes.pop(form["code"], None)
        secret = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        if asked is None or secret != "xueji:s3cret" or asked["redirect_uri"] != form["redirect_uri"]:
            return None
        if (
            asked["code_challenge"] != challenge.decode().rstrip("=")
            or asked["code_challenge_method"] != "S256"
        ):
            return None
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": "xueji",
            "sub": "stranger",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
        } | self.claims
        claims = {k: v for k, v in claims.items() if v is not None}
        token = jwt.encode({"alg": self.algorithm, "kid": "one"}, claims, self.signs or self.key)
        return {"access_token": "a", "token_type": "Bearer", "id_token": token}


class _Handler(BaseHTTPRequestHandler):
    fake: Fake

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        self.fake.asked.append(path)
        if path == "/.well-known/openid-configuration":
            return self._say(json.dumps(self.fake.discovery()))
        if path == "/keys":
            return self._say(json.dumps(KeySet([self.fake.key]).as_dict(private=False)))
        if path == "/cas/p3/serviceValidate":
            service = self.fake.tickets.pop(query["ticket"][0], "")
            if service == query["service"][0]:
                return self._say(self.fake.xml)
            return self._say(FAILURE)
        if path == "/away":
            self.send_response(302)
            self.send_header("Location", f"{self.fake.url}/keys")
            self.end_headers()
            return None
        return self._say("{}", 404)

    def do_POST(self) -> None:
        self.fake.asked.append(self.path)
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        found = self.fake.token(form, self.headers.get("Authorization", ""))
        self._say(json.dumps(found or {"error": "invalid_grant"}), 200 if found else 400)

    def _say(self, text: str, status: int = 200) -> None:
        raw = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args: Any) -> None:
        """Silent."""


NS = 'xmlns:cas="http://www.yale.edu/tp/cas"'
FAILURE = (
    f'<cas:serviceResponse {NS}><cas:authenticationFailure code="INVALID_TICKET">no'
    "</cas:authenticationFailure></cas:serviceResponse>"
)


def success(user: str) -> str:
    return (
        f"<cas:serviceResponse {NS}><cas:authenticationSuccess><cas:user>{user}</cas:user>"
        "<cas:attributes><cas:user2>admin</cas:user2></cas:attributes></cas:authenticationSuccess>"
        "</cas:serviceResponse>"
    )


@pytest.fixture
def fake(settings: Any) -> Iterator[Fake]:
    made = Fake()
    handler = type("Handler", (_Handler,), {"fake": made})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = made.url, "xueji", "s3cret"
    settings.CAS_URL = f"{made.url}/cas"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def place() -> Place:
    return make_county()


def bind(place: Place, provider: str, subject: str, role: str = "registrar", where: str = "a1") -> None:
    with transaction.atomic(), acting("writer"):
        SsoIdentity.objects.create(provider=provider, subject=subject, user=place.user(role, where))


def leave(client: Client, code: str = "oidc", follow: str = "/students/") -> str:
    answer = client.get(f"/login/{code}/start/", {"next": follow})
    assert answer.status_code == 302, answer.content.decode()
    return answer["Location"]


def through(client: Client, fake: Fake) -> Any:
    return client.get("/login/oidc/back/", fake.authorise(leave(client)))


def ticket(client: Client, fake: Fake, name: str = "ST-1") -> dict[str, str]:
    service = dict(parse_qsl(urlsplit(leave(client, "cas")).query))["service"]
    fake.tickets[name] = service
    return {"ticket": name} | dict(parse_qsl(urlsplit(service).query))


@pytest.mark.capability("C-SEC-01")
def test_a_registrar_signs_in_through_the_university(client: Client, place: Place, fake: Fake) -> None:
    """The registrar presses the button of the university, signs in there, and lands on the page that she wanted,
    as the role that she was given here and nothing more.
    """
    bind(place, "oidc", "u-1001")
    fake.claims = {"sub": "u-1001"}
    page = client.get("/login/?next=/students/").content.decode()
    assert "/login/oidc/start/?next=/students/" in page and "/login/cas/start/" in page
    address = leave(client)
    asked = dict(parse_qsl(urlsplit(address).query))
    assert asked["code_challenge_method"] == "S256" and asked["scope"].startswith("openid")
    assert len(asked["state"]) > 40 and len(asked["nonce"]) > 40 and asked["state"] != asked["nonce"]
    answer = client.get("/login/oidc/back/", fake.authorise(address))
    assert answer["Location"] == "/students/"
    assert client.get("/students/").status_code == 200
    assert client.get("/audit/").status_code == 403
    assert "统一身份认证" in client.get("/me/").content.decode()


def test_an_unknown_person_is_told_whom_to_ask_and_gets_nothing(
    client: Client, place: Place, fake: Fake
) -> None:
    with seeing_all():
        before = (User.objects.count(), RoleAssignment.objects.count())
    answer = through(client, fake)
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "stranger" in page and "区县教育局" in page
    assert client.get("/students/")["Location"].startswith("/login/")
    with seeing_all():
        assert (User.objects.count(), RoleAssignment.objects.count()) == before
        assert not UserSession.objects.exists()


def test_only_a_verified_address_counts_and_then_the_providers_own_name(place: Place, fake: Fake) -> None:
    with act_as(place.user("security_admin", "province")) as actor:
        binding.bind_for(actor, place.user("registrar", "a1").pk, "oidc", " Chen@Example.edu.cn ")
        with pytest.raises(AccountError):
            binding.bind_for(actor, place.user("registrar", "a2").pk, "oidc", "chen@example.edu.cn")
        with pytest.raises(AccountError):
            binding.bind_for(actor, place.user("registrar", "a2").pk, "oidc", "mailto:x")
    fake.claims = {"sub": "u-7", "email": "chen@example.edu.cn"}
    assert through(Client(), fake).status_code == 403
    fake.claims["email_verified"] = "true"
    assert through(Client(), fake).status_code == 403
    fake.claims["email_verified"] = True
    assert through(Client(), fake).status_code == 302
    # The address has passed to somebody else: that is not the account's owner.
    fake.claims["sub"] = "u-8"
    assert through(Client(), fake).status_code == 403
    with seeing_all():
        assert SsoIdentity.objects.get().subject == "u-7"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": ["xueji", "another"]},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"exp": None},
        {"nonce": "x"},
        {"nonce": None},
        {"sub": ""},
        {"sub": None},
        {"iat": None},
        {"azp": "another"},
        {"at_hash": "x"},
    ],
    ids=lambda c: "-".join(f"{k}={v}" for k, v in c.items()),
)
def test_a_token_for_somebody_else_or_another_time_is_refused(place: Place, fake: Fake, claims: dict) -> None:
    bind(place, "oidc", "u-1")
    fake.claims = {"sub": "u-1"} | claims
    client = Client()
    assert through(client, fake).status_code == 422
    assert client.get("/students/")["Location"].startswith("/login/")


def test_a_signature_of_another_key_or_none_is_refused(place: Place, fake: Fake) -> None:
    bind(place, "oidc", "u-1")
    fake.claims = {"sub": "u-1"}
    fake.signs = RSAKey.generate_key(2048, {"kid": "one"})
    assert through(Client(), fake).status_code == 422
    about = fake.discovery()
    body = base64.urlsafe_b64encode(json.dumps({"iss": fake.url, "aud": "xueji", "sub": "u-1"}).encode())
    head = base64.urlsafe_b64encode(b'{"alg":"none"}')
    for token in (f"{head.decode()}.{body.decode()}.", "", "x.y.z", "a" * 1000):
        with pytest.raises(SsoRefused):
            oidc._claims(about, token, "n", "")


def test_the_state_serves_the_browser_that_left_and_once(place: Place, fake: Fake) -> None:
    bind(place, "oidc", "u-1")
    fake.claims = {"sub": "u-1"}
    client, other = Client(), Client()
    back = fake.authorise(leave(client))
    assert other.get("/login/oidc/back/", back).status_code == 422
    leave(other)
    assert other.get("/login/oidc/back/", back).status_code == 422
    assert client.get("/login/oidc/back/", back | {"state": "x"}).status_code == 422
    # The wrong try has used it up.
    assert client.get("/login/oidc/back/", back).status_code == 422
    back = fake.authorise(leave(client))
    assert client.get("/login/oidc/back/", back).status_code == 302
    client.post("/logout/")
    assert client.get("/login/oidc/back/", back).status_code == 422
    # What began at one provider does not end at the other.
    back = fake.authorise(leave(client))
    assert client.get("/login/cas/back/", {"ticket": "ST-1", "state": back["state"]}).status_code == 422


def test_nobody_is_asked_but_the_configured_host(place: Place, fake: Fake, settings: Any) -> None:
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        for evil in ("http://169.254.169.254/x", "file:///etc/passwd", "http://127.0.0.1:1/x", "", 7,
                     f"{fake.url}@evil.example/", "http://127.0.0.1:x/"):  # fmt: skip
            fake.about = {name: evil}
            assert Client().get("/login/oidc/start/").status_code == 422, (name, evil)
    fake.about = {"issuer": "https://evil.example"}
    assert Client().get("/login/oidc/start/").status_code == 422
    assert set(fake.asked) == {"/.well-known/openid-configuration"}
    with pytest.raises(SsoRefused, match="http_302"):
        fetch.get(f"{fake.url}/away", fake.url)
    settings.OIDC_ISSUER = "http://127.0.0.1:9"
    assert Client().get("/login/oidc/start/").status_code == 422


@pytest.mark.capability("C-SEC-01")
def test_cas_signs_in_once_for_each_ticket(place: Place, fake: Fake) -> None:
    """A teacher of a university school comes through CAS; the ticket that somebody saw in the address is worthless."""
    bind(place, "cas", "t2026001", "class_teacher", "a1")
    fake.xml = success("t2026001")
    client = Client()
    back = ticket(client, fake)
    assert client.get("/login/cas/back/", back)["Location"] == "/students/"
    assert client.get("/students/").status_code == 200
    thief = Client()
    assert thief.get("/login/cas/back/", back).status_code == 422
    fresh = ticket(thief, fake, "ST-2")
    assert thief.get("/login/cas/back/", fresh | {"ticket": "ST-1"}).status_code == 422
    # A ticket that another service got for the same person does not fit ours.
    fresh = ticket(thief, fake, "ST-3")
    fake.tickets["ST-4"] = "https://another.example/"
    assert thief.get("/login/cas/back/", fresh | {"ticket": "ST-4"}).status_code == 422
    fresh = ticket(thief, fake, "ST-5")
    assert thief.get("/login/cas/back/", fresh | {"ticket": "ST-5&x=1"}).status_code == 422
    assert thief.get("/students/")["Location"].startswith("/login/")


@pytest.mark.parametrize(
    "xml",
    [
        FAILURE,
        "",
        "no xml",
        '<!DOCTYPE a [<!ENTITY x "t1">]>' + success("&x;"),
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x">' + success("t1"),
        '<?xml version="1.0" encoding="nonsense"?>' + success("t1"),
        success(""),
        success("t1</cas:user><cas:user>t2"),
        success("x" * 300),
        f"<cas:serviceResponse {NS}>{FAILURE}{success('t1')}</cas:serviceResponse>",
        "<serviceResponse><authenticationSuccess><user>t1</user></authenticationSuccess></serviceResponse>",
        f"<cas:serviceResponse {NS}><cas:authenticationFailure><cas:user>t1</cas:user></cas:authenticationFailure>"
        "</cas:serviceResponse>",
    ],
)
def test_what_cas_does_not_say_in_its_own_words_is_refused(place: Place, fake: Fake, xml: str) -> None:
    bind(place, "cas", "t1")
    fake.xml = xml
    client = Client()
    assert client.get("/login/cas/back/", ticket(client, fake)).status_code == 422


def test_the_second_factor_is_asked_after_the_provider_too(place: Place, fake: Fake, settings: Any) -> None:
    bind(place, "oidc", "u-1", "county_clerk", "a")
    with transaction.atomic(), acting("writer"):
        FactorRule.objects.filter(role="county_clerk").update(must=True)
    fake.claims = {"sub": "u-1", "amr": ["pwd", "mfa"]}
    client = Client()
    through(client, fake)
    assert client.get("/students/")["Location"].startswith("/me/factor/")
    settings.OIDC_MFA = True
    through(trusted := Client(), fake)
    with seeing_all():
        assert UserSession.objects.get(session_key=trusted.session.session_key).factor == "sso"


def test_one_binds_ones_own_account_and_ends_it(place: Place, fake: Fake) -> None:
    fake.claims = {"sub": "u-55"}
    client = Client()
    client.post("/login/", {"username": "registrar.a1", "password": PASSWORD})
    address = client.get("/login/oidc/start/?bind=1")["Location"]
    assert client.get("/login/oidc/back/", fake.authorise(address))["Location"] == "/me/"
    assert "u-55" in client.get("/me/").content.decode()
    assert through(Client(), fake).status_code == 302
    # Who meanwhile signed in as somebody else binds nothing.
    address = client.get("/login/oidc/start/?bind=1")["Location"]
    back = fake.authorise(address)
    kept = client.session["xj_sso"]
    other = login(Client(), place.user("registrar", "a2"))
    session = other.session
    session["xj_sso"] = kept
    session.save()
    assert other.get("/login/oidc/back/", back).status_code == 422
    client.post("/me/sso/oidc/end/")
    assert through(Client(), fake).status_code == 403


def test_a_closed_account_stays_closed(place: Place, fake: Fake) -> None:
    bind(place, "oidc", "u-1")
    fake.claims = {"sub": "u-1"}
    with transaction.atomic(), acting("writer"):
        User.objects.filter(username="registrar.a1").update(is_active=False)
    assert through(Client(), fake).status_code == 422


def test_nothing_is_offered_that_is_not_configured(client: Client, place: Place) -> None:
    assert "/login/oidc/" not in client.get("/login/").content.decode()
    for path in ("/login/oidc/start/", "/login/cas/back/", "/login/saml/start/"):
        assert client.get(path).status_code == 404
    assert not oidc.configured() and not cas.configured()
