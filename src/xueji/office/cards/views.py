"""Pages of single cards: the list, one card and what can be done with it, the family's page."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.http import PDF, actor_of, attachment, day_of, see_other
from xueji.ground.paper.fonts import MissingGlyphs

from . import commands, papers, queries
from .errors import CardError
from .models import CardBatch, CardState, Kind, StudentCard

TONES = {"made": "amber", "valid": "green", "lost": "red", "void": "grey"}
ICONS = {"made": "clock", "valid": "check", "lost": "alert-triangle", "void": "ban"}


def face(card: StudentCard) -> dict[str, str]:
    """How a card's state is drawn."""
    return {"label": str(CardState(card.state).label), "tone": TONES[card.state], "icon": ICONS[card.state]}


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """Cards by number, narrowed by kind, state, name; those still in force of pupils who have left."""
    actor = actor_of(request)
    actor.require("card.view")
    kind, state = request.GET.get("kind", ""), request.GET.get("state", "")
    gone = request.GET.get("gone") == "1"
    asked = {
        "kind": kind if kind in Kind.values else "",
        "state": state if state in CardState.values else "",
        "name": request.GET.get("name", "").strip()[:40],
    }
    page = queries.listed(actor, **asked, gone=gone, after=request.GET.get("after", "")[:30])
    known = {k: v for k, v in {**asked, "gone": "1" if gone else ""}.items() if v}
    return render(
        request,
        "cards/list.html",
        {
            "rows": [(x, face(x.card)) for x in page.rows],
            "asked": asked,
            "gone": gone,
            "kinds": Kind.choices,
            "states": CardState.choices,
            "counts": queries.counts(actor),
            "by_school": actor.org_kind != "school",
            "may_make": actor.can("card.run"),
            "next_url": f"?{urlencode({**known, 'after': page.next})}" if page.next else "",
            "first_url": f"?{urlencode(known)}" if request.GET.get("after") else "",
        },
    )


@require_safe
def card(request: HttpRequest, card_id: uuid.UUID) -> HttpResponse:
    """One card: what it is worth, what happened to it, what can be done."""
    actor = actor_of(request)
    actor.require("card.view")
    one = queries.get(actor, card_id)
    batch = queries.batch(actor, one.batch_id)
    own = actor.can("card.run") and one.school_id == actor.org_id
    return render(
        request,
        "cards/card.html",
        {
            "card": one,
            "face": face(one),
            "facts": _facts(one, batch),
            "events": _events(one, batch),
            "may": {
                "lose": one.state == CardState.VALID and actor.can("card.report"),
                "announce": own and one.state == CardState.LOST,
                "replace": own and one.state == CardState.LOST and one.announced_on is not None,
                "found": own
                and (
                    one.state == CardState.LOST
                    or (one.state == CardState.VOID and one.lost_at and not one.found_on)
                ),
                "void": own and one.state in (CardState.VALID, CardState.LOST),
                "notice": own and one.lost_at is not None,
            },
            "today": today().isoformat(),
        },
    )


def _facts(one: StudentCard, batch: CardBatch) -> list[dict[str, Any]]:
    lines: list[tuple[Any, Any]] = [
        (_("证件编号"), one.number),
        (_("种类"), one.get_kind_display()),
        (_("姓名"), one.name),
        (_("批次"), batch.title),
        (_("卡号"), one.chip),
        (_("发证日期"), one.issued_on.isoformat() if one.issued_on else ""),
        (_("补办工本费"), _("%s元") % one.fee if one.replaces else ""),
    ]
    return [{"label": a, "value": b} for a, b in lines if b]


def _events(one: StudentCard, batch: CardBatch | None = None) -> list[dict[str, Any]]:
    """What happened to a card, in the order of time, from its own columns; of its batch, for staff."""
    out: list[dict[str, Any]] = []
    if batch is not None:
        out.append({"at": batch.made_at, "title": _("制证"), "actor": batch.made_name})
    if batch is not None and batch.sealed_at:
        out.append({"at": batch.sealed_at, "title": _("验印"), "actor": batch.sealed_name})
    elif one.issued_on:
        out.append({"at": one.issued_on, "title": _("发证")})
    if one.lost_at:
        out.append({"at": one.lost_at, "title": _("挂失"), "text": one.lost_why, "actor": one.lost_name})
    if one.announced_on:
        out.append({"at": one.announced_on, "title": _("声明作废"), "text": one.announced_where})
    if one.found_on:
        out.append({"at": one.found_on, "title": _("找回")})
    if one.void_at:
        out.append({"at": one.void_at, "title": _("作废"), "text": one.void_why})
    for event in out:
        at = event["at"]
        event["at"] = (
            timezone.localtime(at).strftime("%Y-%m-%d %H:%M") if hasattr(at, "hour") else at.isoformat()
        )
    # A card may come back after it was replaced. Some have a day only, and within a day the order above holds.
    return sorted(out, key=lambda event: str(event["at"])[:10])


@require_POST
def act(request: HttpRequest, card_id: uuid.UUID, deed: str) -> HttpResponse:
    """挂失, 声明, 补办, 找回, 作废."""
    actor = actor_of(request)
    back = reverse("cards:card", args=[card_id])
    if actor.is_portal:
        back = reverse("cards:family", args=[queries.get(actor, card_id).person_id])
    why = request.POST.get("why", "")
    try:
        match deed:
            case "lose":
                commands.lose(actor, card_id, why)
                words = _("已挂失, 这张证件从现在起不能使用")
            case "announce":
                on = day_of(request.POST.get("on"))
                if on is None:
                    raise CardError(_("请填写声明的日期"))
                commands.announce(actor, card_id, on=on, where=request.POST.get("where", ""))
                words = _("声明已登记, 现在可以补办")
            case "replace":
                batch = commands.replace(actor, card_id, fee=request.POST.get("fee", "0"))
                messages.success(request, _("旧证已作废, 新证已编号。下一步: 送验或启用"))
                return see_other(reverse("cards:batch", args=[batch.pk]))
            case "found":
                words = commands.found(actor, card_id)
            case "void":
                commands.void(actor, card_id, why)
                words = _("已作废")
            case _:
                raise Http404
    except CardError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, words)
    return see_other(back)


def paper(
    request: HttpRequest, key: uuid.UUID, make: Callable[[Any, uuid.UUID], tuple[bytes, str]], page: str
) -> HttpResponse:
    """A PDF of a card or batch; back to its page with the reason where there is none."""
    try:
        data, name = make(actor_of(request), key)
    except (CardError, MissingGlyphs) as error:
        messages.error(request, str(error))
        return see_other(reverse(page, args=[key]))
    return attachment(data, name, PDF)


@require_safe
def notice_pdf(request: HttpRequest, card_id: uuid.UUID) -> HttpResponse:
    """遗失声明 as PDF."""
    return paper(request, card_id, papers.notice_pdf, "cards:card")


@require_safe
def family(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """The cards of the own child, and reporting one lost."""
    actor = actor_of(request)
    actor.require("card.report")
    if not actor.is_portal or person_id not in actor.persons:
        raise Http404
    rows = queries.cards_of(actor, person_id)
    return render(
        request,
        "cards/family.html",
        {
            "rows": [(x, face(x), _events(x)) for x in rows],
            "back_url": reverse("portal:child", args=[person_id]),
        },
    )
