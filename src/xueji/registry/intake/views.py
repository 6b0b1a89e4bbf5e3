"""Pages of the import: batches, one batch step by step, its rows, its workbooks."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.sheets.guard import column_letters
from xueji.ground.standards.fields import Field, fields

from . import books, commands, queries
from .columns import EXTRAS, GRADE, STAGE, Mapping, choices
from .errors import IntakeError
from .models import BatchState, ImportBatch
from .reports import summary

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BUSY = (BatchState.UPLOADED, BatchState.CHECKING, BatchState.PUBLISHING)
_VIEWS = {
    "todo": ("error", "duplicate"),
    "error": ("error",),
    "duplicate": ("duplicate",),
    "warning": ("warning",),
    "good": ("ok", "warning"),
}


def _actor(request: HttpRequest) -> Any:
    actor = request.actor  # type: ignore[attr-defined]
    actor.require("intake.import")
    return actor


def _attachment(data: bytes, name: str) -> HttpResponse:
    response = HttpResponse(data, content_type=_XLSX)
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


@require_http_methods(["GET", "POST"])
def batches(request: HttpRequest) -> HttpResponse:
    """The batches of the school, and the form that brings a new sheet."""
    actor = _actor(request)
    error = ""
    if request.method == "POST":
        file = request.FILES.get("file")
        pasted = request.POST.get("pasted", "")
        if file is None and not pasted.strip():
            error = _("请选择要导入的表格文件, 或粘贴表格内容")
        elif file is None:
            try:
                # Cells that were copied from a sheet come with tabs between them.
                name = _("粘贴的内容") + (".tsv" if "\t" in pasted else ".csv")
                return redirect(
                    "intake:batch", commands.upload(actor, pasted.encode("utf-8", "replace"), name).id
                )
            except IntakeError as e:
                error = e.message
        elif (file.size or 0) > commands.UPLOAD_LIMIT:
            error = _("文件超过 %(limit)s MB, 请分成几个文件上传") % {"limit": commands.UPLOAD_LIMIT >> 20}
        else:
            try:
                batch = commands.upload(actor, file.read(), file.name or "import.xlsx")
                return redirect("intake:batch", batch.id)
            except IntakeError as e:
                error = e.message
    raw = request.GET.get("before", "")
    rows = queries.batches(actor, before=int(raw) if raw.isdecimal() else None, limit=queries.PAGE + 1)
    page = rows[: queries.PAGE]
    return render(
        request,
        "intake/list.html",
        {
            "rows": page,
            "count": len(page),
            "next_url": f"?before={page[-1].id}" if len(rows) > len(page) else "",
            "first_url": request.path if raw else "",
            "error": error,
            "pasted": request.POST.get("pasted", "") if error else "",
            "limit": commands.UPLOAD_LIMIT >> 20,
        },
        status=400 if error else 200,
    )


@require_GET
def template(request: HttpRequest) -> HttpResponse:
    """The template for the actor's school."""
    actor = _actor(request)
    school = queries.school_facts(actor.org_id)
    return _attachment(
        books.template(school), _("学生信息导入模板-%(school)s.xlsx") % {"school": school.name}
    )


@require_GET
def batch(request: HttpRequest, batch_id: int) -> HttpResponse:
    """One batch: what it waits for, its faulty rows, its result."""
    actor = _actor(request)
    found = queries.batch(actor, batch_id)
    counts = {
        k: found.counts.get(k, 0)
        for k in ("total", "ok", "warning", "error", "duplicate", "published", "blank", "noted")
    }
    context: dict[str, Any] = {
        "batch": found,
        "counts": counts,
        "good": counts["ok"] + counts["warning"],
        "bad": counts["error"] + counts["duplicate"],
        "left": counts["total"] - counts["published"],
        "summary": summary(found.counts),
        "steps": _steps(found),
        "busy": found.state in _BUSY,
        "job": _job(found),
        "new_classes": found.counts.get("new_classes", 0),
        "unknown": found.mapping.get("unknown", []),
        "repeated": found.mapping.get("repeated", []),
    }
    if found.state == BatchState.CHECKED:
        context |= _grid(request, actor, found, counts)
    if found.state == BatchState.MATCHING:
        context |= _columns(found)
    if counts["published"]:
        raw = request.GET.get("done", "")
        after = int(raw) if raw.isdecimal() else 0
        done = queries.published(actor, found, after=after, limit=queries.PAGE + 1)
        context |= {
            "published": done[: queries.PAGE],
            "published_next": f"?done={done[queries.PAGE - 1].row_no}" if len(done) > queries.PAGE else "",
            "published_first": request.path if after else "",
        }
    return render(request, "intake/batch.html", context)


