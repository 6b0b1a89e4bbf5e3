"""Why a command on a person was refused. `message` is a sentence for the user and holds no number."""

from __future__ import annotations

import uuid


class PeopleError(ValueError):
    """Base: the text is shown as it is."""

    @property
    def message(self) -> str:
        """The sentence for the user."""
        return str(self)


class BadValue(PeopleError):
    """A name, number or date that the standards rule out."""


class IdentityTaken(PeopleError):
    """The identity number belongs, or once belonged, to somebody else (一人一籍)."""

    def __init__(self, message: str, person_id: uuid.UUID | None = None) -> None:
        super().__init__(message)
        self.person_id = person_id


class NumberTaken(PeopleError):
    """The student number was given before; numbers are never given again."""


class IllegalNumber(PeopleError):
    """The number's life does not allow this step."""


class NumberProtected(PeopleError):
    """A formal number may not be struck off here (NAT-NUM-13)."""


class SerialsExhausted(PeopleError):
    """The run of a scheme has no serials left."""


class PurposeNeeded(PeopleError):
    """Plain text is shown only for a stated purpose."""
