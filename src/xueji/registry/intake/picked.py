"""Which staged rows a publication takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rows:
    """Which of a batch's good rows: all, or those of some cohorts, but for a few."""

    batch_id: int
    cohorts: tuple[tuple[str, int], ...] = ()
    without: tuple[int, ...] = ()

    def where(self) -> tuple[str, dict[str, Any]]:
        """A condition on `staged_row s`, and its values."""
        text = "s.batch_id = %(batch)s and s.state in ('ok', 'warning')"
        values: dict[str, Any] = {"batch": self.batch_id}
        if self.cohorts:
            text += f" and {self.cohorts_of('s')}"
            codes = [ord(stage) * 10_000 + year for stage, year in self.cohorts]
            values["cohorts"] = codes
        if self.without:
            text += " and s.row_no <> all(%(without)s::int[])"
            values["without"] = list(self.without)
        return text, values

    def cohorts_of(self, table: str) -> str:
        """A condition on a table that has stage and cohort_year, for the values of `where`. As one number: of a stage that
        stands by itself the planner makes a filter on what is joined by it, and expects one class where there are many.
        """
        if not self.cohorts:
            return "true"
        return f"ascii({table}.stage) * 10000 + {table}.cohort_year = any(%(cohorts)s::int[])"
