"""The only code that reads takeovers for pages and programs.

A takeover is found under row-level security; its rows are closed to the application and are read in the role `intake`
afterwards.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.ground.policy.statuses import Status
from xueji.ground.waiting import Ask, Heap, Rows, day
from xueji.registry.changes.business import label_of
from xueji.registry.intake.places import SchoolFacts

from . import balance, staging
from .layout import name_of
from .matching import place_words
from .models import Decision, DifferenceKind, RowState, Takeover, TakeoverDifference, TakeoverState

PAGE = 50
OPEN_STATES = (TakeoverState.MATCHING, TakeoverState.CHECKED)


def takeover(actor: Any, takeover_id: int) -> Takeover:
    """A takeover in the actor's scope. Raises Http404."""
    actor.require("takeover.view")
    found = Takeover.objects.filter(pk=takeover_id).first()
    if found is None:
        raise Http404
    return found


def latest(school_id: int) -> Takeover | None:
    """The newest takeover of a school: what was said of its columns is remembered."""
    return Takeover.objects.filter(school_id=school_id).order_by("-id").first()


def takeovers(actor: Any, *, before: int | None = None) -> list[Takeover]:
    """Newest first, one more than a page."""
    actor.require("takeover.view")
    rows = Takeover.objects.order_by("-id")
    if before:
        rows = rows.filter(pk__lt=before)
    return list(rows[: PAGE + 1])


def waiting(actor: Any) -> Ask[list[Heap]] | None:
    """For the first page: takeovers that the clerk has not finished, differences that are still open after one, and for
    the head explained totals to sign.
    """
    runs, signs = actor.can("takeover.run"), actor.can("takeover.sign")
    if not runs and not signs:
        return None

    def read(rows: Rows) -> list[Heap]:
        row = rows[0]
        heaps = []
        if runs and (n := row["open"]):
            url = reverse("takeover:detail", args=[row["open_id"]]) if n == 1 else reverse("takeover:list")
            heaps.append(Heap(_("学籍接管"), n, url, _("%s 次") % n, _("还没有完成"), day(row["open_since"])))
        if runs and (n := row["differing"]):
            url = reverse("takeover:differences", args=[row["differing_id"]])
            heaps.append(
                Heap(_("比对差异"), n, url, _("%s 处") % n, _("待处理"), day(row["differing_since"]))
            )
        if signs and (n := row["unsigned"]):
            url = reverse("takeover:detail", args=[row["unsigned_id"]])
            heaps.append(
                Heap(_("接管人数差异说明"), n, url, _("%s 次") % n, _("待签字"), day(row["unsigned_since"]))
            )
        return heaps

    local = "at time zone 'Asia/Shanghai')::date"
    own = "from takeover t where t.school_id = %(org)s and"
    return Ask(
        "select o.n as open, o.one as open_id, o.since as open_since, d.n as differing, d.one as differing_id,"
        " d.since as differing_since, u.n as unsigned, u.one as unsigned_id, u.since as unsigned_since from"
        f" (select count(*) as n, max(t.id) as one, (min(t.created_at) {local} as since"
        f"   {own} t.state in ('matching', 'checked')) o,"
        f" (select count(*) as n, max(t.id) as one, (min(t.published_at) {local} as since from takeover_difference x"
        "   join takeover t on t.id = x.takeover_id where t.school_id = %(org)s and t.state = 'published'"
        "   and x.decision = 'open') d,"
        f" (select count(*) as n, max(t.id) as one, (min(t.created_at) {local} as since {own} t.state = 'checked'"
        "   and t.explanation <> '' and t.signed_by is null and t.creator_id <> %(user)s) u",
        {"org": actor.org_id, "user": actor.user_id},
        read,
    )


def school_names(found: Sequence[Takeover]) -> dict[int, str]:
    """Names of the schools of a list of takeovers."""
    return dict(Org.objects.filter(pk__in={one.school_id for one in found}).values_list("pk", "name"))


@dataclass(frozen=True)
class RowView:
    """A row for the page: masked."""

    row_no: int
    state: str
    name: str
    place: str
    status: str
    issues: list[dict[str, str]]

    @property
    def state_label(self) -> str:
        """The state in words."""
        return str(RowState(self.state).label)


def rows(found: Takeover, school: SchoolFacts, state: str, *, after: int = 0) -> list[RowView]:
    """Rows of one state, one more than a page; `warned` are those that can be taken over but have something to tell."""
    warned = state == "warned"
    with acting("intake"), connection.cursor() as c:
        c.execute(
            "select row_no, state, name, stage, cohort_year, class_number, status, issues from takeover_row"
            " where takeover_id = %s and row_no > %s and (case when %s then state <> 'error' and issues <> '[]'::jsonb"
            "  else state = %s end) order by row_no limit %s",
            [found.pk, after, warned, state, PAGE + 1],
        )
        lines = c.fetchall()
    return [
        RowView(
            no, s, name, place_words(stage, cohort or 0, number, school),
            str(Status(status).label) if status is not None else "",
            issues if isinstance(issues, list) else json.loads(issues),
        )
        for no, s, name, stage, cohort, number, status, issues in lines
    ]  # fmt: skip


def sums(found: Takeover, school: SchoolFacts) -> list[balance.Line]:
    """The totals beside the rows; behind a difference the names of rows that are not counted."""
    with acting("intake"), connection.cursor() as c:
        cells = staging.cells(found.pk)
        c.execute(
            "select stage, cohort_year, status, name, row_no from takeover_row"
            " where takeover_id = %s and state in ('error', 'elsewhere', 'left') order by row_no limit 2000",
            [found.pk],
        )
        faulty: dict[tuple[str, int, int], list[str]] = defaultdict(list)
        for stage, cohort, status, name, row_no in c.fetchall():
            faulty[(stage, cohort or 0, status)].append(f"{name}({row_no})")
    return balance.lines(school, found.totals, cells, faulty)


def differences(
    found: Takeover, *, kind: str = "", decision: str = "open", after: int = 0
) -> list[TakeoverDifference]:
    """Differences of one kind and decision ('' means any), one more than a page."""
    rows = TakeoverDifference.objects.filter(takeover_id=found.pk, pk__gt=after).order_by("pk")
    if kind:
        rows = rows.filter(kind=kind)
    if decision:
        rows = rows.filter(decision=decision) if decision == "open" else rows.exclude(decision=Decision.OPEN)
    return list(rows[: PAGE + 1])


def difference(found: Takeover, difference_id: int) -> TakeoverDifference:
    """One difference of a takeover. Raises Http404."""
    one = TakeoverDifference.objects.filter(pk=difference_id, takeover_id=found.pk).first()
    if one is None:
        raise Http404
    return one


def tally(found: Takeover) -> Counter[tuple[str, bool]]:
    """How many differences of each kind, open and decided."""
    out: Counter[tuple[str, bool]] = Counter()
    rows = (
        TakeoverDifference.objects.filter(takeover_id=found.pk)
        .values("kind", "decision")
        .annotate(n=Count("id"))
    )
    for row in rows:
        out[(row["kind"], row["decision"] == Decision.OPEN)] += row["n"]
    return out


def what(one: TakeoverDifference) -> str:
    """What a difference is about, in words."""
    if one.kind == DifferenceKind.PENDING:
        return label_of(one.field)
    return name_of(one.field) if one.field else ""


def pending_words(p: dict[str, str]) -> str:
    """A half-done business of the other system in one line."""
    return " ".join(x for x in (p["word"], p["on"], p["progress"], p["holder"], p["reason"]) if x)[:200]
