"""What a check found: one short Chinese sentence with a stable code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]


class Problem(NamedTuple):
    """One finding. `code` never changes and is what programs look at; `message` is shown to people."""

    code: str
    message: str
    severity: Severity = "error"


def has_error(problems: Iterable[Problem]) -> bool:
    """True when at least one problem forbids to go on; warnings do not."""
    return any(p.severity == "error" for p in problems)
