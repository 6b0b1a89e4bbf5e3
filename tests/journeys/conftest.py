"""A demo county served on a port of this machine, and a browser to use it as a person would."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from tests import demo_county
from tests.helpers import login

from xueji.ground.accounts.models import User
from xueji.ground.db.scope import acting


@dataclass
class Site:
    """The running demo: its address and what `xueji.web.demo.build` told about accounts and schools."""

    url: str
    accounts: dict[str, Any]
    database: str


@pytest.fixture(scope="session")
def demo_database(django_db_setup: None, django_db_blocker: Any) -> tuple[str, dict[str, Any]]:
    """This worker's own clone of the demo county, and what was told about it."""
    accounts = demo_county.template(django_db_blocker)
    name = f"demo_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    demo_county.clone(name)
    return name, accounts


@pytest.fixture(scope="module")
def demo_site(demo_database: tuple[str, dict[str, Any]], django_db_blocker: Any) -> Iterator[Site]:
    """The demo county, served while the module's tests run. Journeys share it: each uses children of its own."""
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.test.testcases import LiveServerThread

    from xueji.ground.standards import divisions

    name, accounts = demo_database
    with divisions.demo(), demo_county.using(name, django_db_blocker):
        server = LiveServerThread("127.0.0.1", StaticFilesHandler, connections_override={}, port=0)
        server.daemon = True
        server.start()
        server.is_ready.wait(30)
        if server.error:
            raise server.error
        yield Site(f"http://127.0.0.1:{server.port}", accounts, name)
        server.terminate()


class Person:
    """Somebody at a browser of his own, signed in: through the page where the journey begins with that."""

    def __init__(
        self, chromium: Any, site: Site, username: str, *, phone: bool = False, by_page: bool = False
    ) -> None:
        size = {"width": 390, "height": 844} if phone else {"width": 1366, "height": 768}
        self.site = site
        self.context = chromium.new_context(
            viewport=size, locale="zh-CN", accept_downloads=True, reduced_motion="reduce"
        )
        # Long, for a machine with other work: what is waited for comes, or the journey is broken.
        self.context.set_default_timeout(60000)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))
        self.page.on("request", self._no_request_leaves)
        if by_page:
            self.sign_in(username)
        else:
            self._signed_in(username)

    def _no_request_leaves(self, request: Any) -> None:
        if not request.url.startswith((self.site.url, "data:", "blob:", "about:")):
            self.errors.append(f"a request leaves the machine: {request.url}")

    def _signed_in(self, username: str) -> None:
        """With the session that signing in would have made, without the two pages and the slow hash."""
        with transaction.atomic(), acting("writer"):
            user = User.objects.get(username=username)
        cookie = login(Client(), user.pk).cookies[settings.SESSION_COOKIE_NAME]
        self.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": self.site.url}])

    def sign_in(self, username: str) -> None:
        """Sign in through the page."""
        self.go("/login/")
        self.page.fill("input[name=username]", username)
        self.page.fill("input[name=password]", self.site.accounts["password"])
        with self.page.expect_navigation():
            self.page.click("main button[type=submit], form button.btn-primary")
        assert "/login/" not in self.page.url, self.page.inner_text("body")[:300]

    def go(self, path: str) -> Any:
        """Open an address of the site."""
        return self.page.goto(self.site.url + path)

    def shot(self, name: str) -> None:
        """Keep a picture when XUEJI_SHOTS names a folder."""
        folder = os.environ.get("XUEJI_SHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)

    def close(self) -> None:
        """Leave; script errors and requests to elsewhere fail the journey."""
        self.context.close()
        assert not self.errors, self.errors


@pytest.fixture
def person(chromium: Any, demo_site: Site) -> Iterator[Any]:
    """`person("registrar.a")` is that person at a browser."""
    here: list[Person] = []

    def make(username: str, *, phone: bool = False, by_page: bool = False) -> Person:
        one = Person(chromium, demo_site, username, phone=phone, by_page=by_page)
        here.append(one)
        return one

    yield make
    for one in here:
        one.close()
