"""Days that are like a day of birth, made once and handed to the database as they stand on the wire.

A search for 5,000 records sends more than 100,000 days. Written into the statement as text they would cost more than the
search itself; packed once for each day and joined they cost nothing to speak of.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from functools import lru_cache
from itertools import accumulate
from typing import Any

from psycopg import Cursor, postgres
from psycopg.adapt import Dumper
from psycopg.pq import Format

#: PostgreSQL counts days from here.
_EPOCH = date(2000, 1, 1).toordinal()


@lru_cache(maxsize=20_000)
def days_near(day: date) -> tuple[date, ...]:
    """Every day that is like this one (`similar.birth_reason` gives a reason): itself, one digit off, month and day
    turned round. About forty, in order.
    """
    text, found = day.isoformat().replace("-", ""), {day}
    typed = {text[:at] + digit + text[at + 1 :] for at in range(len(text)) for digit in "0123456789"}
    typed.add(text[:4] + text[6:] + text[4:6])
    for other in typed:
        with suppress(ValueError):  # the 30th of February, the month 13, the year 0
            found.add(date(int(other[:4]), int(other[4:6]), int(other[6:])))
    return tuple(sorted(found))


@lru_cache(maxsize=20_000)
def _packed(day: date) -> tuple[int, bytes]:
    """How many days are like this one, and they as elements of a binary array."""
    near = days_near(day)
    return len(near), b"".join(struct.pack("!ii", 4, other.toordinal() - _EPOCH) for other in near)


class Near:
    """The neighbourhoods of many days as one array: those of the n-th day are its elements `firsts[n]` to `lasts[n]`."""

    def __init__(self, days: Sequence[date]) -> None:
        packed = [_packed(day) for day in days]
        self.lasts = list(accumulate(count for count, _bytes in packed))
        self.firsts = [last - count + 1 for last, (count, _bytes) in zip(self.lasts, packed, strict=True)]
        self.content = b"".join(part for _count, part in packed)


class _NearDumper(Dumper):
    """A `Near` as an array of dates: one dimension, no nulls, the type, how many, counted from 1."""

    format = Format.BINARY
    oid = postgres.types["date"].array_oid

    def dump(self, obj: Near) -> bytes:
        count = obj.lasts[-1] if obj.lasts else 0
        head = (int(bool(count)), 0, postgres.types["date"].oid)
        return struct.pack("!iiI", *head) + (struct.pack("!ii", count, 1) if count else b"") + obj.content


def plain_cursor(connection: Any) -> Cursor[Any]:
    """A cursor that binds parameters in the server and knows `Near`; Django's writes them into the statement's text."""
    connection.ensure_connection()
    cursor = Cursor(connection.connection)
    cursor.adapters.register_dumper(Near, _NearDumper)
    return cursor
