"""Registers and ledgers: on the screen, on paper, as workbooks."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from xueji.ground.orgs.grades import start_year_of
from xueji.ground.paper.fonts import MissingGlyphs

from . import ledger as ledgers
from .http import actor_of, pdf, to, xlsx
from .registers import BY_KEY, MOST, REGISTERS, Register, entries, export
from .views_overview import link


def _asked(request: HttpRequest) -> tuple[Register, date, date, str]:
    """The register and the days of the address; whatever is not readable gives this school year."""
    register = BY_KEY.get(request.GET.get("kind", "in"))
    if register is None:
        raise Http404
    today = timezone.localdate()
    start, end = _day(request.GET.get("start")), _day(request.GET.get("end"))
    first = date(start_year_of(today), 9, 1)
    if start and end and end < start:
        return register, first, today, _("结束日期早于开始日期, 已改为本学年")
    return register, start or first, min(end or today, today), ""


def _day(raw: str | None) -> date | None:
    try:
        found = date.fromisoformat((raw or "").strip())
    except ValueError:
        return None
    return found if 1990 <= found.year <= 2069 else None


@require_safe
def registers(request: HttpRequest) -> HttpResponse:
    """A register on the screen."""
    actor: Any = actor_of(request)
    register, start, end, wrong = _asked(request)
    days = {"start": start.isoformat(), "end": end.isoformat()}
    found = entries(actor, register, start, end)
    return render(
        request,
        "changes/registers.html",
        {
            "register": register,
            "rows": found,
            "full": len(found) >= MOST,
            "wrong": wrong,
            **days,
            "views": [
                {
                    "label": r.label,
                    "url": link("changes:registers", kind=r.key, **days),
                    "active": r is register,
                    "count": None,
                }
                for r in REGISTERS
            ],
            "pdf_url": link("changes:register_file", kind=register.key, form="pdf", **days),
            "xlsx_url": link("changes:register_file", kind=register.key, form="xlsx", **days),
        },
    )


@require_safe
def register_file(request: HttpRequest) -> HttpResponse:
    """A register as a file."""
    register, start, end, _wrong = _asked(request)
    form = request.GET.get("form", "pdf")
    if form not in ("pdf", "xlsx"):
        raise Http404
    try:
        data, name = export(actor_of(request), register, start, end, form)
    except MissingGlyphs as error:
        messages.error(request, str(error))
        return to("registers")
    return pdf(data, name) if form == "pdf" else xlsx(data, name)


@require_safe
def ledger(request: HttpRequest, class_id: int, form: str) -> HttpResponse:
    """The ledger of a class as a file."""
    actor = actor_of(request)
    if form == "xlsx":
        return xlsx(*ledgers.as_xlsx(actor, class_id))
    if form != "pdf":
        raise Http404
    try:
        return pdf(*ledgers.as_pdf(actor, class_id))
    except MissingGlyphs as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(f"/classes/{class_id}/")
