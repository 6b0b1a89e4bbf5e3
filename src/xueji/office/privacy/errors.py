"""What can go wrong, in words for the user."""

from __future__ import annotations


class PrivacyError(ValueError):
    """Refused; `message` says why, with the article where one stands behind it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
