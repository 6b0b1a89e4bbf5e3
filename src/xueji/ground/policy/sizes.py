"""How many pupils a class may have by the rules of a place (C-ORG-08)."""

from __future__ import annotations

from dataclasses import dataclass

from .engine import PolicySet
from .findings import article_words

_PARAM = {"P": "class.cap.primary", "J": "class.cap.junior", "S": "class.cap.senior"}


@dataclass(frozen=True)
class Cap:
    """The class size of a place: `number` None where no text states one; `must` refuses, else a reason is enough."""

    number: int | None
    must: bool
    article: str

    def room(self, capacity: int) -> int:
        """Seats of a class: what the school set for it, never more than the place allows at all."""
        return min(capacity, self.number) if self.must and self.number is not None else capacity


def cap_of(policy: PolicySet, stage: str) -> Cap:
    """The class size of a stage (P, J, S) under the rules of a place."""
    held = policy.param(_PARAM[stage])
    if not held.stated:
        return Cap(None, False, "")
    article = f"《{held.cite.source.title}》{article_words(held.cite.article)}"
    return Cap(int(held.value), held.force == "must", article)
