"""What may keep a school from putting pupils on record now: said by rooms above, asked before a publication."""

from __future__ import annotations

from collections.abc import Callable

from xueji.ground.orgs.queries import outside_network

from .errors import IntakeError
from .places import SchoolFacts

_GATES: list[Callable[[SchoolFacts], str]] = []


def add(gate: Callable[[SchoolFacts], str]) -> None:
    """Register a question: it answers with the reason why the school may not now, or with nothing."""
    if gate not in _GATES:
        _GATES.append(gate)


def require_open(school: SchoolFacts) -> None:
    """Raises `IntakeError` with the first reason."""
    if why := outside_network(school.org_id):
        raise IntakeError(why)
    for gate in _GATES:
        if why := gate(school):
            raise IntakeError(why)
