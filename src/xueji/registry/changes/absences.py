"""Who is away and until when: periods about to end or over, and transfers out that the other school has yet to confirm."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.orgs.models import OrgKind
from xueji.ground.policy.statuses import Status
from xueji.ground.waiting import Ask, alone

#: Periods that end within so many days are about to end.
SOON_DAYS = 30
LIMIT = 50
TABS = ("soon", "over", "out")


@dataclass(frozen=True)
class Absent:
    """A child whose absence was granted until a day."""

    person_id: uuid.UUID
    name: str
    school: str
    status: int
    since: date
    ends: date

    @property
    def status_label(self) -> str:
        """The status in words."""
        return str(Status(self.status).label)

    @property
    def words(self) -> str:
        """How far the day is."""
        left = (self.ends - timezone.localdate()).days
        if left < 0:
            return _("已过期 %s 天") % -left
        return _("今天期满") if left == 0 else _("还有 %s 天") % left

    @property
    def over(self) -> bool:
        """Past its day."""
        return self.ends < timezone.localdate()


@dataclass(frozen=True)
class Gone:
    """A child transferred out whom the other school has not confirmed."""

    case_id: uuid.UUID
    number: str
    name: str
    school: str
    destination: str
    day: date | None
    followed: str

    @property
    def waiting(self) -> int:
        """Days since the transfer took effect."""
        return max((timezone.localdate() - self.day).days, 0) if self.day else 0


_ENDS = "(v.detail ->> 'planned_end')::date"
_ABSENT = (
    " from roster r"
    " join enrolment_state e on e.person_id = r.person_id and e.kind = r.kind and e.valid_to is null"
    " join event v on v.person_id = e.person_id and v.event_id = e.event_id"
    " where r.kind = 1 and r.reason = 'enrolled' and r.status in (%(suspended)s, %(reserved)s)"
    "   and e.status = r.status and v.detail ->> 'planned_end' is not null"
)
_GONE = (
    " from case_ c where c.business = 'transfer_out' and c.status = 'done' and not c.summary ? 'received_on'"
)


def _scope(actor: Any) -> tuple[str, dict[str, Any]]:
    """The actor's own school or county; above, row-level security draws the line."""
    args: dict[str, Any] = {
        "suspended": int(Status.SUSPENDED),
        "reserved": int(Status.RESERVED),
        "today": timezone.localdate(),
        "near": timezone.localdate() + timedelta(days=SOON_DAYS),
        "org": actor.org_id,
        "county": actor.county_id,
    }
    if actor.org_kind == OrgKind.SCHOOL:
        return " and r.county_id = %(county)s and r.school_id = %(org)s", args
    if actor.org_kind == OrgKind.COUNTY:
        return " and r.county_id = %(org)s", args
    return "", args


def waiting(actor: Any) -> Ask[dict[str, int]]:
    """How many of each list. Raises PermissionDenied."""
    actor.require("student.list")
    where, args = _scope(actor)
    return Ask(
        f"select count(*) filter (where {_ENDS} between %(today)s and %(near)s) as soon,"
        f" count(*) filter (where {_ENDS} < %(today)s) as over, (select count(*){_GONE}) as out"
        + _ABSENT
        + where,
        args,
        lambda rows: rows[0],
    )


def counts(actor: Any) -> dict[str, int]:
    """How many of each list; one query. Raises PermissionDenied."""
    return alone(waiting(actor))


def absent(actor: Any, tab: str, *, after: str = "", limit: int = LIMIT) -> tuple[list[Absent], str]:
    """Those whose period is about to end (`soon`) or over (`over`), the earliest first (C-SUS-03, C-SUS-07), and the
    key of the next page. Raises PermissionDenied.
    """
    actor.require("student.list")
    where, args = _scope(actor)
    where += f" and {_ENDS} < %(today)s" if tab == "over" else f" and {_ENDS} between %(today)s and %(near)s"
    day, _bar, person = after.partition("|")
    try:
        args |= {"after": date.fromisoformat(day), "person": uuid.UUID(person)}
        where += f" and ({_ENDS}, r.person_id) > (%(after)s, %(person)s)"
    except ValueError:
        pass
    with connection.cursor() as c:
        c.execute(
            "select r.person_id, r.name, (select o.name from org o where o.id = r.school_id), r.status,"
            f" (e.valid_from at time zone 'Asia/Shanghai')::date, {_ENDS} as ends"
            + _ABSENT
            + where
            + " order by ends, r.person_id limit %(n)s",
            args | {"n": limit + 1},
        )
        rows = [Absent(*row) for row in c.fetchall()]
    more = len(rows) > limit
    rows = rows[:limit]
    return rows, f"{rows[-1].ends}|{rows[-1].person_id}" if more else ""


def gone(actor: Any, *, limit: int = LIMIT) -> list[Gone]:
    """Transfers out that nobody has confirmed, the oldest first (C-TRF-04). Raises PermissionDenied."""
    actor.require("student.list")
    with connection.cursor() as c:
        c.execute(
            "select c.case_id, coalesce(c.number, ''), c.student_name, (select o.name from org o where o.id = c.org_id),"
            " concat_ws(' ', c.form ->> 'destination_area', c.form ->> 'destination'), c.effective_on,"
            " coalesce(c.summary ->> 'followed', '')"
            + _GONE
            + " order by c.effective_on nulls last, c.case_id limit %s".replace("%s", "%(n)s"),
            {"n": limit},
        )
        return [Gone(*row) for row in c.fetchall()]
