"""The privacy notice: public, and shown once for each version to whoever signs in for a family."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from . import commands, queries


@require_safe
def public(request: HttpRequest) -> HttpResponse:
    """The version in force, for everybody."""
    return _page(request, queries.current())


@require_safe
def version(request: HttpRequest, name: str) -> HttpResponse:
    """A former version. Raises Http404."""
    return _page(request, queries.version(name))


@require_http_methods(["GET", "POST"])
def read(request: HttpRequest) -> HttpResponse:
    """Shown after signing in; the button keeps that it was shown."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    if actor is None:
        return redirect("notice:public")
    if request.method == "POST":
        commands.read(actor)
        messages.success(request, _("已记下您看过这一版, 随时可以在“我的数据”里再看"))
        return redirect("/")
    return _page(request, queries.current(), ask=True)


def _page(request: HttpRequest, notice: Any, *, ask: bool = False) -> HttpResponse:
    actor: Any = request.actor  # type: ignore[attr-defined]
    base = (
        "layout/base_public.html"
        if actor is None
        else "layout/base_phone.html"
        if actor.is_portal
        else "layout/base.html"
    )
    context = {
        "page_title": notice.title if notice else _("隐私政策"),
        "notice": notice,
        "ask": ask,
        "base": base,
        "others": [v for v in queries.versions() if notice is None or v.pk != notice.pk],
        "back_url": "/" if actor is not None and actor.is_portal and not ask else "",
    }
    return render(request, "notice/notice.html", context)
