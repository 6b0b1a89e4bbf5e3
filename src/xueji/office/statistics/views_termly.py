"""Pages of the sets of reports of a term."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from xueji.ground.accounts.http import PDF, actor_of, attachment, see_other
from xueji.ground.orgs.models import Org

from . import reports, termly
from .views_reports import asked, frame


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The sets of a unit; for a county or town also which of its schools have theirs."""
    actor, target = asked(request)
    spans = termly.spans()
    span = next((s for s in spans if s.key == request.GET.get("term")), spans[0])
    phase = "end" if request.GET.get("phase") == "end" else "begin"
    given = termly.below(actor, target, span, phase) if target.by_school and not target.is_school else {}
    own = actor.org_id == target.org_id and not reports.too_wide(target)
    return render(
        request,
        "statistics/termly.html",
        frame(target)
        | {
            "rows": [(row, termly.label(row)) for row in termly.of_unit(actor, target)],
            "spans": spans,
            "span": span,
            "phase": phase,
            "phases": termly.PHASES.items(),
            "schools": [(u.label, given.get(u.org_id)) for u in target.units] if target.by_school else [],
            "due": span.due(phase),
            "may": own and actor.can("statistics.submit" if target.is_school else "statistics.view"),
        },
    )


@require_POST
def make(request: HttpRequest) -> HttpResponse:
    """Make the set of the own unit anew."""
    actor = actor_of(request)
    actor.require("statistics.view")
    try:
        row = termly.make(actor, term=request.POST.get("term", ""), phase=request.POST.get("phase", ""))
    except ValueError as error:
        messages.error(request, str(error))
        return see_other(reverse("statistics:termly"))
    messages.success(request, _("已生成%s") % termly.label(row))
    return see_other(reverse("statistics:term_report", args=[row.pk]))


@require_safe
def one(request: HttpRequest, report_id: int) -> HttpResponse:
    """A set: its tables as they were when it was made."""
    actor = actor_of(request)
    row = termly.get(actor, report_id)
    return render(
        request,
        "statistics/term_report.html",
        {"row": row, "title": termly.label(row), "org": Org.objects.get(pk=row.org_id)},
    )


@require_safe
def pdf(request: HttpRequest, report_id: int) -> HttpResponse:
    """The set on paper."""
    actor = actor_of(request)
    row = termly.get(actor, report_id)
    data, name = termly.as_pdf(actor, row, Org.objects.get(pk=row.org_id).name)
    return attachment(data, name, PDF)
