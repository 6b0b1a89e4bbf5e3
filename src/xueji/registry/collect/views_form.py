"""Pages of one child's form for teacher and school: differences, papers, deeds, filling in for the family, notes."""

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
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from xueji.ground.accounts.http import actor_of, see_other, whole
from xueji.ground.audit.commands import note
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.family import consents

from . import blocks, commands, queries, reading, sheet
from . import notes as pupil_notes
from .errors import CollectError
from .held import Held, held
from .models import WITH_FAMILY, Form, State, Task
from .views import day
from .words import ACTIONS, COMMITMENTS, NOTES, PAPERS, SIGNED, STAFF_NOTES

UPLOAD = 20 * 1024 * 1024


def papers(row: Form) -> list[dict[str, Any]]:
    """What was brought, as the viewer of materials shows it; the signature comes last."""
    out = [
        {
            "done": True,
            "label": PAPERS.get(p["category"], p["category"]),
            "file_name": p["name"],
            "url": reverse("files:file", args=[p["file"]]),
            "thumb": reverse("files:thumb", args=[p["file"]]) if p["picture"] else "",
        }
        for p in row.proofs
    ]
    if row.signature_id:
        out.append(
            {
                "done": True,
                "label": _("签名"),
                "file_name": _("签名"),
                "url": reverse("files:file", args=[row.signature_id]),
                "thumb": reverse("files:thumb", args=[row.signature_id]),
            }
        )
    return out


@never_cache
@require_safe
def one(request: HttpRequest, task_id: int, person_id: uuid.UUID) -> HttpResponse:
    """What differs, with the papers beside it; what was done with the form."""
    actor = actor_of(request)
    _staff(actor)
    task, row = queries.form(actor, task_id, person_id)
    child = enrolment.get_row(actor, person_id)
    note(actor, "people.view", object_type="person", object_id=person_id, person_id=person_id)
    return render(request, "collect/form.html", _context(actor, task, row, child))


def _staff(actor: Any) -> None:
    if not actor.can("collect.check") and not actor.can("collect.confirm"):
        raise PermissionDenied(_("您没有办理这项业务的权限。可以找本单位的学籍管理员"))


def _context(actor: Any, task: Task, row: Form, child: Any) -> dict[str, Any]:
    checks = actor.can("collect.check") and task.open
    values = queries.board_row(row, child)
    return {
        "page_title": child.name,
        "task": task,
        "row": row,
        "child": child,
        "face": values,
        "diff": [
            {
                **d,
                "mark": row.marks.get(d["key"], ""),
                "no_reason": row.marks.get(d["key"], "")[4:]
                if row.marks.get(d["key"], "").startswith("no:")
                else "",
            }
            for d in row.diff
        ],
        "slots": papers(row),
        "categories": PAPERS.items(),
        "signed": SIGNED.get(row.signed_how, ""),
        "promised": [COMMITMENTS[c][0] for c in row.promised if c in COMMITMENTS],
        "events": [
            {
                "at": timezone.localtime(e.at).strftime("%Y-%m-%d %H:%M"),
                "title": ACTIONS.get(e.action, e.action),
                "text": e.text,
                "actor": e.user_name,
                "icon": "history",
            }
            for e in queries.history(task.pk, row.person_id)
        ],
        "may_check": checks and row.state == State.SENT and task.checker(actor.role),
        "may_return": task.open
        and row.state in (State.SENT, State.CHECKED)
        and (actor.can("collect.check") or actor.can("collect.confirm")),
        "may_confirm": task.open
        and actor.can("collect.confirm")
        and actor.role == task.chain[-1]
        and row.checked_by != actor.user_id
        and (row.state == State.CHECKED or (row.state == State.SENT and not task.checks)),
        "may_fill": checks and row.state in WITH_FAMILY,
        "may_reveal": bool(row.sealed),
        "blocks": blocks.of_pupil(
            actor,
            row.person_id,
            row.school_id,
            child.stage,
            held(actor, [row.person_id]).get(row.person_id, Held()),
            notes=any(n.kind == "resume" for n in pupil_notes.of_pupil(actor, row.person_id)),
        ),
        "consents": [
            s
            for s in consents.standings([row.person_id]).get(row.person_id, {}).values()
            if s.asked and s.question.fields
        ],
        "refreshed": queries.refreshed(row.person_id) if task.refresh else None,
        "back": reverse("collect:class", args=[task.pk, row.class_id])
        if row.class_id and checks
        else reverse("collect:task", args=[task.pk]),
    }


