"""What the views of this room share: running a command and saying what came of it, times of forms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from xueji.ground.accounts.http import attachment

from .errors import SubmissionError

MIME = {
    "pdf": "application/pdf",
    "zip": "application/zip",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def run(request: HttpRequest, deed: Callable[[], Any], done: Callable[[Any], str]) -> Any:
    """Run a command and say what came of it; None when it was refused."""
    try:
        found = deed()
    except SubmissionError as error:
        messages.error(request, error.message)
        return None
    messages.success(request, done(found))
    return found if found is not None else True


def moment(raw: str | None) -> datetime | None:
    """A moment of a form (2026-11-22T08:30), in Asia/Shanghai; None when it is none."""
    try:
        return timezone.make_aware(datetime.fromisoformat(raw or ""), timezone.get_current_timezone())
    except ValueError:
        return None


def signature(request: HttpRequest) -> dict[str, str]:
    """What the form carries to know the signer by."""
    return {
        "password": request.POST.get("password", ""),
        "code": request.POST.get("code", "")[:20],
        "session_key": request.session.session_key or "",
    }


def download(data: bytes, name: str, form: str) -> HttpResponse:
    """A file for the reader to keep."""
    return attachment(data, f"{name}.{form}", MIME[form])
