"""Pages of term registration: the classes, one class (on the phone), one pupil, who is missing."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.http import actor_of, see_other, whole
from xueji.ground.orgs import queries as orgs

from .commands import terms as deeds
from .errors import PlacementError
from .models import MarkState
from .queries import overdue, roster, terms
from .reading import day, number_of_page, pager


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """How the term's registration stands: a school's classes, an authority's schools."""
    actor = actor_of(request)
    actor.require("term.view")
    term = terms.term_of(today())
    context = {"term": term}
    if actor.org_kind != "school":
        schools = terms.by_school(actor, term.year, term.number, path=actor.org_path)
        total = [
            sum(getattr(c, k) for _n, c in schools)
            for k in ("expected", "returned", "excused", "absent", "open")
        ]
        return render(request, "placement/terms_schools.html", context | {"rows": schools, "total": total})
    classes = [k for k in orgs.classes_of(actor.org_id or 0) if not actor.classes or k.id in actor.classes]
    found = terms.counts(actor.org_id or 0, term.year, term.number)
    checks = terms.checks([k.id for k in classes])
    counts = {k.id: found.get(k.id, terms.NOBODY) for k in classes}
    rows = [{"row": k, "count": counts[k.id], "check": checks.get(k.id)} for k in classes]
    keys = ("expected", "returned", "excused", "absent", "open")
    return render(
        request,
        "placement/terms.html",
        context
        | {
            "rows": rows,
            "total": {k: sum(getattr(n, k) for n in counts.values()) for k in keys},
            "may_register": actor.can("term.register"),
            "overdue": actor.can("register.print")
            and overdue.standing(actor.org_id or 0, term, today()) is not None,
        },
    )


@require_http_methods(["GET", "POST"])
def klass(request: HttpRequest, class_id: int) -> HttpResponse:
    """One class: one tap for everybody who is there, then the exceptions."""
    actor = actor_of(request)
    actor.require("term.view")
    row = orgs.class_row(actor, class_id)
    if row.school_id != actor.org_id:
        raise Http404
    if request.method == "POST":
        n = deeds.all_here(actor, class_id)
        messages.success(request, _("已登记 %(n)s 名学生到校") % {"n": n})
        return see_other(reverse("placement:term_class", args=[class_id]))
    term = terms.term_of(today())
    rows = terms.of_term(actor, class_id, term)
    return render(
        request,
        "placement/term_class.html",
        {
            "klass": row,
            "term": term,
            "rows": rows,
            "open": sum(not r.state for r in rows),
            "here": sum(r.state == MarkState.RETURNED for r in rows),
            "excused": sum(r.state == MarkState.EXCUSED for r in rows),
            "absent": sum(r.state == MarkState.ABSENT for r in rows),
            "may_register": actor.can("term.register"),
            "checked": terms.checks([class_id]).get(class_id),
            "first_grade": row.grade is not None and row.grade.year == 1,
        },
    )


@require_http_methods(["GET", "POST"])
def pupil(request: HttpRequest, class_id: int, person_id: uuid.UUID) -> HttpResponse:
    """One pupil who is an exception."""
    actor = actor_of(request)
    actor.require("term.register")
    row = orgs.class_row(actor, class_id)
    term = terms.term_of(today())
    one = next((r for r in terms.of_term(actor, class_id, term) if r.child.person_id == person_id), None)
    if row.school_id != actor.org_id or one is None:
        raise Http404
    error = ""
    if request.method == "POST":
        post = request.POST
        try:
            if post.get("do") == "clear":
                deeds.unmark(actor, class_id, person_id)
            else:
                deeds.mark(
                    actor,
                    class_id,
                    person_id,
                    state=post.get("state", ""),
                    since=day(post.get("since")),
                    proof=post.get("proof", ""),
                    watch=bool(post.get("watch")),
                )
            return see_other(reverse("placement:term_class", args=[class_id]))
        except PlacementError as refused:
            error = refused.message
    return render(
        request,
        "placement/term_pupil.html",
        {
            "klass": row,
            "term": term,
            "one": one,
            "states": MarkState.choices,
            "since": one.on or term.starts or today(),
            "today": today(),
            "error": error,
            "may_watch": actor.can("dropout.write"),
        },
        status=422 if error else 200,
    )


@require_POST
def check(request: HttpRequest, class_id: int) -> HttpResponse:
    """The list was compared with the children in the room (C-ENR-19)."""
    actor = actor_of(request)
    try:
        deeds.check_class(
            actor,
            class_id,
            expected=whole(request.POST.get("expected")) or 0,
            remark=request.POST.get("remark", ""),
        )
        messages.success(request, _("本班已标记为已核对"))
    except PlacementError as error:
        messages.error(request, error.message)
    return see_other(reverse("placement:term_class", args=[class_id]))


@require_GET
def missing(request: HttpRequest) -> HttpResponse:
    """Who is not registered for the term, by class."""
    actor = actor_of(request)
    actor.require("term.view")
    if actor.org_kind != "school":
        return redirect("placement:terms")
    school = roster.school_of(actor)
    term = terms.term_of(today())
    page = number_of_page(request)
    rows, total = terms.missing(actor, term, page=page)
    classes = roster.all_classes(school, today())
    found = pager(rows, page, roster.PAGE)
    if (page + 1) * roster.PAGE < total:
        found["next_url"] = f"?page={page + 1}"
    return render(
        request,
        "placement/missing.html",
        found
        | {
            "term": term,
            "total": total,
            "rows": [{"row": r, "place": roster.label_of(classes, r.class_id)} for r in rows],
            "may_watch": actor.can("dropout.write"),
            "may_register": actor.can("term.register"),
        },
    )
