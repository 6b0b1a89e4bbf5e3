"""Pages of batches: making cards for a class, sending, sealing, printing."""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from xueji.ground.accounts.http import actor_of, see_other, whole
from xueji.ground.orgs.models import Org

from . import commands, papers, queries, rules
from .errors import CardError
from .models import BatchState, Kind
from .views import face, paper

TONES = {"made": "amber", "sent": "blue", "sealed": "green", "dropped": "grey"}


@require_safe
def batches(request: HttpRequest) -> HttpResponse:
    """Batches of the school, or of the schools below, those to be sealed first by choice."""
    actor = actor_of(request)
    state, kind = request.GET.get("state", ""), request.GET.get("kind", "")
    state = state if state in BatchState.values else ""
    kind = kind if kind in Kind.values else ""
    page = whole(request.GET.get("page")) or 0
    rows, more = queries.batches(actor, state=state, kind=kind, page=page)
    known = {k: v for k, v in {"state": state, "kind": kind}.items() if v}
    return render(
        request,
        "cards/batches.html",
        {
            "rows": [(b, school, TONES[b.state]) for b, school in rows],
            "state": state,
            "kind": kind,
            "states": BatchState.choices,
            "kinds": Kind.choices,
            "by_school": actor.org_kind != "school",
            "may_make": actor.can("card.run"),
            "next_url": f"?{urlencode({**known, 'page': page + 1})}" if more else "",
            "first_url": f"?{urlencode(known)}" if page else "",
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Choose kind and class, then who gets a card; one batch comes of it."""
    actor = actor_of(request)
    actor.require("card.run")
    kind = request.POST.get("kind") or request.GET.get("kind", "")
    kind = kind if kind in Kind.values else Kind.STUDENT
    class_id = whole(request.POST.get("class") or request.GET.get("class"))
    error = ""
    if request.method == "POST" and class_id is not None:
        chosen = request.POST.getlist("person")
        try:
            persons = [uuid.UUID(p) for p in chosen] if request.POST.get("some") else None
        except ValueError as wrong:
            raise Http404 from wrong
        try:
            batch = commands.make(actor, kind=kind, class_id=class_id, persons=persons)
        except CardError as refused:
            error = refused.message
        else:
            messages.success(request, _("已为%(n)s名学生编号制证") % {"n": batch.total})
            return see_other(reverse("cards:batch", args=[batch.pk]))
    school_id = actor.org_id or 0
    rows = queries.classes(school_id, kind)
    if kind == Kind.RECORD:
        rows = [r for r in rows if r.stage == "S"]
    chosen_class = next((r for r in rows if r.class_id == class_id), None)
    if class_id is not None and chosen_class is None:
        raise Http404
    return render(
        request,
        "cards/new.html",
        {
            "kind": kind,
            "kinds": Kind.choices,
            "rows": rows,
            "chosen": chosen_class,
            "pupils": queries.pupils(school_id, class_id, kind) if class_id is not None else [],
            "error": error,
        },
    )


@require_safe
def batch(request: HttpRequest, batch_id: uuid.UUID) -> HttpResponse:
    """One batch: its cards, where it stands, what comes next and whose turn it is."""
    actor = actor_of(request)
    one = queries.batch(actor, batch_id)
    own = actor.can("card.run") and one.school_id == actor.org_id
    seals = actor.can("card.seal") and one.sealer_id == actor.org_id and one.state == BatchState.SENT
    units = {o.pk: o for o in Org.objects.filter(pk__in=[one.school_id, one.sealer_id])}
    school = units[one.school_id]
    why = ""
    if own and one.state == BatchState.MADE:
        why = _("%s由主管部门发放") % one.get_kind_display()
        if one.kind == Kind.STUDENT:
            why = rules.stop(school, one.stage, by_school=True)
    return render(
        request,
        "cards/batch.html",
        {
            "batch": one,
            "tone": TONES[one.state],
            "school": school.name,
            "sealer": units[one.sealer_id].name,
            "rows": [(x, face(x.card)) for x in queries.of_batch(one)],
            "own": own and one.state == BatchState.MADE,
            "seals": seals,
            "alone": own and one.state == BatchState.MADE and not why,
            "why": why,
            "smart": one.kind == Kind.SMART,
        },
    )


@require_POST
def act(request: HttpRequest, batch_id: uuid.UUID, deed: str) -> HttpResponse:
    """送验, 启用, 取消 by the school; 退回 by the authority."""
    actor = actor_of(request)
    back = reverse("cards:batch", args=[batch_id])
    try:
        match deed:
            case "send":
                commands.send(actor, batch_id)
                words = _("已送验, 验印后全部证件生效")
            case "start":
                commands.put_in_force(actor, batch_id)
                words = _("已启用, 证件从今天起有效")
            case "drop":
                commands.drop(actor, batch_id)
                words = _("已取消, 这一批的编号不再使用")
            case "return":
                commands.send_back(actor, batch_id, request.POST.get("why", ""))
                words = _("已退回学校")
            case _:
                raise Http404
    except CardError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, words)
    return see_other(back)


@require_POST
def seal(request: HttpRequest, batch_id: uuid.UUID) -> HttpResponse:
    """验印; for 学生卡 with the number of each card."""
    actor = actor_of(request)
    actor.require("card.seal")
    chips: dict[uuid.UUID, str] = {}
    for key, value in request.POST.items():
        if key.startswith("chip-"):
            try:
                chips[uuid.UUID(key.removeprefix("chip-"))] = str(value)[:60]
            except ValueError as wrong:
                raise Http404 from wrong
    try:
        commands.seal(actor, batch_id, chips=chips)
    except CardError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("已验印, 这一批证件全部生效"))
    return see_other(reverse("cards:batch", args=[batch_id]))


@require_safe
def cards_pdf(request: HttpRequest, batch_id: uuid.UUID) -> HttpResponse:
    """The cards to cut out."""
    return paper(request, batch_id, papers.cards_pdf, "cards:batch")


@require_safe
def roster_pdf(request: HttpRequest, batch_id: uuid.UUID) -> HttpResponse:
    """发放花名册."""
    return paper(request, batch_id, papers.roster_pdf, "cards:batch")
