"""The pages of cases. They translate between requests and commands, and nothing else."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from xueji.ground.accounts import search
from xueji.ground.audit.commands import record
from xueji.ground.paper.fonts import MissingGlyphs

from . import commands, course, handing, queries, showing
from . import page as pages
from .commands.paper import paper_form
from .http import actor_of, pdf, run, to, version_of
from .kinds import KINDS, TEMPLATES
from .models import CaseStatus
from .routing import slots_of
from .views_draft import editor


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """The list with its saved views; for parents and students the cases of the child."""
    actor = actor_of(request)
    actor.require("case.view")
    if actor.is_portal:
        return render(
            request,
            "changes/list_phone.html",
            {"rows": queries.listing(actor).rows, "page_title": _("我的申请"), "back_url": "/"},
        )
    tab = request.GET.get("tab", "")
    sits = actor.can("case.decide") or actor.can("case.start")
    if tab not in queries.TABS:
        tab = "todo" if sits and not request.GET else ""
    filters = queries.Filters(
        tab=tab,
        business=request.GET.get("business", "") if request.GET.get("business") in KINDS else "",
        status=request.GET.get("status", "") if request.GET.get("status") in CaseStatus.values else "",
        text=request.GET.get("q", "")[:60],
    )
    found = queries.listing(actor, filters, after=request.GET.get("after", ""))
    if filters.text:
        record(actor, "changes.search", object_type="case", row_count=len(found.rows))
    counts = queries.counts(actor) if sits else {}
    labels = {
        "todo": _("待我办理"),
        "started": _("我发起的"),
        "running": _("进行中"),
        "ended": _("已办结"),
        "strike": _("学籍号待注销"),
    }
    own = {"todo": sits, "started": actor.can("case.start"), "strike": handing.strikes(actor)}
    shown = [t for t in queries.TABS if own.get(t, True)]
    asked = {"tab": tab, "business": filters.business, "status": filters.status, "q": filters.text}
    more = search.address(actor.user_id, asked | {"after": found.next})
    return render(
        request,
        "changes/list.html",
        {
            "page": found,
            "filters": filters,
            "views": [
                {"label": labels[t], "url": f"?tab={t}", "active": t == tab, "count": counts.get(t)}
                for t in shown
            ],
            "kinds": KINDS.values(),
            "statuses": CaseStatus.choices,
            "columns": [
                {"label": label}
                for label in (
                    _("业务"),
                    _("编号"),
                    _("学生"),
                    _("从"),
                    _("到"),
                    _("状态"),
                    _("现在在"),
                    _("期限"),
                )
            ],
            "next_url": more if found.next else "",
            "may_start": actor.can("case.start"),
            "may_decide": actor.can("case.decide") and counts.get("todo", 0) > 1,
        },
    )


@require_safe
def case(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """One case: the draft with its form, else the page that all parties share."""
    actor = actor_of(request)
    actor.require("case.view")
    page = pages.load(actor, case_id)
    if page.case.status == CaseStatus.DRAFT:
        return editor(request, page)
    if actor.is_portal:
        now, following = pages.plain_words(page)
        school, phone = pages.school_contact(page.case.org_id)
        return render(
            request,
            "changes/case_phone.html",
            {
                "page": page,
                "now": now,
                "following": following,
                "school": school,
                "phone": phone,
                "page_title": page.title,
                "back_url": reverse("changes:list"),
            },
        )
    assert page.policy is not None
    slots = slots_of(page.policy, page.case)
    return render(
        request,
        "changes/case.html",
        {
            "page": page,
            "case": page.case,
            "slots": pages.evidence_slots(page.case, slots, page.files),
            "templates": _templates(actor, page),
            "alike": commands.alike(actor, page),
            "units": course.askable(actor) if {"ask", "intervene"} & page.rights else [],
        },
    )


def _templates(actor: Any, page: pages.CasePage) -> dict[str, list[str]]:
    """Opinions to choose from, where there is something to decide."""
    if not page.rights & {"decide", "advise"}:
        return {}
    return opinions(actor, page.case.business)


def opinions(actor: Any, business: str) -> dict[str, list[str]]:
    """Opinions by decision: one's own, the unit's, the system's; one query."""
    kept = [t for t in queries.own_templates(actor) if t.business in ("", business)]
    kept.sort(key=lambda t: (t.user_id is None, t.business == "", -t.pk))
    return {
        key: list(dict.fromkeys([*(t.text for t in kept if t.decision == key), *map(str, offered)]))
        for key, offered in TEMPLATES.items()
    }


