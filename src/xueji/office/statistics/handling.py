"""问题学籍统计 (C-RPT-10): how many came up, were solved, are open and overdue in a period, and how long it took."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.registry.enrolment.timeline import end_of, midnight
from xueji.registry.problems.models import Kind

from . import sheets
from .units import Target


@dataclass
class Line:
    """A row: of a unit or of a kind of problem."""

    key: str
    label: str
    before: int = 0
    opened: int = 0
    closed: int = 0
    pending: int = 0
    overdue: int = 0
    spent: float = 0

    @property
    def days(self) -> int | None:
        """How many days those took on average that were solved in the period; None when there were none."""
        return round(self.spent / self.closed) if self.closed else None

    @property
    def rate(self) -> float | None:
        """办结率: solved in the period, of those that were open before it or came up in it; None when there were none."""
        asked = self.before + self.opened
        return round(100 * self.closed / asked, 1) if asked else None

    @property
    def balanced(self) -> bool:
        """Whether what was open and came up is solved or pending."""
        return self.before + self.opened == self.closed + self.pending


@dataclass
class Table:
    """Problem records of a unit in a period, by unit below it and by kind; a problem of two units is in both rows."""

    start: date
    end: date
    units: list[Line]
    kinds: list[Line]
    total: Line


_FIGURES = (
    "count(*) filter (where x.opened_at < %(a)s and (x.closed_at is null or x.closed_at >= %(a)s))::int,"
    " count(*) filter (where x.opened_at >= %(a)s and x.opened_at < %(b)s)::int,"
    " count(*) filter (where x.closed_at >= %(a)s and x.closed_at < %(b)s)::int,"
    " count(*) filter (where x.opened_at < %(b)s and (x.closed_at is null or x.closed_at >= %(b)s))::int,"
    " count(*) filter (where x.closed_at is null and x.due_on < %(today)s)::int,"
    " coalesce(sum(extract(epoch from x.closed_at - x.opened_at) / 86400)"
    "   filter (where x.closed_at >= %(a)s and x.closed_at < %(b)s), 0)::float"
)


def count(actor: Any, target: Target, start: date, end: date) -> Table:
    """The figures of a unit between two days, three statements. Raises PermissionDenied, ValueError for days in disorder."""
    actor.require("statistics.view")
    if end < start:
        raise ValueError("the end lies before the start")
    where = "s.county_id = any(%(counties)s)"
    values: dict[str, Any] = {
        "a": midnight(start), "b": end_of(end), "today": today(), "counties": list(target.counties),
    }  # fmt: skip
    if target.schools is not None:
        where += " and s.school_id = any(%(schools)s)"
        values["schools"] = list(target.schools)
    unit = "s.school_id" if target.by_school else "s.county_id"
    inner = (
        "select distinct p.problem_id, {by} as g, p.opened_at, p.closed_at,"
        " (select coalesce(p.due_on, min(d.due_on)) from problem_side d where d.problem_id = p.problem_id) as due_on"
        f" from problem_record p join problem_side s on s.problem_id = p.problem_id where {where}"
    )

    def grouped(by: str) -> list[tuple[Any, ...]]:
        with connection.cursor() as c:
            c.execute(f"select x.g, {_FIGURES} from ({inner.format(by=by)}) x group by x.g", values)
            return c.fetchall()

    lines: dict[str, Line] = {str(u.org_id): Line(str(u.org_id), u.label) for u in target.units}
    if not target.is_school:
        for g, *figures in grouped(unit):
            key = str(target.unit_of.get(g, 0))
            line = lines.setdefault(key, Line(key, _("其他")))
            _add(line, figures)
    kinds = []
    by_kind = {g: figures for g, *figures in grouped("p.kind")}
    for kind in Kind:
        line = Line(kind.value, str(kind.label))
        if kind.value in by_kind:
            _add(line, by_kind[kind.value])
        kinds.append(line)
    total = Line("", _("合计"))
    for _g, *figures in grouped("1"):
        _add(total, figures)
    units = [] if target.is_school else [x for x in lines.values() if x.key != "0" or x.before + x.opened]
    return Table(start, end, units, kinds, total)


def _add(line: Line, figures: list[Any]) -> None:
    before, opened, closed, pending, overdue, spent = figures
    line.before += before
    line.opened += opened
    line.closed += closed
    line.pending += pending
    line.overdue += overdue
    line.spent += spent


def as_text(table: Table, *, org_name: str) -> sheets.TextTable:
    """The table for paper and workbook: units first, then kinds, then the total."""
    head = [
        _("单位和种类"),
        _("期初未解决"),
        _("新发现"),
        _("已解决"),
        _("期末未解决"),
        _("其中超期"),
        _("办结率"),
        _("平均天数"),
    ]

    def cells(x: Line) -> list[str]:
        rate = f"{x.rate}%" if x.rate is not None else "—"
        days = str(x.days) if x.days is not None else "—"
        return [x.label, *(str(n) for n in (x.before, x.opened, x.closed, x.pending, x.overdue)), rate, days]

    period = _("%(a)s 至 %(b)s") % {"a": table.start.isoformat(), "b": table.end.isoformat()}
    return sheets.TextTable(
        _("问题学籍处理情况统计表"),
        org_name,
        head,
        [cells(x) for x in [*table.units, *table.kinds, table.total]],
        [
            _("统计期间: %s") % period,
            _("办结率 = 已解决 ÷ (期初未解决 + 新发现); 一件涉及几个单位的, 各单位都计, 合计只计一次"),
            _("超期: 现在还没有解决、已过办理期限的"),
        ],
        [
            (_("统计期间"), period),
            (_("办结率"), f"{table.total.rate}%" if table.total.rate is not None else "—"),
        ],
    )
