"""Pages of placement: who waits for a class, placing by hand, serial numbers, record and person apart, entry review."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.http import actor_of, see_other, whole
from xueji.ground.orgs import queries as orgs
from xueji.ground.orgs.grades import start_year_of
from xueji.ground.policy.sizes import cap_of

from . import limits
from .commands import placing
from .commands import reviews as reviewing
from .errors import PlacementError
from .models import Metric, ReviewResult, SeatOrder
from .queries import asks, roster, runs
from .queries import reviews as review_queries
from .reading import day, keys, number_of_page, pager


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Grades with pupils who wait for a class, the classes with their sizes, the placements of before."""
    actor = actor_of(request)
    actor.require("placement.view")
    school, on = roster.school_of(actor), today()
    waiting = roster.waiting(actor, school, on)
    classes = [k for k in orgs.classes_of(school.pk) if not actor.classes or k.id in actor.classes]
    sizes = roster.sizes(school.pk, [k.id for k in classes])
    policy = limits.policy_of(school.pk, on)
    may_write = actor.can("placement.write")
    return render(
        request,
        "placement/index.html",
        {
            "waiting": waiting if may_write else [],
            "classes": [
                {
                    "row": k,
                    "n": sum(sizes[k.id].values()),
                    "boys": sizes[k.id].get("1", 0),
                    "girls": sizes[k.id].get("2", 0),
                    "room": cap_of(policy, k.stage).room(k.capacity),
                    "size": orgs.size_label(sum(sizes[k.id].values())),
                }
                for k in classes
            ],
            "caps": [
                {"stage": stage, "cap": cap}
                for stage in school.stages
                if (cap := cap_of(policy, stage)).number is not None
            ],
            "runs": [
                {"run": r, "label": roster.grade_label(school, r.stage, r.cohort_year, on)}
                for r in (runs.listing(actor) if may_write or actor.can("placement.decide") else [])
            ],
            "may_write": may_write,
            "todo": asks.todo(actor),
        },
    )


@require_http_methods(["GET", "POST"])
def hand(request: HttpRequest) -> HttpResponse:
    """Pupils of a grade who wait for a class: tick many, choose a class."""
    actor = actor_of(request)
    actor.require("placement.write")
    school, on = roster.school_of(actor), today()
    text = request.GET.get("grade") or request.POST.get("grade", "")
    if not text:
        return see_other(reverse("placement:index"))
    stage, cohort = roster.parse_grade(text)
    here = f"{reverse('placement:hand')}?{urlencode({'grade': text})}"
    if request.method == "POST":
        try:
            n = placing.place(
                actor,
                keys(request.POST.getlist("person")),
                whole(request.POST.get("class")) or 0,
                on=day(request.POST.get("on")),
                reason=request.POST.get("reason", ""),
            )
        except PlacementError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, _("已编入 %(n)s 名学生") % {"n": n})
        return see_other(here)
    page = number_of_page(request)
    waiting = roster.unplaced(school.pk, stage, cohort)
    start = roster.PAGE * page
    classes = roster.classes_of_grade(school, stage, cohort, on)
    totals = roster.totals(school.pk, [k.id for k in classes])
    return render(
        request,
        "placement/hand.html",
        {
            "grade": text,
            "label": roster.grade_label(school, stage, cohort, on),
            "total": len(waiting),
            "classes": [{"row": k, "n": totals[k.id]} for k in classes],
            "today": on,
            "metrics": Metric.choices,
            "orders": SeatOrder.choices,
            **pager(
                waiting[start : start + roster.PAGE + 1], page, roster.PAGE, urlencode({"grade": text}) + "&"
            ),
        },
    )


