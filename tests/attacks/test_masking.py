"""No plain number, phone or address of a child anywhere that nobody asked to see it: pages, parts of pages, files, mail
to oneself (messages), addresses, names of files, errors, logs, jobs, sessions and the audit.

Planted in each child's record; looked for in all that every role gets from every address, and in all that is kept.
"""

from __future__ import annotations

import logging
import re
from typing import Any

import psycopg
import pytest
from django.contrib.sessions.models import Session
from tests.attacks.judges import planted, told, words_of
from tests.attacks.test_site import ask
from tests.attacks.test_tricks import of
from tests.attacks.world import World

PERSONAS = (
    ("registrar", "a1"), ("class_teacher", "a1"), ("county_clerk", "a"), ("security_admin", "province"),
    ("audit_admin", "province"), ("parent", ""),
)  # fmt: skip


@pytest.mark.capability("C-SEC-02")
@pytest.mark.parametrize("persona", PERSONAS, ids=[f"{r}-{w}" for r, w in PERSONAS])
def test_no_part_of_a_childs_page_tells_a_plain_value_that_nobody_asked_for(
    site: World, persona: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """All other addresses, for every persona: `test_site`."""
    client = of(site, *persona)
    values = planted(site)
    faults = []
    caplog.set_level(logging.INFO)
    for tab in ("record", "profile", "family", "numbers"):
        for key in ("one", "moved", "c1"):
            answer = ask(client, "GET", f"/students/{site.persons[key]}/?tab={tab}")
            faults += [f"student {key} {tab} tells {x}" for x in told(words_of(answer), values)]
    faults += [f"the log tells {x}" for x in told(caplog.text, values)]
    assert not faults, "\n" + "\n".join(sorted(set(faults)))


@pytest.mark.parametrize("persona", [("registrar", "a1"), ("county_clerk", "a")], ids=["school", "county"])
def test_whoever_searches_by_a_number_finds_the_child_and_no_plain_number(
    site: World, persona: tuple[str, str]
) -> None:
    client = of(site, *persona)
    values = planted(site)
    number = site.numbers["one"]
    for path in (
        f"/students/?q={number}",
        f"/students/?q=G{number}",
        f"/students/?q={number[-6:]}",
        f"/cases/?q={number}",
    ):
        for headers in ({}, {"HTTP_HX_REQUEST": "true"}):
            answer = ask_with(client, path, headers)
            text = words_of(answer).replace(f'value="{number}"', "").replace(f'value="G{number}"', "")
            text = re.sub(r"[?&;](?:amp;)?(?:next|q|text)=[^\"'&\s>]*", "", text)
            left = told(text, values)
            assert [x for x in left if x != "number of one"] == [], path
            assert text.count(number) <= 2, "what was typed comes back in its own field alone"


def ask_with(client: Any, path: str, headers: dict[str, str]) -> Any:
    return client.get(path, **headers)


@pytest.mark.capability("C-SEC-02")
def test_no_table_keeps_a_plain_value(attacked: World, owner: psycopg.Connection) -> None:
    """Jobs, messages, the audit, cases, batches, the queue: every text of every table, as its owner reads it."""
    values = planted(attacked)
    tables = [
        r[0]
        for r in owner.execute(
            "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition"
        ).fetchall()
    ]
    assert len(tables) > 50
    faults = []
    for table in tables:
        for (row,) in owner.execute(f"select t::text from {table} t").fetchall():
            faults += [f"{table} keeps {x}" for x in told(row, values)]
    assert not faults, "\n" + "\n".join(sorted(set(faults)))


def test_a_session_holds_no_value_that_was_shown(site: World) -> None:
    client = of(site, "registrar", "a1")
    values = planted(site)
    shown = client.post(f"/people/{site.persons['one']}/reveal/?what=identity", {"purpose": "核对证件"})
    assert site.numbers["one"] in shown.content.decode()
    client.get(f"/students/?q={site.numbers['one']}")
    client.post("/cases/new/transfer/", {"name": "不对", "number": site.numbers["c1"]})
    kept = [str(s.get_decoded()) for s in Session.objects.all()]
    assert kept
    assert not [x for text in kept for x in told(text, values)]
    assert not told(str(client.cookies), values)
