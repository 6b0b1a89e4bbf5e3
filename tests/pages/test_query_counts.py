"""How many queries each page takes, frozen: a page that asks more, or that nobody has counted, fails.

`UPDATE_QUERY_COUNTS=1 pytest tests/pages` writes the counts down anew; the difference is then there to be judged.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from bench.matrix import Page, pages
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.helpers import login

from xueji.ground.accounts.models import User
from xueji.ground.db.scope import acting

FILE = Path(__file__).with_name("query_counts.json")
FROZEN: dict[str, int] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
UPDATE = os.environ.get("UPDATE_QUERY_COUNTS") == "1"
PAGES = list(pages())
MOST = 15
#: Pages that need more, and why.
MORE = {
    # Numbers in full are a command's to open: two steps into other roles, savepoints, and an entry in the audit.
    # One more is what the place collects.
    "registrar.b a row to repair": 26,
    # All that concerns a child on one page of the phone, one statement for each room; three are the audit's entry.
    "parent a child": 19,
    # Everything that is held, from every room, with who looked: one or two statements a group.
    "parent all data of a child": 30,
    # Who has come, from where, with what papers, and what the place collects of each stage.
    "registrar.a /collect/arrivals/": 19,
    # The own hand-over, those below it, and what each place collects.
    "registrar.a /submission/reviews/": 16,
    # Lists due, holds, and what a pack lengthens.
    "county1.clerk /privacy/office/retention/": 16,
}


@pytest.fixture(scope="module")
def clients(county: dict[str, Any]) -> dict[str, Client]:
    """A signed-in client for each account of the matrix."""
    with transaction.atomic(), acting("writer"):
        ids = dict(User.objects.values_list("username", "pk"))
    return {
        u: login(Client(), ids[u]) if u else Client()
        for u in sorted({p.user for p in PAGES} | {"registrar.b"})
    }


def count(client: Client, address: str) -> int:
    """Statements that a page sends once the process is warm; opening and closing the transaction is not counted."""
    assert client.get(address).status_code == 200, address
    with CaptureQueriesContext(connection) as queries:
        client.get(address)
    return sum(q["sql"] not in ("BEGIN", "COMMIT") for q in queries.captured_queries)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.key)
def test_each_page_takes_the_queries_that_are_written_down(page: Page, clients: dict[str, Client]) -> None:
    client = clients[page.user]
    n = count(client, page.address(client))
    if UPDATE:
        FROZEN[page.key] = n
        kept = {p.key: FROZEN[p.key] for p in PAGES if p.key in FROZEN}
        FILE.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return
    assert page.key in FROZEN, f"{page.key} is not in {FILE.name}: UPDATE_QUERY_COUNTS=1 writes it down"
    assert n == FROZEN[page.key], f"{page.key}: {n} queries instead of {FROZEN[page.key]}"
    assert n <= MORE.get(page.key, MOST)


def test_the_file_names_no_page_that_is_gone() -> None:
    assert set(FROZEN) <= {p.key for p in PAGES}


def test_every_place_of_the_navigation_is_counted() -> None:
    from xueji.web.home.nav import MENU, PHONE

    opened = {p.path for p in PAGES}
    assert {item.url for group in (*MENU, *PHONE) for item in group.items} <= opened


@pytest.mark.parametrize(
    ("user", "few", "many"),
    [
        ("registrar.a", "/students/?sex=2&class={class_id}", "/students/?sex=2"),
        ("registrar.a", "/students/?q={name}", "/students/?q={surname}"),
        ("registrar.a", "/cases/?tab=running&business=transfer", "/cases/?tab=running"),
        ("province.clerk", "/students/?school={school_b}", "/students/"),
        ("province.clerk", "/cases/?tab=running&business=transfer", "/cases/?tab=running"),
        ("secadmin", "/accounts/?q=registrar.a", "/accounts/"),
        ("auditadmin", "/audit/?user=nobody", "/audit/"),
        ("registrar.a", "/orgs/?q=实验小学", "/orgs/"),
    ],
)  # fmt: skip
def test_a_long_list_takes_no_more_queries_than_a_short_one(
    user: str, few: str, many: str, clients: dict[str, Client], county: dict[str, Any]
) -> None:
    child = county["children_a"][0]
    words = {
        "name": child["name"],
        "surname": child["name"][0],
        "class_id": child["class_id"],
        "school_b": county["school_b"]["org_id"],
    }
    client = clients[user]
    short, long = count(client, few.format(**words)), count(client, many.format(**words))
    # An empty list may skip looking up the words for its rows; a longer one never asks per row.
    assert long - short <= 2
    assert long <= MOST


@pytest.mark.parametrize("user", ["registrar.a", "head.a"])
def test_a_full_class_takes_no_more_queries_than_an_empty_one(
    user: str, clients: dict[str, Client], county: dict[str, Any]
) -> None:
    from xueji.ground.orgs.models import SchoolClass

    full = county["children_a"][0]["class_id"]
    with transaction.atomic(), acting("writer"):
        # School A still has to collect this year's entrants: those classes are empty.
        empty = (
            SchoolClass.objects.filter(school_id=county["school_a"]["org_id"]).order_by(
                "-cohort_year", "number"
            )
        )[0].pk
    # The two more look up the words for all rows at once.
    assert count(clients[user], f"/classes/{full}/") <= count(clients[user], f"/classes/{empty}/") + 2
