"""Pages of figures: how many on a day, who came and went between two days, and the names behind a figure."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.http import attachment
from xueji.ground.orgs.grades import grade_on
from xueji.ground.orgs.models import Stage

from . import chart, commands, flows, periods, queries, sheets, units
from . import names as people
from .queries import By, Count, MoveRow
from .units import Target

_MIME = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}


def _asked(request: HttpRequest) -> tuple[Any, Target, str]:
    """The actor, the unit and the stage that the address asks for."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    actor.require("statistics.view")
    raw = request.GET.get("org", "")
    if raw and not (raw.isdecimal() and len(raw) < 10):
        raise Http404
    target = units.resolve(actor, int(raw) if raw else None)
    stage = request.GET.get("stage", "")
    return actor, target, stage if stage in Stage.values else ""


def _frame(actor: Any, target: Target, stage: str) -> dict[str, Any]:
    """What both pages have: the unit, the way up, the units below to choose from, the stages."""
    choices = [(u.org_id, u.label) for u in target.units if u.open]
    return {
        "target": target,
        "stage": stage,
        "stages": Stage.choices,
        "unit_choices": choices,
        "up": target.up,
        "own": actor.org_id == target.org_id,
        "latest": today().isoformat(),
    }


def _link(name: str, **params: Any) -> str:
    return f"{reverse(name)}?{urlencode({k: v for k, v in params.items() if v not in ('', None)})}"


@require_safe
def headcount(request: HttpRequest) -> HttpResponse:
    """学生人数 on a day: by grade and by unit, with a chart and the files."""
    actor, target, stage = _asked(request)
    day = periods.read_day(request.GET.get("day"), today())
    counts = queries.headcount(actor, target, day, stage=stage)
    for unit in counts.by_unit:
        if unit.key != "0":
            unit.url = _link("statistics:headcount", org=unit.key, day=day, stage=stage)
    if target.names_possible and actor.can("student.list"):
        for row in counts.by_grade:
            row.url = _names_of_grade(target, row, counts.by_grade, day)
    shown = [r for r in counts.by_grade if r.total and not r.hidden]
    return render(
        request,
        "statistics/headcount.html",
        _frame(actor, target, stage)
        | {
            "day": day.isoformat(),
            "counts": counts,
            "grades": [(row, _cells(row)) for row in counts.by_grade],
            "units": [(row, _cells(row)) for row in counts.by_unit],
            "chart": chart.bars([(r.label, r.men, r.women) for r in shown], title=_("各年级在校生人数")),
            "files": _files("statistics:headcount_file", org=target.org_id, day=day, stage=stage),
        },
    )


def _cells(row: Count) -> dict[str, str]:
    if row.hidden:
        return {
            "total": sheets.COVERED if row.total < queries.SMALL else str(row.total),
            "men": "—",
            "women": "—",
        }
    return {"total": str(row.total), "men": str(row.men), "women": str(row.women)}


def _names_of_grade(target: Target, row: Count, others: list[Count], day: Any) -> str:
    """Names behind a grade; none where schools of different systems put one cohort into different grades."""
    if len(row.cohorts) != 1 or any(row.cohorts & o.cohorts for o in others if o is not row):
        return ""
    ((stage, cohort),) = row.cohorts
    return _link(
        "statistics:names",
        org=target.org_id, column="present", start=day, end=day, stage=stage, cohort=cohort, of="day",
    )  # fmt: skip


def _files(name: str, **params: Any) -> list[dict[str, str]]:
    query = urlencode({k: v for k, v in params.items() if v not in ("", None)})
    return [
        {"url": f"{reverse(name, args=['xlsx'])}?{query}", "label": _("导出 Excel"), "icon": "file-export"},
        {"url": f"{reverse(name, args=['pdf'])}?{query}", "label": _("打印"), "icon": "printer"},
    ]


@require_safe
def headcount_file(request: HttpRequest, form: str) -> HttpResponse:
    """学生人数 as a file: by unit for an authority, by grade for a school."""
    actor, target, stage = _asked(request)
    day = periods.read_day(request.GET.get("day"), today())
    counts = queries.headcount(actor, target, day, stage=stage)
    by = request.GET.get("by") or ("grade" if target.is_school else "unit")
    table = sheets.of_headcount(counts, org_name=target.name, by=by)
    return _file(actor, table, form, f"{target.name}{table.title}{day:%Y%m%d}")


def _file(actor: Any, table: sheets.TextTable, form: str, name: str) -> HttpResponse:
    if form not in _MIME:
        raise Http404
    return attachment(commands.export(actor, table, form), f"{name}.{form}", _MIME[form])


