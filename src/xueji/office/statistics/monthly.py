"""学籍变动情况月报: the movement table of one month, handed in by each school to its central school and county (C-CHG-07)."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import School

from . import flows, queries, sheets
from .models import MonthlyReport
from .queries import MoveRow
from .units import Target

MONTHS = 12


@dataclass(frozen=True)
class Month:
    """A calendar month up to today."""

    first: date
    last: date

    @property
    def key(self) -> str:
        """2026-10."""
        return f"{self.first:%Y-%m}"

    @property
    def label(self) -> str:
        """2026年10月."""
        return _("%(y)s年%(m)s月") % {"y": self.first.year, "m": self.first.month}

    @property
    def ended(self) -> bool:
        """Whether its last day is over: then it can be handed in."""
        return self.last < today()


def choices() -> list[Month]:
    """The last twelve months, the present one first."""
    day = today()
    out = []
    for back in range(MONTHS):
        year, month = divmod(day.year * 12 + day.month - 1 - back, 12)
        out.append(month_of(date(year, month + 1, 1)))
    return out


def month_of(day: date) -> Month:
    """The month of a day."""
    last = calendar.monthrange(day.year, day.month)[1]
    return Month(day.replace(day=1), day.replace(day=last))


def read(raw: str | None) -> Month:
    """The month of the address; what is unreadable, or not among the last twelve, gives the last whole month."""
    known = {m.key: m for m in choices()}
    return known.get((raw or "").strip(), choices()[1])


def table(actor: Any, target: Target, month: Month) -> queries.Movement:
    """The movement table of a month: by grade for a school, else by unit."""
    end = min(month.last, today())
    return queries.movement(actor, target, month.first, end, by="grade" if target.is_school else "unit")


def figures(row: MoveRow) -> dict[str, int]:
    """A row as a report keeps it."""
    found = {c.key: row.flow[c.key] for c in flows.COLUMNS}
    return {"opening": row.opening, **found, "closing": row.closing}


def reports(target: Target, month: Month) -> dict[int, MonthlyReport]:
    """What the schools of a unit have handed in for a month, by school; one query."""
    rows = MonthlyReport.objects.filter(month=month.first, county_id__in=target.counties)
    if target.schools is not None:
        rows = rows.filter(school_id__in=target.schools)
    return {r.school_id: r for r in rows[:5000]}


def submit(actor: Any, target: Target, month: Month) -> MonthlyReport:
    """Hand in the own school's report of a month that is over; handed in again, the later one counts.

    Raises PermissionDenied, ValueError with words for the user.
    """
    actor.require("statistics.submit")
    if not target.is_school or target.org_id != actor.org_id:
        raise PermissionDenied
    if not month.ended:
        raise ValueError(_("%s还没有结束, 下月1日起可以提交") % month.label)
    found = table(actor, target, month)
    if not found.balanced:
        raise ValueError(_("本月期初、变动与期末对不上, 请先联系系统管理员核对数据"))
    county = School.objects.values_list("county_id", flat=True).get(pk=actor.org_id)
    now = timezone.now()
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        # Two people of one school may press at once: the row itself is the lock.
        c.execute(
            "insert into monthly_report (school_id, county_id, month, figures, times, submitted_by, submitter_name,"
            " submitted_at) values (%s, %s, %s, '{}', 0, %s, %s, %s) on conflict (school_id, month) do nothing",
            [actor.org_id, county, month.first, actor.user_id, actor.user_name, now],
        )
        row = MonthlyReport.objects.select_for_update().get(school_id=actor.org_id, month=month.first)
        row.figures, row.times, row.county_id = figures(found.total), row.times + 1, county
        row.submitted_by, row.submitter_name, row.submitted_at = actor.user_id, actor.user_name, now
        row.save()
    record(
        actor,
        "statistics.monthly.submit",
        object_type="monthly_report",
        object_id=row.pk,
        after={"month": month.key, "figures": row.figures, "times": row.times},
    )
    return row


def changed(report: MonthlyReport, now: Mapping[str, int]) -> bool:
    """Whether the record says something else today than when the report was handed in (a later entry or correction)."""
    return any(report.figures.get(key) != n for key, n in now.items())


def paper(actor: Any, target: Target, month: Month) -> sheets.TextTable:
    """The report as a table for paper and Excel, with who handed it in."""
    found = sheets.of_movement(table(actor, target, month), org_name=target.name)
    given = reports(target, month)
    mine = given.get(target.org_id)
    words = (
        _("%(who)s %(at)s 提交")
        % {"who": mine.submitter_name, "at": timezone.localtime(mine.submitted_at).strftime("%Y-%m-%d %H:%M")}
        if mine
        else _("%(n)s 所学校已提交") % {"n": len(given)}
        if not target.is_school
        else _("尚未提交")
    )
    facts = [(_("月份"), month.label), *found.facts[1:], (_("上报"), words)]
    return replace(found, title=_("学生学籍变动情况月报"), facts=facts)
