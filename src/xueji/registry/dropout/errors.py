"""What can go wrong on the watch list, in words for the user."""


class DropoutError(ValueError):
    """A deed that is refused; `message` says why, in Chinese."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
