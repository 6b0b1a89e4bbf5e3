"""A big batch in parts: whole cohorts, so that two parts never give a seat, a class or a serial of the same run.

The plan stands in the batch's counts while it is published: what each part holds, and what became of it. A part is one
transaction that is whole in itself; what it did is written into the plan by that same transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import connection

from xueji.ground.policy.model import NumberScheme
from xueji.ground.policy.schemes import serial_scope

from . import auxiliary
from .picked import Rows
from .places import SchoolFacts
from .publishing import Published

#: Batches with as many good rows are published in parts; a part has at least `ROWS`, its last cohort included.
FROM = 20_000
ROWS = 5_000
#: Parts published at a time, each by a connection of its own.
HANDS = 2
#: Key of the batch's counts under which the plan stands, and the one that has a batch go on after it was read again.
PLAN, GO_ON = "parts", "go_on"
#: And the one that says that rows were mended here since the file was read: the file alone does not have them.
MENDED = "mended"


@dataclass(frozen=True)
class Part:
    """Some cohorts of a batch. `done` is None until it is on record, then how many rows."""

    cohorts: tuple[tuple[str, int], ...]
    rows: int
    #: How many of them bring an auxiliary number along.
    brought: int = 0
    done: int | None = None
    classes: int = 0
    digest: str = ""
    #: Namesakes on record of children in this part: row, child, the other.
    namesakes: tuple[tuple[int, str, str], ...] = ()

    def of(self, batch_id: int, without: Iterable[int] = ()) -> Rows:
        """The part's rows in staging."""
        return Rows(batch_id, self.cohorts, tuple(without))

    def as_json(self) -> dict[str, Any]:
        """As it stands in the plan."""
        return {
            "cohorts": [list(c) for c in self.cohorts], "rows": self.rows, "brought": self.brought, "done": self.done,
            "classes": self.classes, "digest": self.digest,
            "namesakes": [list(n) for n in self.namesakes],
        }  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """The parts of a batch, and who publishes it from where: a crash must not forget it."""

    parts: tuple[Part, ...]
    asked: dict[str, Any] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """Rows on record so far."""
        return sum(p.done or 0 for p in self.parts)

    @property
    def left(self) -> int:
        """Rows of the parts that wait."""
        return sum(p.rows for p in self.parts if p.done is None)

    @property
    def waiting(self) -> list[int]:
        """Numbers of the parts that wait."""
        return [n for n, p in enumerate(self.parts) if p.done is None]

    @property
    def digest(self) -> bytes:
        """A digest over the digests of the parts on record, in their order; each stands in the audit."""
        return hashlib.sha256(b"".join(bytes.fromhex(p.digest) for p in self.parts)).digest()

    def having(self, number: int, done: Published) -> Plan:
        """The plan after this part came on record."""
        part = replace(self.parts[number], done=done.rows, classes=done.classes, digest=done.digest.hex())
        return replace(self, parts=(*self.parts[:number], part, *self.parts[number + 1 :]))

    def as_json(self) -> dict[str, Any]:
        """As it stands in the batch's counts."""
        return {"asked": self.asked, "parts": [p.as_json() for p in self.parts]}


def plan_of(counts: dict[str, Any]) -> Plan | None:
    """The plan of a batch that is being published in parts."""
    found = counts.get(PLAN)
    if found is None:
        return None
    parts = tuple(
        Part(
            tuple((str(stage), int(year)) for stage, year in p["cohorts"]), p["rows"], p["brought"],
            p["done"], p["classes"], p["digest"], tuple((int(row), own, other) for row, own, other in p["namesakes"]),
        )
        for p in found["parts"]
    )  # fmt: skip
    return Plan(parts, found["asked"])


def folded(counts: dict[str, Any]) -> dict[str, Any]:
    """Counts without the plan: what its parts put on record counts as published."""
    plan = plan_of(counts)
    if plan is None:
        return counts
    rest = {k: v for k, v in counts.items() if k != PLAN}
    return rest | {"published": counts.get("published", 0) + plan.done}


def split(
    batch_id: int, school: SchoolFacts, scheme: NumberScheme | None, rows: int = ROWS
) -> tuple[Part, ...]:
    """The good rows of a batch in parts of about as many rows: cohorts that draw serials from one run stay together.

    In the role `intake`; one statement.
    """
    with connection.cursor() as c:
        c.execute(
            "select s.stage, s.cohort_year, count(*), count(s.aux_bidx) from staged_row s"
            " where s.batch_id = %s and s.state in ('ok', 'warning') group by 1, 2 order by 1, 2",
            [batch_id],
        )
        found = c.fetchall()
    runs: dict[str, list[tuple[Any, ...]]] = {}
    for line in found:
        runs.setdefault(_run(school, scheme, line[0], line[1]), []).append(line)
    parts: list[Part] = []
    held: list[tuple[Any, ...]] = []
    for lines in runs.values():
        held += lines
        if sum(line[2] for line in held) >= rows:
            parts.append(_part(held))
            held = []
    if held:
        parts.append(_part(held))
    return tuple(parts)


def _run(school: SchoolFacts, scheme: NumberScheme | None, stage: str, year: int) -> str:
    """The run of serials from which a cohort's auxiliary numbers come; a cohort for itself where none are given."""
    serial = next((f for f in scheme.fields if f.kind == "serial"), None) if scheme else None
    if scheme is None or serial is None:
        return f"{stage}{year}"
    given = {**auxiliary.number_parts(school, stage, year), serial.name: 1}
    if any(f.name not in given for f in scheme.fields if f.kind != "literal"):
        return f"{stage}{year}"
    return serial_scope(scheme, given)


def _part(lines: Sequence[tuple[Any, ...]]) -> Part:
    return Part(
        tuple((line[0], line[1]) for line in lines),
        sum(line[2] for line in lines),
        sum(line[3] for line in lines),
    )
