"""Passkeys, with an authenticator of software: registering, proving, signing in, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import transaction
from django.test import Client
from fido2 import cbor
from fido2.cose import ES256
from tests.helpers import PASSWORD, Place, make_county, seeing_all

from xueji.ground.accounts.models import Factor, FactorRule, LoginFailure, UserSession
from xueji.ground.db.scope import acting

pytestmark = pytest.mark.django_db
CLERK = "county_clerk.a"
HOST = "localhost"


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class Authenticator:
    """A security key of software. It does what a browser and its device do together."""

    def __init__(self, origin: str = f"http://{HOST}", host: str = HOST) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id, self.count = os.urandom(16), 0
        self.origin, self.host = origin, host

    def _data(self, attested: bytes = b"", *, verified: bool = True) -> bytes:
        self.count += 1
        flags = 0x01 | (0x04 if verified else 0) | (0x40 if attested else 0)
        return hashlib.sha256(self.host.encode()).digest() + struct.pack(">BI", flags, self.count) + attested

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, response: dict[str, bytes]) -> dict[str, Any]:
        return {
            "id": b64(self.id),
            "rawId": b64(self.id),
            "type": "public-key",
            "response": {k: b64(v) for k, v in response.items()},
            "clientExtensionResults": {},
        }

    def register(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request to make a credential."""
        public = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + public
        made = cbor.encode({"fmt": "none", "attStmt": {}, "authData": self._data(attested)})
        client = self._client("webauthn.create", options["publicKey"]["challenge"])
        return self._answer({"attestationObject": made, "clientDataJSON": client})

    def prove(self, options: dict[str, Any], *, verified: bool = True) -> dict[str, Any]:
        """The answer to a request to prove the credential."""
        client = self._client("webauthn.get", options["publicKey"]["challenge"])
        data = self._data(verified=verified)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer({"authenticatorData": data, "clientDataJSON": client, "signature": signature})


@pytest.fixture
def place() -> Place:
    made = make_county()
    with transaction.atomic(), acting("writer"):
        FactorRule.objects.filter(role="county_clerk").update(must=True)
    return made


def browser(name: str = CLERK) -> Client:
    """A browser at http://localhost, signed in with the password alone."""
    client = Client(SERVER_NAME=HOST)
    if name:
        client.post("/login/", {"username": name, "password": PASSWORD})
    return client


def post(client: Client, url: str, **body: Any) -> Any:
    return client.post(url, body, "application/json")


def register(client: Client, device: Authenticator, name: str = "办公室电脑") -> Any:
    options = post(client, "/me/factor/passkey/options/", what="register").json()
    return post(client, "/me/factor/passkey/", credential=device.register(options), name=name)


def prove(client: Client, device: Authenticator) -> Any:
    options = post(client, "/me/factor/passkey/options/").json()
    return post(client, "/me/factor/passkey/prove/", credential=device.prove(options))


def sign_in(device: Authenticator, **kw: Any) -> tuple[Client, Any]:
    client = browser("")
    options = post(client, "/login/passkey/options/").json()
    return client, post(client, "/login/passkey/", credential=device.prove(options, **kw))


@pytest.mark.capability("C-SEC-01")
def test_a_clerk_registers_two_devices_and_signs_in_with_either(place: Place) -> None:
    """The clerk registers the office computer and a security key, names both; at the next sign-in proves with one;
    signs in with the other without any password; takes the first one away.
    """
    first, second = Authenticator(), Authenticator()
    client = browser()
    assert register(client, first).json() == {"url": "/me/factor/"}
    assert register(client, second, "安全密钥").status_code == 200
    page = client.get("/me/factor/").content.decode()
    assert "办公室电脑" in page and "安全密钥" in page and "还没有备用码" in page
    with seeing_all():
        row = Factor.objects.get(name="安全密钥")
        assert second.id not in bytes(row.sealed)
    again = browser()
    assert again.get("/students/")["Location"].startswith("/me/factor/")
    assert prove(again, first).status_code == 200
    assert again.get("/students/").status_code == 200
    other, answer = sign_in(second)
    assert answer.status_code == 200, answer.content
    assert other.get("/students/").status_code == 200
    with seeing_all():
        assert set(UserSession.objects.values_list("factor", flat=True)) == {"passkey"}
        gone = Factor.objects.get(name="办公室电脑").pk
    client.post(f"/me/factor/{gone}/remove/")
    _client, answer = sign_in(first)
    assert answer.status_code == 422


def test_wrong_devices_origins_and_copies_prove_nothing(place: Place) -> None:
    device = Authenticator()
    owner = browser()
    register(owner, device)
    thief = browser()
    # Another key under the same id; the right key from another site; an answer from before; a copied key.
    false = Authenticator()
    false.id = device.id
    assert prove(thief, false).status_code == 422
    device.origin = "https://evil.example"
    assert prove(thief, device).status_code == 422
    device.origin = f"http://{HOST}"
    options = post(thief, "/me/factor/passkey/options/").json()
    answer = device.prove(options)
    post(thief, "/me/factor/passkey/options/")
    assert post(thief, "/me/factor/passkey/prove/", credential=answer).status_code == 422
    device.count = 0
    assert prove(thief, device).status_code == 422
    assert thief.get("/students/").status_code == 302
    for junk in (None, {}, [], "x", {"id": 1}, {"rawId": "%", "response": None}):
        options = post(thief, "/me/factor/passkey/options/").json()
        assert post(thief, "/me/factor/passkey/prove/", credential=junk).status_code == 422
    assert thief.post("/me/factor/passkey/prove/", "no json", "application/json").status_code == 422


def test_a_passkey_alone_must_have_checked_its_owner(place: Place) -> None:
    device = Authenticator()
    register(browser(), device)
    client, answer = sign_in(device, verified=False)
    assert answer.status_code == 422
    assert client.get("/students/")["Location"].startswith("/login/")
    _client, answer = sign_in(Authenticator())
    assert answer.status_code == 422
    with seeing_all():
        assert LoginFailure.objects.filter(username="?passkey").count() == 2
    # An answer does not serve twice.
    client = browser("")
    options = post(client, "/login/passkey/options/").json()
    said = device.prove(options)
    assert post(client, "/login/passkey/", credential=said).status_code == 200
    assert post(browser(""), "/login/passkey/", credential=said).status_code == 422


def test_a_closed_account_is_not_opened_by_its_passkey(place: Place) -> None:
    device = Authenticator()
    register(browser(), device)
    with transaction.atomic(), acting("writer"):
        type(place.user("county_clerk", "a")).objects.filter(username=CLERK).update(is_active=False)
    _client, answer = sign_in(device)
    assert answer.status_code == 422


def test_ones_device_is_nobody_elses(place: Place) -> None:
    device = Authenticator()
    register(browser(), device)
    other = browser("registrar.a1")
    assert register(other, device).status_code == 422
    with seeing_all():
        assert Factor.objects.count() == 1


@pytest.mark.parametrize("address", ["/me/factor/passkey/options/", "/me/factor/passkey/", "/login/passkey/"])
def test_brackets_without_end_are_no_answer_of_a_device(place: Place, address: str) -> None:
    client = browser()
    client.raise_request_exception = False
    answer = client.post(address, "[" * 20_000, content_type="application/json")
    assert answer.status_code < 500
