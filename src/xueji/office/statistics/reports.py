"""Reports on the children who are on the roster now: each column is one condition, for the figure and for its names alike.

新生建籍情况统计表 (C-RPT-04), special groups (C-RPT-08). A report is counted in one statement for all of its units; the
children behind a figure are those that its condition holds for, so the list has as many lines as the figure says.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.accounts.actor import today
from xueji.ground.orgs.grades import start_year_of
from xueji.ground.standards.identity import SEX_WORDS
from xueji.registry.enrolment.models import REGISTERED

from .queries import PRESENT, _grade, covered
from .units import Target

#: Counties that are counted at once: a province asks city by city.
MOST_COUNTIES = 30
PAGE = 50


@dataclass(frozen=True)
class Column:
    """A figure: its heading, the condition on `r` (roster) and `p` (profile), and what it means in words."""

    key: str
    label: Promise
    sql: str
    meaning: Promise


@dataclass(frozen=True)
class Report:
    """A table: its columns, and the condition on the children whom it is about."""

    key: str
    title: Promise
    about: Promise
    base: str
    columns: tuple[Column, ...]


def _flag(key: str) -> str:
    return (
        f"coalesce(p.data ->> '{key}', '') in ('1', '2')"
        if key == "left_behind"
        else f"p.data ->> '{key}' = '1'"
    )


_TOTAL = (
    Column("total", gettext_lazy("合计"), "true", gettext_lazy("本表统计的全部学生")),
    Column("men", gettext_lazy("男"), "r.sex = '1'", gettext_lazy("其中男生")),
    Column("women", gettext_lazy("女"), "r.sex = '2'", gettext_lazy("其中女生")),
)
NEW = Report(
    "new",
    gettext_lazy("新生建籍情况统计表"),
    gettext_lazy("本学年入学的起始年级在校生, 按当天的学籍统计"),
    "r.cohort_year = %(year)s",
    (
        *_TOTAL,
        Column("formal", gettext_lazy("正式学籍号"), "r.number_prefix = 'G'", gettext_lazy("学籍号以G开头, 已核准下发")),
        Column("nonumber", gettext_lazy("无证号学籍号"), "r.number_prefix = 'J'", gettext_lazy("学籍号以J开头, 还没有身份证号")),
        Column("temporary", gettext_lazy("临时学籍号"), "r.number_prefix = 'L'", gettext_lazy("学籍号以L开头, 等待核验下发")),
        Column("without", gettext_lazy("尚无学籍号"), "r.number_prefix = ''", gettext_lazy("已建籍, 还没有全国学籍号")),
        Column("problem", gettext_lazy("问题学籍"), "r.problem", gettext_lazy("标记为问题学籍, 还没有解决")),
        Column(
            "placed", gettext_lazy("已编班"), "r.class_id is not null", gettext_lazy("已经编入班级")
        ),
    ),
)  # fmt: skip
SPECIAL = Report(
    "special",
    gettext_lazy("特殊群体学生统计表"),
    gettext_lazy("在校生中各类学生, 以学籍信息登记为准; 一名学生可以同时属于几类"),
    "true",
    (
        *_TOTAL,
        Column("left", gettext_lazy("留守儿童"), _flag("left_behind"), gettext_lazy("是否留守儿童: 单亲或双亲留守")),
        Column("rural", gettext_lazy("农村留守"), _flag("rural_left_behind"), gettext_lazy("是否农村留守儿童: 是")),
        Column("migrant", gettext_lazy("随迁子女"), _flag("migrant_child"), gettext_lazy("是否随迁子女: 是")),
        Column(
            "worker", gettext_lazy("进城务工人员随迁"), _flag("migrant_worker_child"),
            gettext_lazy("是否进城务工人员随迁子女: 是"),
        ),
        Column("orphan", gettext_lazy("孤儿"), _flag("orphan"), gettext_lazy("是否孤儿: 是")),
        Column("martyr", gettext_lazy("烈士优抚子女"), _flag("martyr_child"), gettext_lazy("是否烈士或优抚子女: 是")),
        Column("aid", gettext_lazy("申请资助"), _flag("aid_requested"), gettext_lazy("是否需要申请资助: 是")),
        Column("subsidy", gettext_lazy("享受一补"), _flag("boarding_subsidy"), gettext_lazy("是否享受一补(寄宿生补助): 是")),
        Column("place", gettext_lazy("政府购买学位"), _flag("government_place"), gettext_lazy("是否由政府购买学位: 是")),
        Column(
            "guest", gettext_lazy("在外借读"),
            "exists (select 1 from enrolment_state g where g.person_id = r.person_id and g.kind = 2 and g.status = 1"
            " and g.valid_to is null)",
            gettext_lazy("学籍在本校, 在其他学校借读; 只统计本单位看得到的借读"),
        ),
    ),
)  # fmt: skip
REPORTS: Mapping[str, Report] = {r.key: r for r in (NEW, SPECIAL)}


@dataclass
class Line:
    """A row: figures by the column's key. `hidden`: so small that they could name a child."""

    key: str
    label: str
    cells: dict[str, int] = field(default_factory=dict)
    hidden: bool = False


@dataclass
class Table:
    """A report of a unit, counted now."""

    report: Report
    target: Target
    rows: list[Line]
    total: Line
    day: date


