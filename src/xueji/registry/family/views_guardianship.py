"""监护与查阅限制: who may see a child, and what closed it. Translates between requests and commands, nothing else."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from . import guardianship, sight
from .errors import FamilyError
from .forms import FactForm, LiftForm


@never_cache
@require_http_methods(["GET", "POST"])
def of_child(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """The page of a child; the registrar records here. What was typed stays on an error."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    found = sight.overview(actor, person_id)
    may_put = actor.can("guardian.record")
    names = [(t.guardian_no, f"{t.name}({t.relation})") for t in found.ties]
    form = FactForm(request.POST or None, guardians=names) if may_put else None
    if request.method == "POST" and form is not None and form.is_valid():
        data = form.cleaned_data
        try:
            guardianship.put(
                actor,
                person_id,
                kind=data["kind"],
                guardian_no=data["guardian"],
                since=data["since"],
                paper=data["paper"],
                words=data["words"],
                file=_file(request),
            )
        except FamilyError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已登记。限制从当日起生效, 主管领导会看到这一项并确认"))
            return redirect("family:guardianship", person_id)
    context = {
        "page_title": _("%s 的监护与查阅限制") % found.row.name,
        "found": found,
        "row": found.row,
        "form": form,
        "kinds": [(k.label, k.effect) for k in guardianship.KINDS.values()],
        "may_put": may_put,
        "may_decide": actor.can("guardian.confirm"),
        "breadcrumbs": [
            {"label": _("学生名册"), "url": "/students/"},
            {"label": found.row.name, "url": f"/students/{person_id}/?tab=family"},
            {"label": _("监护与查阅限制")},
        ],
    }
    status = 422 if form is not None and form.errors else 200
    return render(request, "family/guardianship.html", context, status=status)


@require_POST
def lift(request: HttpRequest, person_id: uuid.UUID, fact_id: int) -> HttpResponse:
    """The registrar asks for a limit to be lifted."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    actor.require("guardian.record")
    guardianship.require_child(actor, person_id)
    form = LiftForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("请写明解除的日期和依据的文书"))
        return redirect("family:guardianship", person_id)
    try:
        guardianship.lift(actor, fact_id, file=_file(request), **form.cleaned_data)
    except FamilyError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("已登记解除, 主管领导确认后生效"))
    return redirect("family:guardianship", person_id)


@require_POST
def decide(request: HttpRequest, person_id: uuid.UUID, fact_id: int) -> HttpResponse:
    """The head confirms or refuses."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    actor.require("guardian.confirm")
    guardianship.require_child(actor, person_id)
    agreed = request.POST.get("agreed") == "yes"
    try:
        guardianship.decide(actor, fact_id, agreed=agreed, words=request.POST.get("words", "")[:500])
    except FamilyError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("已确认") if agreed else _("已注明不予确认, 这一项无效"))
    return redirect("family:guardianship", person_id)


@never_cache
@require_safe
def waiting(request: HttpRequest) -> HttpResponse:
    """What waits for the head's confirmation."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    rows = [
        {
            "row": row,
            "name": name,
            "title": guardianship.KINDS[row.kind].label,
            "lifts": row.lifts_id is not None,
        }
        for row, name in sight.waiting(actor)
    ]
    return render(request, "family/waiting.html", {"page_title": _("监护与查阅限制待确认"), "rows": rows})


def _file(request: HttpRequest) -> tuple[str, bytes] | None:
    sent = request.FILES.get("file")
    return (sent.name or "", sent.read()) if sent is not None else None
