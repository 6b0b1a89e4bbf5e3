"""What can go wrong between installations, in words for the user or as a code for the log."""

from __future__ import annotations


class RelayError(ValueError):
    """A command that is refused; `message` says what happened, why and what to do, in Chinese."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class StaleCase(RelayError):
    """Somebody else acted on the transfer since the page was drawn."""


class Blocked(RelayError):
    """Checks forbid to go on."""

    def __init__(self, message: str, reasons: list[str]) -> None:
        super().__init__(message)
        self.reasons = reasons


class Refused(Exception):
    """A message that is not taken in. `code` goes into our log; the sender learns nothing."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NotDelivered(Exception):
    """A message that the other side has not signed for. `code` is kept with it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
