"""Who looked at a school's pupils: by time, by who read, by pupil, for the school's head."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from . import school
from .views import _day, _number


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return uuid.UUID(int=0)


def _page(
    request: HttpRequest, here: str, span: school.Period, found: school.Page, kept: dict[str, str]
) -> dict[str, Any]:
    """What the three pages share: period, tabs, the way on."""
    days = {"since": span.since.isoformat(), "until": span.until.isoformat()}
    kept = days | {k: v for k, v in kept.items() if v}
    pages = (("school", _("按时间")), ("school_readers", _("按查看人")), ("school_read", _("按学生")))
    return {
        "page_title": _("学生信息查看记录"),
        "tabs": [
            {"label": label, "url": reverse(f"audit:{name}") + "?" + urlencode(days), "active": name == here}
            for name, label in pages
        ],
        "span": span,
        "page": found,
        "longest": school.LONGEST,
        "days": urlencode(days),
        "next_url": "?" + urlencode(kept | {"after": found.after}) if found.after else "",
        "prev_url": "?" + urlencode(kept) if request.GET.get("after") else "",
    }


def _asked(request: HttpRequest) -> tuple[school.Period, str]:
    span = school.period(_day(request.GET.get("since", "")), _day(request.GET.get("until", "")))
    return span, request.GET.get("after", "")[:80]


@never_cache
@require_GET
def entries(request: HttpRequest) -> HttpResponse:
    """Looks by time, all of them, one reader's or one pupil's; unusual reading above."""
    actor = request.actor  # type: ignore[attr-defined]
    span, after = _asked(request)
    user, person = request.GET.get("user", "")[:20], request.GET.get("person", "")[:40]
    found = school.lines(actor, span, user=_number(user), person=_uuid(person), after=after)
    whole = not user and not person
    context = _page(request, "school", span, found, {"user": user, "person": person}) | {
        "unusual": school.unusual(actor) if whole and not after else [],
        "asked": {"user": user, "person": person},
        "about": _about(found, user, person),
    }
    return render(request, "audit/school.html", context)


def _about(found: school.Page, user: str, person: str) -> str:
    """Whose looks are shown, in words."""
    if person:
        name = next((x.name for x in found.rows if str(x.person_id) == person), "")
        return _("只看学生%s的查看记录") % name if name else _("只看一名学生的查看记录")
    if user:
        name = found.rows[0].user_name if found.rows else ""
        return _("只看%s的查看记录") % name if name else _("只看一个账号的查看记录")
    return ""


@never_cache
@require_GET
def readers(request: HttpRequest) -> HttpResponse:
    """Who read how much."""
    actor = request.actor  # type: ignore[attr-defined]
    span, after = _asked(request)
    found = school.readers(actor, span, after=after)
    return render(request, "audit/school_readers.html", _page(request, "school_readers", span, found, {}))


@never_cache
@require_GET
def read(request: HttpRequest) -> HttpResponse:
    """Which pupils were looked at how often; by the beginning of a name."""
    actor = request.actor  # type: ignore[attr-defined]
    span, after = _asked(request)
    name = request.GET.get("name", "").strip()[:30]
    found = school.read(actor, span, name=name, after=after)
    context = _page(request, "school_read", span, found, {"name": name}) | {"name": name}
    return render(request, "audit/school_read.html", context)
