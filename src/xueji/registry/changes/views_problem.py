"""From a correction whose number another record holds to a problem record with both sides (F-12, step 5)."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from xueji.ground.accounts.http import see_other
from xueji.registry.problems.errors import ProblemError

from . import commands
from . import page as pages
from .errors import CaseError
from .http import actor_of


@require_http_methods(["GET", "POST"])
def dispute(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Say what will happen; then open the problem on both records."""
    actor = actor_of(request)
    actor.require("case.start")
    page = pages.load(actor, case_id)
    if not page.may("edit") or page.case.business != "correct_key":
        raise Http404
    if request.method == "POST":
        try:
            found = commands.dispute_number(actor, case_id=case_id)
        except (CaseError, ProblemError) as error:
            messages.error(request, error.message)
            return see_other(reverse("changes:case", args=[case_id]))
        messages.success(request, _("已登记问题学籍, 两所学校都会收到"))
        return see_other(reverse("problems:problem", args=[found.problem_id]))
    return render(request, "changes/dispute.html", {"page": page, "case": page.case})
