"""The page of the monthly report: choose a month, look, hand in, print."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from xueji.ground.accounts.http import whole

from . import flows, monthly, units
from .units import Target
from .views import _file, _link


def _asked(request: HttpRequest) -> tuple[Any, Target, monthly.Month]:
    actor: Any = request.actor  # type: ignore[attr-defined]
    actor.require("statistics.view")
    raw = request.GET.get("org", "")
    if raw and whole(raw) is None:
        raise Http404
    return actor, units.resolve(actor, whole(raw)), monthly.read(request.GET.get("month"))


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The month's table, and who has handed it in."""
    actor, target, month = _asked(request)
    table = monthly.table(actor, target, month)
    given = monthly.reports(target, month) if target.by_school else {}
    rows = []
    for row in table.rows:
        report = given.get(int(row.key)) if table.by == "unit" and row.key.isdigit() else None
        rows.append(
            {
                "label": row.title,
                "url": _link("statistics:monthly", org=row.key, month=month.key)
                if table.by == "unit" and row.key not in ("", "0")
                else "",
                "cells": _cells(row),
                "report": report,
                "changed": report is not None and monthly.changed(report, monthly.figures(row)),
                "school": table.by == "unit" and target.by_school and row.key not in ("", "0"),
            }
        )
    own = given.get(target.org_id) if target.is_school else None
    return render(
        request,
        "statistics/monthly.html",
        {
            "target": target,
            "month": month,
            "months": monthly.choices(),
            "unit_choices": [(u.org_id, u.label) for u in target.units if u.open],
            "up": target.up,
            "ins": flows.INS,
            "outs": flows.OUTS,
            "rows": rows,
            "total": _cells(table.total),
            "by_school": target.by_school and not target.is_school,
            "given": len(given),
            "missing": sum(r["school"] and r["report"] is None for r in rows),
            "own": own,
            "own_changed": own is not None and monthly.changed(own, monthly.figures(table.total)),
            "may_submit": target.is_school
            and actor.can("statistics.submit")
            and target.org_id == actor.org_id,
            "balanced": table.balanced,
            "pdf_url": _link("statistics:monthly_file", org=target.org_id, month=month.key, form="pdf"),
            "xlsx_url": _link("statistics:monthly_file", org=target.org_id, month=month.key, form="xlsx"),
        },
    )


def _cells(row: Any) -> list[tuple[int, bool]]:
    """Figures of a row, and which of them are sums."""
    ins, outs = ([row.flow[c.key] for c in part] for part in (flows.INS, flows.OUTS))
    plain = [(n, False) for n in ins], [(n, False) for n in outs]
    return [
        (row.opening, True),
        *plain[0],
        (row.added, True),
        *plain[1],
        (row.taken, True),
        (row.closing, True),
    ]


@require_safe
def file(request: HttpRequest) -> HttpResponse:
    """The report as a file."""
    actor, target, month = _asked(request)
    form = request.GET.get("form", "pdf")
    return _file(actor, monthly.paper(actor, target, month), form, f"{target.name}{month.label}学籍变动月报")


@require_POST
def submit(request: HttpRequest) -> HttpResponse:
    """Hand in the own school's report."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    actor.require("statistics.submit")
    month = monthly.read(request.POST.get("month"))
    try:
        monthly.submit(actor, units.resolve(actor), month)
    except ValueError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("%s月报已提交, 中心校和主管部门可以看到") % month.label)
    return HttpResponseRedirect(f"{reverse('statistics:monthly')}?month={month.key}")
