"""What the room refuses, in words for the person."""


class AdmissionError(ValueError):
    """A step of admission that cannot be done; `message` says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class LooksAlike(AdmissionError):
    """A candidate who may have a record already (疑似同一人): `lines` tell whose; going on takes a reason."""

    def __init__(self, message: str, lines: list[str]) -> None:
        super().__init__(message)
        self.lines = lines
