"""Holds on disposal: set on a class or on one child, confirmed, asked to be lifted, lifted by a second person."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from xueji.ground.accounts.http import carry_out
from xueji.ground.audit.commands import record
from xueji.registry.enrolment import queries as enrolment

from . import retention
from .commands import holds
from .errors import PrivacyError
from .pages import actor_of

FOUND = 20


def _done(request: HttpRequest, deed: Any, words: str) -> HttpResponse:
    return carry_out(request, deed, words, reverse("privacy:retention"), refused=PrivacyError)


@require_POST
def hold(request: HttpRequest) -> HttpResponse:
    """Stop the disposal of a class, or of what is kept about one child."""
    actor = actor_of(request, "privacy.act")
    kind, reason, who = (request.POST.get(k, "") for k in ("kind", "reason", "person"))
    try:
        person = uuid.UUID(who) if who else None
    except ValueError as error:
        raise Http404 from error
    return _done(
        request,
        lambda: holds.hold(actor, kind=kind, reason=reason, person_id=person),
        _("已暂停销毁, 等另一位负责人确认"),
    )


@never_cache
@require_safe
def child(request: HttpRequest) -> HttpResponse:
    """Look for the child in the own scope; each hit can be held."""
    actor = actor_of(request, "privacy.act")
    actor.require("student.list")
    text = request.GET.get("q", "").strip()[:40]
    rows = enrolment.search(actor, text, limit=FOUND).rows if text else []
    if text:
        record(
            actor,
            "enrolment.search",
            object_type="search",
            purpose=_("暂停销毁"),
            row_count=len(rows),
            persons=[r.person_id for r in rows],
        )
    context = {"text": text, "rows": rows, "disposable": retention.kinds_for(actor), "most": FOUND}
    return render(request, "privacy/hold_child.html", context)


@require_POST
def confirm(request: HttpRequest, hold_id: int) -> HttpResponse:
    """A second person's word about a hold that was set."""
    actor = actor_of(request, "privacy.approve")
    agreed, words = request.POST.get("decision") == "agree", request.POST.get("words", "")
    return _done(
        request,
        lambda: holds.decide(actor, hold_id, agreed=agreed, words=words),
        _("已确认暂停") if agreed else _("不予暂停, 已恢复按期销毁"),
    )


@require_POST
def ask(request: HttpRequest, hold_id: int) -> HttpResponse:
    """Ask for the end of a hold."""
    actor = actor_of(request, "privacy.act")
    reason = request.POST.get("reason", "")
    return _done(
        request,
        lambda: holds.ask_lift(actor, hold_id, reason=reason),
        _("已提出解除, 等另一位负责人同意; 同意以前仍然暂停"),
    )


@require_POST
def lift(request: HttpRequest, hold_id: int) -> HttpResponse:
    """A second person's word about the end of a hold."""
    actor = actor_of(request, "privacy.approve")
    agreed, words = request.POST.get("decision") == "agree", request.POST.get("words", "")
    return _done(
        request,
        lambda: holds.decide_lift(actor, hold_id, agreed=agreed, words=words),
        _("已恢复按期销毁") if agreed else _("不解除, 继续暂停"),
    )
