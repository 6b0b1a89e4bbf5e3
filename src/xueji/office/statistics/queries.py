"""Head-counts and movements, summed from the cube of differences under row-level security: no row per child."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from django.db import connection
from django.utils.translation import gettext as _

from xueji.ground.orgs.grades import grade_on
from xueji.ground.orgs.models import Stage
from xueji.ground.policy.statuses import Status
from xueji.registry.enrolment.models import GUEST, REGISTERED
from xueji.registry.enrolment.timeline import end_of

from . import flows
from .units import Target

PRESENT = int(Status.STUDYING)
SMALL = 5
By = Literal["unit", "grade", "sex"]


@dataclass
class Count:
    """Boys and girls of one row. `hidden` rows are so small that they could name a child."""

    key: str
    label: str
    men: int = 0
    women: int = 0
    total: int = 0
    classes: int = 0
    url: str = ""
    hidden: bool = False
    cohorts: set[tuple[str, int]] = field(default_factory=set)

    def add(self, sex: str, n: int) -> None:
        """Count `n` children of a sex."""
        self.total += n
        if sex == "1":
            self.men += n
        elif sex == "2":
            self.women += n


@dataclass
class Headcount:
    """The figures of one day: in school by grade and by unit, on record by status, guests apart."""

    day: date
    by_grade: list[Count]
    by_unit: list[Count]
    total: Count
    by_status: list[tuple[str, int]]
    on_record: int
    guests: int


def _where(target: Target, stage: str) -> tuple[str, list[Any]]:
    parts, values = ["d.county_id = any(%s)"], [list(target.counties)]
    if target.schools is not None:
        parts.append("d.school_id = any(%s)")
        values.append(list(target.schools))
    if stage:
        parts.append("d.stage = %s")
        values.append(stage)  # type: ignore[arg-type]
    return " and ".join(parts), values


def _grade(stage: str, cohort: int, system: str, day: date) -> tuple[str, str]:
    """Key (sorts in the order of schooling) and label of a cohort on a day."""
    grade = grade_on(stage, cohort, system, day)
    order = "123"["PJS".index(stage)]
    if grade is not None:
        # By years of schooling, not by the year inside the stage: 九年级 is the third junior year under 6-3-3 and the
        # fourth under 5-4-3. The sixth year of 5-4-3 is junior already and stays a row of its own.
        year = grade.before + grade.year
        label = _("%(g)s(五四制初中)") % {"g": grade.label} if stage == "J" and year == 6 else grade.label
        return f"{order}{year:02d}", label
    return f"{order}~{cohort}", _("%(y)s级%(s)s(不在学制年限内)") % {"y": cohort, "s": Stage(stage).label}


def headcount(actor: Any, target: Target, day: date, *, stage: str = "") -> Headcount:
    """Students at the end of `day` (C-RPT-02): by grade and sex, by unit and sex, by status. One pass over the cube.

    在校 counts those whose status says so (在读); 在籍 every open status; guests (借读) are told apart. Figures under
    five are covered for readers who may not see the names.
    """
    where, values = _where(target, stage)
    unit = "d.school_id" if target.by_school else "d.county_id"
    with connection.cursor() as c:
        c.execute(
            f"select {unit}, s.system, d.stage, d.cohort_year, d.sex, d.status, d.kind, sum(d.n)::int from cube_delta d"
            f" join school s on s.org_id = d.school_id where d.day <= %s and {where}"
            " group by 1, 2, 3, 4, 5, 6, 7 having sum(d.n) <> 0",
            [day, *values],
        )
        rows = c.fetchall()
    grades: dict[str, Count] = {}
    units = {u.org_id: Count(str(u.org_id), u.label) for u in target.units}
    total = Count("", _("合计"))
    statuses: dict[int, int] = defaultdict(int)
    guests = 0
    for place, system, its_stage, cohort, sex, status, kind, n in rows:
        if kind == GUEST:
            guests += n if status == PRESENT else 0
            continue
        statuses[status] += n
        if not Status(status).counts_in_school:
            continue
        key, label = _grade(its_stage, cohort, system, day)
        grade = grades.setdefault(key, Count(key, label))
        grade.cohorts.add((its_stage, cohort))
        for count in (
            grade,
            units.get(target.unit_of.get(place, 0)),
            total,
        ):
            if count is not None:
                count.add(sex, n)
    for key, label, n in _classes(target, day, stage):
        grades.setdefault(key, Count(key, label)).classes = n
        total.classes += n
    out = Headcount(
        day,
        [grades[k] for k in sorted(grades)],
        [u for u in units.values() if u.total or u.key != "0"],
        total,
        [(str(Status(s).label), n) for s, n in sorted(statuses.items()) if Status(s).is_open],
        sum(n for s, n in statuses.items() if Status(s).is_open),
        guests,
    )
    if not actor.can("student.list"):
        hide_small(out.by_grade)
        hide_small(out.by_unit)
    return out


def covered(rows: Sequence[Sequence[int]]) -> tuple[set[int], bool]:
    """Which rows of figures are covered, and whether their totals are: no figure under five is told or can be worked out.

    What the totals and the open rows leave for the covered ones is looked at column by column; while something under five
    comes of it, the next smallest row is covered too, and when none is left, the totals.
    """
    hidden = {i for i, row in enumerate(rows) if any(0 < n < SMALL for n in row)}
    rest = sorted(
        (i for i, row in enumerate(rows) if i not in hidden and any(row)), key=lambda i: sum(rows[i])
    )

    def told() -> bool:
        return any(0 < sum(column) < SMALL for column in zip(*(rows[i] for i in hidden), strict=True))

    while rest and told():
        hidden.add(rest.pop(0))
    return hidden, told()


def hide_small(rows: list[Count]) -> None:
    """Cover the rows of a head-count that could name a child."""
    for i in covered([(r.total, r.men, r.women) for r in rows])[0]:
        rows[i].hidden = True


def _classes(target: Target, day: date, stage: str) -> list[tuple[str, str, int]]:
    """Classes that exist on a day, per grade: (key, label, number)."""
    where = "c.school_id = any(%s)" if target.schools is not None else "s.county_id = any(%s)"
    values: list[Any] = [list(target.schools if target.schools is not None else target.counties)]
    with connection.cursor() as c:
        c.execute(
            "select s.system, c.stage, c.cohort_year, count(*)::int from school_class c"
            f" join school s on s.org_id = c.school_id where {where} and (c.closed_on is null or c.closed_on > %s)"
            + (" and c.stage = %s" if stage else "")
            + " group by 1, 2, 3",
            [*values, day, *([stage] if stage else [])],
        )
        rows = c.fetchall()
    out: dict[str, tuple[str, int]] = {}
    for system, its_stage, cohort, n in rows:
        if grade_on(its_stage, cohort, system, day) is None:
            continue
        key, label = _grade(its_stage, cohort, system, day)
        out[key] = (label, out.get(key, ("", 0))[1] + n)
    return [(key, label, n) for key, (label, n) in out.items()]


# --- movement -----------------------------------------------------------------------------------------------------


@dataclass
class MoveRow:
    """One row: opening, what came, what went, closing as counted by itself; of a cohort also its grade."""

    key: str
    label: str
    opening: int = 0
    closing: int = 0
    grade: str = ""
    flow: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def title(self) -> str:
        """The label, with the grade where all of the row are in one."""
        return f"{self.label} · {self.grade}" if self.grade else self.label

    @property
    def added(self) -> int:
        """All that came."""
        return sum(self.flow[c.key] for c in flows.INS)

    @property
    def taken(self) -> int:
        """All that went."""
        return sum(self.flow[c.key] for c in flows.OUTS)

    @property
    def balanced(self) -> bool:
        """Whether opening and movements lead to the closing figure."""
        return self.opening + self.added - self.taken == self.closing


@dataclass
class Movement:
    """The table between two days: rows of one kind, and their total."""

    start: date
    end: date
    by: By
    rows: list[MoveRow]
    total: MoveRow
    recounted: int | None = None
    #: Who stopped coming to school without another school or a result (flows.LOST).
    lost: int = 0

    @property
    def had(self) -> int:
        """Who was in school before the period or came to it anew."""
        return self.total.opening + self.total.flow["enrol"] + self.total.flow["transfer_in"]

    @property
    def kept(self) -> float | None:
        """巩固率 between the two days, in percent (C-PRO-05); None when nobody was in school."""
        return round(100 * (1 - self.lost / self.had), 2) if self.had else None

    @property
    def balanced(self) -> bool:
        """Whether every row balances, the rows add up, and a recount of the links (where made) agrees."""
        sums = sum(r.closing for r in self.rows) == self.total.closing
        recount = self.recounted is None or self.recounted == self.total.closing
        return sums and recount and self.total.balanced and all(r.balanced for r in self.rows)


def movement(
    actor: Any, target: Target, start: date, end: date, *, by: By = "unit", stage: str = ""
) -> Movement:
    """学生变动: who was in school before `start`, came and went until the end of `end`, and is there then (C-RPT-03).

    Opening and flows are summed from the cube by flow; the closing figures are counted apart, for a school from the
    links of the children themselves. Raises ValueError when `end` lies before `start`.
    """
    if end < start:
        raise ValueError("the end lies before the start")
    where, values = _where(target, stage)
    columns = {
        "unit": "d.school_id, '', 0, ''" if target.by_school else "d.county_id, '', 0, ''",
        "grade": "0, s.system, d.cohort_year, d.stage",
        "sex": "0, '', 0, d.sex",
    }[by]
    join = " join school s on s.org_id = d.school_id" if by == "grade" else ""
    with connection.cursor() as c:
        c.execute(
            f"select {columns}, case when d.day < %s then '' else d.flow end, sum(d.n)::int from cube_delta d{join}"
            f" where d.day <= %s and d.kind = %s and d.status = %s and {where}"
            " group by 1, 2, 3, 4, 5 having sum(d.n) <> 0",
            [start, end, REGISTERED, PRESENT, *values],
        )
        parts = c.fetchall()
        c.execute(
            f"select {columns}, sum(d.n)::int from cube_delta d{join} where d.day <= %s and d.kind = %s"
            f" and d.status = %s and {where} group by 1, 2, 3, 4",
            [end, REGISTERED, PRESENT, *values],
        )
        closings = c.fetchall()
    rows: dict[str, MoveRow] = {}
    if by == "unit":
        rows = {str(u.org_id): MoveRow(str(u.org_id), u.label) for u in target.units}
        if target.is_school:
            rows = {str(target.org_id): MoveRow(str(target.org_id), target.name)}

    def row_of(unit: int, system: str, cohort: int, text: str) -> MoveRow:
        key, label, grade = _place(target, by, unit, system, cohort, text, end)
        row = rows.setdefault(key, MoveRow(key, label, grade=grade))
        if row.grade != grade:
            row.grade = ""  # one cohort is in different grades where schools have different systems
        return row

    _distribute(by, parts, row_of)
    for unit, system, cohort, text, n in closings:
        row_of(unit, system, cohort, text).closing += n
    kept = [r for r in rows.values() if r.opening or r.closing or r.flow or (by == "unit" and r.key != "0")]
    if by != "unit":
        kept.sort(key=lambda r: r.key)
    out = Movement(start, end, by, kept, _total(kept))
    out.lost = -sum(n for *_place, flow, n in parts if n < 0 and flows.flow_name(flow) in flows.LOST)
    if target.is_school:
        out.recounted = recount(target, end, stage=stage)
    return out


def _place(
    target: Target, by: By, unit: int, system: str, cohort: int, text: str, day: date
) -> tuple[str, str, str]:
    """Key, label and grade of the row that a group of the cube belongs to."""
    if by == "unit":
        mapped = target.unit_of.get(unit, 0)
        return str(mapped), next((u.label for u in target.units if u.org_id == mapped), _("其他")), ""
    if by == "sex":
        return text, {"1": _("男"), "2": _("女")}.get(text, _("未说明")), ""
    # A cohort keeps its row over the whole period, whichever grade it was in at its beginning.
    grade = grade_on(text, cohort, system, day)
    order = "123"["PJS".index(text)]
    label = _("%(y)s级%(s)s") % {"y": cohort, "s": Stage(text).label}
    return f"{order}{9999 - cohort}", label, grade.label if grade else ""


def _distribute(by: By, parts: Iterable[tuple[Any, ...]], row_of: Any) -> None:
    """Put each group's number into the opening figure or its column; internal moves cancel out first."""
    internal: dict[tuple[str, str], int] = defaultdict(int)
    rows: dict[str, MoveRow] = {}
    for unit, system, cohort, text, flow, n in parts:
        row = row_of(unit, system, cohort, text)
        rows[row.key] = row
        name = flows.flow_name(flow)
        if flow == "":
            row.opening += n
        elif flows.INTERNAL.get(name, by) != by:
            internal[row.key, name] += n
        else:
            _add_flow(row, flow, n)
    for (key, name), n in internal.items():
        if n:
            _add_flow(rows[key], name, n)


def _add_flow(row: MoveRow, flow: str, n: int) -> None:
    column = flows.column_of(flow, n)
    row.flow[column.key] += n if column.direction == "in" else -n


def _total(rows: list[MoveRow]) -> MoveRow:
    total = MoveRow("", _("合计"))
    for row in rows:
        total.opening += row.opening
        total.closing += row.closing
        for key, n in row.flow.items():
            total.flow[key] += n
    return total


def recount(target: Target, day: date, *, stage: str = "") -> int:
    """A school's children in school at the end of a day, counted link by link: the proof of the cube."""
    with connection.cursor() as c:
        c.execute(
            "select count(*) from enrolment_state where school_id = any(%s) and kind = %s and status = %s"
            " and valid_from < %s and (valid_to is null or valid_to >= %s)"
            + (" and stage = %s" if stage else ""),
            [
                list(target.schools or ()),
                REGISTERED,
                PRESENT,
                end_of(day),
                end_of(day),
                *([stage] if stage else []),
            ],
        )
        return int(c.fetchone()[0])
