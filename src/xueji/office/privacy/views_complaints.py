"""The public form for reports of misuse, reading the answer with the code, and the officer's pages."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.http import carry_out

from . import officers, queries, terms
from .commands import complaints
from .errors import PrivacyError
from .forms import AnswerForm, CodeForm, ComplaintForm
from .pages import actor_of


def _quiet(response: HttpResponse) -> HttpResponse:
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
    return response


@never_cache
@require_http_methods(["GET", "POST"])
def complain(request: HttpRequest) -> HttpResponse:
    """Anybody reports, without an account and without a name; the receipt code is shown once."""
    form = ComplaintForm(request.POST or None)
    made = code = None
    if request.method == "POST" and form.is_valid():
        try:
            # A signed-in visitor is not written down: whoever wants to be known leaves a contact.
            made, code = complaints.report(**form.cleaned_data)
        except PrivacyError as error:
            form.add_error(None, error.message)
    context = {"form": form, "made": made, "code": code, "term": terms.term("complaint.answer")}
    return _quiet(render(request, "privacy/complain.html", context, status=422 if form.errors else 200))


@never_cache
@require_http_methods(["GET", "POST"])
def answer(request: HttpRequest) -> HttpResponse:
    """Read the answer with the receipt code; add something while there is none."""
    form = CodeForm(request.POST or None)
    found, said = None, ""
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"]
        more = request.POST.get("more", "")
        try:
            if more.strip():
                complaints.add(code, more)
                said = _("已补充")
        except PrivacyError as error:
            form.add_error(None, error.message)
        found = complaints.look(code)
        if found is None and not form.errors:
            form.add_error("code", _("没有这个查询码"))
    context = {"form": form, "found": found, "said": said}
    return _quiet(render(request, "privacy/answer.html", context, status=422 if form.errors else 200))


@require_safe
def published(request: HttpRequest) -> HttpResponse:
    """Who answers for data protection in which unit: public (个人信息保护法 52)."""
    text = request.GET.get("q", "").strip()
    return _quiet(render(request, "privacy/officers.html", {"rows": officers.listed(text), "text": text}))


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """What waits for an answer, and what was answered."""
    actor = actor_of(request, "privacy.complaint")
    waiting = request.GET.get("tab", "") != "done"
    day = today()
    rows = queries.complaints(actor, waiting=waiting)
    context = {
        "rows": [
            {
                "c": c,
                "kind": complaints.KINDS[c.kind],
                "late": waiting and c.due_on < day,
                "outcome": complaints.OUTCOMES.get(c.outcome, ""),
            }
            for c in rows
        ],
        "waiting": waiting,
        "acts": officers.acts(actor),
        "tabs": [
            {"label": _("待答复"), "url": "?", "active": waiting},
            {"label": _("已答复"), "url": "?tab=done", "active": not waiting},
        ],
    }
    return render(request, "privacy/complaints.html", context)


@require_http_methods(["GET", "POST"])
def one(request: HttpRequest, complaint_id: uuid.UUID) -> HttpResponse:
    """One report: read, note, answer."""
    actor = actor_of(request, "privacy.complaint")
    row, told = queries.complaint(actor, complaint_id)
    form = AnswerForm(request.POST if request.POST.get("deed") == "answer" else None)
    if request.method == "POST" and request.POST.get("deed") == "note":
        return carry_out(
            request,
            lambda: complaints.handle(actor, complaint_id, text=request.POST.get("note", "")),
            _("已记录"),
            reverse("privacy:complaint", args=[complaint_id]),
            refused=PrivacyError,
        )
    if request.method == "POST" and form.is_valid():
        try:
            complaints.answer(actor, complaint_id, **form.cleaned_data)
        except PrivacyError as error:
            form.add_error(None, error.message)
        else:
            return redirect("privacy:complaints")
    context = {
        "row": row,
        "told": told,
        "kind": complaints.KINDS[row.kind],
        "outcome": complaints.OUTCOMES.get(row.outcome, ""),
        "form": form if row.state != "answered" else None,
        "late": row.state != "answered" and row.due_on < today(),
    }
    return render(request, "privacy/complaint.html", context, status=422 if form.errors else 200)
