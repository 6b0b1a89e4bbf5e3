"""What can go wrong in collecting, in words for the person."""


class CollectError(ValueError):
    """A collection task or form cannot go on like this; `message` (Chinese) says why and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
