"""Confirming that the paper file of a transferred child went from school to school."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from . import commands
from .http import actor_of, run, version_of


@require_POST
def strike(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """The authority strikes the number in its register."""
    actor = actor_of(request)
    return run(
        request,
        case_id,
        lambda: commands.strike(
            actor,
            case_id=case_id,
            register_no=request.POST.get("register_no", "")[:60],
            version=version_of(request),
        ),
        _("已登记注销"),
    )


@require_POST
def hand_over(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """One side confirms its part."""
    actor, deed = actor_of(request), request.POST.get("deed", "")
    return run(
        request,
        case_id,
        lambda: commands.hand_over(
            actor,
            case_id=case_id,
            deed=deed,
            how=request.POST.get("how", "")[:200],
            card=bool(request.POST.get("card")),
            version=version_of(request),
        ),
        _("已确认收到档案") if deed == "received" else _("已登记移交, 等待转入学校确认收到"),
    )