@require_safe
def again(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """The rules of that day, asked again over what the case keeps: the same answer, or what differs."""
    actor = actor_of(request)
    actor.require("case.view")
    page = pages.load(actor, case_id)
    found = queries.reevaluate(actor, case_id)
    assert page.policy is not None
    return render(
        request,
        "changes/again.html",
        {
            "case": page.case,
            "again": found,
            "checks": showing.findings(found.findings, page.policy.labels),
            "columns": [{"label": label} for label in (_("规则"), _("办理时"), _("重算"))],
        },
    )


@require_POST
def decide(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Pass or refuse; `next` goes on with the next case that waits."""
    actor = actor_of(request)
    decision = request.POST.get("decision", "")
    if decision not in ("pass", "refuse"):
        raise Http404
    return run(
        request,
        case_id,
        lambda: commands.decide(
            actor,
            case_id=case_id,
            decision=decision,  # type: ignore[arg-type]
            opinion=request.POST.get("opinion", "")[:500],
            reason_rule=request.POST.get("reason_rule", "")[:200],
            version=version_of(request),
        ),
        _("已核办通过") if decision == "pass" else _("已办结为不通过"),
        onward=bool(request.POST.get("next")),
        deciding=True,
    )


@require_POST
def return_(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Back to the starter, with the items to mend."""
    actor = actor_of(request)
    items = [x for x in request.POST.get("items", "")[:500].splitlines() if x.strip()]
    return run(
        request,
        case_id,
        lambda: commands.return_for_repair(
            actor,
            case_id=case_id,
            items=items,
            opinion=request.POST.get("opinion", "")[:300],
            version=version_of(request),
        ),
        _("已退回发起学校修改"),
    )


@require_POST
def withdraw(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Take back before anybody else handled it."""
    actor = actor_of(request)
    return run(
        request,
        case_id,
        lambda: commands.withdraw(actor, case_id=case_id, version=version_of(request)),
        _("已撤回"),
    )


@require_POST
def cancel(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Stop a case that is under way."""
    actor = actor_of(request)
    return run(
        request,
        case_id,
        lambda: commands.cancel(
            actor, case_id=case_id, reason=request.POST.get("reason", "")[:300], version=version_of(request)
        ),
        _("申请已撤销"),
    )


@require_POST
def urge(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Remind the holder."""
    actor = actor_of(request)
    return run(
        request, case_id, lambda: commands.urge(actor, case_id=case_id), _("已催办, 办理记录中可以看到")
    )


@require_safe
def sheet(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """办理单 as PDF."""
    url = request.build_absolute_uri(reverse("changes:case", args=[case_id]))
    try:
        data = commands.sheet(actor_of(request), case_id=case_id, url=url)
    except MissingGlyphs as error:
        messages.error(request, str(error))
        return to("case", case_id)
    return pdf(data, f"case-{case_id}.pdf")


@require_safe
def form(request: HttpRequest, case_id: uuid.UUID, key: str) -> HttpResponse:
    """An application form or certificate of the case as PDF."""
    url = request.build_absolute_uri(reverse("changes:case", args=[case_id]))
    try:
        data, name = paper_form(actor_of(request), case_id=case_id, key=key, url=url)
    except MissingGlyphs as error:
        messages.error(request, str(error))
        return to("case", case_id)
    return pdf(data, name)
