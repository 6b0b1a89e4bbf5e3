"""The pages of merges: the list, the preview with its choices, one merge with its decisions."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.http import actor_of, carry_out, see_other, whole
from xueji.ground.accounts.roles import HEADS
from xueji.ground.audit.commands import note
from xueji.registry.enrolment.page import states

from . import commands, queries
from .errors import DuplicatesError
from .models import Merge, MergeState

_TABS = ("", "proposed", "undoing", "done", "undone")


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Merges in which the actor's unit takes part."""
    actor = actor_of(request)
    actor.require("duplicate.check")
    state = request.GET.get("tab", "")
    state = state if state in _TABS else ""
    rows, following = queries.merges(actor, state=state, after=request.GET.get("after", "")[:30])
    return render(
        request,
        "duplicates/merges.html",
        {
            "rows": rows,
            "views": [
                {
                    "label": str(MergeState(t).label) if t else _("全部"),
                    "url": f"?tab={t}",
                    "active": t == state,
                }
                for t in _TABS
            ],
            "columns": [
                {"label": label}
                for label in (_("编号"), _("保留的档案"), _("并入的档案"), _("提出"), _("决定"), _("状态"))
            ],
            "next_url": f"?tab={state}&after={following}" if following else "",
        },
    )


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, kept: uuid.UUID, merged: uuid.UUID) -> HttpResponse:
    """Both records beside each other; whoever may merge says whose facts hold, and why they are one child's."""
    actor = actor_of(request)
    actor.require("person.merge")
    if request.method == "POST":
        take = {f: request.POST.get(f"take_{f}", "") for f in commands.FACTS}
        try:
            merge = commands.propose(actor, kept, merged, take, basis=request.POST.get("basis", "")[:300])
        except DuplicatesError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, _("已提出合并, 由另一位负责人决定"))
            return see_other(reverse("duplicates:merge", args=[merge.pk]))
    try:
        preview = queries.preview(actor, kept, merged)
    except DuplicatesError as error:
        messages.error(request, error.message)
        return see_other(reverse("duplicates:merges"))
    for person in (kept, merged):
        note(actor, "people.view", object_type="person", object_id=person, person_id=person)
    return render(
        request,
        "duplicates/merge_new.html",
        {
            "preview": preview,
            "kept": kept,
            "merged": merged,
            "swap": reverse("duplicates:merge_new", args=[merged, kept]),
            "chains": [
                (preview.told[side]["school"], states(preview.chains[side])) for side in ("kept", "merged")
            ],
            "basis": request.POST.get("basis", ""),
        },
    )


@require_GET
def merge(request: HttpRequest, merge_id: uuid.UUID) -> HttpResponse:
    """One merge: what was proposed, by whom, what was decided, and the undoing."""
    actor = actor_of(request)
    actor.require("duplicate.check")
    m = queries.merge(merge_id)
    ours = m.org_id == actor.org_id and actor.can("person.merge")
    head = ours and actor.role in HEADS
    return render(
        request,
        "duplicates/merge.html",
        {
            "merge": m,
            "facts": _facts(m),
            "taken": [
                f"{queries.FACT_WORDS[f]}: {_('取并入的档案') if w == 'merged' else _('取保留的档案')}"
                for f, w in m.take.items()
            ],
            "events": _events(m),
            "may": {
                "decide": head and m.state == MergeState.PROPOSED and m.proposed_by != actor.user_id,
                "wait": ours and m.state == MergeState.PROPOSED and m.proposed_by == actor.user_id,
                "undo": ours and m.state == MergeState.DONE,
                "decide_undo": head and m.state == MergeState.UNDOING and m.undo_by != actor.user_id,
                "student": ours,
            },
        },
    )


def _facts(m: Merge) -> list[dict[str, Any]]:
    def words(side: str) -> str:
        told = m.sides.get(side, {})
        return f"{told.get('name', '')} ({told.get('school', '')})"

    return [
        {"label": _("状态"), "value": m.get_state_display()},
        {"label": _("保留的档案"), "value": words("kept")},
        {"label": _("并入的档案"), "value": words("merged")},
        {"label": _("依据"), "value": m.basis},
    ]


def _events(m: Merge) -> list[dict[str, Any]]:
    rows = [
        (m.proposed_at, _("提出合并"), m.basis, m.proposed_name),
        (m.decided_at, _("未同意合并") if m.state == MergeState.REFUSED else _("同意合并, 已生效"), m.opinion,
         m.decided_name),
        (m.undo_at, _("提出撤销合并"), m.undo_reason, m.undo_name),
        (m.undone_at, _("同意撤销, 两份档案恢复原状"), m.undone_opinion, m.undone_name),
    ]  # fmt: skip
    return [
        {
            "at": f"{timezone.localtime(at):%Y-%m-%d %H:%M}",
            "title": title,
            "text": text,
            "actor": who,
            "icon": "timeline-event",
        }
        for at, title, text, who in rows
        if at is not None
    ]


@require_POST
def decide(request: HttpRequest, merge_id: uuid.UUID) -> HttpResponse:
    """The second person decides."""
    actor = actor_of(request)
    approve = request.POST.get("decision") == "pass"
    return _run(
        request,
        merge_id,
        lambda: commands.decide(
            actor,
            merge_id,
            approve=approve,
            opinion=request.POST.get("opinion", "")[:300],
            version=whole(request.POST.get("version")),
        ),
        _("已合并, 原有号码都能查到保留的档案") if approve else _("已退回"),
    )


@require_POST
def withdraw(request: HttpRequest, merge_id: uuid.UUID) -> HttpResponse:
    """Whoever proposed takes it back."""
    actor = actor_of(request)
    return _run(request, merge_id, lambda: commands.withdraw(actor, merge_id), _("已撤回"))


@require_POST
def undo(request: HttpRequest, merge_id: uuid.UUID) -> HttpResponse:
    """One person says that the merge was wrong."""
    actor = actor_of(request)
    return _run(
        request,
        merge_id,
        lambda: commands.propose_undo(actor, merge_id, reason=request.POST.get("reason", "")[:300]),
        _("已提出撤销, 由另一位负责人决定"),
    )


@require_POST
def decide_undo(request: HttpRequest, merge_id: uuid.UUID) -> HttpResponse:
    """The second person decides about the undoing."""
    actor = actor_of(request)
    approve = request.POST.get("decision") == "pass"
    return _run(
        request,
        merge_id,
        lambda: commands.decide_undo(
            actor, merge_id, approve=approve, opinion=request.POST.get("opinion", "")[:300]
        ),
        _("已撤销合并, 两份档案恢复原状") if approve else _("合并保持不变"),
    )


def _run(request: HttpRequest, merge_id: uuid.UUID, deed: Callable[[], Any], done: str) -> HttpResponse:
    url = reverse("duplicates:merge", args=[merge_id])
    return carry_out(request, deed, done, url, refused=DuplicatesError)
