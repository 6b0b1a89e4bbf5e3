"""The term that a comparison or a round belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from xueji.ground.orgs.grades import start_year_of
from xueji.ground.orgs.models import Term as Held


@dataclass(frozen=True)
class Term:
    """A term of a school year: 1 autumn, 2 spring."""

    year: int
    number: int

    @property
    def key(self) -> str:
        """2026-1."""
        return f"{self.year}-{self.number}"

    @property
    def label(self) -> str:
        """2026-2027学年第一学期."""
        words = _("%(a)s-%(b)s学年第一学期") if self.number == 1 else _("%(a)s-%(b)s学年第二学期")
        return words % {"a": self.year, "b": self.year + 1}

    @property
    def before(self) -> Term:
        """The term before."""
        return Term(self.year, 1) if self.number == 2 else Term(self.year - 1, 2)


def now(day: date) -> Term:
    """The term of a day: that of the calendar, else by the month. One query."""
    held = Held.objects.filter(starts__lte=day, ends__gte=day).values_list("year_id", "number").first()
    if held:
        return Term(int(held[0]), int(held[1]))
    return Term(start_year_of(day), 1 if day.month >= 9 or day.month == 1 else 2)


def read(raw: str | None, day: date) -> Term:
    """The term of an address; what is unreadable, or further back than two years, gives the present one."""
    present = now(day)
    found, term = {}, present
    for _n in range(5):
        found[term.key] = term
        term = term.before
    return found.get(raw or "", present)


def choices(day: date) -> list[Term]:
    """The present term and the four before."""
    out = [now(day)]
    for _n in range(4):
        out.append(out[-1].before)
    return out