def too_wide(target: Target) -> bool:
    """Whether a unit has too many counties to be counted at once."""
    return len(target.counties) > MOST_COUNTIES


def _where(report: Report, target: Target, year: int) -> tuple[str, dict[str, Any]]:
    parts = [
        "r.county_id = any(%(counties)s)",
        "r.kind = %(kind)s",
        "r.reason = 'enrolled'",
        "r.status = %(present)s",
    ]
    values: dict[str, Any] = {
        "counties": list(target.counties), "kind": REGISTERED, "present": PRESENT, "year": year,
    }  # fmt: skip
    if target.schools is not None:
        parts.append("r.school_id = any(%(schools)s)")
        values["schools"] = list(target.schools)
    return " and ".join([*parts, report.base]), values


_FROM = "from roster r join school s on s.org_id = r.school_id left join person_profile p on p.person_id = r.person_id"


def count(actor: Any, report: Report, target: Target, day: date | None = None) -> Table:
    """The report of a unit: a row for each unit below it, for a school one for each grade; one statement.

    The children are those of the roster now; who is new and in which grade is reckoned for `day`, today unless said. Raises
    PermissionDenied, ValueError for a unit with too many counties. Rows under five are covered for readers who may not see
    the names.
    """
    actor.require("statistics.view")
    if too_wide(target):
        raise ValueError(_("单位太多, 请先选择一个市或县"))
    day = day or today()
    where, values = _where(report, target, start_year_of(day))
    group = (
        "r.stage, r.cohort_year, s.system"
        if target.is_school
        else "r.school_id"
        if target.by_school
        else "r.county_id"
    )
    figures = ", ".join(f"count(*) filter (where {c.sql})::int" for c in report.columns)
    with connection.cursor() as c:
        c.execute(f"select {group}, {figures} {_FROM} where {where} group by {group}", values)
        found = c.fetchall()
    n = len(report.columns)
    lines: dict[str, Line] = {}
    if not target.is_school:
        lines = {str(u.org_id): Line(str(u.org_id), u.label) for u in target.units}
    for row in found:
        if target.is_school:
            key, label = _grade(row[0], row[1], row[2], day)
            key = f"{key}|{row[0]}{row[1]}"
        else:
            unit = target.unit_of.get(row[0], 0)
            key, label = str(unit), next((u.label for u in target.units if u.org_id == unit), _("其他"))
        line = lines.setdefault(key, Line(key, label))
        for column, value in zip(report.columns, row[-n:], strict=True):
            line.cells[column.key] = line.cells.get(column.key, 0) + value
    rows = [lines[k] for k in (sorted(lines) if target.is_school else lines)]
    rows = [r for r in rows if r.cells or (r.key != "0" and target.by_school)]
    total = Line("", _("合计"))
    for column in report.columns:
        total.cells[column.key] = sum(r.cells.get(column.key, 0) for r in rows)
    if not actor.can("student.list"):
        _cover(rows, total)
    return Table(report, target, rows, total, day)


def _cover(rows: list[Line], total: Line) -> None:
    """Cover what could name a child, the total where it would give it away."""
    hidden, total.hidden = covered([[r.cells.get(key, 0) for key in total.cells] for r in rows])
    for i in hidden:
        rows[i].hidden = True


@dataclass(frozen=True)
class Child:
    """A child behind a figure."""

    person_id: uuid.UUID
    name: str
    sex: str
    birth: str
    school: str
    stage: str
    cohort: int
    system: str
    pinyin_sort: str

    @property
    def sex_label(self) -> str:
        """男 or 女."""
        return SEX_WORDS.get(self.sex, "")


def names(
    actor: Any, report: Report, target: Target, column: str, *, grade: str = "", after: str = ""
) -> tuple[list[Child], str]:
    """The children of a figure by pinyin, a page of fifty; `grade` is a stage and cohort (P2026).

    Raises PermissionDenied, KeyError for an unknown column, ValueError for a unit that is not one of schools.
    """
    actor.require("student.list")
    if not target.names_possible or too_wide(target):
        raise ValueError("names are listed for a school or the schools of a county")
    wanted = next((c for c in report.columns if c.key == column), None)
    if wanted is None:
        raise KeyError(column)
    where, values = _where(report, target, start_year_of(today()))
    where += f" and ({wanted.sql})"
    if grade:
        where += " and r.stage = %(stage)s and r.cohort_year = %(cohort)s"
        values |= {"stage": grade[0], "cohort": int(grade[1:])}
    sort, bar, key = after.rpartition("|")
    if bar:
        where += " and (r.pinyin_sort, r.person_id) > (%(sort)s, %(person)s)"
        values |= {"sort": sort, "person": uuid.UUID(key)}
    with connection.cursor() as c:
        c.execute(
            "select r.person_id, r.name, r.sex, r.birth_date, o.short_name, r.stage, r.cohort_year, s.system, r.pinyin_sort"
            f" {_FROM} join org o on o.id = r.school_id where {where} order by r.pinyin_sort, r.person_id limit {PAGE + 1}",
            values,
        )
        found = [Child(r[0], r[1], r[2], r[3].isoformat(), *r[4:]) for r in c.fetchall()]
    more = f"{found[PAGE - 1].pinyin_sort}|{found[PAGE - 1].person_id}" if len(found) > PAGE else ""
    return found[:PAGE], more
