"""Consent on the phone, and the school's list of a class. Translates between requests and commands, nothing else."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from xueji.ground.orgs import queries as orgs
from xueji.ground.standards.masking import mask_name
from xueji.registry.people import queries as people

from . import consents
from .errors import FamilyError

_WORDS = {
    consents.GIVEN: gettext_lazy("同意"),
    consents.REFUSED: gettext_lazy("不同意"),
    consents.WITHDRAWN: gettext_lazy("已撤回"),
}


@never_cache
@require_http_methods(["GET", "POST"])
def of_child(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Each question with two buttons of the same size; the answer works at once."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    found, no = consents.of_family(actor, person_id)
    if request.method == "POST":
        agreed = request.POST.get("answer") == "yes"
        try:
            now = consents.answer(actor, person_id, request.POST.get("code", "")[:30], agreed=agreed)
        except FamilyError as error:
            messages.error(request, error.message)
        else:
            messages.success(
                request, _("已记下: %s") % f"{now.question.title} · {_('同意') if agreed else _('不同意')}"
            )
        return redirect("family:consents", person_id)
    names = consents.whose(person_id)
    context = {
        "page_title": _("同意与撤回"),
        "name": people.card(actor, person_id).name,
        "back_url": f"/my/{person_id}/",
        "person_id": person_id,
        "items": [
            {
                "q": s.question,
                "word": s.word,
                "tone": s.tone,
                "mine": s.own(no),
                "may": (consents.PUPIL if no is None else consents.GUARDIAN) in s.asked,
                "pupils": consents.PUPIL in s.asked,
                "answers": [
                    {
                        "who": _("本人")
                        if n is None
                        else _("您")
                        if n == no
                        else mask_name(names.get(n, "")),
                        "word": str(_WORDS[a]),
                        "at": at,
                    }
                    for n, a, at in s.answers
                ],
            }
            for s in found
        ],
    }
    return render(request, "family/consents.html", context)


@never_cache
@require_safe
def of_class(request: HttpRequest, class_id: int) -> HttpResponse:
    """Who of a class agreed to what."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    actor.require("consent.view")
    row = orgs.class_row(actor, class_id)
    lines = consents.of_class(actor, class_id)
    questions = list(consents.questions().values())
    context = {
        "page_title": _("%s 家长同意情况") % row.label,
        "row": row,
        "lines": lines,
        "questions": [
            {"q": q, "yes": sum(1 for line in lines if line.standings[n].holds)}
            for n, q in enumerate(questions)
        ],
        "breadcrumbs": [
            {"label": _("班级年级"), "url": "/classes/"},
            {"label": row.label, "url": f"/classes/{class_id}/"},
            {"label": _("家长同意情况")},
        ],
    }
    return render(request, "family/class_consents.html", context)
