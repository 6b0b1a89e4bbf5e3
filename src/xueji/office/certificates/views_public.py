"""The public check of a certificate: a code in, what the paper should say out. No sign-in, no search by name."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from xueji.ground.accounts.http import client_address

from . import queries


@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """The form for the sixteen characters; a code sent by it is answered on the same page, in no address."""
    if request.method == "POST":
        return _answer(request, request.POST.get("code", ""))
    return _page(request, None)


@require_safe
def verify_code(request: HttpRequest, code: str) -> HttpResponse:
    """What the QR code opens."""
    return _answer(request, code)


def _answer(request: HttpRequest, code: str) -> HttpResponse:
    return _page(request, queries.verify(code, client_address(request)))


def _page(request: HttpRequest, answer: queries.Answer | None) -> HttpResponse:
    response = render(
        request,
        "certificates/verify.html",
        {"answer": answer, "minutes": queries.MINUTES, "limit": queries.LIMIT},
        status=429 if answer is not None and answer.state == "limited" else 200,
    )
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
    return response
