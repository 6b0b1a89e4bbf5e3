"""Unusual reading: yesterday's looks of each account against its own history, its role's, the clock and the calendar.

The thresholds are data (`standards/audit_watch.csv`): `least` always holds; above it a figure is unusual when it
exceeds `own` times the account's median day and `role` times the role's (0: does not take part).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting
from xueji.ground.policy.calendar import is_workday
from xueji.ground.standards.codes import read_rows

from . import words
from .models import AuditFinding

#: Days of history that a day is compared with.
HISTORY = 30
_ASIDE = ("parent", "student", "system", "")
_OUTSIDE = ("changes.find", "changes.lookup", "people.identity.duplicate", "relay.lookup")


@dataclass(frozen=True)
class Threshold:
    """A line of the table."""

    rule: str
    name: str
    least: int
    own: float
    role: float


@lru_cache(maxsize=1)
def thresholds() -> dict[str, Threshold]:
    """The table by rule."""
    rows = read_rows("audit_watch.csv")
    return {
        r["rule"]: Threshold(r["rule"], r["name"], int(r["least"]), float(r["own"]), float(r["role"]))
        for r in rows
    }


#: What is counted of one account on one day; `kind` is the kind of the deed (words.KINDS).
_FIGURES = """
  count(distinct person_id) filter (where kind in ('look', 'reveal')) as day,
  count(*) filter (where kind in ('look', 'search', 'reveal', 'print', 'export')
    and (hour >= 22 or hour < 6)) as night,
  count(*) filter (where kind in ('look', 'search', 'reveal', 'print', 'export')) as looks,
  count(*) filter (where kind = 'reveal') as reveal,
  count(*) filter (where kind in ('print', 'export')) as export,
  count(*) filter (where action = any(%(outside)s)) as outside,
  count(*) filter (where action like 'emergency.%%') as emergency,
  count(*) filter (where kind = 'refused' and action not like 'accounts.sign_in%%') as refused,
  count(*) filter (where action = 'accounts.sign_in.refused') as signin
"""
_ENTRIES = """
  select e.*, k.kind, extract(hour from e.at at time zone 'Asia/Shanghai')::int as hour,
         (e.at at time zone 'Asia/Shanghai')::date as on_day
    from audit_entry e join unnest(%(actions)s::text[], %(kinds)s::text[]) k(action, kind) on k.action = e.action
   where e.at >= %(since)s and e.at < %(until)s and e.user_id is not null and not e.role = any(%(aside)s)
"""


def look_at(day: date) -> list[AuditFinding]:
    """Find what was unusual on a day, and keep it; a second run of the same day adds only what is new.

    Returns the day's findings. What was kept stays as it was then.
    """
    with transaction.atomic(), acting("audit"), connection.cursor() as c:
        rows = _day(c, day)
        own, role = _history(c, day) if rows else ({}, {})
        found = []
        for row in rows:
            for rule, figures in _unusual(row, own.get(row["user_id"], {}), role.get(row["role"], {}), day):
                found.append(
                    AuditFinding(
                        made_at=timezone.now(),
                        day=day,
                        rule=rule,
                        user_id=row["user_id"],
                        user_name=row["user_name"],
                        role=row["role"],
                        org_id=row["org_id"],
                        figures=figures,
                    )
                )
        AuditFinding.objects.bulk_create(found, ignore_conflicts=True)
        return list(AuditFinding.objects.filter(day=day).order_by("user_name", "rule"))


def daily() -> int:
    """The worker's duty: look at yesterday once it is over, if that was not done yet."""
    day = timezone.localdate() - timedelta(days=1)
    global _looked_at
    if _looked_at == day:
        return 0
    found = look_at(day)
    _looked_at = day
    return len(found)


_looked_at: date | None = None


def _parameters(c: Any, since: date, until: date) -> dict[str, Any]:
    c.execute(
        "select distinct action from audit_entry where at >= %s and at < %s",
        [_midnight(since), _midnight(until)],
    )
    actions = [r[0] for r in c.fetchall()]
    return {
        "actions": actions,
        "kinds": [words.kind(a) for a in actions],
        "since": _midnight(since),
        "until": _midnight(until),
        "aside": list(_ASIDE),
        "outside": list(_OUTSIDE),
    }


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime(day.year, day.month, day.day))  # noqa: DTZ001


def _day(c: Any, day: date) -> list[dict[str, Any]]:
    """Figures of the day by account, with the fullest hour."""
    c.execute(
        f"""with e as ({_ENTRIES}), hours as (
          select user_id, hour, count(distinct person_id) as n from e where kind in ('look', 'reveal')
           group by user_id, hour)
        select user_id, max(user_name) as user_name, max(role) as role, max(org_id) as org_id, {_FIGURES},
               coalesce((select max(n) from hours h where h.user_id = e.user_id), 0) as hour
          from e group by user_id order by user_id""",
        _parameters(c, day, day + timedelta(days=1)),
    )
    names = [d.name for d in c.description]
    return [dict(zip(names, r, strict=True)) for r in c.fetchall()]


def _history(c: Any, day: date) -> tuple[dict[int, Mapping[str, float]], dict[str, Mapping[str, float]]]:
    """Median figures of the days before: by account, by role."""
    medians = ", ".join(
        f"percentile_cont(0.5) within group (order by {f})"
        for f in ("day", "hour", "reveal", "export", "outside")
    )
    c.execute(
        f"""with e as ({_ENTRIES}), hours as (
          select user_id, on_day, hour, count(distinct person_id) as n from e where kind in ('look', 'reveal')
           group by user_id, on_day, hour),
        fullest as (select user_id, on_day, max(n) as hour from hours group by 1, 2),
        days as (
          select user_id, on_day, max(role) as role, {_FIGURES} from e group by user_id, on_day),
        every as (select d.*, coalesce(f.hour, 0) as hour from days d left join fullest f using (user_id, on_day))
        select user_id, null, {medians} from every group by user_id
        union all select null, role, {medians} from every group by role""",
        _parameters(c, day - timedelta(days=HISTORY), day),
    )
    own: dict[int, Mapping[str, float]] = {}
    role: dict[str, Mapping[str, float]] = {}
    for user_id, role_code, *medians_found in c.fetchall():
        figures = dict(zip(("day", "hour", "reveal", "export", "outside"), medians_found, strict=True))
        if user_id is None:
            role[role_code] = figures
        else:
            own[user_id] = figures
    return own, role


def _unusual(
    row: Mapping[str, Any], own: Mapping[str, float], role: Mapping[str, float], day: date
) -> list[tuple[str, dict[str, Any]]]:
    out = []
    for rule, t in thresholds().items():
        n = row["looks"] if rule == "holiday" else row[rule]
        if rule == "holiday" and is_workday(day):
            continue
        mine, others = own.get(rule, 0.0), role.get(rule, 0.0)
        limit = max(t.least, mine * t.own, others * t.role)
        if n >= limit and n > 0:
            out.append((rule, {"n": n, "limit": round(limit), "own": round(mine), "role": round(others)}))
    return out


def sentence(rule: str, figures: Mapping[str, Any]) -> str:
    """Why something is unusual, in words."""
    t = thresholds().get(rule)
    name = t.name if t else rule
    text = _("%(name)s: %(n)s 次, 界限 %(limit)s") % {
        "name": name,
        "n": figures["n"],
        "limit": figures["limit"],
    }
    if t and t.own:
        text += _(" (本人平日 %(own)s, 同岗位平日 %(role)s)") % {
            "own": figures["own"],
            "role": figures["role"],
        }
    return text
