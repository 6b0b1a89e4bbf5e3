"""Pages of tasks: the list, opening one, the board by class and by child, the printed sheets."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.http import actor_of, day_of, see_other, whole
from xueji.ground.orgs import queries as orgs
from xueji.ground.orgs.models import School

from . import arrivals, commands, levels, printing, queries
from .errors import CollectError
from .words import CARDS, COMMITMENTS, FACES, GROUND, SCOPES


def person_of(raw: str) -> uuid.UUID | None:
    """A child's key of a form or an address; None for anything else."""
    try:
        return uuid.UUID(raw)
    except ValueError:
        return None


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Tasks of the school (a teacher: of the own classes; an authority: of all schools below) with how far they are."""
    actor = actor_of(request)
    actor.require("collect.view")
    before = whole(request.GET.get("before"))
    rows = queries.tasks(actor, before=before)
    page = rows[: queries.PAGE]
    counts = queries.counts_of(actor, [t.pk for t in page])
    return render(
        request,
        "collect/list.html",
        {
            "page_title": _("信息采集"),
            "rows": [{"task": t, "counts": counts[t.pk]} for t in page],
            "schools": names_of([t.school_id for t in page]) if actor.org_kind != "school" else {},
            "may_open": actor.can("collect.open"),
            "may_fields": actor.can("collect.fields"),
            "keys": queries.keys_waiting(actor) if actor.can("case.start") else 0,
            "arrivals": arrivals.waiting_count(actor) if actor.can("collect.open") else 0,
            "authority": actor.org_kind != "school" and not actor.classes,
            "today": timezone.localdate(),
            "next_url": f"?before={page[-1].pk}" if len(rows) > len(page) else "",
            "first_url": request.path if before else "",
        },
    )


def names_of(ids: list[int]) -> dict[int, str]:
    """Names of schools."""
    return dict(School.objects.filter(org_id__in=ids).values_list("org_id", "org__name"))


def day(raw: str) -> date:
    """A day that has to be given. Raises `CollectError`."""
    found = day_of(raw)
    if found is None:
        raise CollectError(_("请填写日期"))
    return found


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Open a task: whom, what, until when, what for; only what may be asked is offered."""
    actor = actor_of(request)
    actor.require("collect.open")
    if actor.org_kind != "school" or actor.org_id is None:
        raise Http404
    school = School.objects.get(pk=actor.org_id)
    allowed = levels.for_task(actor.org_id, list(school.stages))
    classes = orgs.classes_of(actor.org_id)
    sent: Any = request.POST
    error = ""
    if request.method == "POST":
        try:
            asked = {k: sent.get(f"level_{k}", "") for k, most in allowed.items() if most != "none"}
            task = commands.open_task(
                actor,
                title=sent.get("title", ""),
                purpose=sent.get("purpose", ""),
                scope=sent.get("scope", ""),
                due_on=day(sent.get("due_on", "")),
                class_ids=[n for n in map(whole, sent.getlist("classes")) if n],
                grades=sent.getlist("grades"),
                fields={k: v for k, v in asked.items() if v in ("must", "may")},
                commitments=sent.getlist("commitments"),
                refresh=bool(sent.get("refresh")),
            )
            messages.success(request, _("已发给 %(n)s 名学生的家庭") % {"n": task.total})
            return see_other(reverse("collect:task", args=[task.pk]))
        except CollectError as e:
            error = e.message
    grades = list(dict.fromkeys((c.grade.code, c.grade.label) for c in classes if c.grade))
    return render(
        request,
        "collect/new.html",
        {
            "page_title": _("新建采集任务"),
            "error": error,
            "scopes": SCOPES.items(),
            "sent": sent,
            "chosen": {"classes": sent.getlist("classes"), "grades": sent.getlist("grades")} if sent else {},
            "classes": classes,
            "grades": grades,
            "groups": _groups(allowed, sent if request.method == "POST" else None),
            "commitments": [
                {"code": k, "title": t, "text": x, "on": sent and k in sent.getlist("commitments")}
                for k, (t, x) in COMMITMENTS.items()
            ],
            "ground": GROUND,
            "due_on": sent.get("due_on") or (timezone.localdate() + timedelta(days=14)).isoformat(),
        },
        status=422 if error else 200,
    )


def _groups(allowed: dict[str, str], sent: Any) -> list[dict[str, Any]]:
    """Fields by card, each with the levels that it may have and the one that is chosen."""
    card_of = {group: code for code, _title, groups in CARDS for group in groups}
    found: dict[str, list[dict[str, Any]]] = {code: [] for code, _title, _groups in CARDS}
    for spec in levels.askable():
        most = allowed[spec.key]
        chosen = sent.get(f"level_{spec.key}", "") if sent is not None else most
        found["key" if spec.is_key else card_of.get(spec.group, "basic")].append(
            {
                "spec": spec,
                "most": most,
                "levels": [x for x in ("must", "may") if levels.ORDER[x] <= levels.ORDER[most]],
                "chosen": chosen,
            }
        )
    return [{"title": title, "lines": found[code]} for code, title, _groups in CARDS if found[code]]