@require_safe
def movement(request: HttpRequest) -> HttpResponse:
    """学生变动 between two days, balanced, every figure leading to its names."""
    actor, target, stage = _asked(request)
    period, choices, wrong = periods.read_period(request.GET)
    by = _by(request, target)
    table = queries.movement(actor, target, period.start, period.end, by=by, stage=stage)
    base = {"org": target.org_id, "start": period.start, "end": period.end, "stage": stage}
    tabs = [("unit", _("按单位")), ("grade", _("按年级")), ("sex", _("按性别"))]
    return render(
        request,
        "statistics/movement.html",
        _frame(actor, target, stage)
        | {
            "period": period,
            "start": period.start.isoformat(),
            "end": period.end.isoformat(),
            "wrong": wrong,
            "quick": [
                {
                    "label": p.label,
                    "url": _link(
                        "statistics:movement", **(base | {"start": p.start, "end": p.end, "by": by})
                    ),
                    "active": p.key == period.key,
                }
                for p in choices
            ],
            "tabs": [
                {"label": label, "url": _link("statistics:movement", **base, by=key), "active": key == by}
                for key, label in tabs
                if not (key == "unit" and target.is_school)
            ],
            "by": by,
            "ins": flows.INS,
            "outs": flows.OUTS,
            "rows": [_move_row(actor, target, row, table, base) for row in table.rows],
            "total": _move_row(actor, target, table.total, table, base),
            "table": table,
            "files": _files("statistics:movement_file", **base, by=by),
        },
    )


def _by(request: HttpRequest, target: Target) -> By:
    by = request.GET.get("by", "")
    if by not in ("unit", "grade", "sex") or (by == "unit" and target.is_school):
        return "grade" if target.is_school else "unit"
    return cast(By, by)


def _move_row(
    actor: Any, target: Target, row: MoveRow, table: queries.Movement, base: dict[str, Any]
) -> dict[str, Any]:
    """A row for the template: figures with the addresses of their names."""
    params = dict(base)
    if table.by == "unit" and row.key:
        params["org"] = row.key
    elif table.by == "sex" and row.key:
        params["sex"] = row.key
    elif row.key:
        params |= {"stage": "PJS"[int(row.key[0]) - 1], "cohort": 9999 - int(row.key[1:])}
    may = actor.can("student.list") and target.names_possible and row.key != "0"

    def cell(column: str, n: int) -> dict[str, Any]:
        url = _link("statistics:names", **params, column=column) if may and n > 0 else ""
        return {"n": n, "url": url}

    return {
        "label": row.title,
        "url": _link("statistics:movement", **params)
        if table.by == "unit" and row.key not in ("", "0")
        else "",
        "opening": row.opening,
        "ins": [cell(c.key, row.flow[c.key]) for c in flows.INS],
        "added": row.added,
        "outs": [cell(c.key, row.flow[c.key]) for c in flows.OUTS],
        "taken": row.taken,
        "closing": cell("present", row.closing),
    }


@require_safe
def movement_file(request: HttpRequest, form: str) -> HttpResponse:
    """学生变动 as a file."""
    actor, target, stage = _asked(request)
    period, _choices, _wrong = periods.read_period(request.GET)
    table = sheets.of_movement(
        queries.movement(actor, target, period.start, period.end, by=_by(request, target), stage=stage),
        org_name=target.name,
    )
    return _file(actor, table, form, f"{target.name}{table.title}{period.start:%Y%m%d}-{period.end:%Y%m%d}")


@require_safe
def names(request: HttpRequest) -> HttpResponse:
    """The children behind one figure, fifty a page."""
    actor, target, stage = _asked(request)
    actor.require("student.list")
    column = request.GET.get("column", "")
    if not target.names_possible or (column != "present" and column not in flows.BY_KEY):
        raise Http404
    period, _choices, _wrong = periods.read_period(request.GET)
    cohort = request.GET.get("cohort", "")
    sex = request.GET.get("sex", "")
    wanted = people.Wanted(
        column,
        period.start,
        period.end,
        stage,
        int(cohort) if cohort.isdecimal() and len(cohort) == 4 else None,
        sex if sex in ("1", "2") else "",
    )
    page = people.people(target, wanted, after=request.GET.get("after", "")[:900])
    params = request.GET.copy()
    params.pop("after", None)
    if request.GET.get("of") == "day":
        back = _link("statistics:headcount", org=target.org_id, day=period.end)
    else:
        back = _link("statistics:movement", org=target.org_id, start=period.start, end=period.end)
    return render(
        request,
        "statistics/names.html",
        {
            "target": target,
            "label": _("在校生") if column == "present" else flows.BY_KEY[column].label,
            "present": column == "present",
            "wanted": wanted,
            "rows": [(row, _grade_label(row)) for row in page.rows],
            "next_url": f"?{urlencode({**params.dict(), 'after': page.next})}" if page.next else "",
            "first_url": f"?{urlencode(params.dict())}" if request.GET.get("after") else "",
            "back": back,
        },
    )


def _grade_label(row: people.Name) -> str:
    grade = grade_on(row.stage, row.cohort_year, row.system, row.at)
    return grade.label if grade else _("%(y)s级") % {"y": row.cohort_year}
