"""Pages of the import: batches, one batch step by step, its rows, its workbooks."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.http import attachment, day_of
from xueji.ground.sheets.guard import column_letters

from . import books, commands, parts, queries, undoing, views_update
from .columns import Mapping, choices
from .errors import IntakeError
from .http import actor_of, lists
from .models import BatchState, ImportBatch
from .reports import summary

_BUSY = (BatchState.UPLOADED, BatchState.CHECKING, BatchState.PUBLISHING, BatchState.UNDOING)
_VIEWS = {
    "todo": ("error", "duplicate"),
    "error": ("error",),
    "duplicate": ("duplicate",),
    "warning": ("warning",),
    "good": ("ok", "warning"),
}


@require_http_methods(["GET", "POST"])
def batches(request: HttpRequest) -> HttpResponse:
    """The batches of the school, and the form that brings a new sheet."""
    actor = actor_of(request)
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
    return render(
        request,
        "intake/list.html",
        _history(request, actor)
        | {
            "error": error,
            "pasted": request.POST.get("pasted", "") if error else "",
            "limit": commands.UPLOAD_LIMIT >> 20,
        },
        status=400 if error else 200,
    )


def _history(request: HttpRequest, actor: Any) -> dict[str, Any]:
    """One page of the batches that the filters ask for."""
    raw, show, text = (request.GET.get(k, "") for k in ("before", "show", "q"))
    since, until = day_of(request.GET.get("since", "")), day_of(request.GET.get("until", ""))
    rows = queries.batches(
        actor,
        before=int(raw) if raw.isdecimal() else None,
        limit=queries.PAGE + 1,
        show=show,
        text=text.strip(),
        since=since,
        until=until,
    )
    page = rows[: queries.PAGE]
    asked = {
        "show": show,
        "q": text.strip(),
        "since": since.isoformat() if since else "",
        "until": until.isoformat() if until else "",
    }
    kept = {k: v for k, v in asked.items() if v}
    labels = [
        ("", _("全部")),
        ("open", _("进行中")),
        ("published", _("已发布")),
        ("undone", _("有撤销")),
        ("failed", _("未导入")),
    ]
    return asked | {
        "rows": page,
        "count": len(page),
        "views": [
            {"url": "?" + urlencode({k: v for k, v in ({**kept, "show": key}).items() if v}), "label": label,
             "count": None, "active": key == show}
            for key, label in labels
        ],
        "next_url": f"?{urlencode({**kept, 'before': page[-1].id})}" if len(rows) > len(page) else "",
        "first_url": f"?{urlencode(kept)}" if raw else "",
    }  # fmt: skip


@require_GET
def template(request: HttpRequest) -> HttpResponse:
    """The template for the actor's school."""
    actor = actor_of(request)
    school = queries.import_facts(actor.org_id)
    return attachment(books.template(school), _("学生信息导入模板-%(school)s.xlsx") % {"school": school.name})


@require_GET
def header(request: HttpRequest) -> HttpResponse:
    """The headings of the template as CSV."""
    school = queries.import_facts(actor_of(request).org_id)
    name = _("学生信息导入列名-%(school)s.csv") % {"school": school.name}
    return attachment(books.header_csv(school), name, "text/csv; charset=utf-8")


