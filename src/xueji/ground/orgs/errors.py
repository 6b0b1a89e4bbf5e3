"""What can go wrong here."""


class OrgError(ValueError):
    """What was asked for is not possible; `message` is for the user."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
