"""Pages of the differences between an export and the record: lists, decisions, the sheet for the other system."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from xueji.ground.accounts.http import actor_of, attachment, see_other, whole

from . import commands, queries
from .errors import TakeoverError
from .models import Decision, DifferenceKind, TakeoverState


@require_GET
def listing(request: HttpRequest, takeover_id: int) -> HttpResponse:
    """Differences of one kind, open or decided."""
    actor = actor_of(request)
    found = queries.takeover(actor, takeover_id)
    tally = queries.tally(found)
    kinds = {str(k.value): k.label for k in DifferenceKind}
    kind = request.GET.get("kind", "")
    decision = "done" if request.GET.get("decision") == "done" else "open"
    if kind not in kinds:
        kind = next((k for k in ("field", "here", "pending", "there") if tally[(k, True)]), "field")
    after = whole(request.GET.get("after")) or 0
    rows = queries.differences(found, kind=kind, decision=decision, after=after)
    page = rows[: queries.PAGE]
    here = f"?kind={kind}&decision={decision}"
    return render(
        request,
        "takeover/differences.html",
        {
            "found": found,
            "kind": kind,
            "kind_label": kinds[kind],
            "decision": decision,
            "rows": [
                {"one": one, "what": queries.what(one), "label": Decision(one.decision).label} for one in page
            ],
            "views": [
                {
                    "url": f"?kind={k}&decision={d}",
                    "label": label if d == "open" else _("%s(已处理)") % label,
                    "count": tally[(k, d == "open")],
                    "active": (k, d) == (kind, decision),
                }
                for d in ("open", "done")
                for k, label in kinds.items()
                if tally[(k, d == "open")] or (k, d) == (kind, decision)
            ],
            "can_run": actor.can("takeover.run") and actor.org_id == found.school_id,
            "can_sign": actor.can("takeover.sign") and actor.org_id == found.school_id,
            "open": found.state in (TakeoverState.CHECKED, TakeoverState.PUBLISHED),
            "none_open": not any(is_open and n for (_k, is_open), n in tally.items()),
            "next_url": f"{here}&after={page[-1].pk}" if len(rows) > len(page) else "",
            "first_url": here if after else "",
        },
    )


@require_POST
def settle(request: HttpRequest, takeover_id: int) -> HttpResponse:
    """Decide one or several differences."""
    actor = actor_of(request)
    how, single = request.POST.get("how", ""), request.POST.get("take", "")
    chosen = [n for raw in request.POST.getlist("pick") if (n := whole(raw)) is not None]
    if single:
        how, chosen = "take", [whole(single) or 0]
    kind = request.POST.get("kind", "")
    back = reverse("takeover:differences", args=[takeover_id])
    back += f"?kind={kind}" if kind in DifferenceKind.values else ""
    try:
        done = commands.settle(actor, takeover_id, chosen, how, request.POST.get("reason", ""))
    except TakeoverError as e:
        messages.error(request, e.message)
        return see_other(back)
    if done[0].case_id is not None:
        return see_other(f"/cases/{done[0].case_id}/")
    messages.success(request, _("已处理 %(n)s 项差异") % {"n": len(done)})
    return see_other(back)


@require_GET
def report(request: HttpRequest, takeover_id: int) -> HttpResponse:
    """What is to be put right in the official system."""
    name, data = commands.report_book(actor_of(request), takeover_id)
    return attachment(data, name)


@require_POST
def close(request: HttpRequest, takeover_id: int) -> HttpResponse:
    """End the takeover."""
    actor = actor_of(request)
    try:
        commands.close(actor, takeover_id)
        messages.success(request, _("这次接管已结束, 处理结果保留备查"))
    except TakeoverError as e:
        messages.error(request, e.message)
    return redirect("takeover:detail", takeover_id)
