"""The totals of the other system against the rows: per grade, sex and state, with the names behind a difference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.orgs.grades import grade_on
from xueji.ground.policy.statuses import Status
from xueji.registry.intake.places import STAGE_NAMES, SchoolFacts

Cell = tuple[str, int, int, str]
SEXES = ("1", "2")
#: At most so many names are listed for one cell.
NAMES = 30


@dataclass
class Line:
    """One grade and state: what the other system has, what the rows give, and who may explain a difference."""

    stage: str
    cohort: int
    status: int
    label: str
    status_label: str
    totals: dict[str, int | None]
    rows: dict[str, int]
    names: list[str] = field(default_factory=list)

    @property
    def balanced(self) -> bool:
        """Whether both sexes agree."""
        return all(self.totals[s] == self.rows[s] for s in SEXES)

    @property
    def cells(self) -> list[dict[str, Any]]:
        """For the page: one entry a sex."""
        words = {"1": _("男"), "2": _("女")}
        return [
            {
                "name": f"t-{self.stage}-{self.cohort}-{self.status}-{s}",
                "sex": words[s],
                "total": self.totals[s],
                "rows": self.rows[s],
                "off": None if self.totals[s] is None else self.rows[s] - (self.totals[s] or 0),
            }
            for s in SEXES
        ]


def parse_totals(posted: Mapping[str, str]) -> list[list[Any]]:
    """Totals from the page: [stage, cohort, status, sex, n]. Raises ValueError for what is no count."""
    out: list[list[Any]] = []
    for name, text in posted.items():
        parts = name.split("-")
        if len(parts) != 5 or parts[0] != "t" or parts[1] not in STAGE_NAMES or not text.strip():
            continue
        number = int(text)
        if not 0 <= number <= 100_000 or parts[4] not in SEXES:
            raise ValueError(text)
        out.append([parts[1], int(parts[2]), int(Status(int(parts[3]))), parts[4], number])
    return sorted(out)


def lines(
    school: SchoolFacts,
    totals: Iterable[Any],
    rows: Mapping[Cell, int],
    faulty: Mapping[tuple[str, int, int], list[str]],
) -> list[Line]:
    """Every grade and state that either side has; those present first, by grade."""
    given = {(t[0], int(t[1]), int(t[2]), t[3]): int(t[4]) for t in totals}
    keys = {k[:3] for k in (*given, *rows)} | set(faulty)
    entered = bool(given)
    out = []
    for stage, cohort, status in sorted(
        keys, key=lambda k: (not Status(k[2]).is_open, "PJS".find(k[0]), -k[1], k[2])
    ):
        grade = grade_on(stage, cohort, school.system, school.today) if stage and cohort else None
        label = (grade.label if grade else "") + (_("(%s级)") % cohort if grade else _("%s级") % cohort)
        out.append(
            Line(
                stage,
                cohort,
                status,
                label,
                str(Status(status).label),
                {s: given.get((stage, cohort, status, s), 0 if entered else None) for s in SEXES},
                {s: rows.get((stage, cohort, status, s), 0) for s in SEXES},
                faulty.get((stage, cohort, status), [])[:NAMES],
            )
        )
    return out


def balanced(found: Iterable[Line], totals: Iterable[Any]) -> bool:
    """Whether totals were entered and every cell agrees."""
    return bool(list(totals)) and all(line.balanced for line in found)
