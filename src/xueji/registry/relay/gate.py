"""How often anybody may knock at the inbox: counted in this process, by address, in windows of a minute.

A flood must cost us less than it costs the sender: no row is written and no key is tried for one that is over.
"""

from __future__ import annotations

import threading
import time

CALLS, WRONG = 600, 30
_WINDOW = 60.0
_MOST = 10_000

_lock = threading.Lock()
_counts: dict[tuple[str, str], tuple[float, int]] = {}


def _count(what: str, who: str, add: int) -> int:
    now = time.monotonic()
    with _lock:
        if len(_counts) > _MOST:
            for key in [k for k, (since, _n) in _counts.items() if now - since > _WINDOW] or list(_counts):
                del _counts[key]
        since, n = _counts.get((what, who), (now, 0))
        if now - since > _WINDOW:
            since, n = now, 0
        _counts[(what, who)] = (since, n + add)
        return n + add


def open_for(address: str) -> bool:
    """Count a call; False when this address has called too often, or was wrong too often."""
    return _count("calls", address, 1) <= CALLS and _count("wrong", address, 0) < WRONG


def wrong(address: str) -> None:
    """Count a call that was refused."""
    _count("wrong", address, 1)


def forget() -> None:
    """Begin anew (tests)."""
    with _lock:
        _counts.clear()
