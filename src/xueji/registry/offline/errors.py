"""What can go wrong with work without the platform, in words for the user."""

from __future__ import annotations


class OfflineError(ValueError):
    """A deed that is refused; `message` says why, in Chinese."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
