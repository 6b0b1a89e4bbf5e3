"""The only code that reads the watch on drop-outs for others; all of it under row-level security."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Count, F, Q
from django.http import Http404
from django.utils import timezone

from xueji.ground.orgs.grades import start_year_of
from xueji.ground.orgs.models import Org, Term
from xueji.ground.waiting import Ask, alone
from xueji.registry.enrolment.models import REGISTERED, Roster

from .models import Entry, Report, Result, Source, Watch

LIMIT = 50
ACTIVE = (Result.OPEN, Result.NOT_RETURNED)


@dataclass(frozen=True)
class Row:
    """A line of the list."""

    watch_id: uuid.UUID
    student: str
    school: str
    source: str
    since: date
    noticed_on: date
    report_by: date | None
    reported_on: date | None
    result: str

    @property
    def source_label(self) -> str:
        """Why, in words."""
        return str(Source(self.source).label)

    @property
    def result_label(self) -> str:
        """How it stands, in words."""
        return str(Result(self.result).label)

    @property
    def late(self) -> bool:
        """Whether the authority should have been told by now."""
        return (
            self.reported_on is None and self.report_by is not None and self.report_by < timezone.localdate()
        )


@dataclass(frozen=True)
class Page:
    """One child on the list, with its log."""

    watch: Watch
    school: str
    log: list[Entry]
    record_status: int | None


def listing(actor: Any, *, result: str = "", after: str = "", limit: int = LIMIT) -> tuple[list[Row], str]:
    """Children on the list in the actor's scope, the latest noticed first; `after` is the key of the page before."""
    where = ["true"]
    args: dict[str, Any] = {"n": limit + 1}
    if result == "active":
        where.append("w.result in ('open', 'not_returned')")
    elif result:
        where.append("w.result = %(result)s")
        args["result"] = result
    day, bar, key = after.partition("|")
    if bar:
        try:
            args |= {"day": date.fromisoformat(day), "key": uuid.UUID(key)}
        except ValueError:
            pass
        else:
            where.append("(w.noticed_on, w.watch_id) < (%(day)s, %(key)s)")
    with connection.cursor() as c:
        c.execute(
            "select w.watch_id, w.student, o.name, w.source, w.since, w.noticed_on, w.report_by, w.reported_on, w.result"
            " from dropout_watch w join org o on o.id = w.school_id"
            f" where {' and '.join(where)} order by w.noticed_on desc, w.watch_id desc limit %(n)s",
            args,
        )
        rows = [Row(*r) for r in c.fetchall()]
    more = len(rows) > limit
    rows = rows[:limit]
    return rows, f"{rows[-1].noticed_on.isoformat()}|{rows[-1].watch_id}" if more and rows else ""


def waiting(actor: Any) -> Ask[dict[str, int]]:
    """How many are followed, not back, and not yet reported in time."""
    return Ask(
        "select count(*) filter (where result = any(%(active)s)) as active,"
        " count(*) filter (where result = %(away)s) as not_returned,"
        " count(*) filter (where result = any(%(active)s) and reported_on is null and report_by < %(today)s) as late"
        " from dropout_watch",
        {"active": [str(r) for r in ACTIVE], "away": str(Result.NOT_RETURNED), "today": timezone.localdate()},
        lambda rows: rows[0],
    )


def counts(actor: Any) -> dict[str, int]:
    """How many are followed, not back, and not yet reported in time; one query."""
    return alone(waiting(actor))


def page(actor: Any, watch_id: uuid.UUID) -> Page:
    """One child on the list. Raises Http404."""
    watch = Watch.objects.filter(pk=watch_id).first()
    if watch is None:
        raise Http404
    status = (
        Roster.objects.filter(person_id=watch.person_id, school_id=watch.school_id, kind=REGISTERED)
        .exclude(reason="former")
        .values_list("status", flat=True)
        .first()
    )
    return Page(
        watch,
        Org.objects.values_list("name", flat=True).get(pk=watch.school_id),
        list(Entry.objects.filter(watch=watch).order_by("-id")[:100]),
        status,
    )


