"""Every paper that is made here leaves signed, and is signed after the request's transaction has ended."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.utils.translation import gettext as _

from . import signature

log = logging.getLogger(__name__)
PDF = "application/pdf"
#: Set on an answer that hands out a file as somebody uploaded it: not ours to sign.
AS_IT_CAME = "_xueji_as_it_came"


class SignPapersMiddleware:
    """Signs the PDF of an answer. Stands outside of `ActorMiddleware`, so that no transaction waits for a signature."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer, a paper in it signed. One that cannot be signed does not leave (500, the reason in the log)."""
        response = self.get_response(request)
        if (
            response.status_code != 200
            or request.method == "HEAD"
            or response.streaming
            or not response.get("Content-Type", "").startswith(PDF)
            or getattr(response, AS_IT_CAME, False)
        ):
            return response
        try:
            response.content = signature.sign_pdf(response.content)
        except signature.SigningError as error:
            log.error("paper not signed: %s", error)
            return HttpResponseServerError(
                _("文件暂时无法签名，没有发出。请联系系统管理员。"), content_type="text/plain; charset=utf-8"
            )
        response["Content-Length"] = str(len(response.content))
        return response
