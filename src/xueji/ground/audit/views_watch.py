"""Unusual reading and what came of it; figures by unit and month."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from . import figures, reviews, watch, words
from .models import VERDICTS
from .views import tabs

FIRST_YEAR = 2020


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


@never_cache
@require_GET
def unusual(request: HttpRequest) -> HttpResponse:
    """The findings of a day or the newest, what each rests on, and what was noted about it."""
    actor = request.actor  # type: ignore[attr-defined]
    day = _day(request.GET.get("day", ""))
    waiting = request.GET.get("all") != "1" and day is None
    found = reviews.findings(actor, day=day, waiting=waiting)
    rows: list[dict[str, Any]] = []
    for f in found:
        asked = {"account": f.user_id, "since": f.day.isoformat(), "until": f.day.isoformat()}
        rows.append({"f": f, "url": reverse("audit:audit") + "?" + urlencode(asked)})
    context = {
        "page_title": _("异常查看"),
        "tabs": tabs("unusual"),
        "rows": rows,
        "day": day,
        "waiting": waiting,
        "verdicts": VERDICTS,
        "rules": watch.thresholds().values(),
    }
    return render(request, "audit/unusual.html", context)


@require_POST
def judge(request: HttpRequest, finding_id: int) -> HttpResponse:
    """Note what a finding came to."""
    actor = request.actor  # type: ignore[attr-defined]
    try:
        reviews.judge(actor, finding_id, request.POST.get("verdict", ""), request.POST.get("note", ""))
    except reviews.ReviewError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("已记下核查结论"))
    return redirect("audit:unusual")


@never_cache
@require_GET
def statistics(request: HttpRequest) -> HttpResponse:
    """Deeds of a year by unit and by month."""
    actor = request.actor  # type: ignore[attr-defined]
    this = timezone.localdate().year
    asked = request.GET.get("year", "")
    year = (
        int(asked) if asked.isascii() and asked.isdigit() and FIRST_YEAR <= int(asked[:4]) <= this else this
    )
    kinds = list(words.KINDS.items())

    def lines(found: list[figures.UnitMonth]) -> list[dict[str, Any]]:
        return [
            {
                "name": u.month.strftime("%Y-%m") if u.month else u.org_name or _("系统和未登录者"),
                "cells": [u.counts.get(kind, 0) for kind, _label in kinds],
                "total": u.total,
            }
            for u in found
        ]

    context = {
        "page_title": _("日志统计"),
        "tabs": tabs("figures"),
        "year": year,
        "years": range(this, max(FIRST_YEAR, this - 5) - 1, -1),
        "kinds": [label for _kind, label in kinds],
        "months": lines(figures.by_month(actor, year)),
        "units": lines(figures.by_unit(actor, year)),
    }
    return render(request, "audit/figures.html", context)