def _grid(request: HttpRequest, actor: Any, found: ImportBatch, counts: dict[str, int]) -> dict[str, Any]:
    """The rows that the filters ask for."""
    bad = counts["error"] + counts["duplicate"]
    show = request.GET.get("show") or ("todo" if bad else "good")
    fault = request.GET.get("fault", "")
    raw = request.GET.get("after", "")
    after = int(raw) if raw.isdecimal() else 0
    states = _VIEWS.get(show, _VIEWS["todo"])
    rows, together = queries.grid(
        actor,
        found,
        states=states,
        fault=fault,
        noted=show == "noted",
        after=after,
        limit=queries.PAGE + 1,
        together=counts["error"] > 1 and show in ("todo", "error") and not after,
    )
    page = rows[: queries.PAGE]
    kept = {"show": show} | ({"fault": fault} if fault else {})
    labels = [
        ("todo", _("要处理"), bad),
        ("error", _("需要修改"), counts["error"]),
        ("duplicate", _("重复"), counts["duplicate"]),
        ("warning", _("有提醒"), counts["warning"]),
        ("noted", _("系统已理解"), counts["noted"]),
        ("good", _("可以导入"), counts["ok"] + counts["warning"]),
    ]
    if fault:
        together = [a for a in together if a.key == fault]
    return {
        "rows": page,
        "alike": together,
        "show": show,
        "fault": fault,
        "faults": [f for f in found.counts.get("faults", []) if isinstance(f, dict)],
        "views": [
            {"url": f"?show={key}", "label": label, "count": n, "active": key == show and not fault}
            for key, label, n in labels
        ],
        "next_url": f"?{urlencode({**kept, 'after': page[-1].row_no})}" if len(rows) > len(page) else "",
        "first_url": f"?{urlencode(kept)}" if after else "",
        "here": urlencode({**kept, **({"after": after} if after else {})}),
        "lists": _lists({cell.key for row in page for cell in row.cells} | {a.key for a in together}),
    }


def _columns(found: ImportBatch) -> dict[str, Any]:
    """Every column of the sheet and what it is taken for, for the form that matches by hand."""
    mapping = Mapping.from_json(queries.columns_of(found))
    meant = {at: key for key, at in mapping.columns.items()}
    missing = set(found.mapping.get("missing", []))
    groups = [
        (
            group,
            [(key, name + (" *" if name in missing else ""), name in missing) for key, name, _must in items],
        )
        for group, items in choices()
    ]
    return {
        "columns": [
            {"at": at, "letter": column_letters(at + 1), "heading": heading, "key": meant.get(at, "")}
            for at, heading in enumerate(mapping.header)
            if heading
        ],
        "fields": groups,
        "missing": sorted(missing),
    }


