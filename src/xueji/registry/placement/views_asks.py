"""Pages of swaps, mid-term entries and changes of class."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.http import actor_of, see_other, whole

from .commands import asks as deeds
from .errors import PlacementError
from .models import AskKind, AskState
from .queries import asks, roster
from .reading import day, keys, number_of_page, pager


@require_GET
def changes(request: HttpRequest) -> HttpResponse:
    """Who changed class in the last year, and who is going to."""
    actor = actor_of(request)
    actor.require("placement.view")
    school = roster.school_of(actor)
    classes = roster.all_classes(school, today())
    class_id = whole(request.GET.get("class"))
    business = request.GET.get("kind", "")
    page = number_of_page(request)
    query = f"class={class_id or ''}&kind={business[:20]}&"
    found = pager(
        asks.changes(actor, today(), business=business, class_id=class_id, page=page),
        page,
        roster.PAGE,
        query,
    )
    return render(
        request,
        "placement/changes.html",
        found
        | {
            "rows": [
                {
                    "row": r,
                    "before": roster.label_of(classes, r.before),
                    "after": roster.label_of(classes, r.after),
                }
                for r in found["rows"]
            ],
            "swaps": asks.listing(actor, kind=AskKind.SWAP, open_only=True)[: roster.PAGE],
            "classes": [k for k in classes.values() if not actor.classes or k.id in actor.classes],
            "class_id": class_id,
            "kind": business,
            "may_write": actor.can("placement.write"),
            "may_start": actor.can("case.start"),
        },
    )


@require_http_methods(["GET", "POST"])
def swap(request: HttpRequest) -> HttpResponse:
    """Two pupils change places: find both by name, say why and from when."""
    actor = actor_of(request)
    actor.require("placement.write")
    school = roster.school_of(actor)
    error = ""
    if request.method == "POST":
        two = keys([request.POST.get("one", ""), request.POST.get("other", "")])
        try:
            if len(two) != 2:
                raise PlacementError(_("请选择对调的两名学生"))
            done = deeds.ask_swap(
                actor,
                two[0],
                two[1],
                reason=request.POST.get("reason", ""),
                effective_on=day(request.POST.get("on")),
            )
        except PlacementError as refused:
            error = refused.message
        else:
            said = _("已对调") if done.state == AskState.DONE else _("已提交, 等校长审批")
            messages.success(request, said)
            return see_other(reverse("placement:changes"))
    classes = roster.all_classes(school, today())
    names = [request.GET.get(k, "").strip()[:40] for k in ("a", "b")]
    return render(
        request,
        "placement/swap.html",
        {
            "a": names[0],
            "b": names[1],
            "found": [
                [
                    {"row": c, "place": roster.label_of(classes, c.class_id)}
                    for c in roster.named(school.pk, name)
                ]
                for name in names
            ],
            "today": today(),
            "error": error,
        },
        status=422 if error else 200,
    )


@require_http_methods(["GET", "POST"])
def entries(request: HttpRequest) -> HttpResponse:
    """Mid-term entries: who waits, what was asked, and asking."""
    actor = actor_of(request)
    actor.require("placement.view")
    if request.method == "POST":
        person = keys([request.POST.get("person", "")])
        try:
            if not person:
                raise PlacementError(_("请选择学生"))
            deeds.ask_entry(
                actor,
                person[0],
                reason=request.POST.get("reason", ""),
                assessed_on=day(request.POST.get("assessed_on")),
                assessment=request.POST.get("assessment", ""),
            )
        except PlacementError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, _("已提交, 等校长审批"))
        return see_other(reverse("placement:entries"))
    school = roster.school_of(actor)
    page = number_of_page(request)
    open_only = request.GET.get("tab") != "all"
    found = pager(
        asks.listing(actor, kind=AskKind.ENTRY, open_only=open_only, page=page),
        page,
        roster.PAGE,
        "" if open_only else "tab=all&",
    )
    classes = roster.all_classes(school, today())
    may_write = actor.can("placement.write")
    return render(
        request,
        "placement/entries.html",
        found
        | {
            "rows": [{"row": r, "place": roster.label_of(classes, r.class_id)} for r in found["rows"]],
            "waiting": [
                {"row": c, "label": roster.grade_of(school, c, today())}
                for c in asks.entrants(actor, today())
            ][: roster.PAGE]
            if may_write
            else [],
            "views": [
                {"label": _("办理中"), "url": "?", "active": open_only},
                {"label": _("全部"), "url": "?tab=all", "active": not open_only},
            ],
            "may_write": may_write,
        },
    )


@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest, ask_id: uuid.UUID) -> HttpResponse:
    """One question: the head decides, the office places, the class teacher receives."""
    actor = actor_of(request)
    actor.require("placement.view")
    found = asks.ask(actor, ask_id)
    if request.method == "POST":
        post = request.POST
        try:
            match post.get("do"):
                case "agree" | "refuse":
                    deeds.decide(actor, ask_id, agree=post["do"] == "agree", words=post.get("words", ""))
                    messages.success(request, _("已登记审批意见"))
                case "assign":
                    deeds.assign(actor, ask_id, whole(post.get("class")) or 0, reason=post.get("reason", ""))
                    messages.success(request, _("已编入班级, 等班主任接收"))
                case "receive":
                    deeds.receive(actor, ask_id)
                    messages.success(request, _("已接收"))
                case "withdraw":
                    deeds.withdraw(actor, ask_id)
                    messages.success(request, _("已撤回"))
                case _other:
                    messages.error(request, _("没有这一步, 请刷新后重试"))
        except PlacementError as error:
            messages.error(request, error.message)
        return see_other(reverse("placement:ask", args=[ask_id]))
    school = roster.school_of(actor)
    classes = roster.all_classes(school, today())
    child = roster.of_persons(school.pk, [found.person_id]).get(found.person_id)
    mates = [k for k in classes.values() if child and k.cohort_year == child.cohort_year and k.grade]
    totals = roster.totals(school.pk, [k.id for k in mates])
    return render(
        request,
        "placement/ask.html",
        {
            "ask": found,
            "before": roster.label_of(classes, found.from_class),
            "after": roster.label_of(classes, found.class_id),
            "classes": [{"row": k, "n": totals[k.id]} for k in mates],
            "may_decide": actor.can("placement.decide") and found.state == AskState.ASKED,
            "may_assign": actor.can("placement.write") and found.state == AskState.APPROVED,
            "may_receive": actor.can("placement.receive")
            and found.state == AskState.PLACED
            and found.class_id in actor.classes,
            "may_withdraw": actor.can("placement.write") and found.state == AskState.ASKED,
            "swap": found.kind == AskKind.SWAP,
            "back": "placement:changes" if found.kind == AskKind.SWAP else "placement:entries",
        },
    )