def suspected(actor: Any, *, limit: int = LIMIT) -> list[dict[str, Any]]:
    """Children of the own school who are not on the list and whose absence from it asks for a look: the record says
    that they left for a while (其他离校, 失踪), or came back from nowhere: a suspension that is over.
    """
    with connection.cursor() as c:
        c.execute(
            "select r.person_id, r.name, r.status, (r.since at time zone 'Asia/Shanghai')::date,"
            "  v.detail ->> 'planned_end'"
            " from roster r"
            " left join lateral (select e.event_id from enrolment_state e where e.person_id = r.person_id"
            "   and e.kind = 1 and e.valid_from <= clock_timestamp() order by e.valid_from desc limit 1) l on true"
            " left join event v on v.person_id = r.person_id and v.event_id = l.event_id"
            " where r.school_id = %s and r.kind = 1 and r.reason = 'enrolled'"
            "   and (r.status in (5, 6) or (r.status = 2 and v.detail ->> 'planned_end' < %s))"
            "   and not exists (select 1 from dropout_watch w where w.person_id = r.person_id"
            "                   and w.result in ('open', 'not_returned'))"
            " order by r.pinyin_sort, r.person_id limit %s",
            [actor.org_id, timezone.localdate().isoformat(), limit],
        )
        return [
            {"person_id": p, "name": name, "status": status, "since": since, "planned_end": end}
            for p, name, status, since, end in c.fetchall()
        ]


def classmates(actor: Any) -> list[tuple[str, str]]:
    """Children of the class teacher's own classes, to choose from (at most 120)."""
    if not actor.classes:
        return []
    rows = (
        Roster.objects.filter(
            class_id__in=list(actor.classes), kind=REGISTERED, reason="enrolled", status__lt=10
        )
        .order_by("pinyin_sort", "person_id")
        .values_list("person_id", "name")[:120]
    )
    return [(str(pk), name) for pk, name in rows]


def figures(school_id: int) -> dict[str, int]:
    """The figures of a term's report: children on the roll, on the list by result, told in time."""
    roll = Roster.objects.filter(
        school_id=school_id, kind=REGISTERED, reason="enrolled", status__lt=10
    ).count()
    year, term = term_now()
    begins = term_start(year, term)
    seen = Watch.objects.filter(school_id=school_id).filter(Q(noticed_on__gte=begins) | Q(result__in=ACTIVE))
    by = dict(seen.values_list("result").annotate(n=Count("watch_id")))
    return {
        "enrolled": roll,
        "watched": sum(by.values()),
        "returned": by.get(Result.RETURNED, 0),
        "not_returned": by.get(Result.NOT_RETURNED, 0),
        "open": by.get(Result.OPEN, 0),
        "cleared": by.get(Result.CLEARED, 0),
        "reported_in_time": seen.filter(reported_on__lte=F("report_by")).count(),
    }


def reports(actor: Any, *, limit: int = LIMIT) -> list[dict[str, Any]]:
    """Reports of schools in the actor's scope, the latest first."""
    rows = list(Report.objects.order_by("-sent_at", "-pk")[:limit])
    names = dict(Org.objects.filter(pk__in={r.school_id for r in rows}).values_list("pk", "name"))
    return [{"report": r, "school": names.get(r.school_id, "")} for r in rows]


def term_now(today: date | None = None) -> tuple[int, int]:
    """School year and term of a day: those of the calendar, else by the month."""
    today = today or timezone.localdate()
    held = Term.objects.filter(starts__lte=today, ends__gte=today).values_list("year_id", "number").first()
    if held:
        return int(held[0]), int(held[1])
    return start_year_of(today), 1 if today.month >= 9 or today.month == 1 else 2


def term_start(year: int, term: int) -> date:
    """The first day of a term: that of the calendar, else the usual one."""
    held = Term.objects.filter(year_id=year, number=term).values_list("starts", flat=True).first()
    return held or (date(year, 9, 1) if term == 1 else date(year + 1, 2, 1))
