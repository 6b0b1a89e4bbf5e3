"""What the audit counts: deeds by unit, month and kind, for the yearly report on the protection of personal data."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import connection
from django.utils import timezone

from xueji.ground.db.scope import acting

from . import words

if TYPE_CHECKING:
    from xueji.ground.accounts.actor import Actor


@dataclass
class UnitMonth:
    """Deeds of one unit in one month (the month is empty in sums of a year)."""

    org_id: int | None
    org_name: str
    month: date | None
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Deeds of all kinds."""
        return sum(self.counts.values())


def monthly(org_path: str, year: int) -> list[UnitMonth]:
    """Deeds of a year by unit and month, for the units under a path ('/' for all): what a yearly report counts.

    The caller has checked who may ask. Entries that went into archives no longer count.
    """
    since, until = (timezone.make_aware(datetime(y, 1, 1)) for y in (year, year + 1))  # noqa: DTZ001
    with acting("audit"), connection.cursor() as c:
        c.execute(
            "select org_id, date_trunc('month', at at time zone 'Asia/Shanghai')::date, action, count(*)"
            " from audit_entry where at >= %s and at < %s group by 1, 2, 3",
            [since, until],
        )
        rows = c.fetchall()
    with connection.cursor() as c:
        c.execute("select id, name from org where path like %s", [org_path.replace("%", "") + "%"])
        names = dict(c.fetchall())
    found: dict[tuple[int | None, date], UnitMonth] = {}
    for org_id, month, action, n in rows:
        if org_id not in names and not (org_id is None and org_path.count("/") <= 2):
            continue
        one = found.setdefault((org_id, month), UnitMonth(org_id, names.get(org_id, ""), month))
        kind = words.kind(action)
        one.counts[kind] = one.counts.get(kind, 0) + n
    return sorted(found.values(), key=lambda u: (u.org_name, u.month or date.min))


def by_unit(actor: Actor, year: int, *, limit: int = 200) -> list[UnitMonth]:
    """Sums of a year by unit, the busiest first. For audit administrators."""
    actor.require("audit.view")
    sums: dict[int | None, UnitMonth] = {}
    for one in monthly(actor.org_path, year):
        total = sums.setdefault(one.org_id, UnitMonth(one.org_id, one.org_name, None))
        for kind, n in one.counts.items():
            total.counts[kind] = total.counts.get(kind, 0) + n
    return sorted(sums.values(), key=lambda u: -u.total)[:limit]


def by_month(actor: Actor, year: int) -> list[UnitMonth]:
    """Sums of a year by month. For audit administrators."""
    actor.require("audit.view")
    sums: dict[date | None, UnitMonth] = {}
    for one in monthly(actor.org_path, year):
        total = sums.setdefault(one.month, UnitMonth(None, "", one.month))
        for kind, n in one.counts.items():
            total.counts[kind] = total.counts.get(kind, 0) + n
    return [sums[m] for m in sorted(sums, key=lambda m: m or date.min)]
