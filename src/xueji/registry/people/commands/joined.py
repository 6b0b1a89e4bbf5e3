"""What a join of two records writes down of itself, so that it can be taken back: its changes, and values as they are kept."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Change:
    """One row that was written: `insert` with the key of the copy, `update` with what stood there before."""

    table: str
    op: str
    key: dict[str, Any]
    before: dict[str, Any] = field(default_factory=dict)


@dataclass
class Joined:
    """What a join did: the changes in their order, and the new numbers of the family members by their old ones."""

    changes: list[Change]
    guardians: dict[int, int]


def as_object(value: Any) -> dict[str, Any]:
    """An object of JSON, whichever way the driver hands it over."""
    return dict(value) if isinstance(value, dict) else dict(json.loads(value or "{}"))


def as_kept(value: Any) -> Any:
    """A value as JSON keeps it."""
    if value is None or isinstance(value, (str, int, bool, list)):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
