"""What can go wrong, in words for the user."""

from __future__ import annotations


class FamilyError(ValueError):
    """Refused; `message` says why and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
