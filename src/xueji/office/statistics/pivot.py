"""Tables of one's own from the head-count cube (C-RPT-09), and the standard ones of a day for budgets and statistics (C-RPT-07).

Rows, columns, whom to count and the day are chosen; one pass over the cube, no row per child. What is chosen stands in the
address, so that a table can be kept as a bookmark and sent on.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.orgs.models import Stage
from xueji.ground.policy.statuses import Status
from xueji.ground.standards.identity import SEX_WORDS
from xueji.registry.enrolment.models import GUEST, REGISTERED

from . import sheets
from .queries import PRESENT, SMALL, _grade, _where, covered
from .units import Target

DIMENSIONS: dict[str, Promise] = {
    "unit": gettext_lazy("单位"),
    "stage": gettext_lazy("学段"),
    "grade": gettext_lazy("年级"),
    "cohort": gettext_lazy("入学年份"),
    "sex": gettext_lazy("性别"),
    "status": gettext_lazy("学籍状态"),
}
MEASURES: dict[str, Promise] = {
    "present": gettext_lazy("在校生(学籍状态为在读)"),
    "record": gettext_lazy("在籍生(学校保留学籍的全部学生)"),
    "guest": gettext_lazy("借读生(学籍在其他学校)"),
}


@dataclass(frozen=True)
class Preset:
    """A table that is asked for by name."""

    key: str
    title: Promise
    rows: str
    columns: str
    measure: str
    about: Promise


PRESETS = (
    Preset(
        "budget", gettext_lazy("经费基数表"), "unit", "stage", "present",
        gettext_lazy("义务教育经费保障和生均公用经费按学生人数核定: 各单位各学段在统计时点的在校生"),
    ),
    Preset(
        "yearbook", gettext_lazy("事业统计基数表"), "grade", "sex", "present",
        gettext_lazy("教育事业统计: 各年级分性别的在校生, 以统计时点为准"),
    ),
    Preset(
        "aid", gettext_lazy("资助基数表"), "unit", "grade", "record",
        gettext_lazy("学生资助: 各单位各年级在统计时点的在籍生"),
    ),
    Preset(
        "hosted", gettext_lazy("借读统计表"), "unit", "stage", "guest",
        gettext_lazy("各单位各学段在统计时点的借读生, 不计入在校生"),
    ),
    Preset(
        "state", gettext_lazy("学籍状态统计表"), "unit", "status", "record",
        gettext_lazy("各单位在籍生的学籍状态"),
    ),
)  # fmt: skip
BY_KEY = {p.key: p for p in PRESETS}


@dataclass(frozen=True)
class Wanted:
    """What a table shows. Raises ValueError for unknown words, or one dimension twice."""

    rows: str
    columns: str
    measure: str
    day: date
    stage: str = ""

    def __post_init__(self) -> None:
        if not {self.rows, self.columns} <= set(DIMENSIONS) or self.measure not in MEASURES:
            raise ValueError("unknown dimension or measure")
        if self.rows == self.columns:
            raise ValueError("rows and columns are the same")


@dataclass
class Cross:
    """A table: labels of rows and columns in order, figures by both keys; `covered` rows could name a child ("": the sums)."""

    wanted: Wanted
    rows: list[tuple[str, str]]
    columns: list[tuple[str, str]]
    cells: dict[tuple[str, str], int]
    covered: frozenset[str]

    def row_sum(self, key: str) -> int:
        """The sum of a row."""
        return sum(self.cells.get((key, c), 0) for c, _label in self.columns)

    def column_sum(self, key: str) -> int:
        """The sum of a column."""
        return sum(self.cells.get((r, key), 0) for r, _label in self.rows)

    @property
    def total(self) -> int:
        """The sum of everything."""
        return sum(self.cells.values())


def _counts(measure: str, kind: int, status: int) -> bool:
    if measure == "guest":
        return kind == GUEST and status == PRESENT
    if kind != REGISTERED:
        return False
    return status == PRESENT if measure == "present" else Status(status).is_open


def cross(actor: Any, target: Target, wanted: Wanted) -> Cross:
    """The table of a unit at the end of a day: one statement on the cube under row-level security.

    Raises PermissionDenied. Rows with figures under five are covered for readers who may not see the names.
    """
    actor.require("statistics.view")
    where, values = _where(target, wanted.stage)
    unit = "d.school_id" if target.by_school else "d.county_id"
    with connection.cursor() as c:
        c.execute(
            f"select {unit}, s.system, d.stage, d.cohort_year, d.sex, d.status, d.kind, sum(d.n)::int from cube_delta d"
            f" join school s on s.org_id = d.school_id where d.day <= %s and {where}"
            " group by 1, 2, 3, 4, 5, 6, 7 having sum(d.n) <> 0",
            [wanted.day, *values],
        )
        found = c.fetchall()
    names = {u.org_id: u.label for u in target.units} | (
        {target.org_id: target.name} if target.is_school else {}
    )
    cells: dict[tuple[str, str], int] = defaultdict(int)
    labels: dict[str, dict[str, str]] = {"rows": {}, "columns": {}}

    def place(dimension: str, row: tuple[Any, ...]) -> tuple[str, str]:
        where_, system, stage, cohort, sex, status, _kind, _n = row
        match dimension:
            case "unit":
                mapped = target.unit_of.get(where_, 0)
                return str(mapped), names.get(mapped, _("其他"))
            case "stage":
                return "123"["PJS".index(stage)], str(Stage(stage).label)
            case "grade":
                return _grade(stage, cohort, system, wanted.day)
            case "cohort":
                return str(cohort), _("%(y)s级") % {"y": cohort}
            case "sex":
                return sex, SEX_WORDS.get(sex, _("未说明"))
        return f"{status:02d}", str(Status(status).label)

    for row in found:
        if not _counts(wanted.measure, row[6], row[5]):
            continue
        r, c_ = place(wanted.rows, row), place(wanted.columns, row)
        labels["rows"][r[0]], labels["columns"][c_[0]] = r[1], c_[1]
        cells[r[0], c_[0]] += row[7]
    order = {str(u.org_id): i for i, u in enumerate(target.units)}

    def sort(which: str, dimension: str) -> list[tuple[str, str]]:
        key = (lambda x: order.get(x[0], 10**6)) if dimension == "unit" else (lambda x: x[0])
        return sorted(labels[which].items(), key=key)

    out = Cross(wanted, sort("rows", wanted.rows), sort("columns", wanted.columns), dict(cells), frozenset())
    if not actor.can("student.list"):
        out.covered = _small(out)
    return out


def _small(table: Cross) -> frozenset[str]:
    """Rows that could name a child; "" for the sums of the columns where they would give it away."""
    hidden, sums = covered([[table.cells.get((r, c), 0) for c, _m in table.columns] for r, _l in table.rows])
    return frozenset([table.rows[i][0] for i in hidden] + [""] * sums)


def as_text(table: Cross, *, title: str, about: str, org_name: str) -> sheets.TextTable:
    """The table for paper and workbook."""
    wanted = table.wanted
    lines = [
        (key, label, [table.cells.get((key, c), 0) for c, _l in table.columns]) for key, label in table.rows
    ]
    lines.append(("", _("合计"), [table.column_sum(c) for c, _l in table.columns]))
    body = [
        [label, *([f"<{SMALL}"] * len(figures)), "—"]
        if key in table.covered
        else [label, *map(str, figures), str(sum(figures))]
        for key, label, figures in lines
    ]
    return sheets.TextTable(
        title,
        org_name,
        [str(DIMENSIONS[wanted.rows]), *(label for _c, label in table.columns), _("合计")],
        body,
        [
            _("统计时点: %(d)s 日终") % {"d": wanted.day.isoformat()},
            _("口径: %s") % MEASURES[wanted.measure],
            about,
        ],
        [(_("统计时点"), wanted.day.isoformat()), (_("口径"), str(MEASURES[wanted.measure]))],
    )
