"""Pages on which an authority writes its own rules: versions, a new one, its approval by a second person."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.http import actor_of
from xueji.ground.policy import commands, places, queries, staging
from xueji.ground.policy.commands import StageError
from xueji.ground.policy.forms import StageForm
from xueji.ground.policy.library import library
from xueji.ground.policy.models import PolicyStage, StageState
from xueji.ground.policy.views import grouped, tabs

_NEW = """# {title}

[pack]
id = "{id}"
title = "{title}"
tier = "{tier}"
extends = "{parent}"
levels = ["K12"]
version = "{version}"
{invented}"""


@require_GET
def versions_page(request: HttpRequest) -> HttpResponse:
    """The packs that govern the unit, the versions of its own, and what waits for a decision."""
    actor = actor_of(request)
    actor.require("policy.stage")
    org = queries.unit(actor)
    if org is None:
        raise Http404
    today = timezone.localdate()
    packs, own = library(), places.own_pack(org)
    in_force = packs.on(today).pack(own).sha256 if own in packs.on(today).ids() else ""
    context = {
        "page_title": _("规则版本"),
        "tabs": tabs(request),
        "own": own,
        "holdings": queries.holdings(org, packs, today),
        "versions": queries.versions_of(own, in_force) if own else [],
        "stages": queries.stages(actor),
    }
    return render(request, "policy/versions.html", context)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Write or upload a version; what is wrong is shown with file and line, and nothing is stored."""
    actor = actor_of(request)
    actor.require("policy.stage")
    org = queries.unit(actor)
    if org is None or not places.own_pack(org):
        raise Http404
    context: dict[str, Any] = {
        "page_title": _("提交新版本"),
        "tabs": tabs(request),
        "own": places.own_pack(org),
    }
    if request.method == "POST":
        form = StageForm(request.POST, request.FILES)
        if form.is_valid():
            data = form.cleaned_data
            try:
                row = commands.stage(
                    actor, text=data["text"], effective_on=data["effective_on"], note=data["note"]
                )
            except staging.Unacceptable as error:
                context["problems"] = _with_lines(error, data["text"])
            except StageError as error:
                context["errors"] = [error.message]
            else:
                messages.success(request, _("已提交, 等另一位负责人复核"))
                return redirect("policy:stage", row.pk)
            form = StageForm(initial=data | {"file": None})  # an uploaded file is mended in place, too
        return render(request, "policy/new.html", context | {"form": form}, status=422)
    sha = request.GET.get("from", "")[:64]
    text = queries.version_text(actor, sha) if sha else _present_text(org)
    start = timezone.localdate()
    form = StageForm(initial={"text": text, "effective_on": start})
    return render(request, "policy/new.html", context | {"form": form})


def _with_lines(error: staging.Unacceptable, text: str) -> list[dict[str, Any]]:
    """Problems with the line of the text where they stand."""
    lines = text.replace("\r\n", "\n").split("\n")
    return [
        {
            "where": str(problem.where),
            "line": problem.where.line,
            "text": lines[problem.where.line - 1].strip()[:160]
            if 0 < problem.where.line <= len(lines)
            else "",
            "subject": problem.subject,
            "message": problem.message,
            "by": problem.forbidden_by,
        }
        for problem in error.problems[:100]
    ]


def _present_text(org: Any) -> str:
    """What to start from: the version in force, or the head of a first one."""
    packs = library().on(timezone.localdate())
    own = places.own_pack(org)
    if own in packs.ids():
        return packs.text_of(own)
    parent = places.parent_of(org, packs)
    return _NEW.format(
        id=own,
        title=org.name,
        tier=places.TIER[org.kind],
        parent=parent,
        version=f"{timezone.localdate():%Y.%m}",
        invented="invented = true\n" if parent and packs.pack(parent).invented else "",
    )


@require_GET
def stage(request: HttpRequest, stage_id: int) -> HttpResponse:
    """A proposal: what it changes, what it would mean for open cases, and who may decide."""
    actor = actor_of(request)
    row = queries.stage(actor, stage_id)
    context: dict[str, Any] = {
        "page_title": _("规则新版本"),
        "tabs": tabs(request),
        "row": row,
        "label": StageState(row.state).label,
        "may": _deeds(actor, row),
        "own_proposal": actor.user_id == row.staged_by,
    }
    if row.state == StageState.STAGED:
        start = max(row.effective_on, timezone.localdate())
        try:
            checked = staging.check(row.org, row.text, start, again=True)
        except staging.Unacceptable as error:
            context["problems"] = _with_lines(error, row.text)
        else:
            before = checked.before
            old = before.text_of(row.pack) if row.pack in before.ids() else ""
            found = staging.differences(checked)
            context |= {
                "groups": grouped(found),
                "count": len(found),
                "lines": staging.text_diff(old, row.text),
                "left_out": [checked.after.pack(name).title for name in checked.left_out],
            }
    return render(request, "policy/stage.html", context)


@require_GET
def download(request: HttpRequest, stage_id: int) -> HttpResponse:
    """The proposal as a file."""
    row = queries.stage(actor_of(request), stage_id)
    return HttpResponse(
        row.text,
        content_type="application/toml; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{row.pack}.toml"'},
    )


@require_POST
def decide(request: HttpRequest, stage_id: int, deed: str) -> HttpResponse:
    """Approve, refuse or withdraw."""
    actor = actor_of(request)
    queries.stage(actor, stage_id)
    opinion = request.POST.get("opinion", "").replace("\x00", "")[:300]
    try:
        if deed == "approve":
            row = commands.approve(actor, stage_id=stage_id, opinion=opinion)
            messages.success(request, _("已批准, 自 %s 起生效") % row.effective_on.isoformat())
        elif deed == "refuse":
            commands.refuse(actor, stage_id=stage_id, opinion=opinion)
            messages.success(request, _("已退回, 不予生效"))
        else:
            commands.withdraw(actor, stage_id=stage_id)
            messages.success(request, _("已撤回"))
    except StageError as error:
        messages.error(request, error.message)
    except staging.Unacceptable as error:
        messages.error(request, _("上级规则已有变化, 这个版本不能再生效: %s") % error.problems[0])
    return redirect("policy:stage", stage_id)


def _deeds(actor: Any, row: PolicyStage) -> dict[str, bool]:
    waiting = row.state == StageState.STAGED
    return {
        "approve": waiting and actor.can("policy.approve") and actor.user_id != row.staged_by,
        "withdraw": waiting,
    }
