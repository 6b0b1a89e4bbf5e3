"""What may go wrong, in words for the person."""


class ExportRefused(ValueError):
    """An application or a file that is not to be had; `message` is Chinese."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
