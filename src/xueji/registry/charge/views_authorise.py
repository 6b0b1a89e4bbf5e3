"""The head's authorisation: asked by the registrar, answered by the head, on one page each."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.actor import Actor, today
from xueji.ground.accounts.http import actor_of, carry_out
from xueji.ground.duty import commands, queries, words
from xueji.ground.duty.errors import DutyError
from xueji.ground.duty.forms import AskForm
from xueji.ground.orgs import queries as orgs
from xueji.registry.enrolment import queries as enrolment

from . import queries as charge


def _actor(request: HttpRequest) -> Actor:
    actor = actor_of(request)
    if not (actor.can("student.edit") or actor.can("student.authorise")):
        raise PermissionDenied
    return actor


def _pupil(actor: Actor, raw: str | None) -> Any:
    """The pupil for whom alone is asked, of the own school; None for no or another pupil."""
    try:
        person = uuid.UUID(raw or "")
    except ValueError:
        return None
    row = enrolment.get_row(actor, person)
    return row if row.school_id == actor.org_id and not row.former else None


@never_cache
@require_http_methods(["GET", "POST"])
def listing(request: HttpRequest) -> HttpResponse:
    """What was asked and granted; the registrar asks here."""
    actor = _actor(request)
    classes = orgs.class_choices(actor)
    form, pupil = None, None
    if actor.can("student.edit"):
        pupil = _pupil(actor, request.GET.get("person"))
        kind = request.GET.get("kind", "")
        initial = {
            "since": today(),
            "until": queries.term_end(today()),
            "kinds": [kind] if kind in words.KINDS else list(words.ROUTINE),
        }
        form = AskForm(
            classes,
            request.POST if request.method == "POST" else None,
            initial=initial,
            pupil=pupil is not None,
        )
    if request.method == "POST":
        actor.require("student.edit")
        assert form is not None
        if form.is_valid():
            data = form.cleaned_data
            try:
                commands.ask(
                    actor,
                    kinds=data["kinds"],
                    reason=data["reason"],
                    since=data["since"],
                    until=data["until"],
                    class_id=data.get("school_class"),
                    persons=[pupil.person_id] if pupil else None,
                )
            except DutyError as error:
                form.add_error(None, error.message)
            else:
                messages.success(request, _("已提交, 等校长授权"))
                return redirect("charge:authorisations")
    rows = queries.authorisations(actor, labels=dict(classes))
    context = {
        "page_title": _("校长授权"),
        "rows": rows,
        "waiting": [r for r in rows if r.may_decide],
        "form": form,
        "pupil": pupil,
        "heads": queries.heads_of(actor.org_id),
        "routine": actor.can("student.authorise")
        and not any(
            r.in_force and not r.row.persons and not r.row.class_id and set(words.ROUTINE) <= set(r.row.kinds)
            for r in rows
        ),
        "term_end": queries.term_end(today()),
        "needed": queries.asks_head(actor),
    }
    failed = form is not None and form.errors
    return render(request, "charge/authorisations.html", context, status=422 if failed else 200)


@never_cache
@require_GET
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One authorisation, with what was edited under it."""
    actor = _actor(request)
    found = queries.authorisation(actor, pk, dict(orgs.class_choices(actor)))
    if found is None:
        raise Http404
    edits = queries.edits(authorisation_id=pk)
    wanted = [*(found.row.persons or []), *(e.person_id for e in edits)]
    names = charge.names(wanted)
    context = {
        "page_title": _("校长授权"),
        "a": found,
        "edits": [
            (e, names.get(e.person_id, ""), words.KINDS.get(e.kind, e.kind), len(e.fields)) for e in edits
        ],
        "pupils": [names[p] for p in found.row.persons or [] if p in names],
    }
    return render(request, "charge/authorisation.html", context)


@require_POST
def do(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Grant, refuse, or end."""
    actor = _actor(request)
    word = request.POST.get("word", "")
    deeds = {
        "grant": (lambda: commands.decide(actor, pk, granted=True, word=word), _("已授权")),
        "refuse": (lambda: commands.decide(actor, pk, granted=False, word=word), _("已答复不同意")),
        "end": (lambda: commands.end(actor, pk), _("授权已结束")),
    }
    if what not in deeds:
        raise Http404
    deed, done = deeds[what]
    return carry_out(request, deed, done, reverse("charge:authorisation", args=[pk]), refused=DutyError)


@require_POST
def routine(request: HttpRequest) -> HttpResponse:
    """The head's standing authorisation of the term, in one click."""
    actor = _actor(request)
    return carry_out(
        request,
        lambda: commands.grant_routine(actor),
        _("本学期日常维护已授权"),
        reverse("charge:authorisations"),
        refused=DutyError,
    )