@require_GET
def batch(request: HttpRequest, batch_id: int) -> HttpResponse:
    """One batch: what it waits for, its faulty rows, its result."""
    actor = actor_of(request)
    found = queries.batch(actor, batch_id)
    if found.kind == "update":
        return views_update.page(request, actor, found)
    counts = {
        k: found.counts.get(k, 0)
        for k in ("total", "ok", "warning", "error", "duplicate", "published", "undone", "blank", "noted")
    }
    context: dict[str, Any] = {
        "batch": found,
        "counts": counts,
        "good": counts["ok"] + counts["warning"],
        "bad": counts["error"] + counts["duplicate"],
        "left": counts["total"] - counts["published"],
        "in_parts": counts["ok"] + counts["warning"] >= parts.FROM,
        "summary": summary(found.counts),
        "steps": _steps(found),
        "busy": found.state in _BUSY,
        "job": _job(found),
        "new_classes": found.counts.get("new_classes", 0),
        "may_undo": bool(
            counts["published"]
            and found.published_at
            and found.published_at > timezone.now() - undoing.WINDOW
            and commands.may_undo(found)
        ),
        "who": queries.staff_names({x for x in (found.creator_id, found.publisher_id, found.undoer_id) if x}),
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
    who = context["who"]
    context["facts"] = [
        {"label": _("上传"), "value": f"{who.get(found.creator_id, '')} {_when(found.created_at)}".strip()},
        {"label": _("文件指纹(SHA-256)"), "value": found.file_sha256 or "—"},
    ]
    if found.published_at:
        name = who.get(found.publisher_id or 0, "")
        context["facts"].append({"label": _("发布"), "value": f"{name} {_when(found.published_at)}".strip()})
    if found.undone_at:
        name = who.get(found.undoer_id or 0, "")
        text = _("%(who)s %(when)s, %(n)s 名") % {
            "who": name, "when": _when(found.undone_at), "n": counts["undone"],
        }  # fmt: skip
        context["facts"].append({"label": _("撤销"), "value": text.strip()})
    return render(request, "intake/batch.html", context)


def _when(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M}"


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
        "lists": lists({cell.key for row in page for cell in row.cells} | {a.key for a in together}),
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
    actor = actor_of(request)
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


def _steps(found: ImportBatch) -> list[dict[str, str]]:
    """Where the batch stands on its way."""
    names = [_("选文件"), _("检查与修正"), _("确认建籍"), _("结果")]
    at = {
        BatchState.UPLOADED: 1, BatchState.CHECKING: 1, BatchState.CHECKED: 1, BatchState.PUBLISHING: 2,
        BatchState.PUBLISHED: 4, BatchState.FAILED: 0, BatchState.DISCARDED: 1, BatchState.MATCHING: 1,
        BatchState.UNDOING: 4, BatchState.UNDONE: 4,
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
    title = {
        BatchState.PUBLISHING: _("正在发布"),
        BatchState.UNDOING: _("正在撤销"),
    }.get(BatchState(found.state), _("正在读取和检查"))
    queued = found.state == BatchState.UPLOADED
    message = _("可以离开这个页面, 完成后在“导入与建籍”里查看")
    plan = parts.plan_of(found.counts) if found.state == BatchState.PUBLISHING else None
    if plan is not None:
        text = _("已发布 %(done)s 行, 还剩 %(left)s 行。%(leave)s")
        message = text % {"done": plan.done, "left": plan.left, "leave": message}
    return {
        "id": found.id, "title": title, "state": "queued" if queued else "running", "done": found.progress, "total": 100,
        "message": message,
    }  # fmt: skip


@require_GET
def progress(request: HttpRequest, batch_id: int) -> HttpResponse:
    """How far a batch is that the worker has in hand; when it is done the page loads anew."""
    found = queries.batch(actor_of(request), batch_id)
    if found.state not in _BUSY:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return render(request, "intake/_progress.html", {"batch": found, "job": _job(found)})


@require_GET
def error_book(request: HttpRequest, batch_id: int) -> HttpResponse:
    """The faulty rows as a workbook."""
    actor = actor_of(request)
    try:
        data = commands.error_book(actor, batch_id)
    except IntakeError as e:
        messages.error(request, e.message)
        return redirect("intake:batch", batch_id)
    return attachment(data, _("错误清单-批次%(id)s.xlsx") % {"id": batch_id})


@require_POST
def correct(request: HttpRequest, batch_id: int) -> HttpResponse:
    """The corrected workbook comes back."""
    actor = actor_of(request)
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
    actor = actor_of(request)
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
    actor = actor_of(request)
    try:
        commands.discard(actor, batch_id)
        messages.success(request, _("已放弃没有发布的行"))
    except IntakeError as e:
        messages.error(request, e.message)
    return redirect("intake:list")
