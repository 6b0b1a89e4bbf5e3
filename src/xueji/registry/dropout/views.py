"""Pages of the watch on drop-outs: list, one child, noticing a child, the report of the term."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.http import actor_of, carry_out, see_other
from xueji.ground.accounts.roles import SCHOOL_STAFF, Role
from xueji.ground.policy.statuses import Status

from . import commands, queries
from .errors import DropoutError
from .forms import CloseForm, FollowForm, NoticeForm
from .models import Deed, Result, Source

_TABS = ("active", "not_returned", "returned", "cleared")


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Children on the list; for a school those who should be looked at, too."""
    actor = actor_of(request)
    actor.require("dropout.view")
    tab = request.GET.get("tab", "active")
    if tab not in _TABS:
        tab = "active"
    rows, following = queries.listing(actor, result=tab, after=request.GET.get("after", "")[:60])
    counts = queries.counts(actor)
    office = actor.role in SCHOOL_STAFF
    labels = {"active": _("跟进中"), **{r.value: str(r.label) for r in Result}}
    return render(
        request,
        "dropout/list.html",
        {
            "rows": rows,
            "children_url": "/admission/children/" if actor.can("admission.view") else "",
            "tab": tab,
            "late": counts["late"],
            "views": [
                {"label": labels[t], "url": f"?tab={t}", "active": t == tab, "count": counts.get(t)}
                for t in _TABS
            ],
            "columns": [
                {"label": label}
                for label in (
                    _("学生"),
                    _("学校"),
                    _("原因"),
                    _("起始日期"),
                    _("登记日期"),
                    _("上报"),
                    _("结果"),
                )
            ],
            "next_url": "?" + urlencode({"tab": tab, "after": following}) if following else "",
            "suspected": [
                {**s, "status": Status(s["status"]).label} for s in queries.suspected(actor, limit=20)
            ]
            if office
            else [],
            "may_write": actor.can("dropout.write"),
            "may_report": actor.can("dropout.view") and actor.role != Role.CLASS_TEACHER,
        },
    )


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Put a child on the list: teachers choose from their class, the office comes from a child's page or the list."""
    actor = actor_of(request)
    actor.require("dropout.write")
    asked = request.POST.get("person") or request.GET.get("person", "")
    people = queries.classmates(actor)
    if actor.role != Role.CLASS_TEACHER and asked:
        try:
            child = commands.own_child(actor, uuid.UUID(asked))
        except ValueError as error:
            raise Http404 from error
        people = [(asked, child.name)]
    form = NoticeForm(
        people,
        request.POST or None,
        initial={"person": asked, "source": Source.ABSENCE if actor.role == Role.CLASS_TEACHER else ""},
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            found = commands.notice(
                actor,
                uuid.UUID(data["person"]),
                source=data["source"],
                since=data["since"],
                text=data["text"],
            )
        except DropoutError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已登记, 请尽快联系家长"))
            return see_other(reverse("dropout:watch", args=[found.watch_id]))
    status = 422 if request.method == "POST" else 200
    return render(request, "dropout/new.html", {"form": form, "people": people}, status=status)


@require_GET
def watch(request: HttpRequest, watch_id: uuid.UUID) -> HttpResponse:
    """One child on the list."""
    actor = actor_of(request)
    actor.require("dropout.view")
    page = queries.page(actor, watch_id)
    w = page.watch
    active = w.result in queries.ACTIVE
    own = actor.can("dropout.write") and w.school_id == actor.org_id and active
    return render(
        request,
        "dropout/watch.html",
        {
            "page": page,
            "watch": w,
            "facts": [
                {"label": _("学校"), "value": page.school},
                {"label": _("原因"), "value": Source(w.source).label},
                {"label": _("起始日期"), "value": w.since.isoformat()},
                {"label": _("登记"), "value": f"{w.noticed_by} {w.noticed_on}"},
                {
                    "label": _("上报主管部门"),
                    "value": w.reported_on.isoformat()
                    if w.reported_on
                    else (_("%s 前上报") % w.report_by if w.report_by else _("还没有上报")),
                },
                {"label": _("结果"), "value": Result(w.result).label},
                {
                    "label": _("学籍"),
                    "value": _("%s, 学籍保留") % Status(page.record_status).label
                    if page.record_status
                    else _("已不在本校"),
                },
            ],
            "events": [
                {
                    "at": f"{timezone.localtime(e.at):%Y-%m-%d %H:%M}",
                    "title": Deed(e.deed).label,
                    "text": e.text,
                    "actor": e.actor_name,
                    "org": page.school,
                    "icon": "phone" if e.deed == Deed.CALL else "timeline-event",
                }
                for e in page.log
            ],
            "follow": FollowForm() if own else None,
            "close": CloseForm() if own and actor.role in SCHOOL_STAFF else None,
            "may_tell": own and actor.role in SCHOOL_STAFF and w.reported_on is None,
        },
    )


@require_POST
def follow(request: HttpRequest, watch_id: uuid.UUID) -> HttpResponse:
    """One step of following up."""
    actor = actor_of(request)
    return _run(
        request,
        watch_id,
        lambda: commands.follow_up(
            actor, watch_id, deed=request.POST.get("deed", ""), text=request.POST.get("text", "")[:500]
        ),
        _("已记录"),
    )


@require_POST
def tell(request: HttpRequest, watch_id: uuid.UUID) -> HttpResponse:
    """Tell the authority."""
    actor = actor_of(request)
    return _run(
        request,
        watch_id,
        lambda: commands.tell_authority(actor, watch_id, text=request.POST.get("text", "")[:500]),
        _("已上报主管部门"),
    )


@require_POST
def close(request: HttpRequest, watch_id: uuid.UUID) -> HttpResponse:
    """How it ended."""
    actor = actor_of(request)
    return _run(
        request,
        watch_id,
        lambda: commands.close(
            actor, watch_id, result=request.POST.get("result", ""), text=request.POST.get("text", "")[:500]
        ),
        _("结果已登记"),
    )


@require_http_methods(["GET", "POST"])
def reports(request: HttpRequest) -> HttpResponse:
    """Reports of the term; the school's head sends the own."""
    actor = actor_of(request)
    actor.require("dropout.view")
    if request.method == "POST":
        try:
            commands.send_report(actor, words=request.POST.get("words", "")[:500])
        except DropoutError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, _("学期报告已报送"))
        return see_other(reverse("dropout:reports"))
    head = actor.role == Role.SCHOOL_HEAD
    year, term = queries.term_now()
    rows = queries.reports(actor)
    sent = head and any(r["report"].school_year == year and r["report"].term == term for r in rows)
    return render(
        request,
        "dropout/reports.html",
        {
            "rows": rows,
            "figures": queries.figures(actor.org_id) if head and actor.org_id and not sent else None,
            "year": year,
            "following_year": year + 1,
            "term": term,
            "columns": [
                {"label": label}
                for label in (
                    _("学校"),
                    _("学期"),
                    _("在籍"),
                    _("列入名单"),
                    _("已返校"),
                    _("未返校"),
                    _("跟进中"),
                    _("会审意见"),
                    _("报送"),
                )
            ],
        },
    )


def _run(request: HttpRequest, watch_id: uuid.UUID, deed: Callable[[], Any], done: str) -> HttpResponse:
    url = reverse("dropout:watch", args=[watch_id])
    return carry_out(request, deed, done, url, refused=DropoutError)
