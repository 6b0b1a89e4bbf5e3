"""What cannot be done, in words for the user."""

from __future__ import annotations


class ChargeError(ValueError):
    """What was asked for is not possible; `message` is for the user."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
