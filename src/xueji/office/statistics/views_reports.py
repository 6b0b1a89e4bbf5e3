"""Pages of reports: choose one, look, open the names behind a figure, print; lists by name go out as files."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.http import actor_of, attachment, see_other, whole
from xueji.ground.orgs.grades import grade_on
from xueji.ground.paper.fonts import MissingGlyphs

from . import lists, reports, sheets, units
from .units import Target
from .views import _MIME, _file, _link


def asked(request: HttpRequest) -> tuple[Any, Target]:
    """The actor and the unit that the address names. Raises PermissionDenied, Http404."""
    actor = actor_of(request)
    actor.require("statistics.view")
    raw = request.GET.get("org", "")
    if raw and whole(raw) is None:
        raise Http404
    return actor, units.resolve(actor, whole(raw))


def frame(target: Target) -> dict[str, Any]:
    """What the pages have in common: the unit, and the units to change to."""
    return {
        "target": target,
        "unit_choices": [(u.org_id, u.label) for u in target.units if u.open],
        "up": target.up,
    }


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """学籍报表: what there is, and the one that was chosen."""
    actor, target = asked(request)
    key = request.GET.get("report", "")
    report = reports.REPORTS.get(key, reports.NEW)
    context = frame(target) | {
        "reports": [(r.key, r.title) for r in reports.REPORTS.values()],
        "report": report,
        "day": today(),
        "lists": [
            {
                "key": k,
                "title": title,
                "about": lists.ABOUT[k],
                "pdf": _link("statistics:list_file", org=target.org_id, key=k, form="pdf"),
                "xlsx": _link("statistics:list_file", org=target.org_id, key=k, form="xlsx"),
            }
            for k, title in lists.TITLES.items()
        ]
        if actor.can("student.list") and target.names_possible
        else [],
    }
    if reports.too_wide(target):
        return render(request, "statistics/reports.html", context | {"wide": True})
    table = reports.count(actor, report, target)
    may = actor.can("student.list") and target.names_possible
    return render(
        request,
        "statistics/reports.html",
        context
        | {
            "columns": report.columns,
            "rows": [_row(target, report, row, may) for row in table.rows],
            "total": _row(target, report, table.total, may),
            "pdf_url": _link("statistics:report_file", org=target.org_id, report=report.key, form="pdf"),
            "xlsx_url": _link("statistics:report_file", org=target.org_id, report=report.key, form="xlsx"),
        },
    )


def _row(target: Target, report: reports.Report, row: reports.Line, may: bool) -> dict[str, Any]:
    """A row for the template: figures, and where their names are."""
    org, grade = target.org_id, ""
    if target.is_school and row.key:
        grade = row.key.rpartition("|")[2]
    elif row.key not in ("", "0"):
        org = int(row.key)
    cells = []
    for column in report.columns:
        n = row.cells.get(column.key, 0)
        url = ""
        if may and n and row.key != "0":
            url = _link("statistics:report_names", org=org, report=report.key, column=column.key, grade=grade)
        cells.append({"n": None if row.hidden else n, "url": url})
    inside = (
        ""
        if target.is_school or row.key in ("", "0")
        else _link("statistics:reports", org=row.key, report=report.key)
    )
    return {"label": row.label, "url": inside, "cells": cells}


@require_safe
def file(request: HttpRequest) -> HttpResponse:
    """A report as a file."""
    actor, target = asked(request)
    report = reports.REPORTS.get(request.GET.get("report", ""))
    if report is None or reports.too_wide(target):
        raise Http404
    table = sheets.of_report(reports.count(actor, report, target))
    return _file(actor, table, request.GET.get("form", "pdf"), f"{target.name}{table.title}{today():%Y%m%d}")


@require_safe
def names(request: HttpRequest) -> HttpResponse:
    """The children behind a figure of a report, fifty a page."""
    actor, target = asked(request)
    actor.require("student.list")
    report = reports.REPORTS.get(request.GET.get("report", ""))
    column = next((c for c in report.columns if c.key == request.GET.get("column")), None) if report else None
    if report is None or column is None or not target.names_possible or reports.too_wide(target):
        raise Http404
    grade = request.GET.get("grade", "")
    if not (len(grade) == 5 and grade[0] in "PJS" and grade[1:].isdecimal()):
        grade = ""
    after = request.GET.get("after", "")[:900]
    try:
        if after:
            uuid.UUID(after.rpartition("|")[2])
    except ValueError:
        after = ""
    rows, more = reports.names(actor, report, target, column.key, grade=grade, after=after)
    params = {"org": target.org_id, "report": report.key, "column": column.key, "grade": grade}
    return render(
        request,
        "statistics/report_names.html",
        {
            "target": target,
            "report": report,
            "column": column,
            "rows": [(r, _grade_of(r)) for r in rows],
            "next_url": f"?{urlencode({**params, 'after': more})}" if more else "",
            "first_url": f"?{urlencode(params)}" if after else "",
            "back": _link("statistics:reports", org=target.org_id, report=report.key),
        },
    )


def _grade_of(row: reports.Child) -> str:
    grade = grade_on(row.stage, row.cohort, row.system, today())
    return grade.label if grade else _("%(y)s级") % {"y": row.cohort}


@require_safe
def list_file(request: HttpRequest) -> HttpResponse:
    """A list by name as a file."""
    actor, target = asked(request)
    actor.require("student.list")
    key, form = request.GET.get("key", ""), request.GET.get("form", "pdf")
    if key not in lists.TITLES or form not in _MIME or not target.names_possible:
        raise Http404
    try:
        data, name = lists.export(actor, key, target, form)
    except (ValueError, MissingGlyphs) as error:
        messages.error(request, str(error))
        return see_other(f"{reverse('statistics:reports')}?org={target.org_id}")
    return attachment(data, name, _MIME[form])
