"""The pages that belong to no single room: home, help, rules, health."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from xueji.ground.accounts.actor import Actor

from . import nav


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """For load balancers: the process answers. Asks neither the session nor the database."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The first page of a role; parents and students go to their phone pages."""
    actor = _actor(request)
    if actor.is_portal and nav.exists("/my/"):
        return redirect("/my/")
    return render(request, "home/home.html", {"page_title": _("工作台")})


@require_GET
def help_page(request: HttpRequest) -> HttpResponse:
    """A short guide, the keys, the words that are kept apart."""
    return render(request, "home/help.html", {"page_title": _("帮助")})


@require_GET
def rules(request: HttpRequest) -> HttpResponse:
    """The rules in force at the actor's place."""
    _actor(request).require("policy.view")
    return render(request, "home/rules.html", {"page_title": _("规则")})