@require_http_methods(["GET", "POST"])
def seats(request: HttpRequest, class_id: int) -> HttpResponse:
    """The serial numbers of a class, and numbering it anew."""
    actor = actor_of(request)
    actor.require("placement.write")
    klass = orgs.class_row(actor, class_id)
    if klass.school_id != actor.org_id:
        raise Http404
    here = reverse("placement:seats", args=[class_id])
    if request.method == "POST":
        try:
            n = placing.number(
                actor, class_id, request.POST.get("order", ""), seed=request.POST.get("seed", "")[:64]
            )
        except PlacementError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, _("已重新编号: 1 至 %(n)s 号") % {"n": n})
        return see_other(here)
    children = roster.of_class(klass.school_id, class_id)
    used = [c.seat for c in children if c.seat is not None]
    return render(
        request,
        "placement/seats.html",
        {
            "klass": klass,
            "rows": children,
            "left": roster.left(klass.school_id, class_id),
            "serial": roster.serial(class_id),
            "orders": [(o.value, o.label) for o in (SeatOrder.PINYIN, SeatOrder.SEX, SeatOrder.RANDOM)],
            "double": sorted({s for s in used if used.count(s) > 1}),
            "lacking": len(children) - len(used),
        },
    )


@require_GET
def apart(request: HttpRequest) -> HttpResponse:
    """Children whose record and person may not be at one place (C-NUM-14)."""
    actor = actor_of(request)
    actor.require("placement.write")
    school = roster.school_of(actor)
    page = number_of_page(request)
    classes = roster.all_classes(school, today())
    words = {
        "guest": _("在本校借读, 学籍在外校"),
        "elsewhere": _("学籍在本校, 在外校借读"),
        "mismatch": _("核对人数时人籍不一致"),
        "absent": _("学籍在本校, 本学年开学未到校"),
    }
    found = pager(roster.apart(actor, page=page), page, roster.PAGE)
    return render(
        request,
        "placement/apart.html",
        found
        | {
            "rows": [
                {
                    "row": r,
                    "why": words[r.why],
                    "place": roster.label_of(classes, r.class_id),
                }
                for r in found["rows"]
            ]
        },
    )


@require_http_methods(["GET", "POST"])
def reviews(request: HttpRequest) -> HttpResponse:
    """The review after entry: many who passed at once, one by one who did not (C-ENR-10)."""
    actor = actor_of(request)
    actor.require("placement.view")
    school, year = roster.school_of(actor), start_year_of(today())
    tab = request.GET.get("tab", "waiting")
    if tab not in ("waiting", *ReviewResult.values):
        tab = "waiting"
    if request.method == "POST":
        try:
            n = reviewing.review(
                actor,
                keys(request.POST.getlist("person")),
                result=request.POST.get("result", ""),
                parts=request.POST.getlist("part"),
                reason=request.POST.get("reason", ""),
            )
        except PlacementError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, _("已登记 %(n)s 名学生的复查结果") % {"n": n})
        return see_other(reverse("placement:reviews"))
    page = number_of_page(request)
    counts: dict[str, Any] = review_queries.counts(school.pk, year)
    labels = {"waiting": _("待复查"), **{k: str(v) for k, v in ReviewResult.choices}}
    classes = roster.all_classes(school, today())
    found = pager(
        review_queries.entrants(school.pk, year, result=tab, page=page), page, roster.PAGE, f"tab={tab}&"
    )
    return render(
        request,
        "placement/reviews.html",
        found
        | {
            "rows": [{"row": r, "place": roster.label_of(classes, r.class_id)} for r in found["rows"]],
            "tab": tab,
            "views": [
                {"label": labels[t], "url": f"?tab={t}", "active": t == tab, "count": counts[t]}
                for t in labels
            ],
            "results": ReviewResult.choices,
            "parts": reviewing.PARTS,
            "may_write": actor.can("placement.write"),
            "year": year,
        },
    )


@require_POST
def review_case(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Begin the business that follows from a review that was not passed, filled in with what it found."""
    try:
        case = reviewing.begin_case(actor_of(request), person_id)
    except PlacementError as error:
        messages.error(request, error.message)
        return see_other(reverse("placement:reviews"))
    return see_other(reverse("changes:case", args=[case.case_id]))
