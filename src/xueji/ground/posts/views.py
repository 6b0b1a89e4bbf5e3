"""Pages of the register of 学籍管理员."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.actor import Actor, today
from xueji.ground.accounts.http import actor_of, attachment, whole
from xueji.ground.audit.commands import record
from xueji.ground.sheets.write import SheetColumn, write_table

from . import commands, queries
from .errors import PostError
from .forms import OfficerForm, TrainedForm


@require_http_methods(["GET", "POST"])
def officers(request: HttpRequest) -> HttpResponse:
    """A school: its officer, the change, the past. An authority: its schools, who is missing, who is not trained."""
    actor = actor_of(request)
    actor.require("officer.view")
    if actor.org_kind == "school":
        return _own(request, actor)
    if request.method == "POST":
        actor.require("officer.name")
    return _list(request, actor, TrainedForm(initial={"done_on": today()}))


def _own(request: HttpRequest, actor: Actor) -> HttpResponse:
    held = queries.current(actor)
    form = None
    if actor.can("officer.name"):
        people = [p for p in queries.candidates(actor) if held is None or p[0] != held.user_id]
        form = OfficerForm(request.POST or None, people=people, change=held is not None)
    if request.method == "POST":
        actor.require("officer.name")
        if form is not None and form.is_valid():
            data = form.cleaned_data
            try:
                row = commands.name(
                    actor,
                    user_id=data["user"],
                    phone=data["phone"],
                    since=data["since"],
                    title=data["title"],
                    full_time=data["full_time"],
                    reason=data.get("reason", ""),
                )
            except PostError as error:
                form.add_error(None, error.message)
            else:
                messages.success(request, _("已登记 %s, 并报送主管部门") % row.name)
                return redirect("posts:officers")
    context = {
        "page_title": _("学籍管理员"),
        "held": held,
        "training": queries.training_of(held.since, held.trained_on) if held else "",
        "past": [(p, queries.training_of(p.since, p.trained_on)) for p in queries.past(actor.org_id or 0)],
        "form": form,
    }
    return render(
        request, "posts/officer.html", context, status=422 if form is not None and form.errors else 200
    )


def _list(request: HttpRequest, actor: Actor, form: TrainedForm) -> HttpResponse:
    show = request.GET.get("show", "")
    show = show if show in queries.SHOWS else ""
    text, after = request.GET.get("q", "").strip()[:60], request.GET.get("after", "")[:200]
    rows = queries.schools(actor, show=show, text=text, after=after)
    page = rows[: queries.PAGE]
    counts = queries.counts(actor)
    kept = {k: v for k, v in (("show", show), ("q", text)) if v}
    labels = (
        ("", _("全部")),
        ("nobody", _("没有登记")),
        ("untrained", _("未培训")),
        ("waiting", _("待确认")),
    )
    context: dict[str, Any] = {
        "page_title": _("学籍管理员"),
        "rows": page,
        "text": text,
        "show": show,
        "tabs": [
            {
                "label": label,
                "url": f"?{urlencode({'show': key})}" if key else request.path,
                "active": key == show,
                "count": counts[key],
            }
            for key, label in labels
        ],
        "form": form if actor.can("officer.note") else None,
        "ticked": _ticked(request),
        "sheet_url": "?" + urlencode(kept) if kept else "",
        "next_url": "?" + urlencode(kept | {"after": page[-1].path}) if len(rows) > len(page) else "",
        "first_url": (f"?{urlencode(kept)}" if kept else request.path) if after else "",
    }
    return render(request, "posts/officers.html", context, status=422 if form.is_bound else 200)


def _ticked(request: HttpRequest) -> list[int]:
    return [n for n in map(whole, request.POST.getlist("officer")) if n]


@require_POST
def note(request: HttpRequest) -> HttpResponse:
    """The authority has read the lines that are ticked."""
    actor = actor_of(request)
    done = commands.take_note(actor, _ticked(request))
    if done:
        messages.success(request, _("已确认 %s 所学校的登记") % done)
    else:
        messages.error(request, _("请先勾选待确认的登记"))
    return redirect("posts:officers")


@require_POST
def train(request: HttpRequest) -> HttpResponse:
    """Enter a training for the post at the lines that are ticked."""
    actor = actor_of(request)
    actor.require("officer.note")
    form = TrainedForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            done = commands.train(
                actor, _ticked(request), topic=data["topic"], done_on=data["done_on"], hours=data["hours"]
            )
        except PostError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已登记 %s 人的上岗培训") % done)
            return redirect("posts:officers")
    return _list(request, actor, form)


@require_GET
def sheet(request: HttpRequest) -> HttpResponse:
    """The list as a sheet: schools, officers, training."""
    actor = actor_of(request)
    actor.require("officer.view")
    show = request.GET.get("show", "")
    rows = queries.schools(actor, show=show, text=request.GET.get("q", ""), limit=queries.MOST)
    columns = [
        SheetColumn(label=str(label))
        for label in (
            _("学校标识码"), _("学校"), _("学籍管理员"), _("职务"), _("办公电话"), _("专职/兼职"), _("任职日期"),
            _("培训日期"), _("培训情况"), _("主管部门确认"),
        )
    ]  # fmt: skip
    lines = [
        (
            r.code, r.school, r.name or _("没有登记"), r.title or "", r.phone or "",
            (_("专职") if r.full_time else _("兼职")) if r.id else "", r.since or "", r.trained_on or "",
            r.training_words, (_("已确认") if r.noted_at else _("待确认")) if r.id else "",
        )
        for r in rows
    ]  # fmt: skip
    record(actor, "posts.officer.sheet", object_type="officer", row_count=len(lines))
    return attachment(write_table(columns, lines, title=_("学籍管理员名单")), f"{_('学籍管理员名单')}.xlsx")
