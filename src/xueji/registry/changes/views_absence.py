"""The page of absences that end and of transfers out to be followed."""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from . import absences, commands
from .errors import CaseError
from .http import actor_of, to


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Three lists: about to end, over, gone and not confirmed."""
    actor = actor_of(request)
    actor.require("absence.view")
    counts = absences.counts(actor)
    tab = request.GET.get("tab", "")
    if tab not in absences.TABS:
        tab = next((t for t in ("over", "soon", "out") if counts[t]), "soon")
    labels = {"soon": _("30 天内期满"), "over": _("已过期未返校"), "out": _("转出待对方接收")}
    rows, following = (
        ([], "") if tab == "out" else absences.absent(actor, tab, after=request.GET.get("after", ""))
    )
    return render(
        request,
        "changes/absences.html",
        {
            "tab": tab,
            "views": [
                {"label": labels[t], "url": f"?tab={t}", "active": t == tab, "count": counts[t]}
                for t in absences.TABS
            ],
            "rows": rows,
            "gone": absences.gone(actor) if tab == "out" else [],
            "may_start": actor.can("case.start"),
            "next_url": "?" + urlencode({"tab": tab, "after": following}) if following else "",
        },
    )


@require_POST
def follow(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """What was learnt of a transfer out; `received`: the other school has taken the child."""
    received = bool(request.POST.get("received"))
    try:
        commands.follow_up(
            actor_of(request), case_id=case_id, text=request.POST.get("text", "")[:300], received=received
        )
    except CaseError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("已登记对方接收, 不再跟踪") if received else _("已记下跟进情况"))
    return to("absences")
