"""Whether something exists cannot be told from how long the answer takes, nor from how much was asked for it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests.attacks.world import World
from tests.helpers import seeing_all

from xueji.registry.family import codes
from xueji.registry.family import commands as family
from xueji.registry.family.models import Invitation

#: Equal work: the quickest rounds lie nearer together than this, however busy the machine is.
MARGIN = 3.0


def _ratio(a: Callable[[int], object], b: Callable[[int], object], rounds: int) -> float:
    """How many times slower one of two things is than the other; asked in turn, the order changing.

    The quickest round of each: other work on the machine only makes rounds slower.
    """
    spent: dict[str, list[float]] = {"a": [], "b": []}
    for i in range(rounds + 5):
        for side, ask in (("a", a), ("b", b)) if i % 2 else (("b", b), ("a", a)):
            began = time.perf_counter()
            ask(i)
            if i >= 5:
                spent[side].append(time.perf_counter() - began)
    x, y = (min(v) for v in spent.values())
    return max(x, y) / min(x, y)


@pytest.mark.capability("C-SEC-02")
def test_the_check_of_a_certificate_works_alike_for_codes_that_exist_and_that_do_not(
    attacked: World, app: psycopg.Connection, owner: psycopg.Connection
) -> None:
    right = bytes(owner.execute("select code_digest from certificate limit 1").fetchone()[0])  # type: ignore[index]
    ask = "select * from xueji_verify_certificate(%s, %s, 100000, 10)"
    ratio = _ratio(
        lambda i: app.execute(ask, (right, b"timing")).fetchall(),
        lambda i: app.execute(ask, (secrets.token_bytes(len(right)), b"timing")).fetchall(),
        80,
    )
    app.rollback()
    assert ratio < MARGIN


def test_joining_asks_the_database_the_same_for_a_code_that_exists_and_one_that_does_not(site: World) -> None:
    """A stranger tries a code with a wrong name, and a code that is nobody's: the same words, the same statements."""

    real = codes.new_code()
    with seeing_all():
        row = Invitation.objects.filter(
            used_at=None, ended_at=None, expires_on__gte=timezone.localdate()
        ).first()
        assert row is not None
        Invitation.objects.filter(pk=row.pk).update(code=codes.digest(real))
    asked, words = [], []
    for n, code in enumerate((real, "ZZZZ-9999-YYYY")):
        with (
            CaptureQueriesContext(
                connection,
            ) as statements,
            seeing_all(),
        ):
            answer = family._take(code, "不是这个人", "0000", f"10.9.9.{n}")
        words.append(answer.message)  # type: ignore[union-attr]
        asked.append([s["sql"].split()[0] for s in statements.captured_queries])
    assert words[0] == words[1]
    assert asked[0] == asked[1]

    ratio = _ratio(
        lambda i: family._take(real, "不是这个人", "0000", f"10.8.{i}.1"),
        lambda i: family._take("ZZZZ-9999-YYYY", "不是这个人", "0000", f"10.8.{i}.2"),
        8,
    )
    assert ratio < MARGIN
