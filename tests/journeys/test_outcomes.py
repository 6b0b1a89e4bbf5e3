"""Whatever the rules say of a case, for every kind of case: the registrar reads the article on the screen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from tests import demo_county
from tests.bed import cluster, template_name
from tests.helpers import login
from tests.journeys.outcomes import KINDS, OUTCOMES, Stage, put_in_force
from tests.model.machine import World

from xueji import config

pytestmark = [pytest.mark.browser]


@dataclass
class Office:
    """The county of the drafts, served, and a browser in which its registrars are signed in."""

    stage: Stage
    url: str
    pages: dict[str, Any]
    errors: list[str]


@pytest.fixture(scope="module")
def office(chromium: Any, django_db_setup: None, django_db_blocker: Any) -> Iterator[Office]:
    """One county, one server and one browser window for each registrar, for all combinations of this worker."""
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.test.testcases import LiveServerThread

    from xueji.ground.standards import divisions

    name = f"outcomes_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with cluster().connect() as admin:
        admin.execute(f"drop database if exists {name} with (force)")
        admin.execute(
            f"create database {name} template {template_name()} owner {config.owner_dsn().user} strategy file_copy"
        )
    with divisions.demo(), demo_county.using(name, django_db_blocker):
        world = World()
        put_in_force(name)
        server = LiveServerThread("127.0.0.1", StaticFilesHandler, connections_override={}, port=0)
        server.daemon = True
        server.start()
        server.is_ready.wait(30)
        if server.error:
            raise server.error
        url = f"http://127.0.0.1:{server.port}"
        errors: list[str] = []
        pages, contexts = {}, []
        for school in ("a1", "b1", "c1"):
            context = chromium.new_context(
                viewport={"width": 1366, "height": 768}, locale="zh-CN", reduced_motion="reduce"
            )
            context.set_default_timeout(60000)
            client = login(Client(), world.place.user("registrar", school))
            cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": url}])
            page = context.new_page()
            page.on("pageerror", lambda e: errors.append(str(e)))
            pages[school] = page
            contexts.append(context)
        yield Office(Stage(name, world), url, pages, errors)
        for context in contexts:
            context.close()
        server.terminate()
    with cluster().connect() as admin:
        admin.execute(f"drop database if exists {name} with (force)")


def _combinations() -> list[Any]:
    """Every kind with every outcome. Two of the five for each kind in `make test`, another pair from kind to kind, so that
    each outcome is seen with many kinds; the others are part of `make test-full`.
    """
    return [
        pytest.param(b, o, id=f"{b}-{o}", marks=() if (i - k) % len(OUTCOMES) < 2 else (pytest.mark.slow,))
        for k, b in enumerate(KINDS)
        for i, o in enumerate(OUTCOMES)
    ]


@pytest.mark.capability("C-CHG-03", page="/cases/{id}/")
@pytest.mark.parametrize(("business", "outcome"), _combinations())
def test_an_outcome_is_shown_with_its_article(business: str, outcome: str, office: Office) -> None:
    """Blocked, asked, warned, sent to another business, short of papers: the sentence names text and article."""
    shown = office.stage.find(business, outcome)
    office.stage.bind(shown.school, shown.pack)
    page = office.pages[shown.school]
    answer = page.goto(f"{office.url}/cases/{shown.case_id}/")
    assert answer.status == 200, page.inner_text("body")[:500]
    assert "《" in shown.article and "》" in shown.article
    line = page.locator(f"#preflight li.is-{shown.look}", has_text=shown.sentence)
    assert line.count() >= 1, (shown, page.inner_text("main"))
    assert line.first.is_visible()
    if shown.look != "warn":
        assert page.locator("#preflight", has_text="项没有通过").count() == 1
    assert not office.errors, office.errors


@pytest.mark.capability("C-CHG-10", page="/cases/{id}/")
@pytest.mark.parametrize("business", list(KINDS))
def test_a_case_that_waits_says_for_what_and_on_which_article_it_rests(business: str, office: Office) -> None:
    """Pending: it waits for another case, says so, and keeps the articles that it was checked against."""
    case = office.stage.waiting(business)
    assert case.status == "waiting"
    page = office.pages[office.stage.school(business)]
    answer = page.goto(f"{office.url}/cases/{case.pk}/")
    assert answer.status == 200, page.inner_text("body")[:500]
    text = page.inner_text("main")
    assert case.waits_for in text
    article = next((f["sentence"].split(": ")[0] for f in case.findings if f.get("source")), "")
    assert "《" in article and article in text, (case.findings, text)
    assert not office.errors, office.errors
