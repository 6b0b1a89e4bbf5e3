"""What can go wrong with the year's work, in words for the user."""

from __future__ import annotations


class YearlyError(ValueError):
    """A command that is refused; `message` says what happened, why and what to do, in Chinese."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class StaleList(YearlyError):
    """Somebody else acted on the list since the page was drawn."""
