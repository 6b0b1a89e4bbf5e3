"""Pages of applications for files with data of many children. They translate between requests and commands."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from xueji.ground.accounts.actor import Actor
from xueji.ground.accounts.http import actor_of, attachment, carry_out, day_of
from xueji.ground.files.content import FileRefused
from xueji.ground.orgs import queries as orgs

from . import commands, queries, words
from .errors import ExportRefused
from .forms import ApplicationForm, ConsentForm, DecideForm, PromiseForm, ReviewForm, SettleForm
from .models import Channel, ExportRequest, ExportState


def _row(row: ExportRequest) -> dict[str, Any]:
    return {
        "row": row,
        "face": queries.face(row),
        "fields": queries.fields_of(row),
        "url": f"/exports/{row.pk}/",
    }


@never_cache
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The applications of the own unit, or the own ones."""
    actor = actor_of(request)
    view = request.GET.get("view", "")
    view = view if view in queries.VIEWS else ""
    context = {
        "page_title": _("学生信息导出申请"),
        "rows": [_row(r) for r in queries.listed(actor, view)],
        "may_ask": actor.can("export.apply") or actor.can("export.use"),
        "tabs": [
            {"label": label, "url": f"/exports/?view={key}" if key else "/exports/", "active": key == view}
            for key, label in queries.VIEWS.items()
        ],
    }
    return render(request, "exports/list.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """First for which purpose, then the application; the conditions come along from the list of students."""
    actor = actor_of(request)
    if not actor.can("export.use"):
        actor.require("export.apply")
    asked = request.POST if request.method == "POST" else request.GET
    conditions = {k: asked.get(k, "") for k in commands.KEYS if asked.get(k)}
    classes = _classes(actor)
    if classes and conditions.get("class") not in {str(k) for k, _label in classes}:
        conditions["class"] = str(classes[0][0])
    purpose = words.purposes().get(asked.get("purpose", ""))
    context: dict[str, Any] = {
        "page_title": _("申请导出学生信息"),
        "conditions": conditions.items(),
        "classes": classes,
        "class_id": conditions.get("class", ""),
        "shown": commands.in_words(actor, conditions),
        "purposes": [p for p in words.purposes().values() if p.area != "none"],
        "purpose": purpose,
    }
    if purpose is None:
        return render(request, "exports/purpose.html", context)
    _org, _rules, limits = queries.rules_for(actor)
    form = ApplicationForm(purpose, limits.days, request.POST or None, request.FILES or None, actor.user_name)
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        upload = data.pop("plan")
        try:
            row = commands.ask(
                actor,
                purpose_code=purpose.code,
                fields=data.pop("fields_wanted"),
                conditions=conditions,
                plan=upload.read() if upload else b"",
                plan_name=upload.name if upload else "",
                **data,
            )
        except (ExportRefused, FileRefused) as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已提交, 编号 %s") % row.number)
            return redirect("exports:request", row.pk)
    return render(request, "exports/new.html", context | {"form": form}, status=422 if form.errors else 200)


def _classes(actor: Actor) -> list[tuple[int, str]]:
    """The own classes of somebody who applies for these alone; none for an office."""
    if actor.can("export.apply"):
        return []
    return [(c.id, c.label) for c in orgs.classes_of(actor.org_id or 0) if c.id in actor.classes]


@never_cache
@require_safe
def detail(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """One application: what is asked, where it stands, what comes next."""
    actor = actor_of(request)
    row = queries.get(actor, key)
    here = row.org_id == actor.org_id
    office = here and actor.can("export.apply")
    heads = here and actor.can("export.approve")
    mine = row.asked_by == actor.user_id
    state = ExportState(row.state)
    granted = state == ExportState.GRANTED and queries.face(row)["tone"] == "green"
    context = {
        "page_title": _("学生信息导出申请"),
        **_row(row),
        "purpose": words.purposes().get(row.purpose_code),
        "may_review": office and state == ExportState.ASKED,
        "may_decide": heads and state in (ExportState.ASKED, ExportState.REVIEWED) and not mine,
        "may_grant": state == ExportState.REVIEWED,
        "may_consent": granted
        and row.province_id == actor.org_id
        and actor.can("export.approve")
        and row.consented_by is None
        and not mine,
        "may_promise": granted and row.acknowledged_at is None and (office or mine),
        "own_promise": queries.answers(actor, row),
        "may_make": granted and office and row.channel == Channel.PAGE and row.acknowledged_at is not None,
        "backend": granted and office and row.channel == Channel.BACKEND,
        "may_settle": (office or mine) and row.made and state in (ExportState.GRANTED, ExportState.ENDED),
        "may_end": (state in (ExportState.ASKED, ExportState.REVIEWED) and mine)
        or (granted and (heads or mine)),
        "review_form": ReviewForm(row.fields),
        "form": DecideForm(),
        "promise_form": PromiseForm(),
        "consent_form": ConsentForm(),
        "settle_form": SettleForm(),
        "facts": _facts(row),
        "course": _course(row),
    }
    return render(request, "exports/request.html", context)


def _facts(row: ExportRequest) -> list[dict[str, Any]]:
    purpose = words.purposes().get(row.purpose_code)
    return [
        {"label": _("编号"), "value": row.number or "—"},
        {"label": _("导出方式"), "value": str(Channel(row.channel).label)},
        {"label": _("用途"), "value": f"{purpose.name} · {row.reason}" if purpose else row.reason},
        {"label": _("学生范围"), "value": row.shown},
        {"label": _("申请的信息"), "value": words.labels(row.fields)},
        {"label": _("批准的信息"), "value": words.labels(row.approved) or "—"},
        {"label": _("使用范围"), "value": row.use_scope or "—"},
        {"label": _("使用方式"), "value": row.way or "—"},
        {"label": _("提供给谁"), "value": str(words.RECIPIENTS.get(row.recipient_kind, ""))},
        {"label": _("使用单位"), "value": row.receiver},
        {"label": _("数据安全责任人"), "value": row.responsible or "—"},
        {"label": _("经办人"), "value": row.handler or "—"},
        {"label": _("使用期限到"), "value": row.until.isoformat()},
    ]


def _course(row: ExportRequest) -> list[dict[str, Any]]:
    """Who did what when: the names of those who answer for it."""
    steps = (
        (_("申请"), row.asked_at, row.asked_name, ""),
        (_("数据管理部门审核"), row.reviewed_at, row.reviewed_name, row.review_word),
        (_("负责人批准") if row.state != ExportState.REFUSED else _("负责人不批准"), row.decided_at,
         row.decided_name, row.word),
        (_("省级负责人书面同意"), row.consented_at, row.consented_name, ""),
        (_("责任人签收责任书"), row.acknowledged_at, row.acknowledged_name, ""),
        (_("导出%(n)s次, 最后一次%(r)s人") % {"n": row.made, "r": row.made_rows or 0}, row.made_at,
         row.made_name, ""),
        (_("收回"), row.ended_at, "", ""),
        (str(words.SETTLED.get(row.settled_how, "")), row.settled_at, row.settled_name, row.settled_word),
    )  # fmt: skip
    return [
        {"title": title, "at": f"{timezone.localtime(at):%Y-%m-%d %H:%M}", "actor": name, "text": text}
        for title, at, name, text in steps
        if at
    ]


@require_POST
def review(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The data-managing office's test of each field."""
    actor = actor_of(request)
    return carry_out(
        request,
        lambda: commands.review(
            actor,
            key,
            fields=request.POST.getlist("kept"),
            least=request.POST.get("least") == "on",
            word=request.POST.get("word", ""),
        ),
        _("已审核, 等负责人批准"),
        f"/exports/{key}/",
        refused=ExportRefused,
    )


@require_POST
def decide(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The head's word."""
    actor = actor_of(request)
    granted = request.POST.get("decision") == "grant"
    return carry_out(
        request,
        lambda: commands.decide(actor, key, granted=granted, word=request.POST.get("word", "")),
        _("已批准") if granted else _("已答复"),
        f"/exports/{key}/",
        refused=ExportRefused,
    )


def _paper(request: HttpRequest) -> tuple[bytes, str]:
    upload = request.FILES.get("paper")
    return (upload.read(), upload.name or "") if upload else (b"", "")


@require_POST
def consent(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The province's leader consents in writing."""
    actor = actor_of(request)
    data, name = _paper(request)
    return _with_file(request, key, lambda: commands.consent(actor, key, data=data, name=name), _("已同意"))


@require_POST
def acknowledge(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The promise of whoever answers for the data."""
    actor = actor_of(request)
    data, name = _paper(request)
    read = request.POST.get("read") == "on"
    return _with_file(
        request,
        key,
        lambda: commands.acknowledge(actor, key, read=read, data=data, name=name),
        _("已签收"),
    )


def _with_file(request: HttpRequest, key: uuid.UUID, deed: Any, done: str) -> HttpResponse:
    def tried() -> None:
        try:
            deed()
        except FileRefused as error:
            raise ExportRefused(error.message) from error

    return carry_out(request, tried, done, f"/exports/{key}/", refused=ExportRefused)


@require_POST
def settle(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The file is gone."""
    actor = actor_of(request)

    on = day_of(request.POST.get("on"))

    def deed() -> None:
        commands.settle(actor, key, how=request.POST.get("how", ""), on=on, word=request.POST.get("word", ""))

    return carry_out(request, deed, _("已确认"), f"/exports/{key}/", refused=ExportRefused)


@require_POST
def end(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Take it back."""
    actor = actor_of(request)
    return carry_out(
        request, lambda: commands.end(actor, key), _("已收回"), f"/exports/{key}/", refused=ExportRefused
    )


@require_POST
def download(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The file, for the office."""
    try:
        data, name = commands.make(actor_of(request), key)
    except ExportRefused as error:
        messages.error(request, error.message)
        return redirect("exports:request", key)
    return attachment(data, name)
