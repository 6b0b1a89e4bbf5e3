"""What can go wrong with an exam's registration, in words for the user."""

from __future__ import annotations


class ExamError(ValueError):
    """A command that is refused; `message` says what happened and what to do, `lines` the faults one by one."""

    def __init__(self, message: str, lines: list[str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.lines = lines or []
