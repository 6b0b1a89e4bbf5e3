"""Random requests as four roles and a stranger: none breaks, none tells what is not theirs (issue: 100,000)."""

from __future__ import annotations

import os

import psycopg
import pytest
from django.test import Client
from tests.attacks import fuzz, oracle
from tests.attacks.oracle import Facts
from tests.attacks.world import World
from tests.helpers import login

SEED = os.environ.get("XUEJI_FUZZ_SEED", "2026")
SAMPLE = 300
ALL = int(os.environ.get("XUEJI_FUZZ", "100000"))
SHARDS = 4
IDS = [p[0] or "stranger" for p in fuzz.PERSONAS]


@pytest.fixture
def facts(owner: psycopg.Connection) -> Facts:
    return oracle.gather(owner)


def run(site: World, facts: Facts, persona: tuple[str, str], numbers: range) -> None:
    client = Client(raise_request_exception=False)
    if persona[0]:
        login(client, site.place.user(*persona))
    found = fuzz.volley(fuzz.quarry(site, facts, persona, client), SEED, numbers)
    assert not found, f"\nXUEJI_FUZZ_SEED={SEED}, {persona}:\n" + "\n".join(found)


@pytest.mark.capability("C-SEC-01")
@pytest.mark.parametrize("persona", fuzz.PERSONAS, ids=IDS)
def test_random_requests_break_nothing_and_tell_nothing_foreign(
    site: World, facts: Facts, persona: tuple[str, str]
) -> None:
    run(site, facts, persona, range(SAMPLE))


@pytest.mark.slow
@pytest.mark.fuzz
@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("persona", fuzz.PERSONAS, ids=IDS)
def test_a_hundred_thousand_random_requests(
    site: World, facts: Facts, persona: tuple[str, str], shard: int
) -> None:
    each = ALL // (SHARDS * len(fuzz.PERSONAS))
    run(site, facts, persona, range(SAMPLE + shard * each, SAMPLE + (shard + 1) * each))
