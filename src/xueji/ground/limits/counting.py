"""Counting requests; the one helper that pages, middleware and commands of every room use."""

from __future__ import annotations

from django.db import connection, transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import Who, record

from .rates import rates_of


class TooOften(Exception):
    """Asked more often than is allowed. `seconds` to wait; `message` (Chinese) for the person."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self.message = words(seconds)
        super().__init__(self.message)


def words(seconds: int) -> str:
    """What the person is told."""
    minutes = -(-seconds // 60)
    return _("操作太频繁, 请%(n)s分钟后再试") % {"n": minutes}


def visitor(kind: str, who: str) -> bytes:
    """A keyed hash that stands for an account or an address: the table of counts tells nobody's doings."""
    return salted_hmac(f"xueji.rate.{kind}", who, algorithm="sha256").digest()


def network(address: str) -> str:
    """Of an IPv6 address its network: one household or school holds all the rest of it."""
    return ":".join(address.split(":")[:4]) if ":" in address else address


def count(kind: str, *, user_id: int | None = None, address: str = "") -> int:
    """Count one request; returns the seconds to wait, 0 when it may go on. One statement.

    The first request beyond a limit is noted in the audit. Call it outside of the request's transaction where what
    is refused or not found must be counted as well.
    """
    account, place = rates_of(kind)
    asked = []
    if user_id is not None and account.most:
        asked.append((visitor(kind, f"u{user_id}"), account))
    if address and place.most:
        asked.append((visitor(kind, f"a{network(address)}"), place))
    if not asked:
        return 0
    with connection.cursor() as c:
        c.execute(
            "select wait, first_time from xueji_count_request(%s, %s::bytea[], %s::int[], %s::int[])",
            [kind, [v for v, _r in asked], [r.most for _v, r in asked], [r.seconds for _v, r in asked]],
        )
        wait, first_time = c.fetchone()
    if first_time:
        with transaction.atomic():
            record(Who(user_id, "", "", None, address), "limits.reached", object_type="limit", object_id=kind)
    return int(wait)


def require(kind: str, *, user_id: int | None = None, address: str = "") -> None:
    """Count one request. Raises `TooOften` beyond the limit."""
    wait = count(kind, user_id=user_id, address=address)
    if wait:
        raise TooOften(wait)
