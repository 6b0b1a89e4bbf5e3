"""Pages about what became of a batch: taken back, brought again, its file as it came."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.http import attachment

from . import commands, queries, undoing
from .errors import IntakeError
from .http import actor_of


@require_http_methods(["GET", "POST"])
def undo(request: HttpRequest, batch_id: int) -> HttpResponse:
    """What of a batch can be taken back until when, who stays and why; and the deed itself."""
    actor = actor_of(request)
    found = queries.batch(actor, batch_id)
    error = ""
    if request.method == "POST":
        raw = request.POST.get("expected", "")
        try:
            result = commands.request_undo(
                actor,
                batch_id,
                expected=int(raw) if raw.isdecimal() else -1,
                reason=request.POST.get("reason", ""),
            )
        except IntakeError as e:
            error = e.message
        else:
            if result is not None:
                messages.success(
                    request, _("已撤销 %(n)s 名学生的建籍, 给过的号码已作废") % {"n": result.undone}
                )
            return redirect("intake:batch", batch_id)
    state = commands.undoable(actor, batch_id)
    return render(
        request,
        "intake/undo.html",
        {
            "batch": found,
            "found": state,
            "touched": state.touched[: queries.PAGE],
            "more": max(0, len(state.touched) - queries.PAGE),
            "hours": int(undoing.WINDOW.total_seconds() // 3600),
            "reason": request.POST.get("reason", ""),
            "error": error,
        },
        status=400 if error else 200,
    )


@require_POST
def again(request: HttpRequest, batch_id: int) -> HttpResponse:
    """The kept file as a new batch."""
    try:
        return redirect("intake:batch", commands.again(actor_of(request), batch_id).pk)
    except IntakeError as e:
        messages.error(request, e.message)
        return redirect("intake:batch", batch_id)


@require_GET
def original(request: HttpRequest, batch_id: int) -> HttpResponse:
    """The file as it came."""
    data, batch = commands.original(actor_of(request), batch_id)
    return attachment(data, batch.file_name, "application/octet-stream")
