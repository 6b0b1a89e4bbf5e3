"""The page of special ways of going to school: register, counts, entering and ending."""

from __future__ import annotations

import uuid
from datetime import date

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.http import actor_of, attachment, see_other

from . import commands, numbers, special
from .errors import CreationError
from .models import Mode


def _mode(raw: str | None) -> str:
    return raw if raw in (*Mode.values, special.GUEST) else ""


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Who goes to school in a special way; a school enters one by the pupil's name."""
    actor = actor_of(request)
    actor.require("creation.view")
    name = request.POST.get("name", "").strip()[:40]
    if request.method == "POST":
        actor.require("creation.send")
        if person := request.POST.get("person"):
            try:
                commands.register_mode(
                    actor,
                    uuid.UUID(person),
                    request.POST.get("mode", ""),
                    since=date.fromisoformat(request.POST.get("since", "")),
                    basis=request.POST.get("basis", ""),
                )
                messages.success(request, _("已登记"))
            except ValueError as error:
                messages.error(request, getattr(error, "message", "") or _("请选择学生, 填写开始日期"))
            return see_other(reverse("creation:special"))
    mode = _mode(request.GET.get("mode"))
    found = special.rows(actor)
    return render(
        request,
        "creation/special.html",
        {
            "rows": [{"one": r, "label": special.label(r.mode)} for r in found if not mode or r.mode == mode],
            "counts": special.counts(found),
            "mode": mode,
            "modes": Mode.choices,
            "own": actor.org_kind == "school",
            "can_send": actor.can("creation.send") and actor.org_kind == "school",
            "name": name,
            "people": special.named(actor, name) if name else [],
            "today": timezone.localdate(),
            "full": len(found) >= special.MOST,
        },
    )


@require_GET
def sheet(request: HttpRequest) -> HttpResponse:
    """The register as a workbook."""
    data, name = special.export(actor_of(request), _mode(request.GET.get("mode")))
    return attachment(data, name)


@require_POST
def end(request: HttpRequest, record_id: int) -> HttpResponse:
    """End one."""
    try:
        commands.end_mode(actor_of(request), record_id, why=request.POST.get("why", ""))
        messages.success(request, _("已结束"))
    except CreationError as error:
        messages.error(request, error.message)
    return see_other(reverse("creation:special"))


@require_GET
def numbers_page(request: HttpRequest) -> HttpResponse:
    """Auxiliary numbers of the own school: runs, gaps, the next one, faults. An authority has none of its own: 404."""
    actor = actor_of(request)
    actor.require("creation.view")
    if actor.org_kind != "school":
        raise Http404
    return render(request, "creation/numbers.html", {"report": numbers.report(actor)})
