"""What the room refuses, in words for the person."""


class AdmissionError(ValueError):
    """A step of admission that cannot be done; `message` says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
