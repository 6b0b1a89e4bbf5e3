"""Pages of the promise and the lesson: one's own, the unit's register, the words."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from xueji.ground.accounts.actor import Actor
from xueji.ground.accounts.http import actor_of, whole
from xueji.ground.audit.commands import record

from . import commands, papers, queries, words
from .errors import DutyError
from .forms import RuleForm, SignForm, TrainingForm


def _staff(request: HttpRequest) -> Actor:
    actor = actor_of(request)
    if actor.is_portal:
        raise PermissionDenied
    return actor


@never_cache
@require_http_methods(["GET", "POST"])
def own(request: HttpRequest) -> HttpResponse:
    """One's own promise: read, sign, print; the gate of whoever has not signed or learned."""
    actor = _staff(request)
    form = SignForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            commands.sign(
                actor,
                name=form.cleaned_data["name"],
                text_id=form.cleaned_data["text"],
            )
        except DutyError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("保密承诺书已签署"))
            return redirect("duty:own" if queries.done(actor) else "duty:lesson")
    words_now = queries.text_of(actor.user_id)
    if request.method == "GET":
        form = SignForm(initial={"text": words_now.text_id})
    context = {
        "page_title": _("保密承诺与培训"),
        "form": form,
        "words": words_now,
        "standing": queries.standing(actor),
        "signed": queries.last_signed(actor.user_id),
        "trainings": queries.trainings(actor.user_id),
    }
    return render(request, "duty/own.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def lesson(request: HttpRequest) -> HttpResponse:
    """The ten rules and five questions."""
    actor = _staff(request)
    error = ""
    if request.method == "POST":
        try:
            commands.pass_lesson(actor, request.POST.dict())
        except DutyError as e:
            error = e.message
        else:
            messages.success(request, _("全部答对, 保密培训已登记"))
            return redirect("home:home" if queries.done(actor) else "duty:own")
    questions = [
        {
            "key": q.key,
            "words": q.words,
            "answers": [(str(n), a, request.POST.get(q.key) == str(n)) for n, a in enumerate(q.answers)],
        }
        for q in words.QUESTIONS
    ]
    context = {
        "page_title": _("保密培训"),
        "rules": words.RULES,
        "questions": questions,
        "error": error,
        "standing": queries.standing(actor),
    }
    return render(request, "duty/lesson.html", context, status=422 if error else 200)


@require_GET
def paper(request: HttpRequest) -> HttpResponse:
    """The signed promise on paper: one's own, or with `user` a colleague's of the unit."""
    actor = _staff(request)
    user_id = whole(request.GET.get("user")) or actor.user_id
    if user_id != actor.user_id:
        actor.require("duty.register")
        if user_id not in queries.unit_people(actor, [user_id]):
            raise Http404
    signed = queries.last_signed(user_id)
    if signed is None:
        raise Http404
    data = papers.undertaking(actor, signed, queries.text(signed.text_id), queries.org_name(signed.org_id))
    record(actor, "duty.print", object_type="undertaking", object_id=signed.pk)
    response = HttpResponse(data, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="undertaking-{signed.pk}.pdf"'
    return response


@never_cache
@require_http_methods(["GET", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """Who of the unit has signed and learned; a training held in a room is written down here."""
    actor = actor_of(request)
    actor.require("duty.register")
    state = request.GET.get("state", "")
    number = whole(request.GET.get("page")) or 1
    form = TrainingForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        actor.require("duty.train")
        if form.is_valid():
            chosen = [n for n in map(whole, request.POST.getlist("user")) if n]
            try:
                count = commands.write_training(
                    actor,
                    chosen,
                    topic=form.cleaned_data["topic"],
                    done_on=form.cleaned_data["done_on"],
                    hours=str(form.cleaned_data["hours"]),
                    trainer=form.cleaned_data["trainer"],
                    evidence=form.cleaned_data["evidence"],
                )
            except DutyError as error:
                form.add_error(None, error.message)
            else:
                messages.success(request, _("已登记 %s 人的培训") % count)
                return redirect("duty:register")
    people, more = queries.register(actor, state=state, page=number)
    counts = queries.register_counts(actor)
    tabs = [
        {
            "label": label,
            "url": f"?{urlencode({'state': key})}" if key else request.path,
            "active": key == state,
            "count": counts[key or "all"],
        }
        for key, label in (("", _("全部")), ("missing", _("未完成")), ("done", _("已完成")))
    ]
    kept = {"state": state} if state else {}
    context: dict[str, Any] = {
        "page_title": _("保密承诺与培训"),
        "people": people,
        "tabs": tabs,
        "form": form if actor.can("duty.train") else None,
        "may_write": actor.can("duty.text"),
        "me": actor.user_id,
        "next_url": "?" + urlencode(kept | {"page": number + 1}) if more else "",
        "prev_url": ("?" + urlencode(kept) if kept else request.path) if number > 1 else "",
    }
    return render(request, "duty/register.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def text(request: HttpRequest) -> HttpResponse:
    """The words of the unit, and for the topmost unit who must sign and for how long it holds."""
    actor = actor_of(request)
    actor.require("duty.text")
    top = actor.org_path.count("/") == 2
    rule = queries.rule()
    form = RuleForm(initial={"roles": rule.roles, "months": rule.months}) if top else None
    body, error = queries.text_of_unit(actor.org_id).body, ""
    if request.method == "POST":
        try:
            if request.POST.get("what") == "rule":
                form = RuleForm(request.POST)
                if form.is_valid():
                    commands.set_rule(actor, form.cleaned_data["roles"], form.cleaned_data["months"])
                    messages.success(request, _("已保存"))
                    return redirect("duty:text")
            else:
                body = request.POST.get("body", "")
                row = commands.write_text(actor, body)
                messages.success(request, _("第 %s 版已生效, 本单位和下级人员须重新签署") % row.version)
                return redirect("duty:text")
        except DutyError as e:
            error = e.message
    context = {
        "page_title": _("保密承诺书内容"),
        "now": queries.text_of_unit(actor.org_id),
        "body": body,
        "form": form,
        "error": error,
    }
    failed = error or (form is not None and form.errors)
    return render(request, "duty/text.html", context, status=422 if failed else 200)
