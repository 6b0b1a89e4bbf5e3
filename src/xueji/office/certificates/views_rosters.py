"""Registers as files. Each is in the audit before it leaves."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST, require_safe

from xueji.ground.accounts.http import PDF, XLSX, attachment, safe_next
from xueji.ground.paper.fonts import MissingGlyphs
from xueji.ground.paper.record_card import Form
from xueji.registry.enrolment import listing, outgoing
from xueji.registry.yearly.queries import filters_from

from . import completions, exams, rosters
from . import record_cards as cards
from .errors import CertificateRefused


def _roster(
    request: HttpRequest, class_id: int, make: Callable[..., tuple[bytes, str]], mime: str
) -> HttpResponse:
    scope = request.GET.get("scope", "class")
    if scope not in ("class", "grade", "school"):
        raise Http404
    actor: Any = request.actor  # type: ignore[attr-defined]
    try:
        data, name = make(actor, class_id, cast(rosters.Scope, scope))
    except (CertificateRefused, MissingGlyphs) as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(f"/classes/{class_id}/")
    return attachment(data, name, mime)


@require_safe
def roster_pdf(request: HttpRequest, class_id: int) -> HttpResponse:
    """花名册 of a class; `?scope=grade` and `?scope=school` for the school's own staff."""
    return _roster(request, class_id, rosters.as_pdf, PDF)


@require_safe
def roster_xlsx(request: HttpRequest, class_id: int) -> HttpResponse:
    """The same as a workbook."""
    return _roster(request, class_id, rosters.as_xlsx, XLSX)


def _list_of(
    request: HttpRequest, make: Callable[[Any], tuple[bytes, str]], mime: str, back: str
) -> HttpResponse:
    """A file to keep, or back to the page with the reason."""
    try:
        data, name = make(request.actor)  # type: ignore[attr-defined]
    except (CertificateRefused, MissingGlyphs) as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(back)
    return attachment(data, name, mime)


@require_safe
def record_cards(request: HttpRequest, class_id: int) -> HttpResponse:
    """学籍卡 of a class (`?form=sheet`: 学生登记表), of one child with `?person=`."""
    form = request.GET.get("form", "card")
    raw = request.GET.get("person", "")
    try:
        person = uuid.UUID(raw) if raw else None
    except ValueError as error:
        raise Http404 from error
    if form not in ("card", "sheet"):
        raise Http404
    wanted = cast(Form, form)
    return _list_of(
        request, lambda a: cards.as_pdf(a, class_id, wanted, person), PDF, f"/classes/{class_id}/"
    )


@require_safe
def exam_pdf(request: HttpRequest, class_id: int) -> HttpResponse:
    """考试报名核对名单 of the grade of a class."""
    return _list_of(request, lambda a: exams.as_pdf(a, class_id), PDF, f"/classes/{class_id}/")


@require_safe
def exam_xlsx(request: HttpRequest, class_id: int) -> HttpResponse:
    """The same as a workbook."""
    return _list_of(request, lambda a: exams.as_xlsx(a, class_id), XLSX, f"/classes/{class_id}/")


@require_safe
def completion_pdf(request: HttpRequest, list_id: uuid.UUID) -> HttpResponse:
    """证书发放名册 of a graduation list that took effect."""
    f = filters_from(request.GET)
    return _list_of(request, lambda a: completions.as_pdf(a, list_id, f), PDF, f"/yearly/lists/{list_id}/")


@require_safe
def completion_xlsx(request: HttpRequest, list_id: uuid.UUID) -> HttpResponse:
    """The same as a workbook."""
    f = filters_from(request.GET)
    return _list_of(request, lambda a: completions.as_xlsx(a, list_id, f), XLSX, f"/yearly/lists/{list_id}/")


@require_POST
def students_xlsx(request: HttpRequest) -> HttpResponse:
    """The list of students as it was narrowed, with the purpose that was stated."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    outgoing.require(actor)
    query = listing.read(request.POST)
    try:
        data, name = rosters.students_xlsx(
            actor, request.POST.get("purpose", ""), text=query.text, filters=query.filters
        )
    except CertificateRefused as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(safe_next(request, request.POST.get("next") or "/students/"))
    return attachment(data, name, XLSX)
