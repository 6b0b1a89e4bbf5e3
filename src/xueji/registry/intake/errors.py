"""Why a command on a batch was refused, in words for the user."""

from __future__ import annotations


class IntakeError(ValueError):
    """Something that cannot be done with this batch; `message` says what happened, why and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class PublishConflict(IntakeError):
    """Rows of the batch met children whom somebody else recorded in the meantime; nothing was published."""

    def __init__(self, message: str, rows: list[int]) -> None:
        super().__init__(message)
        self.rows = rows
