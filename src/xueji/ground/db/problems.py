"""What a verification finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One broken invariant: which check, what is wrong, and the key of the row (never a name or number)."""

    check: str
    message: str
    key: str = ""
