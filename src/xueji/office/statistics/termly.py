"""学籍报表 of a term (C-RPT-01): heads, movement, new records, special groups and problem records, made on schedule.

A month after the term has begun, and when it has ended, the set of every school is made by itself and frozen; the school's
office can make it anew, an authority its own. What was made stands for its leaders and the authority to read and print.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.accounts.actor import today
from xueji.ground.audit.commands import Who, record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.grades import start_year_of
from xueji.ground.orgs.models import Term
from xueji.ground.paper.report import Part, Report, render_report

from . import handling, queries, reports, sheets, units
from .commands import mark
from .models import TermReport
from .units import Target

log = logging.getLogger(__name__)
#: A set is made so many days after the term has begun; one that was missed is not made later than this after it was due.
SETTLED, LATE = timedelta(days=30), timedelta(days=60)
#: Schools whose set is made in one stroke of the clock.
AT_ONCE = 40
PHASES: dict[str, Promise] = {"begin": gettext_lazy("期初"), "end": gettext_lazy("期末")}


@dataclass(frozen=True)
class Span:
    """A term: `2026-1`, its days."""

    key: str
    starts: date
    ends: date

    @property
    def label(self) -> str:
        """2026-2027学年第一学期."""
        year, number = self.key.split("-")
        words = _("一") if number == "1" else _("二") if number == "2" else _("三")
        return _("%(a)s-%(b)s学年第%(n)s学期") % {"a": year, "b": int(year) + 1, "n": words}

    def due(self, phase: str) -> date:
        """The day on which the set of a phase is made."""
        return self.starts + SETTLED if phase == "begin" else self.ends + timedelta(days=1)

    def as_of(self, phase: str) -> date:
        """The day whose figures a set of a phase shows, however late it is made: when it is due, the last day of the term."""
        return min(self.due("begin") if phase == "begin" else self.ends, today())


def spans(*, most: int = 6) -> list[Span]:
    """Terms that have begun, the present one first: of the calendar, else September and February."""
    day = today()
    rows = Term.objects.filter(starts__lte=day).order_by("-starts", "-pk")[:most]
    found = [Span(f"{t.year_id}-{t.number}", t.starts, t.ends) for t in rows]
    if not found:
        year = start_year_of(day)
        guessed = [
            span
            for y in (year, year - 1, year - 2)
            for span in (
                Span(f"{y}-2", date(y + 1, 2, 1), date(y + 1, 7, 31)),
                Span(f"{y}-1", date(y, 9, 1), date(y + 1, 1, 31)),
            )
        ]
        found = [s for s in guessed if s.starts <= day][:most]
    return found


@dataclass(frozen=True)
class _Clock:
    """Who makes a set on schedule: whoever may read it may read all of it, so nothing in it is covered."""

    org_id: int
    org_path: str

    def can(self, action: str) -> bool:
        """The clock covers nothing; who may read the set is decided where it is read."""
        return True

    def require(self, action: str) -> None:
        """As `can`."""


def build(actor: Any, target: Target, span: Span, phase: str) -> list[sheets.TextTable]:
    """The tables of a set, counted now: heads of the day, movement since the term began, new records, groups, problems."""
    day = span.as_of(phase)
    by: queries.By = "grade" if target.is_school else "unit"
    move = queries.movement(actor, target, span.starts, day, by=by)
    return [
        sheets.of_headcount(queries.headcount(actor, target, day), org_name=target.name, by=by),
        sheets.of_movement(move, org_name=target.name),
        sheets.of_report(reports.count(actor, reports.NEW, target, day)),
        sheets.of_report(reports.count(actor, reports.SPECIAL, target, day)),
        handling.as_text(handling.count(actor, target, span.starts, day), org_name=target.name),
    ]


def make(actor: Any, *, term: str, phase: str) -> TermReport:
    """Make the set of the own unit anew; the later one counts. Raises PermissionDenied, Http404, ValueError with words."""
    actor.require("statistics.submit" if actor.org_kind == "school" else "statistics.view")
    span = next((s for s in spans() if s.key == term), None)
    if span is None or phase not in PHASES:
        raise Http404
    if phase == "end" and today() < span.due("end"):
        raise ValueError(_("%s还没有结束, 结束后才能生成期末报表") % span.label)
    target = units.resolve(actor)
    if reports.too_wide(target):
        raise PermissionDenied(_("学期报表由学校和县(市、区)生成"))
    tables = build(actor, target, span, phase)
    with transaction.atomic():
        row = _keep(target, span, phase, tables, user_id=actor.user_id, name=actor.user_name)
        record(
            actor,
            "statistics.term.make",
            object_type="term_report",
            object_id=row.pk,
            after={"term": span.key, "phase": phase, "tables": [t.title for t in tables]},
        )
    return row


def _keep(
    target: Target,
    span: Span,
    phase: str,
    tables: Sequence[sheets.TextTable],
    *,
    user_id: int | None,
    name: str,
) -> TermReport:
    county = target.counties[0] if target.is_school else target.org_id
    with transaction.atomic(), acting("writer"):
        row, new = TermReport.objects.select_for_update().get_or_create(
            org_id=target.org_id,
            term=span.key,
            phase=phase,
            defaults={
                "county_id": county,
                "as_of": span.as_of(phase),
                "tables": [],
                "made_at": timezone.now(),
            },
        )
        row.tables = [asdict(t) for t in tables]
        row.as_of, row.made_at, row.county_id = span.as_of(phase), timezone.now(), county
        row.made_by, row.made_name = user_id, name
        row.times = 1 if new else row.times + 1
        row.save()
    return row


def make_due() -> int:
    """The clock's part: sets that are due and not made yet, some schools at a time. Returns how many were made."""
    done = 0
    for span in spans(most=2):
        for phase in PHASES:
            if not span.due(phase) <= today() < span.due(phase) + LATE:
                continue
            with transaction.atomic(), acting("writer"), connection.cursor() as c:
                c.execute(
                    "select s.org_id, o.path from school s join org o on o.id = s.org_id where not exists"
                    " (select 1 from term_report t where t.org_id = s.org_id and t.term = %s and t.phase = %s)"
                    " and exists (select 1 from roster r where r.school_id = s.org_id and r.reason = 'enrolled')"
                    " order by s.org_id limit %s",
                    [span.key, phase, AT_ONCE - done],
                )
                waiting = c.fetchall()
            for org_id, path in waiting:
                try:
                    _make_by_clock(_Clock(org_id, path), span, phase)
                    done += 1
                except Exception:  # one that fails keeps no other school waiting; the next stroke tries again
                    log.exception("the set of a school failed: %s %s %s", org_id, span.key, phase)
            if done >= AT_ONCE:
                return done
    return done


