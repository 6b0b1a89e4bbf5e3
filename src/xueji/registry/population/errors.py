"""Why a comparison or a distribution was refused, and what an outside register can do wrong."""

from __future__ import annotations


class PopulationError(ValueError):
    """The text is a sentence for the user."""

    @property
    def message(self) -> str:
        """The sentence for the user."""
        return str(self)


class RegisterDown(Exception):
    """The outside register did not answer, or not in time: ask again later with the same key."""


class RegisterWrong(Exception):
    """The outside register answered something that does not belong to the question: nothing of it is believed."""
