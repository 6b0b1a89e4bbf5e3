"""Pages of what families ask for. They translate between requests and commands, and nothing else."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from xueji.registry.enrolment import queries as enrolment

from . import requests
from .errors import FamilyError
from .forms import AnswerForm, AppealForm, AskForm
from .models import FamilyRequest, RequestState


@never_cache
@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """A parent or pupil asks for a correction or deletion, or objects; what was typed stays on an error."""
    actor = _family(request)
    if requests.goes_direct(actor, person_id):
        return _ask_authority(request, actor, person_id)
    row = enrolment.get_row(actor, person_id)
    kind = request.GET.get("kind", "")
    form = AskForm(
        request.POST or None,
        initial={"kind": kind} if kind in requests.KINDS else None,
        may_keep=requests.own_matter(actor, row.birth_date, timezone.localdate()),
    )
    if request.method == "POST" and form.is_valid():
        try:
            made = requests.ask(actor, person_id, **form.cleaned_data)
        except FamilyError as error:
            form.add_error(None, error.message)
        else:
            words = _("已交给%(school)s, 请在 %(day)s 前看答复") % {
                "school": row.school_name,
                "day": made.due_on.isoformat() if made.due_on else "—",
            }
            messages.success(request, words)
            if reason := requests.keeping(made.kind, made.field):
                messages.info(request, reason)
            return redirect(_home(person_id))
    context = {"form": form, "row": row, "page_title": _("信息不对或有意见"), "back_url": f"/my/{person_id}/"}
    return render(request, "family/ask.html", context, status=422 if form.errors else 200)


def _ask_authority(request: HttpRequest, actor: Any, person_id: uuid.UUID) -> HttpResponse:
    """Whoever must not know the school writes to the authority, which is not named either."""
    kind = request.GET.get("kind", "")
    form = AskForm(
        request.POST or None, initial={"kind": kind} if kind in requests.KINDS else None, direct=True
    )
    if request.method == "POST" and form.is_valid():
        try:
            made = requests.ask_authority(actor, person_id, **form.cleaned_data)
        except FamilyError as error:
            form.add_error(None, error.message)
        else:
            messages.success(
                request,
                _("已交给学校的主管部门, 请在 %s 前看答复")
                % (made.due_on.isoformat() if made.due_on else "—"),
            )
            return redirect(_home(person_id))
    context = {
        "form": form,
        "page_title": _("向主管部门提出"),
        "back_url": f"/my/{person_id}/",
    }
    return render(request, "family/ask_authority.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def appeal(request: HttpRequest, request_id: int) -> HttpResponse:
    """The family turns to the authority."""
    actor = _family(request)
    row = FamilyRequest.objects.filter(pk=request_id, person_id__in=actor.persons).first()
    if row is None:
        raise Http404
    form = AppealForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            requests.appeal(actor, request_id, words=form.cleaned_data["words"])
        except FamilyError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已交给学校的主管部门复核"))
            return redirect(_home(row.person_id))
    context = {
        "form": form,
        "request_row": shown(row),
        "page_title": _("向主管部门申诉"),
        "back_url": f"/my/{row.person_id}/",
    }
    return render(request, "family/appeal.html", context, status=422 if form.errors else 200)


@never_cache
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """What waits for an answer of the own unit, and what was answered."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    waiting = request.GET.get("tab", "") != "done"
    rows = [shown(r) for r in requests.listing(actor, waiting=waiting)]
    context = {
        "page_title": _("家长申请"),
        "rows": rows,
        "waiting": waiting,
        "tabs": [
            {"label": _("待答复"), "url": "?", "active": waiting},
            {"label": _("已答复"), "url": "?tab=done", "active": not waiting},
        ],
    }
    return render(request, "family/requests.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def one(request: HttpRequest, request_id: int) -> HttpResponse:
    """One request: read it, begin the case that corrects the record, answer."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    row = requests.one(actor, request_id)
    form = AnswerForm(
        request.POST or None,
        initial={"agreed": "no", "reply": kept} if (kept := requests.keeping(row.kind, row.field)) else None,
    )
    if request.method == "POST" and form.is_valid():
        try:
            requests.answer(actor, request_id, **form.cleaned_data)
        except FamilyError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已答复, 家长现在就能看到"))
            return redirect("family:requests")
    business = "correct_key" if row.field in requests.KEY_FIELDS else "correct"
    mine = requests.may_answer(actor, row)
    may_start = mine and actor.can("case.start") and row.kind != "object"
    context = {
        "page_title": _("%s 的家长申请") % row.name,
        "r": shown(row),
        "form": form if mine else None,
        "start_url": reverse("changes:start", args=[business, row.person_id]) if may_start else "",
        "breadcrumbs": [{"label": _("家长申请"), "url": "/requests/"}, {"label": row.name}],
    }
    return render(request, "family/request.html", context, status=422 if form.errors else 200)


_TONES = {
    RequestState.ASKED: "blue",
    RequestState.APPEALED: "blue",
    RequestState.DONE: "green",
    RequestState.UPHELD: "green",
}


#: The same states of what is no correction.
_OTHERWISE = {
    RequestState.DONE: gettext_lazy("已办理"),
    RequestState.REFUSED: gettext_lazy("不予办理"),
    RequestState.UPHELD: gettext_lazy("复核后由学校办理"),
}
#: The states of what was asked of the authority at once.
_DIRECT = {
    RequestState.APPEALED: gettext_lazy("主管部门办理中"),
    RequestState.UPHELD: gettext_lazy("主管部门同意"),
    RequestState.DISMISSED: gettext_lazy("主管部门不同意"),
}


def shown(row: FamilyRequest) -> dict[str, Any]:
    """A request in words, for the family's page and the office's."""
    today = timezone.localdate()
    waits = row.state in requests.WAITING
    state = RequestState(row.state)
    return {
        "row": row,
        "url": reverse("family:request", args=[row.pk]),
        "appeal_url": reverse("family:appeal", args=[row.pk]) if requests.may_appeal(row, today) else "",
        "kind": requests.KINDS[row.kind],
        "field": requests.FIELDS[row.field],
        "state": _DIRECT.get(state, state.label)
        if row.direct
        else state.label
        if row.kind == "correct"
        else _OTHERWISE.get(state, state.label),
        "tone": _TONES.get(state, "grey"),
        "waits": waits,
        "late": waits and row.due_on is not None and row.due_on < today,
    }


def _family(request: HttpRequest) -> Any:
    actor: Any = request.actor  # type: ignore[attr-defined]
    if not actor.is_portal:
        raise PermissionDenied(_("这里是家长和学生的页面"))
    return actor


def _home(person_id: uuid.UUID) -> str:
    return f"/my/{person_id}/#requests"
