"""What can go wrong with a step on the timeline, in words for the user."""

from __future__ import annotations


class EnrolmentError(ValueError):
    """A step that the record refuses; `message` says what happened, why and what to do, in Chinese."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class RecordChanged(EnrolmentError):
    """Somebody else changed the record since it was looked at."""


class IllegalStep(EnrolmentError):
    """The step is not possible from where the record stands."""