@require_http_methods(["GET", "POST"])
def columns(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Say which column is what; the sheet is then checked again."""
    actor = _actor(request)
    found = queries.batch(actor, batch_id)
    if found.state not in (BatchState.MATCHING, BatchState.CHECKED):
        return redirect("intake:batch", batch_id)
    shown = _columns(found)
    if request.method == "POST":
        given = {c["at"]: request.POST.get(f"column-{c['at']}", c["key"]) for c in shown["columns"]}
        for c in shown["columns"]:
            c["key"] = given[c["at"]]
        try:
            commands.match_columns(actor, batch_id, given)
        except IntakeError as e:
            shown["error"] = e.message
        else:
            messages.success(request, _("已按您指出的列重新检查, 本校下次导入会自动识别"))
            return redirect("intake:batch", batch_id)
    status = 400 if "error" in shown else 200
    return render(request, "intake/columns.html", {"batch": found, **shown}, status=status)


def _lists(keys: set[str]) -> list[dict[str, Any]]:
    """Choices of coded fields, once for each field that is repaired on the page."""
    return [
        {"key": f.key, "choices": books.choices(f.codeset)} for f in fields() if f.codeset and f.key in keys
    ]


def _steps(found: ImportBatch) -> list[dict[str, str]]:
    """Where the batch stands on its way."""
    names = [_("选文件"), _("检查与修正"), _("确认建籍"), _("结果")]
    at = {
        BatchState.UPLOADED: 1, BatchState.CHECKING: 1, BatchState.CHECKED: 1, BatchState.PUBLISHING: 2,
        BatchState.PUBLISHED: 4, BatchState.FAILED: 0, BatchState.DISCARDED: 1, BatchState.MATCHING: 1,
    }[BatchState(found.state)]  # fmt: skip
    ready = (
        found.state == BatchState.CHECKED
        and not found.counts.get("error")
        and not found.counts.get("duplicate")
    )
    at = 2 if ready else at
    return [
        {"name": name, "state": "done" if n < at else "current" if n == at else "waiting"}
        for n, name in enumerate(names)
    ]


def _job(found: ImportBatch) -> dict[str, Any]:
    title = _("正在发布") if found.state == BatchState.PUBLISHING else _("正在读取和检查")
    queued = found.state == BatchState.UPLOADED
    return {
        "id": found.id, "title": title, "state": "queued" if queued else "running", "done": found.progress, "total": 100,
        "message": _("可以离开这个页面, 完成后在“导入与建籍”里查看"),
    }  # fmt: skip


@require_GET
def progress(request: HttpRequest, batch_id: int) -> HttpResponse:
    """How far a batch is that the worker has in hand; when it is done the page loads anew."""
    found = queries.batch(_actor(request), batch_id)
    if found.state not in _BUSY:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return render(request, "intake/_progress.html", {"batch": found, "job": _job(found)})


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, batch_id: int, row_no: int) -> HttpResponse:
    """Repair a row: the faulty cells from the grid, or the whole row on a page of its own."""
    actor = _actor(request)
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
            if left:
                messages.warning(
                    request, _("第 %(row)s 行还有 %(n)s 处需要修改") % {"row": row_no, "n": left}
                )
            else:
                messages.success(request, _("第 %(row)s 行已改好, 可以导入") % {"row": row_no})
        target = f"/import/{batch_id}/" + (f"?{back}" if back and "\n" not in back else "")
        return HttpResponseRedirect(target + f"#row-{row_no}")
    if found.state != BatchState.CHECKED:
        raise Http404
    row = queries.row(actor, batch_id, row_no)
    values = commands.open_row(actor, batch_id, row_no)
    told = {cell.key: cell for cell in row.editable}
    mapping = Mapping.from_json(queries.columns_of(found))
    groups: dict[str, list[dict[str, Any]]] = {}
    for f in fields():
        groups.setdefault(f.group, []).append(_input(f, values, told, mapping))
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
            "lists": _lists({f.key for f in fields()}),
            "back": request.GET.get("back", ""),
        },
    )


def _input(field: Field, values: dict[str, str], told: dict[str, Any], mapping: Mapping) -> dict[str, Any]:
    return {
        "key": field.key,
        "label": mapping.label(field.key),
        "value": values[field.key],
        "cell": told.get(field.key),
        "coded": bool(field.codeset),
        "required": field.required == "yes",
    }


@require_POST
def alike(request: HttpRequest, batch_id: int) -> HttpResponse:
    """One value for all rows in which the same was typed."""
    actor = _actor(request)
    key, typed, value = (request.POST.get(k, "") for k in ("field", "typed", "value"))
    try:
        n = commands.fix_alike(actor, batch_id, key, typed, value)
    except IntakeError as e:
        messages.error(request, e.message)
    else:
        messages.success(request, _("已改 %(n)s 行并重新检查") % {"n": n})
    return redirect("intake:batch", batch_id)


@require_GET
def error_book(request: HttpRequest, batch_id: int) -> HttpResponse:
    """The faulty rows as a workbook."""
    actor = _actor(request)
    try:
        data = commands.error_book(actor, batch_id)
    except IntakeError as e:
        messages.error(request, e.message)
        return redirect("intake:batch", batch_id)
    return _attachment(data, _("错误清单-批次%(id)s.xlsx") % {"id": batch_id})


@require_POST
def correct(request: HttpRequest, batch_id: int) -> HttpResponse:
    """The corrected workbook comes back."""
    actor = _actor(request)
    file = request.FILES.get("file")
    try:
        if file is None:
            raise IntakeError(_("请选择改好的错误清单"))
        n = commands.correct(actor, batch_id, file.read(), file.name or "")
        messages.success(request, _("已按错误清单更正 %(n)s 行, 其他行没有变动") % {"n": n})
    except IntakeError as e:
        messages.error(request, e.message)
    return redirect("intake:batch", batch_id)


@require_POST
def publish(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Put the good rows on record."""
    actor = _actor(request)
    raw = request.POST.get("expected", "")
    try:
        result = commands.request_publish(actor, batch_id, expected=int(raw) if raw.isdecimal() else -1)
    except IntakeError as e:
        messages.error(request, e.message)
    else:
        if result is not None:
            text = _("已为 %(n)s 名学生建立学籍")
            if result.classes:
                text += _(", 新建 %(classes)s 个班级")
            if result.left:
                text += _("。还有 %(left)s 行需要处理")
            messages.success(
                request, text % {"n": result.published, "classes": result.classes, "left": result.left}
            )
    return redirect("intake:batch", batch_id)


@require_POST
def discard(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Give the unpublished rows up."""
    actor = _actor(request)
    try:
        commands.discard(actor, batch_id)
        messages.success(request, _("已放弃没有发布的行"))
    except IntakeError as e:
        messages.error(request, e.message)
    return redirect("intake:list")
