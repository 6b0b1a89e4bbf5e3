"""What leaves a submission on paper or as a workbook."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from xueji.ground.accounts.http import actor_of, see_other

from . import books, queries
from .errors import SubmissionError
from .http import download


@require_GET
def signatures(request: HttpRequest, submission_id: uuid.UUID) -> HttpResponse:
    """The sheet of signatures (C-SUB-03)."""
    return _file(request, submission_id, "signatures", "pdf")


@require_GET
def names(request: HttpRequest, submission_id: uuid.UUID, form: str) -> HttpResponse:
    """The list of the children as handed in: 新生名册 or 上报名册 (C-ENR-08)."""
    return _file(request, submission_id, "names", form)


@require_GET
def volume(request: HttpRequest, submission_id: uuid.UUID) -> HttpResponse:
    """Lists, evidence, history and signatures bound in one (C-SUB-07)."""
    return _file(request, submission_id, "volume", "pdf")


def _file(request: HttpRequest, submission_id: uuid.UUID, what: str, form: str) -> HttpResponse:
    actor = actor_of(request)
    actor.require("submission.view")
    row = queries.get(actor, submission_id)
    try:
        data, name = {
            "signatures": lambda: books.signatures(actor, row),
            "names": lambda: books.names(actor, row, form),
            "volume": lambda: books.volume(actor, row),
        }[what]()
    except SubmissionError as error:
        messages.error(request, error.message)
        return see_other(reverse("submission:submission", args=[submission_id]))
    return download(data, name, form)
