"""What the views of cases share: who asks, which version was seen, running a command and saying what came of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from xueji.ground.accounts.http import PDF, XLSX, actor_of, attachment, see_other, whole

from . import queries
from .errors import Blocked, CaseError
from .models import Case, CaseStatus


def to(name: str, *args: Any) -> HttpResponseRedirect:
    """On to another address of this room, by GET."""
    return see_other(reverse(f"changes:{name}", args=args))


def version_of(request: HttpRequest) -> int | None:
    """The version of the case that the page was drawn from."""
    return whole(request.POST.get("version"))


def back_to_form(case_id: uuid.UUID) -> HttpResponse:
    """Back to where the case is filled in."""
    status = Case.objects.filter(pk=case_id).values_list("status", flat=True).first()
    return to("edit" if status == CaseStatus.RETURNED else "case", case_id)


def said(request: HttpRequest, found: object, done: str) -> None:
    """That it is done; or, of a case that the system refused when it was sent, why."""
    if isinstance(found, Case) and found.status == CaseStatus.REFUSED:
        messages.warning(request, found.end_reason)
    else:
        messages.success(request, done)


def run(
    request: HttpRequest,
    case_id: uuid.UUID,
    deed: Callable[[], object],
    done: str,
    *,
    onward: bool = False,
    deciding: bool = False,
) -> HttpResponse:
    """Run a command and say what came of it, on the case's page; `onward`: then on to the next case that waits.

    `deciding`: the case may have been stopped because the record had changed, which is said instead.
    """
    try:
        found = deed()
    except Blocked as error:
        messages.error(request, f"{error.message}: {'；'.join(c.sentence for c in error.checks[:5])}")
        return back_to_form(case_id)
    except CaseError as error:
        messages.error(request, error.message)
    else:
        if deciding and isinstance(found, Case) and found.status == CaseStatus.CANCELLED:
            messages.warning(request, _("业务已终止: %s") % found.end_reason)
        elif deciding:
            messages.success(request, done)
        else:
            said(request, found, done)
        if onward:
            following = queries.next_todo(actor_of(request), but=case_id)
            return to("case", following) if following else to("list")
    return to("case", case_id)


def pdf(data: bytes, name: str) -> HttpResponse:
    """Paper as a file."""
    return attachment(data, name, PDF)


def xlsx(data: bytes, name: str) -> HttpResponse:
    """A workbook as a file."""
    return attachment(data, name, XLSX)
