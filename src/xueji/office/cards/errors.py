"""Why something cannot be done with a card, in words for the person who asked."""

from __future__ import annotations


class CardError(ValueError):
    """`message` (Chinese) says why and what to do."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)
