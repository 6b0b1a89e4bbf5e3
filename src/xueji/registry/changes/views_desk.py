"""The desk: everything that waits for one person, decided together where nothing speaks against it."""

from __future__ import annotations

import uuid
from typing import Any, cast
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from xueji.ground.accounts.roles import HEADS, Role

from . import commands, queries
from .desk import MOST, desk
from .errors import CaseError
from .http import actor_of
from .kinds import KINDS
from .views import opinions


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """GET: the list. POST: decide the ticked cases alike, and say of each what became of it."""
    actor = actor_of(request)
    actor.require("case.decide")
    if request.method == "POST":
        return _decide(request)
    return _show(request)


def _show(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    actor = actor_of(request)
    business = request.GET.get("business", "")
    business = business if business in KINDS else ""
    found = desk(actor, business=business)
    here = reverse("changes:desk")
    views = [
        {"label": _("全部"), "url": here, "active": not business, "count": sum(k[2] for k in found.kinds)}
    ]
    views += [
        {
            "label": label,
            "url": f"{here}?{urlencode({'business': code})}",
            "active": code == business,
            "count": n,
        }
        for code, label, n in found.kinds
    ]
    context = {
        "desk": found,
        "most": MOST,
        "views": views,
        "business": business,
        "routine": sum(r.routine for r in found.rows),
        "chosen": {*request.POST.getlist("case")},
        "error": error,
        "items": request.POST.get("items", ""),
        "templates": opinions(actor, business),
        "own_templates": queries.own_templates(actor),
        "may_share": actor.role in (*HEADS, Role.SCHOOL_HEAD, Role.CENTRAL_CLERK),
        "columns": [
            {"label": label, "class": css}
            for label, css in (
                (_("学生"), ""),
                (_("业务"), ""),
                (_("要办什么"), ""),
                (_("检查"), ""),
                (_("材料"), "xj-r"),
                (_("期限"), ""),
            )
        ],
    }
    return render(request, "changes/desk.html", context, status=status)


def _decide(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    decision = request.POST.get("decision", "")
    if decision not in ("pass", "return"):
        raise Http404
    ids = [found for raw in request.POST.getlist("case") if (found := _uuid(raw)) is not None]
    items = [x.strip() for x in request.POST.get("items", "")[:500].splitlines() if x.strip()]
    if not ids:
        return _show(request, error=_("请先勾选要办理的业务"), status=422)
    if decision == "return" and not items:
        return _show(request, error=_("退回修改要写明需要修改的项目, 勾选的业务还在"), status=422)
    try:
        outcomes = commands.decide_many(
            actor,
            ids,
            cast(Any, decision),
            opinion=request.POST.get("opinion", "").strip()[:500],
            items=items,
        )
    except CaseError as problem:
        return _show(request, error=problem.message, status=422)
    return render(
        request,
        "changes/desk_done.html",
        {
            "outcomes": sorted(outcomes, key=lambda o: o.ok),
            "done": sum(o.ok for o in outcomes),
            "failed": sum(not o.ok for o in outcomes),
            "passing": decision == "pass",
            "left": queries.todo_count(actor),
        },
    )


def _uuid(raw: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(raw)
    except ValueError:
        return None
