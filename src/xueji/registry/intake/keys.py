"""Keys and number tails that rows get while they are checked, before anything is written."""

from __future__ import annotations

import secrets
import time


class Keys:
    """Ordered keys (UUID version 7): rows of a batch lie side by side in every index."""

    def __init__(self) -> None:
        self._base = (
            (time.time_ns() // 1_000_000 << 80) | 0x7000 << 64 | 0x8000 << 48 | secrets.randbits(34) << 28
        )
        self._count = 0

    def next(self) -> str:
        """The next key as text."""
        self._count += 1
        count = self._count
        # 12 bits of the count stand before the variant, 28 behind it; 34 random bits lie between.
        h = f"{self._base | (count >> 28 & 0xFFF) << 64 | (count & 0xFFFFFFF):032x}"
        return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"

    def many(self, count: int) -> list[int]:
        """So many next keys as numbers."""
        first = self._count + 1
        self._count += count
        base = self._base
        return [base | (n >> 28 & 0xFFF) << 64 | (n & 0xFFFFFFF) for n in range(first, first + count)]


class Tails:
    """Four-digit tails of temporary numbers: none twice for one birth date; `lane` of `lanes` when several work."""

    def __init__(self, lane: int = 0, lanes: int = 1) -> None:
        self._lane, self._lanes = lane, lanes
        self._next: dict[str, int] = {}
        self._start = secrets.randbelow(10_000 // lanes)

    def draw(self, day: str) -> int:
        """A tail for a child born on `day`."""
        size = 10_000 // self._lanes
        at = self._next.get(day, 0)
        self._next[day] = at + 1
        # A walk in long strides from a random start meets every tail once.
        return (self._start + at * 3_779) % size * self._lanes + self._lane
