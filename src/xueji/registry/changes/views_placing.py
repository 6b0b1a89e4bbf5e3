"""统筹安排: transfers that a full school refused, and the seats that the authority finds."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from xueji.ground.accounts.http import actor_of, whole
from xueji.ground.orgs.models import Org

from . import commands, placing
from .errors import CaseError
from .http import to
from .models import Placing
from .routing import policy_for


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """The requests of the unit: to be placed, placed, settled."""
    actor = actor_of(request)
    actor.require("placing.view")
    counts = placing.counts(actor)
    tab = request.GET.get("tab", "")
    if tab not in placing.VIEWS:
        tab = next((t for t in placing.VIEWS if counts.get(t)), str(placing.VIEWS[0]))
    before = whole(request.GET.get("before"))
    rows, following = placing.listing(actor, tab, before=before)
    labels = {Placing.OPEN: _("待安排"), Placing.PLACED: _("已安排学校"), "rest": _("已办结")}
    return render(
        request,
        "changes/placings.html",
        {
            "rows": rows,
            "views": [
                {"label": labels[t], "url": f"?tab={t}", "active": t == tab, "count": counts.get(t, "")}
                for t in placing.VIEWS
            ],
            "next_url": f"?tab={tab}&before={following}" if following else "",
            "first_url": f"?tab={tab}" if before else "",
        },
    )


@require_GET
def detail(request: HttpRequest, request_id: int) -> HttpResponse:
    """One request: the child, the schools with room, the answer."""
    actor = actor_of(request)
    line = placing.one(actor, request_id)
    row = line.row
    may = placing.rights(actor, row)
    seats = []
    if may["decides"]:
        seats = placing.seats(policy_for(Org.objects.get(pk=row.county_id), timezone.localdate()), row)
    return render(
        request,
        "changes/placing.html",
        {"line": line, "row": row, "facts": _facts(line), "seats": seats, **may},
    )


def _facts(line: placing.Line) -> list[dict[str, str]]:
    about = line.row.about
    found = (
        (_("姓名"), about.get("name")),
        (_("性别"), about.get("sex")),
        (_("出生日期"), about.get("birth_date")),
        (_("现就读学校"), about.get("school")),
        (_("年级"), about.get("grade")),
        (_("转学原因"), about.get("reason")),
        (_("优先类别"), about.get("priority")),
        (_("已满额的学校"), line.school),
        (_("学校电话"), about.get("phone")),
    )
    return [{"label": str(label), "value": str(value)} for label, value in found if value]


def _deed(request: HttpRequest, request_id: int, deed: Callable[[], object], done: str) -> HttpResponse:
    try:
        deed()
    except CaseError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, done)
    return to("placing", request_id)


@require_POST
def assign(request: HttpRequest, request_id: int) -> HttpResponse:
    """Name a school."""
    actor = actor_of(request)
    actor.require("placing.decide")
    school = whole(request.POST.get("school"))
    text = request.POST.get("text", "")[:200]
    return _deed(
        request,
        request_id,
        lambda: commands.assign(actor, request_id, school_id=school or 0, text=text),
        _("已安排学校, 两所学校都能看到"),
    )


@require_POST
def decline(request: HttpRequest, request_id: int) -> HttpResponse:
    """No school has room."""
    actor = actor_of(request)
    text = request.POST.get("text", "")[:200]
    return _deed(
        request, request_id, lambda: commands.decline(actor, request_id, text=text), _("已答复暂无学位")
    )


@require_POST
def drop(request: HttpRequest, request_id: int) -> HttpResponse:
    """The asking school takes it back."""
    actor = actor_of(request)
    text = request.POST.get("text", "")[:200]
    return _deed(
        request, request_id, lambda: commands.drop(actor, request_id, text=text), _("统筹安排已取消")
    )


@require_POST
def take(request: HttpRequest, request_id: int) -> HttpResponse:
    """The named school begins the transfer."""
    try:
        case = commands.take(actor_of(request), request_id)
    except CaseError as error:
        messages.error(request, error.message)
        return to("placing", request_id)
    return to("case", case.case_id)
