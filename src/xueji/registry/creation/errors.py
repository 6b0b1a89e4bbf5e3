"""What can go wrong with the approval of records, in words for the user."""

from __future__ import annotations


class CreationError(ValueError):
    """A deed that is refused; `message` says why, in Chinese."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
