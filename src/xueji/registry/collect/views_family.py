"""The family's pages, phone first: fill in what is wrong, prove it, sign; ask for more time."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from xueji.ground.accounts.http import actor_of, see_other
from xueji.ground.audit.commands import note
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.family import consents
from xueji.registry.family.errors import FamilyError

from . import commands, queries, sheet
from .errors import CollectError
from .models import WITH_FAMILY, Form, Task
from .views import day
from .views_form import UPLOAD, papers
from .words import COMMITMENTS, DECLARATION, FACES, FAMILY_NOTES, NOTES, PAPERS, SIGNED, SURVEY


def _family(request: HttpRequest, person_id: uuid.UUID) -> Any:
    actor = actor_of(request)
    if not actor.is_portal:
        raise PermissionDenied(_("这里是家长和学生的页面"))
    if person_id not in actor.persons:
        raise Http404
    return actor


@never_cache
@require_http_methods(["GET", "POST"])
def fill(request: HttpRequest, person_id: uuid.UUID, task_id: int) -> HttpResponse:
    """The form: what is on record in cards, and what to write where it is wrong. The draft is kept as it is typed."""
    actor = _family(request, person_id)
    task, row, held = commands.look(actor, task_id, person_id)
    child = enrolment.get_row(actor, person_id)
    if row.state not in WITH_FAMILY or not task.open:
        return _sent(request, actor, task, row, child)
    faults: dict[str, str] = {}
    raw: dict[str, str] = {}
    error = ""
    if request.method == "POST":
        try:
            faults, raw = commands.save_draft(actor, task_id, person_id, request.POST)
            if request.headers.get("HX-Request"):
                return HttpResponse(status=204)
            _consents(actor, person_id, request.POST)
            if not faults and request.POST.get("next") == "later":
                messages.success(request, _("已保存, 可以下次再填"))
                return redirect("portal:child", person_id)
            row = queries.form(actor, task_id, person_id)[1]
            faults |= sheet.wanting(
                commands.fields_for(actor, task, person_id), held, sheet.answers_of(row)["new"]
            )
            if not faults:
                return see_other(reverse("collect:sign", args=[person_id, task_id]))
        except (CollectError, FamilyError) as e:
            error = e.message
            if request.headers.get("HX-Request"):
                return HttpResponse(status=409)
        row = queries.form(actor, task_id, person_id)[1]
    answers = sheet.answers_of(row)
    asked, own_no = consents.of_family(actor, person_id)
    cards = sheet.cards(
        commands.fields_for(actor, task, person_id),
        held,
        answers["new"],
        typed=raw or None,
        errors=faults,
        family=True,
    )
    note(actor, "people.view", object_type="person", object_id=person_id, person_id=person_id)
    context = {
        "page_title": task.title,
        "back_url": f"/my/{person_id}/",
        "task": task,
        "row": row,
        "child": child,
        "cards": cards,
        "errors": [{"text": text, "href": f"#id_to_{key}"} for key, text in faults.items()],
        "error": error,
        "questions": [
            {"q": s.question, "own": s.own(own_no)}
            for s in asked
            if s.question.fields and any(_asks(task, f) for f in s.question.fields)
        ],
        "notes": [
            {"kind": k, "label": SURVEY if k == "survey" else NOTES[k], "text": answers["notes"].get(k, "")}
            for k in FAMILY_NOTES
        ],
        "late": row.later_on is None and task.due_on < timezone.localdate(),
        "until": (task.due_on + timedelta(days=7)).isoformat(),
    }
    return render(request, "collect/family.html", context, status=422 if faults or error else 200)


def _asks(task: Task, key: str) -> bool:
    """Whether the task asks for a voluntary field of a question."""
    part = key.removeprefix("member_")
    return key in task.fields or (key != part and f"member1_{part}" in task.fields)


def _consents(actor: Any, person_id: uuid.UUID, sent: Any) -> None:
    """Yes or no to voluntary items, where the family said something new."""
    asked, own_no = consents.of_family(actor, person_id)
    held_by = {"yes": (consents.GIVEN,), "no": (consents.REFUSED, consents.WITHDRAWN)}
    for standing in asked:
        said = sent.get(f"consent_{standing.question.code}", "")
        if said in held_by and standing.own(own_no) not in held_by[said]:
            consents.answer(actor, person_id, standing.question.code, agreed=said == "yes")


@never_cache
@require_http_methods(["GET", "POST"])
def sign(request: HttpRequest, person_id: uuid.UUID, task_id: int) -> HttpResponse:
    """What differs, the papers that prove it, the declaration, the signature."""
    actor = _family(request, person_id)
    task, row, held = commands.look(actor, task_id, person_id)
    child = enrolment.get_row(actor, person_id)
    if row.state not in WITH_FAMILY or not task.open:
        return _sent(request, actor, task, row, child)
    error = ""
    if request.method == "POST":
        sent = request.POST
        try:
            file = request.FILES.get("proof")
            if file is not None:
                commands.attach(
                    actor,
                    task_id,
                    person_id,
                    category=sent.get("category", "household"),
                    data=file.read(UPLOAD + 1),
                    name=file.name or "",
                )
            if sent.get("deed") == "proof":
                if file is None:
                    raise CollectError(_("请选择照片"))
                messages.success(request, _("已收到材料"))
                return see_other(request.path)
            commands.send(
                actor,
                task_id,
                person_id,
                declared=bool(sent.get("declared")),
                signature=sent.get("signature", ""),
                password=sent.get("password", ""),
                commitments=sent.getlist("commitments"),
                reason=sent.get("reason", ""),
            )
            messages.success(request, _("已提交, 班主任核对后由学校确认"))
            return see_other(reverse("collect:family", args=[person_id, task_id]))
        except CollectError as e:
            error = e.message
        row = queries.form(actor, task_id, person_id)[1]
    new = sheet.changed(held, sheet.answers_of(row)["new"])
    context = {
        "page_title": _("核对并签字"),
        "back_url": reverse("collect:family", args=[person_id, task_id]),
        "task": task,
        "row": row,
        "child": child,
        "diff": sheet.differences(held, new, family=True),
        "proof_needed": bool(sheet.key_fields(new)),
        "slots": papers(row),
        "categories": [(k, v) for k, v in PAPERS.items() if k != "form"],
        "declaration": DECLARATION,
        "commitments": [(c, *COMMITMENTS[c]) for c in task.commitments if c in COMMITMENTS],
        "ticked": request.POST.getlist("commitments"),
        "declared": bool(request.POST.get("declared")),
        "reason": request.POST.get("reason", row.reason),
        # A refusal must not cost the signature: it comes back and is drawn again.
        "signature": request.POST.get("signature", ""),
        "error": error,
    }
    return render(request, "collect/sign.html", context, status=422 if error else 200)


@require_POST
def later(request: HttpRequest, person_id: uuid.UUID, task_id: int) -> HttpResponse:
    """Ask the teacher for a later day."""
    actor = _family(request, person_id)
    try:
        commands.ask_later(
            actor,
            task_id,
            person_id,
            until=day(request.POST.get("until", "")),
            reason=request.POST.get("reason", ""),
        )
        messages.success(request, _("已告诉班主任, 请等班主任同意"))
    except CollectError as error:
        messages.error(request, error.message)
    return redirect("collect:family", person_id, task_id)


def _sent(request: HttpRequest, actor: Any, task: Task, row: Form, child: Any) -> HttpResponse:
    """After it was sent: how it stands, what was accepted and what not."""
    face = queries.board_row(row, child)
    context = {
        "page_title": task.title,
        "back_url": f"/my/{row.person_id}/",
        "task": task,
        "row": row,
        "child": child,
        "face": face,
        "label": FACES[face.face][0],
        "diff": [
            {
                **d,
                "answer": _answer(row.marks.get(d["key"], "")),
                "refused": row.marks.get(d["key"], "yes") != "yes",
            }
            for d in row.diff
        ],
        "slots": papers(row),
        "signed": SIGNED.get(row.signed_how, ""),
    }
    return render(request, "collect/sent.html", context)


def _answer(mark: str) -> str:
    if mark == "yes":
        return _("已接受")
    return _("没有接受: %s") % mark[4:] if mark.startswith("no:") else _("等班主任核对")
