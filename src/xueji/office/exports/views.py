"""Pages of applications for files with plain numbers. They translate between requests and commands, nothing else."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from xueji.ground.accounts.http import actor_of, attachment, carry_out

from . import commands, queries
from .errors import ExportRefused
from .forms import AskForm, DecideForm
from .models import ExportRequest, ExportState
from .words import MOST_FILES


def _row(row: ExportRequest) -> dict[str, Any]:
    return {
        "row": row,
        "face": queries.face(row),
        "fields": queries.fields_of(row),
        "url": f"/exports/{row.pk}/",
    }


@never_cache
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The applications of the own unit."""
    actor = actor_of(request)
    context = {
        "page_title": _("完整信息导出申请"),
        "rows": [_row(r) for r in queries.listed(actor)],
        "may_ask": actor.can("export.apply"),
    }
    return render(request, "exports/list.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Ask; the conditions come along from the list of students."""
    actor = actor_of(request)
    actor.require("export.apply")
    asked = request.POST if request.method == "POST" else request.GET
    conditions = {k: asked.get(k, "") for k in commands.KEYS if asked.get(k)}
    form = AskForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            row = commands.ask(
                actor,
                fields=data["fields_wanted"],
                conditions=conditions,
                reason=data["reason"],
                receiver=data["receiver"],
                until=data["until"],
            )
        except ExportRefused as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已提交, 单位负责人批准后可以导出"))
            return redirect("exports:request", row.pk)
    context = {
        "page_title": _("申请导出完整信息"),
        "form": form,
        "conditions": conditions.items(),
        "shown": commands.in_words(actor, conditions),
    }
    return render(request, "exports/new.html", context, status=422 if form.errors else 200)


@never_cache
@require_safe
def detail(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """One application: what is asked, where it stands, the file."""
    actor = actor_of(request)
    row = queries.get(actor, key)
    granted = row.state == ExportState.GRANTED and queries.face(row)["tone"] == "green"
    context = {
        "page_title": _("完整信息导出申请"),
        **_row(row),
        "may_decide": actor.can("export.approve") and row.state == ExportState.ASKED and row.asked_by != actor.user_id,
        "may_make": granted and row.asked_by == actor.user_id and row.made < MOST_FILES and actor.can("export.apply"),
        "may_end": (row.state == ExportState.ASKED and row.asked_by == actor.user_id)
        or (granted and (actor.can("export.approve") or row.asked_by == actor.user_id)),
        "left": MOST_FILES - row.made,
        "form": DecideForm(),
        "facts": [
            {"label": _("学生范围"), "value": row.shown},
            {"label": _("完整信息"), "value": "、".join(queries.fields_of(row))},
            {"label": _("用途"), "value": row.reason},
            {"label": _("由谁使用"), "value": row.receiver},
            {"label": _("用到哪天"), "value": row.until.isoformat()},
            {"label": _("申请人"), "value": row.asked_name},
            {"label": _("答复人"), "value": row.decided_name or "—"},
            {"label": _("意见"), "value": row.word or "—"},
            {"label": _("已导出"), "value": _("%(n)s次") % {"n": row.made}},
        ],
    }  # fmt: skip
    return render(request, "exports/request.html", context)


@require_POST
def decide(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The head's word."""
    actor = actor_of(request)
    granted = request.POST.get("decision") == "grant"
    return carry_out(
        request,
        lambda: commands.decide(actor, key, granted=granted, word=request.POST.get("word", "")),
        _("已批准") if granted else _("已答复"),
        f"/exports/{key}/",
        refused=ExportRefused,
    )


@require_POST
def end(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Take it back."""
    actor = actor_of(request)
    return carry_out(
        request, lambda: commands.end(actor, key), _("已收回"), f"/exports/{key}/", refused=ExportRefused
    )


@require_POST
def download(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The file, for whoever asked."""
    try:
        data, name = commands.make(actor_of(request), key)
    except ExportRefused as error:
        messages.error(request, error.message)
        return redirect("exports:request", key)
    return attachment(data, name)
