"""Pages of pupils without an identity number: the list, one pupil's proof, the printed sheet (C-COL-16)."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from xueji.ground.accounts.http import PDF, actor_of, attachment, see_other
from xueji.ground.audit.commands import note

from . import commands, nonumber
from .errors import CollectError
from .views_form import UPLOAD


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Who has no identity number, whose proof is missing, whose guardian is not wholly known."""
    actor = actor_of(request)
    actor.require("collect.check")
    rows = nonumber.listed(actor)
    context = {
        "page_title": _("无身份证号学生"),
        "rows": rows,
        "open": sum(1 for r in rows if not r.file_id),
        "most": nonumber.MOST,
    }
    return render(request, "collect/nonumber.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def student(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """One pupil: what is missing, the sheet to print, the signed scan to file."""
    actor = actor_of(request)
    actor.require("collect.check")
    row = nonumber.one(actor, person_id)
    error = ""
    if request.method == "POST":
        file = request.FILES.get("file")
        try:
            commands.file_proof(
                actor,
                person_id,
                data=file.read(UPLOAD + 1) if file else b"",
                name=(file.name or "") if file else "",
            )
            messages.success(request, _("证明已存入学生材料"))
            return see_other(request.path)
        except CollectError as e:
            error = e.message
    note(actor, "people.view", object_type="person", object_id=person_id, person_id=person_id)
    context = {"page_title": _("%s 的在校就读证明") % row.name, "row": row, "error": error}
    return render(request, "collect/nonumber_one.html", context, status=422 if error else 200)


@require_GET
def sheet(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """《无身份证号学生在校就读证明表》 as PDF."""
    actor = actor_of(request)
    try:
        pdf = nonumber.printed(actor, person_id)
    except CollectError as error:
        messages.error(request, error.message)
        return redirect("collect:nonumber_one", person_id)
    return attachment(pdf, f"{nonumber.TITLE}.pdf", PDF)