@require_POST
def do(request: HttpRequest, task_id: int, person_id: uuid.UUID) -> HttpResponse:
    """A deed on one form; what it was goes into the messages."""
    actor = actor_of(request)
    sent = request.POST
    version = whole(sent.get("version"))
    try:
        match sent.get("deed"):
            case "check":
                marks = {
                    k[5:]: "yes" if v == "yes" else "no:" + sent.get(f"why_{k[5:]}", "")
                    for k, v in sent.items()
                    if k.startswith("mark_")
                }
                commands.check(actor, task_id, person_id, marks=marks, version=version)
                messages.success(request, _("已核对, 转学校确认"))
            case "return":
                commands.return_form(
                    actor, task_id, person_id, reason=sent.get("reason", ""), version=version
                )
                messages.success(request, _("已退回给填写人"))
            case "confirm":
                commands.confirm(actor, task_id, [person_id])
                messages.success(request, _("已确认, 信息已生效"))
            case "later":
                commands.allow_later(
                    actor,
                    task_id,
                    person_id,
                    until=day(sent.get("until", "")),
                    reason=sent.get("reason", ""),
                )
                messages.success(request, _("已同意延期"))
            case "paper" | "online" as way:
                commands.set_way(actor, task_id, person_id, paper=way == "paper")
                messages.success(request, _("已改为线下填写") if way == "paper" else _("已改回手机填写"))
            case "scan":
                file = request.FILES.get("file")
                if file is None:
                    raise CollectError(_("请选择扫描件或照片"))
                commands.scan(
                    actor,
                    task_id,
                    person_id,
                    category=sent.get("category", ""),
                    data=file.read(UPLOAD + 1),
                    name=file.name or "",
                )
                messages.success(request, _("已存入学生材料"))
            case _:
                raise Http404
    except CollectError as error:
        messages.error(request, error.message)
    return redirect("collect:form", task_id, person_id)


@never_cache
@require_http_methods(["GET", "POST"])
def fill(request: HttpRequest, task_id: int, person_id: uuid.UUID) -> HttpResponse:
    """The teacher fills in for a family: from the signed paper, or with the reason why."""
    actor = actor_of(request)
    actor.require("collect.check")
    task, row, values = commands.look(actor, task_id, person_id)
    child = enrolment.get_row(actor, person_id)
    faults: dict[str, str] = {}
    raw: dict[str, str] = {}
    error = ""
    if request.method == "POST":
        try:
            faults, raw = commands.save_draft(actor, task_id, person_id, request.POST)
            if not faults:
                commands.send(
                    actor,
                    task_id,
                    person_id,
                    declared=True,
                    reason=request.POST.get("reason", ""),
                    paper=bool(request.POST.get("paper")),
                )
                messages.success(request, _("已代填, 请核对差异"))
                return see_other(reverse("collect:form", args=[task_id, person_id]))
        except CollectError as e:
            error = e.message
        row = queries.form(actor, task_id, person_id)[1]
    answers = sheet.answers_of(row)
    context = {
        "page_title": _("代家长填写: %s") % child.name,
        "task": task,
        "row": row,
        "child": child,
        "cards": sheet.cards(
            commands.fields_for(actor, task, person_id),
            values,
            answers["new"],
            typed=raw or None,
            errors=faults,
        ),
        "error": error or (_("有 %s 处要改") % len(faults) if faults else ""),
        "reason": request.POST.get("reason", ""),
        "scanned": any(p["category"] == "form" for p in row.proofs),
    }
    return render(request, "collect/fill.html", context, status=422 if context["error"] else 200)


@require_POST
def reveal(request: HttpRequest, task_id: int, person_id: uuid.UUID) -> HttpResponse:
    """The whole new value of a masked field, for a stated purpose, logged before the answer leaves."""
    actor = actor_of(request)
    key = request.GET.get("key", "")
    try:
        value, mask = reading.whole_value(actor, task_id, person_id, key, request.POST.get("purpose", ""))
    except CollectError as error:
        response = render(request, "people/purpose.html", {"message": error.message}, status=422)
    else:
        page = "layout/revealed.html" if request.headers.get("HX-Request") else "people/revealed.html"
        response = render(
            request, page, {"value": value, "mask": mask, "seconds": 60, "person_id": person_id}
        )
    response["Cache-Control"] = "no-store"
    return response


@never_cache
@require_http_methods(["GET", "POST"])
def notes(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Lines about a pupil for the own teachers (C-COL-21)."""
    actor = actor_of(request)
    actor.require("collect.note")
    child = enrolment.get_row(actor, person_id)
    if child.former or child.class_id not in actor.classes:
        raise Http404
    error = ""
    if request.method == "POST":
        try:
            if drop := whole(request.POST.get("drop")):
                commands.drop_note(actor, person_id, drop)
            else:
                commands.add_note(
                    actor, person_id, kind=request.POST.get("kind", ""), text=request.POST.get("text", "")
                )
            return see_other(request.path)
        except CollectError as e:
            error = e.message
    note(actor, "people.view", object_type="person", object_id=person_id, person_id=person_id)
    context = {
        "page_title": _("%s 的家访和观察记录") % child.name,
        "child": child,
        "rows": pupil_notes.of_pupil(actor, person_id),
        "kinds": [(k, NOTES[k]) for k in STAFF_NOTES],
        "refreshed": queries.refreshed(person_id),
        "error": error,
        "text": request.POST.get("text", "") if error else "",
    }
    return render(request, "collect/notes.html", context, status=422 if error else 200)
