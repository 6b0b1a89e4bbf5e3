"""What leaves a submission on paper or as a workbook."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from xueji.ground.accounts.http import actor_of, see_other
from xueji.ground.audit.commands import record

from . import books, commands, queries
from .errors import SubmissionError
from .http import download, run
from .models import Package


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


@require_POST
def gather(request: HttpRequest, round_id: int) -> HttpResponse:
    """Gather the schools' submissions of a round into a package."""
    actor = actor_of(request)
    actor.require("submission.decide")
    queries.round_(actor, round_id)
    run(
        request,
        lambda: commands.gather(actor, round_id),
        lambda row: _("已汇总 %s 人, 数据包已送主管部门") % row.total,
    )
    return see_other(reverse("submission:round", args=[round_id]))


@require_POST
def package_answer(request: HttpRequest, package_id: int) -> HttpResponse:
    """Accept a package or send it back."""
    actor = actor_of(request)
    actor.require("submission.decide")
    row = _package(package_id)
    accept = request.POST.get("deed") == "accept"
    run(
        request,
        lambda: commands.answer_package(
            actor, package_id, accept=accept, words=request.POST.get("words", "")
        ),
        lambda _row: _("已接收数据包") if accept else _("已退回数据包"),
    )
    return see_other(reverse("submission:round", args=[row.round_id]))


@require_GET
def package(request: HttpRequest, package_id: int) -> HttpResponse:
    """A package as it was gathered."""
    actor = actor_of(request)
    actor.require("submission.decide")
    row = _package(package_id)
    try:
        data = commands.read_package(row)
    except SubmissionError as error:
        messages.error(request, error.message)
        return see_other(reverse("submission:round", args=[row.round_id]))
    record(
        actor,
        "submission.package.download",
        object_type="submission_package",
        object_id=row.pk,
        row_count=row.total,
    )
    return download(data, f"{row.round.title}-{row.number}", "zip")


def _package(package_id: int) -> Package:
    found = Package.objects.select_related("round").filter(pk=package_id).first()
    if found is None:
        raise Http404
    return found
