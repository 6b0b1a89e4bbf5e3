"""Pages of the round trip: a class list out, the gaps filled, what would change, the change."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.http import attachment

from . import commands, queries, updating
from .errors import IntakeError
from .http import actor_of
from .models import BatchState, ImportBatch

_SHOWN = 100


@require_http_methods(["GET", "POST"])
def update(request: HttpRequest) -> HttpResponse:
    """Choose a class and take its list; bring the completed list back."""
    actor = actor_of(request)
    actor.require("student.edit")
    error = ""
    if request.method == "POST":
        file = request.FILES.get("file")
        try:
            if file is None:
                raise IntakeError(_("请选择填好的补全表"))
            return redirect(
                "intake:batch", commands.bring_update(actor, file.read(), file.name or "update.xlsx").pk
            )
        except IntakeError as e:
            error = e.message
    return render(
        request,
        "intake/update.html",
        {
            "classes": updating.classes(queries.school_facts(actor.org_id)),
            "limit": commands.UPLOAD_LIMIT >> 20,
            "error": error,
        },
        status=400 if error else 200,
    )


@require_GET
def book(request: HttpRequest) -> HttpResponse:
    """The list of one class as a workbook."""
    actor = actor_of(request)
    actor.require("student.edit")
    raw = request.GET.get("class", "")
    try:
        if not raw.isdecimal():
            raise IntakeError(_("请选择班级"))
        data, title = commands.update_book(actor, int(raw[:9]))
    except IntakeError as e:
        messages.error(request, e.message)
        return redirect("intake:update")
    return attachment(data, _("补全表-%s.xlsx") % title)


def page(request: HttpRequest, actor: Any, batch: ImportBatch) -> HttpResponse:
    """One such batch: what it would change (read anew, so that it is true now), or what it has changed."""
    context: dict[str, Any] = {"batch": batch}
    if batch.state == BatchState.CHECKED:
        found = commands.plan_of(actor, batch)
        context |= {
            "good": found.good[:_SHOWN],
            "n": len(found.good),
            "refused": found.refused[:_SHOWN],
            "n_refused": len(found.refused),
            "unchanged": found.unchanged,
        }
    return render(request, "intake/update_batch.html", context)


@require_POST
def apply(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Write what was confirmed."""
    actor = actor_of(request)
    raw = request.POST.get("expected", "")
    try:
        n = commands.apply_update(actor, batch_id, expected=int(raw) if raw.isdecimal() else -1)
        messages.success(request, _("已更新 %(n)s 名学生的信息") % {"n": n})
    except IntakeError as e:
        messages.error(request, e.message)
    except PermissionDenied as e:
        messages.error(request, str(e) or _("没有修改这些信息的权限"))
    return redirect("intake:batch", batch_id)
