"""Why a step of a duplicate check or a merge was refused."""

from __future__ import annotations


class DuplicatesError(ValueError):
    """The text is a sentence for the user."""

    @property
    def message(self) -> str:
        """The sentence for the user."""
        return str(self)