@require_GET
def board(request: HttpRequest, task_id: int) -> HttpResponse:
    """One task: figures, classes, what the school can do."""
    actor = actor_of(request)
    actor.require("collect.view")
    task = queries.task(actor, task_id)
    counts = queries.counts(actor, task_id)
    mine = task.school_id == actor.org_id
    return render(
        request,
        "collect/task.html",
        {
            "page_title": task.title,
            "task": task,
            "counts": counts,
            "stats": _stats(counts),
            "classes": queries.by_class(actor, task) if mine or actor.classes else [],
            "fields": [f for f in levels.askable() if f.key in task.fields],
            "commitments": [COMMITMENTS[c][0] for c in task.commitments],
            "given": queries.given(task_id) if not actor.classes else [],
            "may_open": mine and actor.can("collect.open") and task.open,
            "may_confirm": mine
            and actor.can("collect.confirm")
            and actor.role == task.chain[-1]
            and task.open,
            "to_confirm": counts.checked + (0 if task.checks else counts.checking),
            "late": task.open and task.due_on < timezone.localdate(),
            "school": names_of([task.school_id]).get(task.school_id, "") if not mine else "",
        },
    )


def _stats(counts: queries.Counts) -> list[dict[str, Any]]:
    return [
        {"label": label, "n": counts.faces.get(face, 0), "tone": tone}
        for face, (label, tone) in FACES.items()
        if counts.faces.get(face, 0) or face in ("unread", "opened", "sent", "differs", "done")
    ]


@require_POST
def do(request: HttpRequest, task_id: int) -> HttpResponse:
    """A deed on the whole task: later day, new names, progress to the authority, end; or on a class of it."""
    actor = actor_of(request)
    sent = request.POST
    class_id = whole(sent.get("class"))
    back = (
        reverse("collect:class", args=[task_id, class_id])
        if class_id
        else reverse("collect:task", args=[task_id])
    )
    try:
        match sent.get("deed"):
            case "extend":
                commands.extend(actor, task_id, day(sent.get("due_on", "")))
                messages.success(request, _("已修改截止日期"))
            case "renew":
                new_ones, gone = commands.renew(actor, task_id)
                messages.success(
                    request, _("名单已更新: 补发 %(a)s 人, 离校 %(b)s 人") % {"a": new_ones, "b": gone}
                )
            case "progress":
                commands.give_progress(actor, task_id)
                messages.success(request, _("今天的进度已上报主管部门"))
            case "close":
                commands.close_task(actor, task_id, reason=sent.get("reason", ""))
                messages.success(request, _("采集已结束, 没有生效的内容已删除"))
            case "remind" if class_id:
                n = commands.remind(actor, task_id, class_id)
                messages.success(request, _("已提醒 %(n)s 个家庭") % {"n": n})
            case "plain" if class_id:
                n = commands.check_plain(actor, task_id, class_id)
                messages.success(request, _("%(n)s 份没有差异的信息已核对通过") % {"n": n})
            case _:
                raise Http404
    except CollectError as error:
        messages.error(request, error.message)
    return redirect(back)


@require_GET
def of_class(request: HttpRequest, task_id: int, class_id: int) -> HttpResponse:
    """The board of a class: each child, how its form stands, what the teacher can do."""
    actor = actor_of(request)
    actor.require("collect.check")
    task = queries.task(actor, task_id)
    everybody = queries.of_class(actor, task_id, class_id)
    if not everybody:
        raise Http404
    face = request.GET.get("face", "")
    rows = [r for r in everybody if r.face == face] if face in FACES else everybody
    views = [{"label": _("全部"), "url": "?", "count": len(everybody), "active": face not in FACES}]
    for code, (label, _tone) in FACES.items():
        n = sum(1 for r in everybody if r.face == code)
        if n:
            views.append({"label": label, "url": f"?face={code}", "count": n, "active": code == face})
    return render(
        request,
        "collect/class.html",
        {
            "page_title": queries.class_words(class_id),
            "task": task,
            "class_id": class_id,
            "rows": rows,
            "views": views,
            "checker": task.checker(actor.role),
            "plain": sum(1 for r in everybody if r.face == "sent") if task.checker(actor.role) else 0,
            "unfinished": sum(1 for r in everybody if r.face in ("unread", "opened", "returned")),
            "late": task.open and task.due_on < timezone.localdate(),
        },
    )


@require_GET
def sheets(request: HttpRequest, task_id: int, class_id: int) -> HttpResponse:
    """采集核对单 of a class, or of one child (`?person=`), as PDF."""
    actor = actor_of(request)
    one = person_of(request.GET.get("person", ""))
    response = HttpResponse(
        printing.sheets(actor, task_id, class_id, [one] if one else []), content_type="application/pdf"
    )
    response["Content-Disposition"] = f'attachment; filename="collect-{task_id}-{class_id}.pdf"'
    return response
