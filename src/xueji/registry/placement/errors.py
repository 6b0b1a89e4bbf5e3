"""What can go wrong with placing pupils, in words for the user."""


class PlacementError(ValueError):
    """A deed that is refused; `message` says why and what to do, in Chinese."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
