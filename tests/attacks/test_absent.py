"""Whether something exists is not told: what is foreign and what is not there are answered in the same words."""

from __future__ import annotations

import re

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.attacks.judges import bare
from tests.attacks.world import World


def test_the_public_check_does_as_much_for_a_code_that_exists_as_for_none(site: World) -> None:
    """One look-up by digest for every code, so that the time tells nothing; the page says no more of an unknown one
    than of a malformed one. What an unknown thing is answered to those who are signed in: `test_site`.
    """
    client = Client()
    statements, pages = set(), set()
    for code in ("ABCD2345EFGH6789", "x" * 40, "ABCD2345EFGH6789"):
        with CaptureQueriesContext(connection) as asked:
            answer = client.post("/verify/", {"code": code})
        statements.add(tuple(re.sub(r"'[^']*'|\d+", "?", q["sql"]) for q in asked.captured_queries))
        pages.add(bare(answer)[1].replace("x" * 40, "").replace("ABCD9EFGH9", ""))
    assert len(pages) == 1
    assert len(statements) == 1, statements
