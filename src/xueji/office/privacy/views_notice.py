"""The privacy notice on a page: what is in force, the draft beside its preview, sent, published by a second person."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from xueji.ground.accounts.http import carry_out, day_of, whole
from xueji.ground.notice import drafts, queries
from xueji.ground.notice.drafts import NoticeError
from xueji.ground.notice.models import DraftState, NoticeDraft

from .pages import actor_of

_TONES = {"draft": "grey", "sent": "blue", "published": "green", "dropped": "grey"}


@require_safe
def notice(request: HttpRequest) -> HttpResponse:
    """What is in force and, for the unit that writes it, the draft with what may be done about it."""
    actor = actor_of(request, "privacy.view")
    row = drafts.opened(actor)
    titles = drafts.consents()
    context = {
        "present": queries.current(),
        "keeps": drafts.keeps(actor),
        "readers": drafts.readers() if drafts.keeps(actor) else 0,
        "row": row,
        "tone": _TONES[row.state] if row is not None else "",
        "lacks": drafts.missing(row.title, row.body) if row is not None else [],
        "renews": [titles[c] for c in row.renews if c in titles] if row is not None else [],
        "may_write": actor.can(drafts.WRITE),
        "may_publish": _may_publish(actor, row),
        "wrote": row is not None and actor.user_id in row.writers,
        "former": [
            {"d": d, "tone": _TONES[d.state], "renews": [titles.get(c, c) for c in d.renews]}
            for d in drafts.history(actor)
        ],
    }
    return render(request, "privacy/notice.html", context)


def _may_publish(actor: Any, row: NoticeDraft | None) -> bool:
    return (
        row is not None
        and row.state == DraftState.SENT
        and actor.can(drafts.PUBLISH)
        and actor.user_id not in row.writers
    )


@require_http_methods(["GET", "POST"])
def draft(request: HttpRequest) -> HttpResponse:
    """Write on the draft; without one the version in force is where it begins. What was typed stays on an error."""
    actor = actor_of(request, drafts.WRITE)
    if not drafts.keeps(actor):
        raise PermissionDenied(_("隐私政策对全系统有效, 由最上级单位编写和公布"))
    error = ""
    if request.method == "POST":
        typed = _typed(request)
        try:
            drafts.save(
                actor,
                title=typed["title"],
                text=typed["text"],
                since=day_of(typed["since"]),
                renews=typed["renews"],
                why=typed["why"],
                turn=whole(typed["turn"]) or 0,
            )
        except NoticeError as problem:
            error = problem.message
        else:
            return carry_out(
                request,
                lambda: None,
                _("草稿已保存, 请看预览"),
                reverse("privacy:notice"),
                refused=NoticeError,
            )
    else:
        typed = _begin(drafts.opened(actor))
    context = {
        "typed": typed,
        "error": error,
        "points": drafts.points(),
        "consents": drafts.consents().items(),
        "today": timezone.localdate(),
        "longest": drafts.LONGEST,
    }
    return render(request, "privacy/notice_draft.html", context, status=422 if error else 200)


def _typed(request: HttpRequest) -> dict[str, Any]:
    found: dict[str, Any] = {k: request.POST.get(k, "") for k in ("title", "text", "since", "why", "turn")}
    return found | {"renews": request.POST.getlist("renews")[:20]}


def _begin(row: NoticeDraft | None) -> dict[str, Any]:
    if row is not None:
        return {
            "title": row.title,
            "text": drafts.typed(row.body),
            "since": row.since.isoformat(),
            "why": row.why,
            "turn": row.turn,
            "renews": row.renews,
        }
    present = queries.current()
    return {
        "title": present.title if present else "",
        "text": drafts.typed(present.body) if present else "",
        "since": "",
        "why": "",
        "turn": 0,
        "renews": [],
    }


@require_POST
def deed(request: HttpRequest, what: str) -> HttpResponse:
    """Send, publish, give back or drop the draft that was read."""
    turn = whole(request.POST.get("turn")) or 0
    actor = actor_of(request, drafts.PUBLISH if what in ("publish", "refuse") else drafts.WRITE)
    deeds = {
        "send": (lambda: drafts.send(actor, turn), _("已送审, 等另一位负责人公布")),
        "publish": (lambda: drafts.publish(actor, turn), _("已公布, 家长和学生下次登录时会看到")),
        "refuse": (lambda: drafts.refuse(actor, turn, request.POST.get("opinion", "")), _("已退回")),
        "drop": (lambda: drafts.drop(actor, turn), _("草稿已作废")),
    }
    if what not in deeds:
        raise Http404
    act, done = deeds[what]
    return carry_out(request, act, done, reverse("privacy:notice"), refused=NoticeError)
