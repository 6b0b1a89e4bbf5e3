"""Files leave only here: as attachments, never sniffed, never run, and noted in the audit."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from xueji.ground.audit.commands import record
from xueji.ground.paper.middleware import AS_IT_CAME

from . import queries


def _response(data: bytes, mime: str, name: str) -> HttpResponse:
    response = HttpResponse(data, content_type=mime)
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "private, no-store"
    setattr(response, AS_IT_CAME, True)  # what somebody uploaded is not signed as a paper of ours
    return response


@require_safe
def download(request: HttpRequest, file_id: uuid.UUID) -> HttpResponse:
    """The file itself."""
    actor = request.actor  # type: ignore[attr-defined]
    file = queries.get(actor, file_id)
    data = queries.read(file)
    record(
        actor,
        "files.open",
        object_type="file",
        object_id=file.id,
        person_id=file.person_id,
        after={"purpose": file.purpose},
    )
    return _response(data, file.mime, file.name)


@require_safe
def thumbnail(request: HttpRequest, file_id: uuid.UUID) -> HttpResponse:
    """A small picture of it."""
    file = queries.get(request.actor, file_id)  # type: ignore[attr-defined]
    response = _response(queries.thumbnail(file), "image/jpeg", file.name)
    response["Cache-Control"] = "private, max-age=600"
    return response
