"""Pages of the school and its authority: confirming, key facts for the registrar, fields that are collected, progress."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from xueji.ground.accounts.http import actor_of, see_other, whole
from xueji.ground.orgs.models import School, Stage

from . import arrivals as came
from . import commands, levels, queries
from .errors import CollectError
from .models import State
from .views import day, names_of, person_of
from .words import CARDS, FACES, LEVELS


@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest, task_id: int) -> HttpResponse:
    """Forms that the teachers have checked: looked at and confirmed together."""
    actor = actor_of(request)
    actor.require("collect.confirm")
    task = queries.task(actor, task_id)
    if request.method == "POST":
        chosen = [p for p in map(person_of, request.POST.getlist("person")) if p]
        try:
            n = commands.confirm(actor, task_id, chosen)
            messages.success(request, _("已确认 %(n)s 份, 信息已生效") % {"n": n})
        except CollectError as error:
            messages.error(request, error.message)
        return redirect("collect:confirm", task_id)
    states = [State.CHECKED] if task.checks else [State.SENT, State.CHECKED]
    rows = queries.waiting_rows(actor, task_id, states)
    context = {
        "page_title": _("确认采集信息"),
        "task": task,
        "rows": rows,
        "diffs": queries.diffs(task_id, [r.person_id for r in rows]),
        "may": actor.role == task.chain[-1] and task.open,
    }
    return render(request, "collect/confirm.html", context)


@require_http_methods(["GET", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """Differences of key facts that the school has confirmed: begin the case of each."""
    actor = actor_of(request)
    actor.require("case.start")
    if request.method == "POST":
        person = person_of(request.POST.get("person", ""))
        task_id = whole(request.POST.get("task"))
        if person is None or task_id is None:
            raise Http404
        try:
            case = commands.raise_case(actor, task_id, person)
            return see_other(f"/cases/{case.case_id}/")
        except CollectError as error:
            messages.error(request, error.message)
            return redirect("collect:keys")
    context = {"page_title": _("采集中的关键信息更正"), "rows": queries.key_rows(actor)}
    return render(request, "collect/keys.html", context)


@require_http_methods(["GET", "POST"])
def arrivals(request: HttpRequest) -> HttpResponse:
    """Children who came from another school: who is still to be collected, and a collection for them with one click."""
    actor = actor_of(request)
    actor.require("collect.open")
    if actor.org_kind != "school":
        raise Http404
    if request.method == "POST":
        chosen = [p for p in map(person_of, request.POST.getlist("person")) if p]
        try:
            task = commands.open_for_arrivals(actor, chosen, due_on=day(request.POST.get("due_on", "")))
            messages.success(request, _("已为 %(n)s 名转入学生发放采集表") % {"n": task.total})
            return see_other(reverse("collect:task", args=[task.pk]))
        except CollectError as error:
            messages.error(request, error.message)
            return redirect("collect:arrivals")
    context = {
        "page_title": _("转入学生采集"),
        "waiting": came.came(actor, waiting=True),
        "begun": came.came(actor, waiting=False),
        "most": came.MOST,
        "due_on": (timezone.localdate() + timedelta(days=14)).isoformat(),
    }
    return render(request, "collect/arrivals.html", context)


@require_http_methods(["GET", "POST"])
def fields(request: HttpRequest) -> HttpResponse:
    """What is demanded, optional or not collected, stage by stage."""
    actor = actor_of(request)
    actor.require("collect.fields")
    school = actor.org_kind == "school"
    stages = list(School.objects.get(pk=actor.org_id).stages) if school else list(levels.STAGES)
    stage = request.POST.get("stage") or request.GET.get("stage") or stages[0]
    if stage not in stages:
        raise Http404
    error = ""
    if request.method == "POST":
        wanted = {k[6:]: str(v) for k, v in request.POST.items() if k.startswith("level_")}
        try:
            n = commands.set_levels(actor, stage, wanted)
            messages.success(request, _("已保存, 改动 %(n)s 项; 以后的采集任务按这个设置") % {"n": n})
            return see_other(f"{reverse('collect:fields')}?stage={stage}")
        except CollectError as e:
            error = e.message
    before = levels.before_own(actor.org_id or 0, stage)
    own = levels.own(actor, stage)
    context = {
        "page_title": _("采集信息项设置"),
        "stage": stage,
        "stages": [
            {"label": Stage(s).label, "url": f"?stage={s}", "active": s == stage, "count": 0} for s in stages
        ],
        "groups": _lines(before, own, school),
        "error": error,
        "school": school,
    }
    return render(request, "collect/fields.html", context, status=422 if error else 200)


def _lines(before: dict[str, str], own: dict[str, str], school: bool) -> list[dict[str, Any]]:
    card_of = {group: code for code, _title, groups in CARDS for group in groups}
    found: dict[str, list[dict[str, Any]]] = {code: [] for code, _title, _groups in CARDS}
    for spec in levels.askable():
        most = before[spec.key] if school else "must" if spec.basis == "duty" else "may"
        choices = (
            [before[spec.key]]
            if spec.is_key
            else [x for x in LEVELS if levels.ORDER[x] <= levels.ORDER[most]]
        )
        found["key" if spec.is_key else card_of.get(spec.group, "basic")].append(
            {
                "spec": spec,
                "choices": [(x, LEVELS[x]) for x in choices],
                "chosen": own.get(spec.key, before[spec.key]),
                "fixed": len(choices) == 1,
            }
        )
    return [{"title": title, "lines": found[code]} for code, title, _groups in CARDS if found[code]]


@require_safe
def progress(request: HttpRequest) -> HttpResponse:
    """Progress sheets that schools gave to the authority, newest first."""
    actor = actor_of(request)
    actor.require("collect.view")
    rows = queries.progress(actor)
    names = names_of([r.school_id for r in rows])
    context = {
        "page_title": _("采集进度上报"),
        "rows": [{"row": r, "school": names.get(r.school_id, "")} for r in rows],
        "faces": [(k, v[0]) for k, v in FACES.items() if k != "left"],
    }
    return render(request, "collect/progress.html", context)
