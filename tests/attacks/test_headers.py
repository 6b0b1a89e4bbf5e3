"""What every answer says to the browser, and what no answer listens to: headers, cookies, hosts."""

from __future__ import annotations

import os
import subprocess
import sys
from email.message import Message

import pytest
from django.test import Client
from django.utils.http import content_disposition_header
from tests.attacks.addresses import ADDRESSES, objects
from tests.attacks.judges import missing
from tests.attacks.test_site import ask, fill
from tests.attacks.test_tricks import of
from tests.attacks.world import World

from xueji.web.layout import headers


@pytest.mark.capability("C-SEC-01")
def test_every_answer_to_a_stranger_carries_the_standing_headers(site: World) -> None:
    """To those who are signed in: `test_site`, for every persona."""
    client = Client(raise_request_exception=False)
    faults = set()
    for name, address in ADDRESSES.items():
        for values, key in objects(site, address):
            answer = ask(client, "POST" if address.post else "GET", fill(address, values), address.body())
            faults |= {f"{name} {key} {answer.status_code} {x}" for x in missing(answer, name)}
    for who in (client, of(site, "registrar", "a1")):
        for path in ("/nothing/there/", "/static/xueji/app.css", "/healthz"):
            faults |= {
                f"{path} {x}"
                for x in missing(who.get(path))
                if not path.startswith("/static/") or "content policy" not in x
            }
    assert not faults, "\n" + "\n".join(sorted(faults))


def test_cookies_are_strict_and_stricter_over_tls() -> None:
    code = (
        "from django.conf import settings as s;"
        "print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE,"
        " s.SESSION_COOKIE_HTTPONLY, s.CSRF_COOKIE_HTTPONLY, s.SESSION_COOKIE_SAMESITE, s.CSRF_COOKIE_SAMESITE,"
        " s.SESSION_COOKIE_DOMAIN, s.SESSION_COOKIE_PATH, s.SECURE_HSTS_SECONDS > 0, s.SECURE_SSL_REDIRECT)"
    )
    said = {}
    for https in ("0", "1"):
        env = os.environ | {"XUEJI_HTTPS": https}
        said[https] = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        ).stdout.split()
    assert said["0"][4:] == ["True", "True", "Lax", "Lax", "None", "/", "False", "False"]
    assert said["1"][:2] == ["__Host-xueji", "__Host-xueji-form"]
    assert said["1"][2:] == ["True"] * 4 + ["Lax", "Lax", "None", "/", "True", "True"]


def test_the_cookies_of_signing_in_are_out_of_reach_of_scripts(site: World) -> None:
    client = Client()
    client.get("/login/")
    client.post("/login/", {"username": "registrar.a1", "password": "Test-pass-2026"})
    assert set(client.cookies) >= {"xueji", "xueji-form"}
    for name in ("xueji", "xueji-form"):
        cookie = client.cookies[name]
        assert cookie["httponly"], name
        assert cookie["samesite"] == "Lax", name
        assert not cookie["domain"], name


@pytest.mark.parametrize(
    "host", ["evil.example", "testserver.evil.example", "testserver:80@evil.example", "a b", "xn--"]
)
def test_a_foreign_host_is_refused_and_appears_nowhere(site: World, host: str) -> None:
    client = of(site, "registrar", "a1")
    for path in ("/", "/students/", f"/cases/{site.cases['moving']}/", "/login/?next=/", "/nothing/"):
        answer = client.get(path, HTTP_HOST=host)
        assert answer.status_code == 400, path
        assert "evil" not in answer.content.decode()
    for path in ("/login/", "/students/"):
        answer = client.get(path, HTTP_X_FORWARDED_HOST="evil.example", HTTP_X_FORWARDED_PROTO="https")
        assert "evil" not in answer.content.decode() + str(answer.headers)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "etc passwd"), ("=cmd|x.xlsx", "cmd x.xlsx"), ("\u202egpj.exe.pdf", "gpj.exe.pdf"),
        ("青禾县第一小学花名册.pdf", "青禾县第一小学花名册.pdf"), ("", ""), ("a\r\nSet-Cookie: x.pdf", "a Set-Cookie x.pdf"),
        ("长" * 300 + ".xlsx", "长" * 150 + ".xlsx"), ('a"; filename="b.html', "a ; filename= b.html"),
    ],
)  # fmt: skip
def test_the_name_of_a_file_that_leaves_is_a_name(name: str, kept: str) -> None:
    header = headers.safe_disposition(content_disposition_header(True, name) or "attachment")
    assert header.startswith("attachment")
    message = Message()
    message["Content-Disposition"] = header
    assert message.get_filename("") == kept
