"""The page of tables of one's own, and of the standard tables of a day."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from xueji.ground.accounts.actor import today
from xueji.ground.orgs.models import Stage

from . import chart, periods, pivot
from .units import Target
from .views import _file, _link
from .views_reports import asked, frame


def _wanted(request: HttpRequest) -> tuple[pivot.Wanted, pivot.Preset | None]:
    """What the address asks for; what makes no sense gives the first standard table."""
    day = periods.read_day(request.GET.get("day"), today())
    stage = request.GET.get("stage", "")
    stage = stage if stage in Stage.values else ""
    preset = pivot.BY_KEY.get(request.GET.get("table", ""))
    if preset is None and request.GET.get("rows"):
        try:
            wanted = pivot.Wanted(
                request.GET.get("rows", ""),
                request.GET.get("columns", ""),
                request.GET.get("measure", ""),
                day,
                stage,
            )
            return wanted, None
        except ValueError:
            preset = None
    preset = preset or pivot.PRESETS[0]
    return pivot.Wanted(preset.rows, preset.columns, preset.measure, day, stage), preset


def _title(wanted: pivot.Wanted, preset: pivot.Preset | None) -> tuple[str, str]:
    if preset is not None:
        return str(preset.title), str(preset.about)
    words = {"r": pivot.DIMENSIONS[wanted.rows], "c": pivot.DIMENSIONS[wanted.columns]}
    return _("自定义统计表: 按%(r)s和%(c)s") % words, ""


def _params(target: Target, wanted: pivot.Wanted, preset: pivot.Preset | None) -> dict[str, Any]:
    base: dict[str, Any] = {"org": target.org_id, "day": wanted.day, "stage": wanted.stage}
    if preset is not None:
        return base | {"table": preset.key}
    return base | {"rows": wanted.rows, "columns": wanted.columns, "measure": wanted.measure}


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """A table by two dimensions on a day, with a chart; figures of children in school lead to their names."""
    actor, target = asked(request)
    wanted, preset = _wanted(request)
    table = pivot.cross(actor, target, wanted)
    title, about = _title(wanted, preset)
    params = _params(target, wanted, preset)
    return render(
        request,
        "statistics/pivot.html",
        frame(target)
        | {
            "title": title,
            "about": about,
            "wanted": wanted,
            "day": wanted.day.isoformat(),
            "latest": today().isoformat(),
            "presets": [
                {
                    "label": p.title,
                    "url": _link(
                        "statistics:pivot", org=target.org_id, day=wanted.day, stage=wanted.stage, table=p.key
                    ),
                    "active": p is preset,
                }
                for p in pivot.PRESETS
            ],
            "dimensions": pivot.DIMENSIONS.items(),
            "measures": pivot.MEASURES.items(),
            "measure_label": pivot.MEASURES[wanted.measure],
            "stages": Stage.choices,
            "columns": table.columns,
            "rows": [_row(actor, target, table, key, label) for key, label in table.rows],
            "first": pivot.DIMENSIONS[wanted.rows],
            "sums": [None if "" in table.covered else table.column_sum(c) for c, _l in table.columns],
            "total": None if "" in table.covered else table.total,
            "chart": _chart(table, title),
            "pdf_url": _link("statistics:pivot_file", **params, form="pdf"),
            "xlsx_url": _link("statistics:pivot_file", **params, form="xlsx"),
        },
    )


def _row(actor: Any, target: Target, table: pivot.Cross, key: str, label: str) -> dict[str, Any]:
    hidden = key in table.covered
    may = actor.can("student.list") and target.names_possible and table.wanted.measure == "present"
    cells = []
    for column, _label in table.columns:
        n = table.cells.get((key, column), 0)
        url = _names(target, table.wanted, key, column) if may and n else ""
        cells.append({"n": None if hidden else n, "url": url})
    url = ""
    if table.wanted.rows == "unit" and key not in ("0", str(target.org_id)):
        wanted = table.wanted
        url = _link(
            "statistics:pivot", org=key, day=wanted.day, rows="grade" if wanted.columns != "grade" else "stage",
            columns=wanted.columns, measure=wanted.measure,
        )  # fmt: skip
        url = url if wanted.columns != "unit" else ""
    return {"label": label, "url": url, "cells": cells, "sum": None if hidden else table.row_sum(key)}


def _names(target: Target, wanted: pivot.Wanted, row: str, column: str) -> str:
    """Where the names of a figure are; empty for divisions that the list of names does not know."""
    params: dict[str, Any] = {"org": target.org_id, "stage": wanted.stage}
    for dimension, key in ((wanted.rows, row), (wanted.columns, column)):
        match dimension:
            case "unit" if key != "0":
                params["org"] = key
            case "stage":
                params["stage"] = "PJS"[int(key) - 1]
            case "sex" if key in ("1", "2"):
                params["sex"] = key
            case "cohort":
                params["cohort"] = key
            case _:
                return ""
    return _link("statistics:names", **params, column="present", start=wanted.day, end=wanted.day, of="day")


def _chart(table: pivot.Cross, title: str) -> Any:
    """Bars by row: split into boys and girls where the columns are sexes, else whole."""
    shown = [(key, label) for key, label in table.rows if key not in table.covered][:40]
    if table.wanted.columns == "sex":
        cells = table.cells
        return chart.bars(
            [(label, cells.get((key, "1"), 0), cells.get((key, "2"), 0)) for key, label in shown], title=title
        )
    return chart.plain([(label, table.row_sum(key)) for key, label in shown], title=title)


@require_safe
def file(request: HttpRequest) -> HttpResponse:
    """The same as a file."""
    actor, target = asked(request)
    wanted, preset = _wanted(request)
    title, about = _title(wanted, preset)
    text = pivot.as_text(pivot.cross(actor, target, wanted), title=title, about=about, org_name=target.name)
    name = f"{target.name}{title.replace(':', '')}{wanted.day:%Y%m%d}"
    return _file(actor, text, request.GET.get("form", "pdf"), name)
