"""All that is known of a case when it is checked, decided and written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from .models import Case
from .routing import Units
from .subject import ClassPlace, Subject


@dataclass(frozen=True)
class Material:
    """All that is known of a case when it is checked."""

    case: Case
    subject: Subject
    units: Units
    place: ClassPlace | None
    docs: frozenset[str]
    submitted_by: str
    today: date
    new_number: str = ""
    secret: Mapping[str, str] = field(default_factory=dict)
    confirmed: frozenset[str] = frozenset()
    decided_by: tuple[str, ...] = ()
    recorded_with: tuple[str, ...] = ()

    def with_confirmed(
        self, roles: Iterable[str], *, decided_by: Iterable[str] = (), recorded_with: Iterable[str] = ()
    ) -> Material:
        """The same, with the steps that passed, and who decided and was told, in the words of the rules."""
        return replace(
            self,
            confirmed=frozenset(roles),
            decided_by=tuple(decided_by),
            recorded_with=tuple(recorded_with),
        )


def form_date(form: dict[str, Any], key: str) -> date | None:
    """A date of the stored form; None when it is not filled in, or is none: such a draft must open to be put right."""
    raw = form.get(key)
    try:
        return date.fromisoformat(raw) if raw else None
    except ValueError:
        return None
