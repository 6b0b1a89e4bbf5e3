"""The pages that belong to no single room: home, help, rules, health."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from xueji.ground.accounts import queries as accounts
from xueji.ground.accounts.actor import Actor
from xueji.ground.accounts.http import LAST_KEY, actor_of
from xueji.ground.accounts.roles import Role
from xueji.ground.audit import queries as audit
from xueji.ground.audit import reviews

from . import desk, nav, queries


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """For load balancers: the process answers. Asks neither the session nor the database."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The first page of a role; parents and students go to their phone pages."""
    actor = actor_of(request)
    if actor.is_portal:
        return redirect("/my/" if nav.exists("/my/") else "/me/")
    context: dict[str, Any] = {"page_title": _("工作台")}
    last = request.session.get(LAST_KEY)
    if last:
        context["last_from"] = last[1]
        context["last_at"] = timezone.localtime(datetime.fromisoformat(last[0]))
    if actor.role == Role.SYSTEM_ADMIN:
        return render(request, "home/system.html", context | {"state": queries.system_state()})
    if actor.role == Role.SECURITY_ADMIN:
        context |= {"counts": accounts.account_counts(actor), "admins": accounts.admins_in_force()}
        return render(request, "home/security.html", context)
    if actor.role == Role.AUDIT_ADMIN:
        context |= {"seal": audit.seal_state(actor), "recent": audit.entries(actor, limit=10).rows}
        context |= {
            "findings": reviews.findings(actor, waiting=True, limit=10),
            "waiting": reviews.waiting_count(actor),
        }
        return render(request, "home/audit.html", context)
    return render(request, "home/home.html", context | {"actions": _actions(actor)} | desk.work(actor))


def _actions(actor: Actor) -> list[dict[str, Any]]:
    """Shortcuts to what this role does most, of what exists."""
    wanted = (
        (_("发起业务"), "plus", "/cases/new/", "case.start"),
        (_("导入新生"), "upload", "/import/", "intake.import"),
        (_("学生名册"), "users", "/students/", "student.list"),
        (_("班级花名册"), "school", "/classes/", "class.view"),
        (_("开证明"), "certificate", "/certificates/", "certificate.issue"),
        (_("统计"), "chart-bar", "/statistics/", "statistics.view"),
    )
    return [
        {"label": label, "icon": icon, "url": url}
        for label, icon, url, permission in wanted
        if nav.may_open(actor, nav.Item(label, url, permission))
    ]


@never_cache
@require_GET
def system(request: HttpRequest) -> HttpResponse:
    """The state of the installation, for its administrator."""
    actor_of(request).require("system.view")
    context = {"page_title": _("系统状态"), "state": queries.system_state()}
    return render(request, "home/system.html", context)


@require_GET
def help_page(request: HttpRequest) -> HttpResponse:
    """A short guide, the keys, the words that are kept apart."""
    actor = actor_of(request)
    base = "layout/base_phone.html" if actor.is_portal else "layout/base.html"
    return render(request, "home/help.html", {"page_title": _("帮助"), "base": base})
