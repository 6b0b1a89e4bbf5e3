"""Pages of the rosters of children of school age and before it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from xueji.ground.accounts import search
from xueji.ground.accounts.http import actor_of, ticked, whole

from . import commands, queries, reports
from .commands._base import year_of
from .errors import AdmissionError
from .http import run, to


def _year(raw: str | None) -> int:
    now = year_of()
    year = whole(raw) or now
    return year if now - 2 <= year <= now + 6 else now


@require_GET
def children(request: HttpRequest) -> HttpResponse:
    """Children who must enter in a year, or will: who has not, and where each is (C-ENR-01)."""
    actor = actor_of(request)
    actor.require("admission.view")
    now = year_of()
    year = _year(request.GET.get("year"))
    tab = request.GET.get("tab", "")
    tab = tab if tab in dict(reports.TABS) else "missing"
    after = request.GET.get("after", "")
    rows, more = reports.children(actor, year, tab, after)
    counts = reports.child_counts(actor, year)
    asked = {"tab": tab, "year": str(year)}
    return render(
        request,
        "admission/children.html",
        {
            "rows": rows,
            "year": year,
            "tab": tab,
            "years": [
                {"label": _("%s 年入学") % y, "url": f"?year={y}&tab={tab}", "active": y == year}
                for y in range(now - 1, now + 5)
            ],
            "views": [
                {"label": label, "url": f"?tab={key}&year={year}", "active": key == tab, "count": counts[key]}
                for key, label in reports.TABS
            ],
            "next_url": search.address(actor.user_id, asked | {"after": more}) if more else "",
            "first_url": search.address(actor.user_id, asked) if after else "",
            "is_school": queries.is_school(actor),
            "may_prepare": queries.is_school(actor) and actor.can("admission.prepare"),
            "whereabouts": [(k, v) for k, v in commands.WHEREABOUTS.items()],
            "may_watch": actor.can("dropout.view"),
        },
    )


@require_POST
def act(request: HttpRequest) -> HttpResponse:
    """Enter a roster, say where children are, make candidates of them."""
    actor = actor_of(request)
    actor.require("admission.prepare")
    post = request.POST
    year = _year(post.get("year"))
    back = f"{reverse('admission:children')}?year={year}&tab={post.get('tab', 'missing')[:10]}"
    what = post.get("do", "")
    if what == "whereabouts":
        run(
            request,
            lambda: commands.set_whereabouts(
                actor, ticked(request, "child"), what=post.get("where", ""), note=post.get("note", "")
            ),
            lambda n: _("已登记 %s 名儿童的去向") % n,
        )
        return to("children", query=back.partition("?")[2])
    outcome: Any = None
    try:
        if what == "candidates":
            outcome = commands.make_candidates(actor, ticked(request, "child"))
        else:
            file = request.FILES.get("file")
            outcome = commands.enter_children(
                actor, data=file.read() if file else b"", file_name=str(file.name) if file else "",
                text=post.get("text", "")[:2_000_000],
            )  # fmt: skip
    except AdmissionError as error:
        messages.error(request, error.message)
        return to("children", query=back.partition("?")[2])
    said = _("已转为新生候选人 %s 人") if what == "candidates" else _("已录入花名册 %s 人")
    messages.success(
        request, said % len(outcome.taken) + (_(", %s 人原来就有") % outcome.again if outcome.again else "")
    )
    if outcome.problems:
        return render(
            request,
            "admission/outcome.html",
            {"outcome": outcome, "problems": outcome.problems[:500], "back": back},
        )
    return to("children", query=back.partition("?")[2])
