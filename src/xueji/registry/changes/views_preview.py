"""The open cases that a proposed version of rules would judge differently: a part of the proposal's page, or a page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from xueji.ground.policy import queries as policy
from xueji.ground.policy import staging

from .preview import MOST_SHOWN, preview


@require_GET
def stage_cases(request: HttpRequest, stage_id: int) -> HttpResponse:
    """Open cases of the unit and below that answer differently. Http404 for another unit's proposal."""
    row = policy.stage(request.actor, stage_id)  # type: ignore[attr-defined]
    context = {"page_title": _("对正在办理的业务的影响"), "row": row, "most": MOST_SHOWN}
    start = max(row.effective_on, timezone.localdate())
    try:
        checked = staging.check(row.org, row.text, start, again=True)
    except staging.Unacceptable:
        context["broken"] = True
    else:
        context["found"] = preview(row.org, checked.before, checked.after, start)
    part = request.headers.get("HX-Request") == "true"
    return render(request, "changes/_stage_cases.html" if part else "changes/stage_cases.html", context)
