"""Deeds of deciders beside pass and refuse: taking back, asking others, answering, filing, stepping in, templates."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from xueji.ground.accounts.http import whole

from . import commands
from .errors import CaseError
from .http import actor_of, run, to, version_of


def _numbers(values: list[str]) -> list[int]:
    return [n for n in map(whole, values) if n is not None]


@require_POST
def take_back(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """One's own decision, as long as nobody acted on it."""
    actor = actor_of(request)
    return run(
        request,
        case_id,
        lambda: commands.take_back(actor, case_id=case_id, version=version_of(request)),
        _("核办已撤回, 可以重新办理"),
    )


@require_POST
def ask(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Other units are asked for their opinion."""
    actor = actor_of(request)
    return run(
        request,
        case_id,
        lambda: commands.ask_opinion(
            actor,
            case_id=case_id,
            org_ids=_numbers(request.POST.getlist("org")),
            question=request.POST.get("question", "")[:300],
            version=version_of(request),
        ),
        _("已请求会签, 答复后可以继续核办"),
    )


@require_POST
def advise(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """The answer to such a question."""
    actor = actor_of(request)
    actor.require("case.decide")
    answer = request.POST.get("answer", "")
    if answer not in ("agree", "disagree"):
        raise Http404
    return run(
        request,
        case_id,
        lambda: commands.advise(
            actor,
            case_id=case_id,
            agree=answer == "agree",
            opinion=request.POST.get("opinion", "")[:500],
            version=version_of(request),
        ),
        _("会签意见已答复"),
    )


@require_POST
def acknowledge(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """A unit that is told of the case has read it."""
    actor = actor_of(request)
    return run(
        request,
        case_id,
        lambda: commands.acknowledge(
            actor,
            case_id=case_id,
            opinion=request.POST.get("opinion", "")[:500],
            version=version_of(request),
        ),
        _("已备案"),
    )


@require_POST
def intervene(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """The authority above steps in, with its reason."""
    actor = actor_of(request)
    actor.require("case.intervene")
    action = request.POST.get("action", "")
    if action not in ("pass", "stop", "return", "reassign"):
        raise Http404
    step, unit = _numbers([request.POST.get("step", "")]), _numbers([request.POST.get("to_org", "")])
    return run(
        request,
        case_id,
        lambda: commands.intervene(
            actor,
            case_id=case_id,
            action=cast(Any, action),
            reason=request.POST.get("reason", "")[:300],
            to_org=unit[0] if unit else None,
            step=step[0] if step else None,
            version=version_of(request),
        ),
        _("督办处理已完成, 各方都能看到理由"),
        deciding=True,
    )


@require_POST
def keep_template(request: HttpRequest) -> HttpResponse:
    """An opinion to use again."""
    try:
        commands.keep_template(
            actor_of(request),
            decision=request.POST.get("decision", ""),
            text=request.POST.get("text", "")[:200],
            for_unit=bool(request.POST.get("for_unit")),
        )
    except CaseError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("常用意见已保存"))
    return to("desk")


@require_POST
def drop_template(request: HttpRequest, template_id: int) -> HttpResponse:
    """One that is not used any more."""
    try:
        commands.drop_template(actor_of(request), template_id=template_id)
    except CaseError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("常用意见已删除"))
    return to("desk")
