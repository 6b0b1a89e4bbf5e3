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
from xueji.ground.accounts.actor import Actor, today
from xueji.ground.accounts.http import LAST_KEY, actor_of
from xueji.ground.accounts.roles import AUTHORITY, TEACHERS, Role
from xueji.ground.audit import queries as audit
from xueji.ground.audit import reviews
from xueji.ground.orgs import queries as orgs

from . import nav, queries

_WORK = ("uploaded", "checking", "checked", "publishing", "failed")


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
    return render(request, "home/home.html", context | _work(actor))


def _work(actor: Actor) -> dict[str, Any]:
    """The parts of a working home page that this role has."""
    from xueji.registry.charge import queries as charge

    out: dict[str, Any] = {"actions": _actions(actor)} | charge.notices(actor)
    if actor.can("case.decide") or actor.can("case.start"):
        from xueji.registry.changes import absences
        from xueji.registry.changes import queries as changes
        from xueji.registry.relay import queries as relay

        todo = changes.todo(actor, limit=20)
        words = {
            "pressed": _("超期督办"),
            "overdue": _("已超时"),
            "today": _("今天到期"),
            "soon": _("3个工作日内"),
            "later": _("其他"),
        }
        out["todo"] = todo
        out["todo_count"] = todo.total  # what the top bar shows, counted once
        out["todo_groups"] = [
            (words[k], k in ("pressed", "overdue"), rows) for k, rows in todo.groups.items()
        ]
        out["relay_todo"] = relay.todo_count(actor)
        if actor.can("case.start"):
            out["started"] = changes.started(actor, limit=10)
            out["absences"] = absences.counts(actor)
    if actor.can("collect.check") or actor.can("collect.confirm"):
        from xueji.registry.collect import queries as collect

        out["collect_todo"] = collect.todo(actor)
        out["collect_keys"] = collect.keys_waiting(actor) if actor.can("case.start") else 0
    if actor.can("family.answer"):
        from xueji.registry.family import requests

        out["family_waiting"], out["family_late"] = requests.waiting_count(actor)
    if actor.can("placement.view"):
        from xueji.registry.placement.queries import asks, roster, terms

        out["placement"] = asks.todo(actor)
        out["term_open"] = terms.todo(actor, today())
        if actor.can("placement.write"):
            out["placement_waiting"] = roster.waiting_count(actor)
    if actor.can("export.approve"):
        from xueji.office.exports import queries as exports

        out["exports_waiting"] = exports.waiting(actor)
    if actor.can("yearly.view"):
        from xueji.registry.yearly import queries as yearly

        out["year_lists"], out["year_waiting"] = yearly.todo(actor), yearly.waiting(actor)
    if actor.can("admission.view"):
        from xueji.registry.admission import queries as admission

        out["admission_todo"] = admission.todo(actor)
    if actor.can("headcount.view"):
        from xueji.registry.submission import queries as submission

        out["submission_todo"] = submission.todo(actor)
    if actor.can("intake.import"):
        from xueji.registry.intake import queries as intake

        out["batches"] = [b for b in intake.batches(actor, limit=10) if b.state in _WORK]
    if actor.can("problem.view"):
        from xueji.registry.problems import queries as problem_records

        out["problem_records"] = problem_records.counts(actor)
    if actor.can("dropout.view"):
        from xueji.registry.dropout import queries as dropout

        out["dropout"] = dropout.counts(actor)
    if actor.org_kind == "school" and actor.role not in TEACHERS and actor.org_id is not None:
        out["problems"] = queries.problems(actor.org_id)
    if actor.role in TEACHERS:
        classes = [c for c in orgs.classes_of(actor.org_id or 0) if c.id in actor.classes]
        heads = queries.class_heads([c.id for c in classes])
        out["class_changes"] = queries.class_changes({c.id: c.label for c in classes})
        out["my_classes"] = [{"row": c, "heads": heads.get(c.id, queries.Heads())} for c in classes]
    elif actor.role in AUTHORITY or actor.role == Role.SCHOOL_HEAD:
        out["enrolled"] = queries.enrolled_below(actor.org_path)
    out["windows"] = queries.windows(queries.policy_for(actor), today())
    return out


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
