"""The page of problem records in figures."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from . import handling, periods
from .views import _file, _link
from .views_reports import asked, frame


def _table(
    request: HttpRequest,
) -> tuple[Any, Any, periods.Period, list[periods.Period], str, handling.Table]:
    actor, target = asked(request)
    period, choices, wrong = periods.read_period(request.GET)
    return actor, target, period, choices, wrong, handling.count(actor, target, period.start, period.end)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """问题学籍统计: by unit and by kind, with the rate of handling; figures of open ones lead to the list."""
    actor, target, period, choices, wrong, table = _table(request)
    base = {"org": target.org_id, "start": period.start, "end": period.end}
    return render(
        request,
        "statistics/handling.html",
        frame(target)
        | {
            "table": table,
            "start": period.start.isoformat(),
            "end": period.end.isoformat(),
            "wrong": wrong,
            "quick": [
                {
                    "label": p.label,
                    "url": _link("statistics:handling", org=target.org_id, start=p.start, end=p.end),
                    "active": p.key == period.key,
                }
                for p in choices
            ],
            "groups": [
                (title, rows) for title, rows in (("unit", table.units), ("kind", table.kinds)) if rows
            ],
            "open_url": "/problems/?state=open" if actor.can("problem.view") else "",
            "pdf_url": _link("statistics:handling_file", **base, form="pdf"),
            "xlsx_url": _link("statistics:handling_file", **base, form="xlsx"),
        },
    )


@require_safe
def file(request: HttpRequest) -> HttpResponse:
    """The same as a file."""
    actor, target, period, _choices, _wrong, table = _table(request)
    text = handling.as_text(table, org_name=target.name)
    name = f"{target.name}{text.title}{period.start:%Y%m%d}-{period.end:%Y%m%d}"
    return _file(actor, text, request.GET.get("form", "pdf"), name)
