"""Pages on which rows are repaired: the grid, one cell, one row as a whole, many rows at once."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.standards.fields import Field, fields

from . import asked, commands, grid, queries, repair
from .columns import EXTRAS, GRADE, STAGE, Mapping, row_name
from .errors import IntakeError
from .http import actor_of, lists
from .models import BatchState
from .reports import summary


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, batch_id: int, row_no: int) -> HttpResponse:
    """Repair a row: the faulty cells from the grid, or the whole row on a page of its own."""
    actor = actor_of(request)
    found = queries.batch(actor, batch_id)
    if request.method == "POST":
        known = {f.key for f in fields()} | {GRADE, STAGE}
        values = {key: request.POST.get(key, "") for key in request.POST if key in known}
        back = request.POST.get("back", "")
        try:
            before = queries.typed_values(actor, found, row_no)
            changed = {k: v for k, v in values.items() if v.strip() != before.get(k, "")}
            row = commands.edit_row(actor, batch_id, row_no, changed)
        except IntakeError as e:
            messages.error(request, e.message)
        else:
            left = sum(1 for cell in row.cells if cell.severity == "error")
            where = row_name(found.mapping.get("sheets") or (), row_no)
            if left:
                messages.warning(request, _("第 %(row)s 行还有 %(n)s 处需要修改") % {"row": where, "n": left})
            else:
                messages.success(request, _("第 %(row)s 行已改好, 可以导入") % {"row": where})
        target = f"/import/{batch_id}/" + (f"?{back}" if back and "\n" not in back else "")
        return HttpResponseRedirect(target + f"#row-{row_no}")
    if found.state != BatchState.CHECKED:
        raise Http404
    row = queries.row(actor, batch_id, row_no)
    values = commands.open_row(actor, batch_id, row_no)
    told = {cell.key: cell for cell in row.editable}
    mapping = Mapping.from_json(queries.columns_of(found))
    groups: dict[str, list[dict[str, Any]]] = {}
    said = asked.levels(found.school_id)
    for f in fields():
        groups.setdefault(f.group, []).append(_input(f, values, told, mapping, said))
    extra = [
        {"key": k, "label": EXTRAS[k][0], "value": values[k], "cell": told.get(k)} for k in (GRADE, STAGE)
    ]
    groups.setdefault("学籍基本信息", []).extend(extra)
    return render(
        request,
        "intake/row.html",
        {
            "batch": found,
            "row": row,
            "groups": groups.items(),
            "lists": lists({f.key for f in fields()}),
            "back": request.GET.get("back", ""),
        },
    )


def _input(
    field: Field, values: dict[str, str], told: dict[str, Any], mapping: Mapping, said: dict[str, str]
) -> dict[str, Any]:
    return {
        "key": field.key,
        "label": mapping.label(field.key),
        "value": values[field.key],
        "cell": told.get(field.key),
        "coded": bool(field.codeset),
        "required": asked.demands(said, field),
    }


@require_POST
def alike(request: HttpRequest, batch_id: int) -> HttpResponse:
    """One value for all rows in which the same was typed."""
    actor = actor_of(request)
    key, typed, value = (request.POST.get(k, "") for k in ("field", "typed", "value"))
    try:
        n = commands.fix_alike(actor, batch_id, key, typed, value)
    except IntakeError as e:
        messages.error(request, e.message)
    else:
        messages.success(request, _("已改 %(n)s 行并重新检查") % {"n": n})
    return redirect(_back(request, batch_id))


def _back(request: HttpRequest, batch_id: int) -> str:
    """The page of the import from which a form was sent: the grid with its filters, or the batch."""
    back = request.POST.get("back", "")
    if back.startswith("grid/") and "\n" not in back and ".." not in back:
        return f"/import/{batch_id}/{back}"
    return f"/import/{batch_id}/"


@require_GET
def sheet(request: HttpRequest, batch_id: int) -> HttpResponse:
    """The grid: every column of the sheet, each cell with its state, mended where it stands."""
    found = queries.batch(actor_of(request), batch_id)
    if found.state != BatchState.CHECKED:
        return redirect("intake:batch", batch_id)
    bad = found.counts.get("error", 0) + found.counts.get("duplicate", 0)
    show = request.GET.get("show") or ("todo" if bad else "all")
    fault = request.GET.get("fault", "")
    # What is to be mended comes first: seventy columns are for whoever asks for them.
    only = request.GET.get("only", "") or ("faulty" if bad and show in ("todo", "error") else "all")
    raw = request.GET.get("after", "")
    after = int(raw) if raw.isdecimal() else 0
    page = grid.page(found, show=show, fault=fault, only=only, after=after)
    offered = {o.key for row in page.rows for cell_ in row.cells for o in cell_.offers}
    kept = {k: v for k, v in (("show", show), ("fault", fault), ("only", only)) if v}
    counts = {k: found.counts.get(k, 0) for k in ("error", "duplicate", "warning", "ok", "noted")}
    labels = [
        ("todo", _("要处理"), bad),
        ("error", _("错误"), counts["error"]),
        ("duplicate", _("重复"), counts["duplicate"]),
        ("warning", _("提醒"), counts["warning"]),
        ("noted", _("已自动改"), counts["noted"]),
        ("good", _("可以导入"), counts["ok"] + counts["warning"]),
        ("all", _("全部"), bad + counts["ok"] + counts["warning"]),
    ]
    return render(
        request,
        "intake/grid.html",
        {
            "batch": found,
            "sheet": page,
            "summary": summary(found.counts),
            "show": show,
            "fault": fault,
            "only": only,
            "views": [
                {
                    "url": "?" + urlencode({"show": key}),
                    "label": label,
                    "count": n,
                    "active": key == show and not fault,
                }
                for key, label, n in labels
            ],
            "faults": [c for c in grid.columns_of(found) if c.faults],
            "keys": [(c.key, c.label) for c in grid.columns_of(found)],
            "suggested": [
                (key, label)
                for key, label in ((c.key, c.label) for c in grid.columns_of(found))
                if key in offered and not repair.is_own(key)
            ],
            "next_url": f"?{urlencode({**kept, 'after': page.next_after})}" if page.next_after else "",
            "first_url": f"?{urlencode(kept)}" if after else "",
            "here": "grid/?" + urlencode({**kept, **({"after": after} if after else {})}),
            "lists": lists({c.key for c in page.columns}),
        },
    )


@require_POST
def cell(request: HttpRequest, batch_id: int, row_no: int) -> HttpResponse:
    """One cell of the grid was typed anew: the row as it stands now, and the batch's figures.

    A refusal keeps the answer's words apart from the row: the page leaves what was typed where it is.
    """
    actor = actor_of(request)
    key, only = request.POST.get("field", ""), request.POST.get("only", "")
    found = queries.batch(actor, batch_id)
    try:
        if key not in {f.key for f in fields()} | {GRADE, STAGE}:
            raise IntakeError(_("没有这一列"))
        commands.edit_row(actor, batch_id, row_no, {key: request.POST.get("value", "")})
    except IntakeError as e:
        return JsonResponse({"problem": e.message}, status=409, json_dumps_params={"ensure_ascii": False})
    found.refresh_from_db()
    row = grid.one(found, row_no, only=only)
    html = render_to_string(
        "intake/_grid_row.html",
        {"row": row, "batch": found, "here": request.POST.get("back", "")},
        request=request,
    )
    faulty = next((c for c in row.cells if c.key == key), None)
    return JsonResponse(
        {
            "row": html,
            "summary": summary(found.counts),
            "state": row.state,
            "say": "; ".join(faulty.messages) if faulty and faulty.state == "error" else "",
        },
        json_dumps_params={"ensure_ascii": False},
    )


@require_POST
def suggested(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Everything that is offered for one column, taken at once."""
    actor = actor_of(request)
    try:
        n = commands.fix_suggested(actor, batch_id, request.POST.get("field", ""))
        messages.success(request, _("已按建议改 %(n)s 行并重新检查") % {"n": n})
    except IntakeError as e:
        messages.error(request, e.message)
    return redirect(_back(request, batch_id))
