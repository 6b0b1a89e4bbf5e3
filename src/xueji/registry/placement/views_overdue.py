"""The page of pupils who did not register in time (逾期未注册)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.http import XLSX, actor_of, attachment, see_other, ticked

from .commands import overdue as deeds
from .errors import PlacementError
from .queries import overdue, roster, terms
from .reading import number_of_page, pager


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The list with its article; ticked pupils get a withdrawal begun."""
    actor = actor_of(request)
    actor.require("register.print")
    if actor.org_kind != "school":
        return redirect("placement:terms")
    if request.method == "POST":
        try:
            n = deeds.propose(actor, ticked(request, "pick"))
            messages.success(request, _("已为 %s 名学生建立退学草稿, 请逐件核对后提交") % n)
        except PlacementError as error:
            messages.error(request, error.message)
        return see_other(reverse("placement:overdue"))
    school = roster.school_of(actor)
    term = terms.term_of(today())
    held = overdue.standing(actor.org_id or 0, term, today())
    at = number_of_page(request)
    rows, total = overdue.overdue(actor, term, page=at) if held else ([], 0)
    classes = roster.all_classes(school, today())
    found = pager(rows, at, roster.PAGE)
    if (at + 1) * roster.PAGE < total:
        found["next_url"] = f"?page={at + 1}"
    over = bool(held and held.over)
    return render(
        request,
        "placement/overdue.html",
        found
        | {
            "term": term,
            "held": held,
            "total": total,
            "rows": [{"row": r, "place": roster.label_of(classes, r.class_id)} for r in rows],
            "may_propose": over and actor.can("case.start"),
            "may_print": over and bool(rows),
        },
    )


@require_GET
def book(request: HttpRequest) -> HttpResponse:
    """The proposal list as a workbook."""
    actor = actor_of(request)
    actor.require("register.print")
    try:
        data, name = deeds.book(actor)
    except PlacementError as error:
        messages.error(request, error.message)
        return see_other(reverse("placement:overdue"))
    return attachment(data, name, XLSX)
