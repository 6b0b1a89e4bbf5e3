"""The page of authorities: how cases run below them, and the lists behind its figures."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from xueji.ground.accounts.http import whole

from .http import actor_of
from .kinds import KINDS
from .overview import DAYS, SOON, Target, held_list, overview, target_of


def _asked(request: HttpRequest) -> tuple[Any, Target]:
    actor = actor_of(request)
    actor.require("case.overview")
    raw = request.GET.get("org", "")
    if raw and whole(raw) is None:
        raise Http404
    return actor, target_of(actor, whole(raw))


def link(name: str, **params: Any) -> str:
    """An address with its parameters; empty ones are left out."""
    query = urlencode({k: v for k, v in params.items() if v not in ("", None)})
    return f"{reverse(name)}?{query}" if query else reverse(name)


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Figures of a unit; every figure leads to its cases."""
    _actor, target = _asked(request)
    found = overview(target)
    org = target.org.pk
    return render(
        request,
        "changes/overview.html",
        {
            "target": target,
            "found": found,
            "days": DAYS,
            "soon_days": SOON,
            "up_url": link("changes:overview", org=target.up.pk) if target.up else "",
            "overdue_url": link("changes:held", org=org, due="overdue"),
            "soon_url": link("changes:held", org=org, due="soon"),
            "all_url": link("changes:held", org=org),
            "grid": [
                {
                    "label": label,
                    "url": link("changes:held", org=org, business=business),
                    "cells": [counts.get(status, 0) for status, _words in found.statuses],
                    "total": n,
                }
                for business, label, counts, n in found.grid
            ],
            "units": [
                (
                    row,
                    link("changes:held", org=row.org_id)
                    if row.leaf
                    else link("changes:overview", org=row.org_id),
                    link("changes:held", org=row.org_id, due="overdue"),
                )
                for row in found.units
            ],
            "breadcrumbs": _crumbs(target),
        },
    )


def _crumbs(target: Target) -> list[dict[str, str]]:
    crumbs = [{"label": _("办理时效"), "url": reverse("changes:overview")}]
    return [*crumbs, {"label": target.org.name, "url": ""}] if target.up else []


@require_GET
def held(request: HttpRequest) -> HttpResponse:
    """The cases behind a figure, the longest held first."""
    _actor, target = _asked(request)
    due = request.GET.get("due", "")
    due = due if due in ("overdue", "soon") else ""
    business = request.GET.get("business", "")
    business = business if business in KINDS else ""
    base = {"org": target.org.pk, "business": business}
    words = {"": _("全部在办"), "overdue": _("已超期"), "soon": _("%s 个工作日内到期") % SOON}
    return render(
        request,
        "changes/held.html",
        {
            "target": target,
            "found": held_list(target, due=due, business=business),
            "views": [
                {
                    "label": label,
                    "url": link("changes:held", **base, due=key),
                    "active": key == due,
                    "count": None,
                }
                for key, label in words.items()
            ],
            "due": due,
            "business": business,
            "kinds": KINDS.values(),
            "back": link("changes:overview", org=target.org.pk if target.up else None),
            "here": link("changes:held", org=target.org.pk),
        },
    )
