"""The audit's pages: entries by person, record, account, unit, deed and time; one entry; a person's key; the sheet."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from xueji.ground.accounts.http import XLSX, attachment

from . import find as finding
from . import queries, sheet, words
from .commands import flush, note, record

_FIELDS = (
    "user",
    "account",
    "what",
    "action",
    "person",
    "org",
    "record",
    "address",
    "since",
    "until",
    "around",
)
#: Why the key of a person is looked up.
PURPOSES = (
    ("answer", gettext_lazy("答复家长或学生的查询")),
    ("incident", gettext_lazy("调查泄露事件")),
    ("report", gettext_lazy("核查举报")),
    ("check", gettext_lazy("例行审计")),
)


def tabs(here: str) -> list[dict[str, Any]]:
    """The pages of the audit."""
    pages = (
        ("audit", _("日志"), "list-details"),
        ("unusual", _("异常查看"), "flag"),
        ("figures", _("统计"), "chart-bar"),
        ("proof", _("加封与归档"), "shield-check"),
    )
    return [
        {"label": label, "url": reverse(f"audit:{name}"), "icon": icon, "active": name == here}
        for name, label, icon in pages
    ]


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _asked(request: HttpRequest) -> tuple[dict[str, str], queries.Filters]:
    asked = {k: request.GET.get(k, "").strip()[:64] for k in _FIELDS}
    return asked, queries.Filters(
        user=asked["user"],
        account=_number(asked["account"]),
        what=asked["what"],
        action=asked["action"],
        person=asked["person"],
        org=asked["org"],
        record=asked["record"],
        address=asked["address"],
        since=_day(asked["since"]),
        until=_day(asked["until"]),
        around=_number(asked["around"]),
    )


@never_cache
@require_GET
def audit(request: HttpRequest) -> HttpResponse:
    """Entries by what was asked for. A search is entered before it is answered; views that wait are taken in first."""
    actor = request.actor  # type: ignore[attr-defined]
    actor.require("audit.view")
    asked, filters = _asked(request)
    kept = {k: v for k, v in asked.items() if v}
    after = _number(request.GET.get("after", ""))
    flush()
    page = queries.entries(actor, filters, after=after)
    if kept and not after:
        record(actor, "audit.search", object_type="search", after=filters.said(), row_count=len(page.rows))
    context = {
        "page_title": _("日志"),
        "tabs": tabs("audit"),
        "page": page,
        "asked": asked,
        "filtered": bool(kept),
        "kinds": words.KINDS.items(),
        "rooms": sorted(words.ROOMS.items(), key=lambda r: str(r[1])),
        "what_words": words.action(asked["what"]) if asked["what"] and ":" not in asked["what"] else "",
        "export_url": reverse("audit:export") + "?" + urlencode(kept),
        "next_url": "?" + urlencode(kept | {"after": page.after}) if page.after else "",
        "prev_url": ("?" + urlencode(kept) if kept else request.path) if after else "",
    }
    return render(request, "audit/audit.html", context)


@never_cache
@require_GET
def entry(request: HttpRequest, entry_id: int) -> HttpResponse:
    """One entry with its details, its seal, and ways to what lies beside it."""
    actor = request.actor  # type: ignore[attr-defined]
    opened = queries.opened(actor, entry_id)
    note(actor, "audit.view", object_type="entry", object_id=entry_id)
    context = {
        "page_title": opened.entry.what,
        "tabs": tabs("audit"),
        "opened": opened,
        "e": opened.entry,
        "breadcrumbs": [{"label": _("日志"), "url": reverse("audit:audit")}, {"label": opened.entry.what}],
    }
    return render(request, "audit/entry.html", context)


@never_cache
@require_GET
def export(request: HttpRequest) -> HttpResponse:
    """What was asked for as a sheet; entered before it leaves."""
    actor = request.actor  # type: ignore[attr-defined]
    actor.require("audit.view")
    _asked_for, filters = _asked(request)
    data, name = sheet.workbook(actor, filters)
    return attachment(data, name, XLSX)


@never_cache
@require_http_methods(["GET", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """The key of a person by a whole name or number: nothing else comes back, and the search is entered."""
    actor = request.actor  # type: ignore[attr-defined]
    actor.require("audit.view")
    context: dict[str, Any] = {
        "page_title": _("按学生查询"),
        "tabs": tabs("audit"),
        "purposes": PURPOSES,
        "breadcrumbs": [{"label": _("日志"), "url": reverse("audit:audit")}, {"label": _("按学生查询")}],
    }
    status = 200
    if request.method == "POST":
        purpose = str(dict(PURPOSES).get(request.POST.get("purpose", ""), ""))
        try:
            keys = finding.keys_of(actor, request.POST.get("text", ""), purpose)
        except ValueError:
            context["error"] = _("请输入完整的姓名或号码, 并选择用途")
            status = 422
        else:
            if len(keys) == 1:
                return HttpResponseRedirect(reverse("audit:audit") + "?" + urlencode({"person": keys[0]}))
            context["keys"] = keys
    return render(request, "audit/find.html", context, status=status)
