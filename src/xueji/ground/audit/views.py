"""The audit's page and its proof."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from . import queries
from .commands import record
from .verify import in_words


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


@never_cache
@require_GET
def audit(request: HttpRequest) -> HttpResponse:
    """Entries by person, account, deed and time."""
    actor = request.actor  # type: ignore[attr-defined]
    asked = {k: request.GET.get(k, "").strip()[:60] for k in ("user", "action", "person", "since", "until")}
    after = request.GET.get("after", "")
    page = queries.entries(
        actor,
        queries.Filters(
            user=asked["user"],
            action=asked["action"],
            person=asked["person"],
            since=_day(asked["since"]),
            until=_day(asked["until"]),
        ),
        after=int(after) if after.isascii() and after.isdigit() and len(after) < 19 else None,
    )
    kept = {k: v for k, v in asked.items() if v}
    context = {
        "page_title": _("日志"),
        "page": page,
        "asked": asked,
        "seal": queries.seal_state(actor),
        "next_url": "?" + urlencode(kept | {"after": page.after}) if page.after else "",
        "prev_url": ("?" + urlencode(kept) if kept else request.path) if after else "",
    }
    return render(request, "audit/audit.html", context)


@require_POST
def check(request: HttpRequest) -> HttpResponse:
    """Recompute the chain and say whether it holds. The check itself is entered, too."""
    actor = request.actor  # type: ignore[attr-defined]
    broken = queries.first_break(actor)
    record(actor, "audit.verify", after={"holds": broken is None})
    if broken is None:
        messages.success(request, _("日志完整, 没有被改动"))
    else:
        messages.error(request, in_words(broken))
    return redirect("audit:audit")
