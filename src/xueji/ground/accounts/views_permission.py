"""The table of rights: read and changed by the security administrator, the own lines read by everybody."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.orgs import queries as orgs

from . import queries_permission as queries
from .actor import Actor, today
from .commands import AccountError, permit
from .http import actor_of, carry_out, day_of, whole

TABLE = "/permissions/"
TEACHING = "/permissions/teaching/"


def _reader(request: HttpRequest) -> Actor:
    actor = actor_of(request)
    if not (actor.can("permission.view") or actor.can("permission.approve")):
        raise PermissionDenied(_("权限表由安全管理员管理。自己的权限可以在“我的权限”里看"))
    return actor


@never_cache
@require_GET
def table(request: HttpRequest) -> HttpResponse:
    """Roles and what they may do, what was changed here, and who stands in for whom."""
    actor = _reader(request)
    chosen = request.GET.get("roles", "school")
    if chosen not in queries.SETS:
        chosen = "school"
    area = request.GET.get("area", "")
    if area not in queries.areas():
        area = ""
    roles, rows = queries.matrix(actor, chosen, area)
    may = {"change": actor.can("permission.change"), "agree": actor.can("permission.approve")}
    context = {
        "page_title": _("权限表"),
        "roles": roles,
        "rows": rows,
        "tabs": [
            {"label": label, "url": f"{TABLE}?roles={key}", "active": key == chosen}
            for key, (label, _roles) in queries.SETS.items()
        ],
        "chosen": chosen,
        "area": area,
        "areas": queries.areas(),
        "changes": queries.changes(actor),
        "standing_in": queries.standing_in(actor),
        "may": may,
        "lines": queries.changeable() if may["change"] else [],
        "units": orgs.unit_choices(actor) if may["change"] else [],
        "today": today(),
    }
    return render(request, "accounts/permissions.html", context)


@require_POST
def change(request: HttpRequest) -> HttpResponse:
    """Narrow or widen a line at a unit."""
    actor = actor_of(request)
    actor.require("permission.change")
    return carry_out(
        request,
        lambda: permit.change_permission(
            actor,
            permission_id=whole(request.POST.get("line")) or 0,
            org_id=whole(request.POST.get("org")) or 0,
            since=day_of(request.POST.get("since")) or today(),
            until=day_of(request.POST.get("until")),
            reason=request.POST.get("reason", ""),
        ),
        _("已登记。收回的立即生效, 放宽的等另一个人复核后生效"),
        TABLE,
        refused=AccountError,
    )


@require_POST
def settle(request: HttpRequest, change_id: int, what: str) -> HttpResponse:
    """Agree to a change, or end it."""
    actor = actor_of(request)
    if not any(actor.can(a) for a in ("permission.change", "permission.approve", "teaching.scope")):
        raise PermissionDenied(_("权限表由安全管理员管理"))
    if what not in ("agree", "end"):
        raise Http404
    deed = permit.agree if what == "agree" else permit.end_change
    return carry_out(
        request,
        lambda: deed(actor, change_id),
        _("已复核, 按日期生效") if what == "agree" else _("已结束, 恢复为通用的权限"),
        TEACHING if actor.can("teaching.scope") else TABLE,
        refused=AccountError,
    )


@never_cache
@require_http_methods(["GET", "POST"])
def teaching(request: HttpRequest) -> HttpResponse:
    """How far a school's subject teachers look: own classes, their grades, the whole school (C-ROL-07)."""
    actor = actor_of(request)
    actor.require("teaching.scope")
    if request.method == "POST":
        return carry_out(
            request,
            lambda: permit.change_permission(
                actor,
                permission_id=queries.teaching_line(),
                org_id=actor.org_id or 0,
                since=day_of(request.POST.get("since")) or today(),
                until=day_of(request.POST.get("until")),
                reason=request.POST.get("reason", ""),
                reach=request.POST.get("reach", ""),
            ),
            _("已登记, 等本校另一位负责人员复核后生效"),
            TEACHING,
            refused=AccountError,
        )
    context = {
        "page_title": _("任课教师查询范围"),
        "changes": queries.changes(actor, kinds=("reach",)),
        "may": {"agree": True, "change": True},
        "today": today(),
    }
    return render(request, "accounts/teaching.html", context)


@never_cache
@require_GET
def own(request: HttpRequest) -> HttpResponse:
    """What the signed-in account may do in its present role."""
    actor = actor_of(request)
    context = {
        "page_title": _("我的权限"),
        "rights": queries.own_rights(actor),
        "base": "layout/base_phone.html" if actor.is_portal else "layout/base.html",
    }
    return render(request, "accounts/rights.html", context)
