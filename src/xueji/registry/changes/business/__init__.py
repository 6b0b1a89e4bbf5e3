"""Every kind of case, one module for each group. What they demand is policy; how they are written stands here."""

from __future__ import annotations

from . import arrive, details, fields, grade, guest, leave, move, number, pause, record
from .spec import Check, Kind

KINDS: dict[str, Kind] = {
    kind.id: kind
    for module in (move, arrive, pause, leave, grade, guest, fields, details, record, number)
    for kind in module.KINDS
}


def label_of(business: str) -> str:
    """Chinese name of a kind of case."""
    kind = KINDS.get(business)
    return str(kind.label) if kind else business


__all__ = ["KINDS", "Check", "Kind", "label_of"]
