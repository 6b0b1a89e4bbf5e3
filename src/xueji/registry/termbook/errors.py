"""What may go wrong, in words for the person."""


class TermbookError(ValueError):
    """A line that is not possible; `message` is Chinese."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
