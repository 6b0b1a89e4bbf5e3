"""The form of corrections per school and term, and the monthly list of late records."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from xueji.ground.paper.fonts import MissingGlyphs

from . import corrections as forms
from . import late as lists
from .http import actor_of, pdf, to, xlsx
from .views_overview import link


def _asked(request: HttpRequest) -> tuple[forms.Term, str]:
    stage = request.GET.get("stage", "")
    return forms.term_of(request.GET.get("term", ""), timezone.localdate()), stage if stage in "PJS" else ""


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Corrections of a term."""
    actor: Any = actor_of(request)
    forms.require(actor)
    term, stage = _asked(request)
    found = forms.entries(actor, term, stage=stage)
    return render(
        request,
        "changes/corrections.html",
        {
            "rows": found,
            "term": term,
            "stage": stage,
            "stages": (("P", "小学"), ("J", "初中"), ("S", "高中")),
            "terms": forms.terms(timezone.localdate()),
            "own": actor.org_kind == "school",
            "full": len(found) >= forms.MOST,
            "pdf_url": link("changes:corrections_file", form="pdf", term=term.key, stage=stage),
            "xlsx_url": link("changes:corrections_file", form="xlsx", term=term.key, stage=stage),
        },
    )


@require_safe
def file(request: HttpRequest) -> HttpResponse:
    """The form as a file."""
    actor: Any = actor_of(request)
    forms.require(actor)
    term, stage = _asked(request)
    form = request.GET.get("form", "pdf")
    if form not in ("pdf", "xlsx"):
        raise Http404
    try:
        data, name = forms.export(actor, term, form, stage=stage)
    except MissingGlyphs as error:
        messages.error(request, str(error))
        return to("corrections")
    return pdf(data, name) if form == "pdf" else xlsx(data, name)


@require_safe
def late(request: HttpRequest) -> HttpResponse:
    """The monthly list of late records with the result of each pupil; `form=xlsx` gives the workbook."""
    actor: Any = actor_of(request)
    forms.require(actor)
    today = timezone.localdate()
    month = lists.month_of(request.GET.get("month", ""), today)
    if request.GET.get("form") == "xlsx":
        return xlsx(*lists.export(actor, month))
    return render(
        request,
        "changes/late.html",
        {
            "rows": lists.entries(actor, month),
            "month": f"{month:%Y-%m}",
            "months": [f"{m:%Y-%m}" for m in lists.months(today)],
            "own": actor.org_kind == "school",
            "decides": actor.can("case.decide"),
            "xlsx_url": link("changes:late", form="xlsx", month=f"{month:%Y-%m}"),
        },
    )
