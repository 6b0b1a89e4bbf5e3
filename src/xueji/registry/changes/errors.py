"""What can go wrong with a case, in words for the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .checks import Check


class CaseError(ValueError):
    """A case command that is refused; `message` says what happened, why and what to do, in Chinese."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class StaleCase(CaseError):
    """Somebody else acted on the case since the page was drawn."""


class NotFoundByNumber(CaseError):
    """Name and number do not belong to one child here; which of them is wrong is not said."""


class Blocked(CaseError):
    """Checks forbid to go on; `checks` are those that do."""

    def __init__(self, message: str, checks: list[Check]) -> None:
        super().__init__(message)
        self.checks = checks
