"""The page of the yearly endorsement of registers (学籍验章)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.http import actor_of, whole
from xueji.ground.orgs.grades import start_year_of
from xueji.ground.orgs.models import OrgKind

from . import commands, stamps
from .http import run, to


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Schools with their endorsement of a year; a school sees its own."""
    actor = actor_of(request)
    actor.require("stamp.view")
    present = start_year_of(today())
    asked = whole(request.GET.get("year")) or present
    year = asked if present - 5 <= asked <= present else present
    school = actor.org_kind == OrgKind.SCHOOL
    after = request.GET.get("after", "")
    found = stamps.of_year(actor, year, after="" if school else after)
    own = found.lines[0] if school and found.lines else None
    return render(
        request,
        "yearly/stamps.html",
        {
            "found": found,
            "own": own,
            "school": school,
            "year": year,
            "next_year": year + 1,
            "years": [present - n for n in range(6)],
            "due": stamps.due(year),
            "now": stamps.registers([own.school_id], year).get(own.school_id) if own else None,
            "may_ask": school
            and year == present
            and actor.can("stamp.ask")
            and bool(own and own.state != "stamped"),
            "may_give": not school
            and year == present
            and actor.can("stamp.give")
            and any(x.state == "asked" for x in found.lines),
            "next_url": f"?year={year}&after={found.following}" if found.following else "",
            "first_url": f"?year={year}" if after else "",
        },
    )


@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Hand the own register in."""
    actor = actor_of(request)
    run(request, lambda: commands.ask_stamp(actor), lambda _row: _("名册已提交验章"))
    return to("stamps")


@require_POST
def give(request: HttpRequest) -> HttpResponse:
    """Endorse, or return, the ticked registers."""
    actor = actor_of(request)
    ids = [n for raw in request.POST.getlist("school")[:200] if (n := whole(raw)) is not None]
    back = request.POST.get("back", "")[:200] if request.POST.get("how") == "back" else None
    done = _("已验章 %s 所学校") if back is None else _("已退回 %s 所学校")
    run(request, lambda: commands.stamp(actor, ids, back=back), lambda n: done % n)
    return to("stamps")
