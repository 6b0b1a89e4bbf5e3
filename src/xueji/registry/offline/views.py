"""Pages of work without the platform: packages, hand-backs, what differs, the report."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.http import PDF, XLSX, actor_of, attachment, see_other, whole
from xueji.registry.intake import queries as intake
from xueji.registry.intake import updating

from . import books, commands, queries
from .errors import OfflineError
from .models import BackState, Decision, ItemKind, PackageState


@require_http_methods(["GET", "POST"])
def listing(request: HttpRequest) -> HttpResponse:
    """The packages of the unit; make one."""
    actor = actor_of(request)
    actor.require("offline.view")
    if request.method == "POST":
        actor.require("offline.run")
        raw = request.POST.get("class", "")
        try:
            if raw != "all" and whole(raw) is None:
                raise OfflineError(_("请选择班级或全校"))
            made = commands.make(actor, None if raw == "all" else whole(raw))
            messages.success(request, _("离线包已做好, 请下载到离线使用的电脑"))
            return see_other(reverse("offline:package", args=[made.pk]))
        except OfflineError as error:
            messages.error(request, error.message)
            return see_other(reverse("offline:list"))
    before = whole(request.GET.get("before"))
    rows = queries.packages(actor, before=before)
    page = rows[: queries.PAGE]
    can_run = actor.can("offline.run") and actor.org_kind == "school"
    return render(
        request,
        "offline/list.html",
        {
            "rows": page,
            "schools": {} if actor.org_kind == "school" else queries.school_names(page),
            "can_run": can_run,
            "classes": updating.classes(intake.school_facts(actor.org_id or 0)) if can_run else [],
            "next_url": f"?before={page[-1].pk}" if len(rows) > len(page) else "",
            "first_url": reverse("offline:list") if before else "",
        },
    )


@require_GET
def detail(request: HttpRequest, package_id: int) -> HttpResponse:
    """One package: take it along, hand it back, how it came back."""
    actor = actor_of(request)
    found = queries.package(actor, package_id)
    return render(
        request,
        "offline/package.html",
        {
            "found": found,
            "backs": queries.handbacks(found),
            "can_run": actor.can("offline.run")
            and actor.org_id == found.school_id
            and found.state != PackageState.ENDED,
            "limit": commands.UPLOAD_LIMIT >> 20,
        },
    )


@require_GET
def book(request: HttpRequest, package_id: int) -> HttpResponse:
    """The workbook of a package."""
    try:
        package, data = commands.take_book(actor_of(request), package_id)
    except OfflineError as error:
        messages.error(request, error.message)
        return redirect("offline:package", package_id)
    return attachment(data, _("离线包%(id)s-%(title)s.xlsx") % {"id": package.pk, "title": package.title})


@require_POST
def hand_back(request: HttpRequest, package_id: int) -> HttpResponse:
    """Bring a package back."""
    actor = actor_of(request)
    actor.require("offline.run")
    queries.package(actor, package_id)
    file = request.FILES.get("file")
    try:
        if file is None:
            raise OfflineError(_("请选择填好的离线表"))
        back = commands.hand_back(
            actor, package_id, file.read(commands.UPLOAD_LIMIT + 1), file.name or "offline.xlsx"
        )
    except OfflineError as error:
        messages.error(request, error.message)
        return see_other(reverse("offline:package", args=[package_id]))
    if back.state == BackState.DONE:
        messages.success(request, _("两边已经一致, 没有要处理的改动"))
    return see_other(reverse("offline:items", args=[back.pk]))


@require_POST
def end(request: HttpRequest, package_id: int) -> HttpResponse:
    """Give a package up."""
    actor = actor_of(request)
    actor.require("offline.run")
    queries.package(actor, package_id)
    try:
        commands.end(actor, package_id, request.POST.get("why", ""))
        messages.success(request, _("离线包已作废"))
    except OfflineError as error:
        messages.error(request, error.message)
    return see_other(reverse("offline:package", args=[package_id]))


@require_GET
def items(request: HttpRequest, handback_id: int) -> HttpResponse:
    """What differs, side by side, of one kind; open or decided."""
    actor = actor_of(request)
    back = queries.handback(actor, handback_id)
    tally = queries.tally(back)
    kinds = {str(k.value): k.label for k in ItemKind}
    kind, done = request.GET.get("kind", ""), request.GET.get("decision") == "done"
    if kind not in kinds:
        kind = next(
            (k for k in kinds if tally[(k, True)]), next((k for k in kinds if tally[(k, False)]), "safe")
        )
        done = not tally[(kind, True)]
    after = whole(request.GET.get("after")) or 0
    rows = queries.items(back, kind=kind, done=done, after=after)
    page = rows[: queries.PAGE]
    here = f"?kind={kind}&decision={'done' if done else 'open'}"
    return render(
        request,
        "offline/items.html",
        {
            "back": back,
            "package": back.package,
            "kind": kind,
            "kind_label": kinds[kind],
            "done": done,
            "rows": [
                {"one": one, "what": queries.what(one), "label": Decision(one.decision).label} for one in page
            ],
            "sums": books.sums(back),
            "views": [
                {
                    "url": f"?kind={k}&decision={'done' if d else 'open'}",
                    "label": _("%s(已处理)") % label if d else label,
                    "count": tally[(k, not d)],
                    "active": (k, d) == (kind, done),
                }
                for d in (False, True)
                for k, label in kinds.items()
                if tally[(k, not d)] or (k, d) == (kind, done)
            ],
            "safe": tally[("safe", True)],
            "open": sum(n for (_k, is_open), n in tally.items() if is_open),
            "can_run": actor.can("offline.run")
            and actor.org_id == back.school_id
            and back.state == BackState.OPEN,
            "next_url": f"{here}&after={page[-1].pk}" if len(rows) > len(page) else "",
            "first_url": here if after else "",
        },
    )


@require_POST
def apply(request: HttpRequest, handback_id: int) -> HttpResponse:
    """Write what only the copy changed."""
    return _deed(request, handback_id, lambda actor: commands.apply(actor, handback_id))


@require_POST
def settle(request: HttpRequest, handback_id: int) -> HttpResponse:
    """Decide one or several items."""
    how, single = request.POST.get("how", ""), request.POST.get("take", "")
    chosen = [n for raw in request.POST.getlist("pick") if (n := whole(raw)) is not None]
    if single:
        how, chosen = "take", [whole(single) or 0]
    reason = request.POST.get("reason", "")
    return _deed(request, handback_id, lambda actor: commands.settle(actor, handback_id, chosen, how, reason))


@require_GET
def report(request: HttpRequest, handback_id: str, form: str) -> HttpResponse:
    """The report of a hand-back."""
    name, data = commands.report(actor_of(request), int(handback_id), form)
    return attachment(data, name, PDF if form == "pdf" else XLSX)


def _deed(request: HttpRequest, handback_id: int, deed: Any) -> HttpResponse:
    """Run a command, say what came of it, and go to where the next step is."""
    kind = request.POST.get("kind", "")
    back = reverse("offline:items", args=[handback_id])
    back += f"?kind={kind}" if kind in ItemKind.values else ""
    actor = actor_of(request)
    actor.require("offline.run")
    queries.handback(actor, handback_id)
    try:
        done: commands.Settled = deed(actor)
    except OfflineError as error:
        messages.error(request, error.message)
        return see_other(back)
    except PermissionDenied as error:
        if not actor.can("offline.run"):
            raise
        messages.error(request, str(error) or _("没有修改这些信息的权限"))
        return see_other(back)
    if done.case_id is not None:
        return see_other(f"/cases/{done.case_id}/")
    if done.batch_id is not None:
        return see_other(reverse("intake:batch", args=[done.batch_id]))
    if done.done:
        messages.success(request, _("已处理 %s 项") % done.done)
    if done.stale:
        messages.warning(request, _("%s 项在比对以后平台又有变动, 没有写入, 已更新, 请重新核对") % done.stale)
    if done.held:
        messages.warning(request, _("%s 名学生正在审核, 退回或办结后再处理") % done.held)
    if done.finished:
        messages.success(request, _("两边已经一致, 可以下载同步报告"))
        return see_other(reverse("offline:items", args=[handback_id]))
    return see_other(back)
