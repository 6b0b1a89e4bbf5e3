"""Pages of 学校入网资格审查: the schools of an authority, and the decision on one of them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from xueji.ground.accounts.http import actor_of
from xueji.ground.orgs import commands
from xueji.ground.orgs import queries as orgs
from xueji.ground.orgs.commands.entry import MOVES
from xueji.ground.orgs.models import ENTRY_ITEMS, EntryState

_PAGE = 50
_DECISIONS = {
    "admit": gettext_lazy("同意入网"),
    "refuse": gettext_lazy("不同意入网"),
    "suspend": gettext_lazy("暂停入网"),
    "resume": gettext_lazy("恢复入网"),
}


@require_GET
def entries(request: HttpRequest) -> HttpResponse:
    """The schools that the unit is in charge of, by the state of their entry."""
    actor = actor_of(request)
    actor.require("org.review")
    state = request.GET.get("state", "")
    state = state if state in EntryState.values else ""
    after = request.GET.get("after", "")[:12]
    rows = orgs.entries(actor, state=state, after=after, limit=_PAGE)
    page = rows[:_PAGE]
    counts = orgs.entry_counts(actor)
    kept = {"state": state} if state else {}
    tabs = [("", _("全部"), sum(counts.values()))] + [
        (s.value, s.label, counts.get(s.value, 0)) for s in EntryState
    ]
    context: dict[str, Any] = {
        "page_title": _("学校入网审查"),
        "rows": page,
        "tabs": [
            {
                "label": label,
                "url": f"?state={key}" if key else request.path,
                "active": key == state,
                "count": n,
            }
            for key, label, n in tabs
        ],
        "next_url": "?" + urlencode(kept | {"after": page[-1].school_code}) if len(rows) > len(page) else "",
        "first_url": ("?" + urlencode(kept) if kept else request.path) if after else "",
    }
    return render(request, "home/entries.html", context)


@require_http_methods(["GET", "POST"])
def entry(request: HttpRequest, org_id: int) -> HttpResponse:
    """One school: its sheet, what is to be looked at, the decisions until now, the next one."""
    actor = actor_of(request)
    actor.require("org.review")
    school = orgs.entry_school(actor, org_id)
    error, post = "", request.POST
    if request.method == "POST":
        decision = post.get("decision", "")
        try:
            commands.decide_entry(
                actor,
                org_id,
                decision=decision,
                items=post.getlist("items"),
                document=post.get("document", ""),
                opinion=post.get("opinion", ""),
            )
        except commands.OrgError as e:
            error = e.message
        else:
            messages.success(request, _("已处理: %s") % _DECISIONS[decision])
            return redirect("home:entry", org_id=org_id)
    ticked = post.getlist("items")
    context: dict[str, Any] = {
        "page_title": _("学校入网审查"),
        "card": orgs.card(actor, org_id),
        "state": EntryState(school.entry),
        "reviewing": school.entry in MOVES["admit"][0],
        "items": [(key, words, key in ticked) for key, words in ENTRY_ITEMS.items()],
        "choices": [(k, _DECISIONS[k]) for k, (before, _after) in MOVES.items() if school.entry in before],
        "reviews": [(r, _DECISIONS[r.decision]) for r in orgs.reviews(org_id)],
        "error": error,
        "document": post.get("document", ""),
        "opinion": post.get("opinion", ""),
        "breadcrumbs": [{"label": _("学校入网审查"), "url": "/orgs/entries/"}, {"label": school.org.name}],
    }
    return render(request, "home/entry.html", context, status=422 if error else 200)
