"""Reveal of one masked value, and the photo."""

from __future__ import annotations

import uuid
from functools import lru_cache

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from xueji.ground.files import queries as files
from xueji.ground.paper.photo import draw_portrait

from . import commands, queries
from .errors import PurposeNeeded


@require_POST
def reveal(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Answer the masked component: `what` in the query or the form, `purpose` in the form.

    The middleware commits the audit entry before this answer leaves (see `commands.reveal`); it is never cached.
    """
    actor = request.actor  # type: ignore[attr-defined]
    what = request.GET.get("what") or request.POST.get("what", "")
    try:
        text = commands.reveal(actor, person_id, what, request.POST.get("purpose", ""))
    except PurposeNeeded as error:
        response = render(request, "people/purpose.html", {"message": error.message}, status=422)
    else:
        page = "layout/revealed.html" if request.headers.get("HX-Request") else "people/revealed.html"
        context = {"value": text, "mask": queries.mask_for(what, text), "seconds": 60, "person_id": person_id}
        response = render(request, page, context)
    response["Cache-Control"] = "no-store"
    return response


@lru_cache(maxsize=512)
def _drawn(seed: str, name: str, sex: str) -> bytes:
    return draw_portrait(seed, name, sex)


@require_safe
def photo(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """The photo in force; in a demonstration a drawn one for a child without; else 404."""
    actor = request.actor  # type: ignore[attr-defined]
    actor.require("student.view")
    portrait = queries.portrait(actor, person_id)
    if portrait.file_id is not None:
        data = files.read(files.get(actor, portrait.file_id))
    elif settings.DEMO:
        data = _drawn(str(person_id), portrait.name, portrait.sex)
    else:
        raise Http404
    response = HttpResponse(data, content_type="image/jpeg")
    response["Cache-Control"] = "private, max-age=600"
    response["X-Content-Type-Options"] = "nosniff"
    return response
