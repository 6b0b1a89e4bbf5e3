"""What can go wrong with submissions and checks, in words for the user."""


class SubmissionError(ValueError):
    """A deed that is refused; `message` says why, in Chinese."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