def _make_by_clock(clock: _Clock, span: Span, phase: str) -> None:
    with transaction.atomic(), translation.override("zh-hans"):
        with acting("writer"):
            target = units.resolve(clock)
            row = _keep(target, span, phase, build(clock, target, span, phase), user_id=None, name="")
        record(
            Who(None, "", "system", clock.org_id),
            "statistics.term.make",
            object_type="term_report",
            object_id=row.pk,
            after={"term": span.key, "phase": phase},
        )


def of_unit(actor: Any, target: Target) -> list[TermReport]:
    """Sets of a unit, the newest first."""
    actor.require("statistics.view")
    return list(TermReport.objects.filter(org_id=target.org_id).order_by("-as_of", "-pk")[:24])


def below(actor: Any, target: Target, span: Span, phase: str) -> dict[int, TermReport]:
    """Which schools of a county or town have their set of a term; one query."""
    rows = TermReport.objects.filter(county_id__in=target.counties, term=span.key, phase=phase).defer(
        "tables"
    )
    return {r.org_id: r for r in rows[:5000]}


def get(actor: Any, report_id: int) -> TermReport:
    """One set in scope. Raises PermissionDenied, Http404."""
    actor.require("statistics.view")
    row = TermReport.objects.filter(pk=report_id).first()
    if row is None:
        raise Http404
    return row


def label(row: TermReport) -> str:
    """2026-2027学年第一学期期初学籍报表."""
    span = Span(row.term, row.as_of, row.as_of)
    return _("%(t)s%(p)s学籍报表") % {"t": span.label, "p": PHASES[row.phase]}


def as_pdf(actor: Any, row: TermReport, org_name: str) -> tuple[bytes, str]:
    """The set on paper for leaders and teachers, noted before it leaves, and its file's name."""
    record(
        actor, "statistics.term.print", object_type="term_report", object_id=row.pk,
        after={"term": row.term, "phase": row.phase},
    )  # fmt: skip
    made = row.made_name or _("按计划自动生成")
    parts = [
        Part(title=f"{i}. {t['title']}", text="\n".join(t["notes"]), head=t["head"], rows=t["rows"])
        for i, t in enumerate(row.tables, start=1)
    ]
    data = render_report(
        Report(
            title=label(row),
            number="",
            org_name=org_name,
            facts=[
                (_("统计时点"), row.as_of.isoformat()),
                (_("生成"), f"{timezone.localtime(row.made_at):%Y-%m-%d %H:%M} {made}"),
            ],
            parts=parts,
            signatures=(_("填表人"), _("单位负责人")),
            printed_by=actor.user_name,
            printed_at=timezone.localtime().replace(microsecond=0),
            watermark=mark(actor),
        )
    )
    return data, f"{org_name}{label(row)}.pdf"
