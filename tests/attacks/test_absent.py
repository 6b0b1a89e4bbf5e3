"""Whether something exists is not told: what is foreign and what is not there are answered in the same words."""

from __future__ import annotations

import re
import time
from statistics import median
from typing import Any

import psycopg
import pytest
from django.test import Client
from tests.attacks import oracle
from tests.attacks.addresses import ADDRESSES, objects
from tests.attacks.oracle import Facts
from tests.attacks.test_site import ask, fill, sees
from tests.attacks.world import World
from tests.helpers import login

PERSONAS = (
    ("registrar", "a1"), ("class_teacher", "a1"), ("county_clerk", "a"), ("parent", ""), ("student", ""),
    ("security_admin", "province"), ("audit_admin", "province"), ("registrar", "c1"),
)  # fmt: skip


@pytest.fixture
def facts(owner: psycopg.Connection) -> Facts:
    return oracle.gather(owner)


def bare(answer: Any) -> tuple[int, str, str]:
    """Status, words and headers of an answer, without ids, tokens, times and the number for support."""
    text = answer.content.decode("utf-8", "replace")
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|%[0-9A-F]{2}", "#", text)
    text = re.sub(
        r'(csrf-token" content=|csrfmiddlewaretoken" value=|X-CSRFToken": ")"?[A-Za-z0-9]+', "", text
    )
    text = re.sub(r"编号 \S+ 可报给", "", text)
    text = re.sub(r"\d+", "9", text)
    kept = {
        k: re.sub(r"[0-9a-f-]{36}|\d+", "9", v) for k, v in answer.headers.items() if k != "Content-Length"
    }
    return answer.status_code, text, str(sorted(kept.items()))


@pytest.mark.capability("C-SEC-01")
@pytest.mark.capability("C-ROL-02")
@pytest.mark.parametrize("persona", PERSONAS, ids=[f"{r}-{w}" for r, w in PERSONAS])
def test_a_foreign_thing_is_answered_like_one_that_is_not_there(
    site: World, facts: Facts, persona: tuple[str, str]
) -> None:
    user = site.place.user(*persona)
    sight = facts.sight(user.pk)
    client = login(Client(raise_request_exception=False), user)
    faults, compared = [], 0
    for name, address in ADDRESSES.items():
        if not address.about:
            continue
        samples = objects(site, address)
        foreign = [(v, k) for v, k in samples[:-1] if sees(site, facts, sight, address.about, k) is False]
        for method in {"POST" if address.post else "GET", *(("POST",) if address.both else ())}:
            if not foreign:
                continue
            none = bare(ask(client, method, fill(address, samples[-1][0]), address.body()))
            for values, key in foreign:
                there = bare(ask(client, method, fill(address, values), address.body()))
                compared += 1
                if there != none:
                    what = next(
                        n
                        for n, a, b in zip(("status", "words", "headers"), there, none, strict=True)
                        if a != b
                    )
                    faults.append(f"{method} {name} {key}: {what} ({there[0]}, {none[0]} for nothing)")
    assert compared > 20
    assert not faults, "\n" + "\n".join(faults)


def test_the_public_check_takes_as_long_for_a_code_that_exists_as_for_none(
    site: World, owner: psycopg.Connection
) -> None:
    """One look-up by digest for every code; the page says no more of an unknown one than of a malformed one."""
    client = Client()
    took: dict[str, list[float]] = {"none": [], "malformed": []}
    pages = set()
    for _i in range(8):
        for kind, code in (("none", "ABCD2345EFGH6789"), ("malformed", "x" * 40)):
            before = time.perf_counter()
            answer = client.post("/verify/", {"code": code})
            took[kind].append(time.perf_counter() - before)
            pages.add(bare(answer)[1].replace("x" * 40, "").replace("ABCD9EFGH9", ""))
    assert len(pages) == 1
    slow, fast = max(map(median, took.values())), min(map(median, took.values()))
    assert slow < fast * 3 + 0.01
