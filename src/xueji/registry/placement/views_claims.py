"""Pages of claims by class teachers, and of the numbers of the school."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.http import actor_of, see_other, whole
from xueji.ground.audit.commands import record
from xueji.ground.orgs import queries as orgs

from . import limits
from .commands import claims as deeds
from .commands import numbers as numbering
from .errors import PlacementError
from .models import AskKind, AskState
from .queries import asks, numbers, roster
from .reading import keys


@require_http_methods(["GET", "POST"])
def claims(request: HttpRequest) -> HttpResponse:
    """A class teacher ticks pupils who wait; the office approves or refuses."""
    actor = actor_of(request)
    actor.require("placement.view")
    school = roster.school_of(actor)
    teaches = actor.can("placement.receive")
    if request.method == "POST":
        post = request.POST
        try:
            if teaches:
                n = deeds.claim(actor, whole(post.get("class")) or 0, keys(post.getlist("person")))
                messages.success(request, _("已认领 %(n)s 名学生, 等教务处审批") % {"n": n})
            else:
                agree = post.get("do") == "agree"
                n = deeds.settle(actor, keys(post.getlist("ask")), agree=agree, words=post.get("words", ""))
                said = _("已同意 %(n)s 名学生的认领, 已编入班级") if agree else _("已退回 %(n)s 名学生的认领")
                messages.success(request, said % {"n": n})
        except PlacementError as error:
            messages.error(request, error.message)
        return see_other(reverse("placement:claims"))
    open_ = limits.allowed(limits.policy_of(school.pk, today()), "placement.claim")
    classes = roster.all_classes(school, today())
    own: list[dict[str, Any]] = [
        {
            "row": classes[i],
            "free": asks.claimable(actor, classes[i].stage, classes[i].cohort_year)[: roster.PAGE],
        }
        for i in (actor.classes if teaches and open_ else ())
        if i in classes
    ]
    shown = [c.person_id for k in own for c in k["free"]]
    if shown:  # pupils whose records the teacher may not open yet: the page has no links from which the net would read
        record(
            actor,
            "placement.claimable",
            object_type="org",
            object_id=school.pk,
            row_count=len(shown),
            persons=shown,
        )
    return render(
        request,
        "placement/claims.html",
        {
            "open": open_,
            "own": own,
            "rows": [
                {"row": r, "place": roster.label_of(classes, r.class_id)}
                for r in asks.listing(actor, kind=AskKind.CLAIM, open_only=True)[: roster.PAGE]
                if r.state == AskState.ASKED
            ],
            "may_write": actor.can("placement.write"),
        },
    )


@require_http_methods(["GET", "POST"])
def school_numbers(request: HttpRequest, class_id: int) -> HttpResponse:
    """The numbers of a class at the school: tick for whom one is to be made."""
    actor = actor_of(request)
    actor.require("term.register")
    klass = orgs.class_row(actor, class_id)
    if klass.school_id != actor.org_id:
        raise Http404
    if request.method == "POST":
        try:
            n = numbering.give(actor, class_id, keys(request.POST.getlist("person")))
            messages.success(request, _("已生成 %(n)s 个学号") % {"n": n})
        except PlacementError as error:
            messages.error(request, error.message)
        return see_other(reverse("placement:numbers", args=[class_id]))
    rows = numbers.of_class(actor, class_id)
    return render(
        request,
        "placement/numbers.html",
        {
            "klass": klass,
            "rows": rows,
            "lacking": sum(not r.number for r in rows),
            "cancelled": numbers.cancelled(actor, klass.cohort_year),
            "open": limits.allowed(limits.policy_of(klass.school_id, today()), "number.school"),
        },
    )
