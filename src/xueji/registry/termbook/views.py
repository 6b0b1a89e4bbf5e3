"""Pages of the term book: choose class and kind, fill the grid; an award from the child's page."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.http import actor_of, carry_out, day_of, see_other, whole
from xueji.ground.audit.commands import record

from . import commands, queries, words
from .errors import TermbookError
from .models import LineKind


@never_cache
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The classes whose book the actor keeps."""
    actor = actor_of(request)
    year, term = words.term_of(today())
    context = {
        "page_title": _("学期记录"),
        "term_label": words.term_label(year, term),
        "classes": queries.classes(actor),
    }
    return render(request, "termbook/index.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def grid(request: HttpRequest, class_id: int) -> HttpResponse:
    """Marks of one subject, or attendance, of a class in a term."""
    actor = actor_of(request)
    row = queries.own_class(actor, class_id)
    asked = request.POST if request.method == "POST" else request.GET
    now = words.term_of(today())
    year, term = whole(asked.get("year")) or now[0], whole(asked.get("term")) or now[1]
    if not now[0] - 9 <= year <= now[0] or term not in (1, 2):
        year, term = now
    kind = LineKind.ATTENDANCE if asked.get("kind") == "attendance" else LineKind.MARK
    subject = asked.get("subject", "")
    subject = subject if subject in words.subjects() else next(iter(words.subjects()))
    items = list(words.ATTENDANCE) if kind == LineKind.ATTENDANCE else [subject]
    url = f"/termbook/{class_id}/?kind={kind}&subject={subject}&year={year}&term={term}"
    if request.method == "POST":
        values = _values(request, items)
        try:
            n = commands.write_class(actor, class_id, year=year, term=term, kind=kind, values=values)
        except TermbookError as error:
            messages.error(request, error.message)
            rows = queries.grid(actor, class_id, year=year, term=term, kind=kind, items=items)
            return render(
                request,
                "termbook/grid.html",
                _context(row, rows, kind, subject, year, term, typed=request.POST),
                status=422,
            )
        messages.success(request, _("已保存%s项") % n)
        return see_other(url)
    rows = queries.grid(actor, class_id, year=year, term=term, kind=kind, items=items)
    record(
        actor,
        "termbook.view",
        object_type="class",
        object_id=class_id,
        row_count=len(rows),
        persons=[g.row.person_id for g in rows],
    )
    return render(request, "termbook/grid.html", _context(row, rows, kind, subject, year, term))


def _values(request: HttpRequest, items: list[str]) -> dict[tuple[uuid.UUID, str], str]:
    out: dict[tuple[uuid.UUID, str], str] = {}
    for key, text in list(request.POST.items())[:3000]:
        item, _dot, person = key.partition(".")
        if item in items and person:
            # What is as the page was given is not this hand's: a colleague may have written there meanwhile.
            if request.POST.get(f"was.{key}") == text:
                continue
            try:
                out[uuid.UUID(person), item] = str(text)[:20]
            except ValueError:
                continue
    return out


def _context(
    row: Any,
    rows: list[queries.GridRow],
    kind: str,
    subject: str,
    year: int,
    term: int,
    typed: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    typed = typed or {}
    this = words.term_of(today())[0]
    base = f"/termbook/{row.id}/"
    return {
        "page_title": row.label,
        "row": row,
        "rows": [
            (g.row, [_cell(kind, item, g.row.person_id, value, typed) for item, value in g.cells])
            for g in rows
        ],
        "kind": str(kind),
        "subject": subject,
        "subjects": words.subjects().items(),
        "labels": [words.item_label(kind, i) for i, _v in rows[0].cells] if rows else [],
        "year": year,
        "term": term,
        "years": [(y, f"{y}-{y + 1}") for y in range(this, this - 6, -1)],
        "term_label": words.term_label(year, term),
        "tabs": [
            {"label": label, "url": f"{base}?kind={k}&year={year}&term={term}", "active": k == kind}
            for k, label in (
                (LineKind.MARK, LineKind.MARK.label),
                (LineKind.ATTENDANCE, LineKind.ATTENDANCE.label),
            )
        ],
    }


def _cell(
    kind: str, item: str, person_id: uuid.UUID, value: str, typed: Mapping[str, str]
) -> tuple[str, str, str, str]:
    """A field: its label, its name, what stands in it, and what stood there when the page was given."""
    name = f"{item}.{person_id}"
    return (
        words.item_label(kind, item),
        name,
        typed.get(name, value)[:20],
        typed.get(f"was.{name}", value)[:20],
    )


@require_POST
def award(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Enter an award of one child."""
    actor = actor_of(request)

    on = day_of(request.POST.get("on"))

    def deed() -> None:
        commands.add_award(
            actor, person_id, name=request.POST.get("name", ""), level=request.POST.get("level", ""), on=on
        )

    return carry_out(request, deed, _("已登记"), f"/students/{person_id}/whole/", refused=TermbookError)


@require_POST
def end_award(request: HttpRequest, person_id: uuid.UUID, line_id: int) -> HttpResponse:
    """Take one out."""
    actor = actor_of(request)
    return carry_out(
        request,
        lambda: commands.end_award(actor, line_id, why=request.POST.get("why", "")),
        _("已撤下"),
        f"/students/{person_id}/whole/",
        refused=TermbookError,
    )
