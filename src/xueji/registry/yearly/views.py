"""The year's work at a glance, the promotion report, the list of lists. Views translate, and nothing else."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from xueji.ground.accounts.http import actor_of, day_of, whole
from xueji.ground.orgs import queries as orgs
from xueji.ground.orgs.grades import start_year_of
from xueji.ground.orgs.models import OrgKind

from . import admissions, commands, promotion, queries
from .errors import YearlyError
from .http import run, to
from .models import PromotionCheck


def _is_school(actor: Any) -> bool:
    return bool(actor.org_kind == OrgKind.SCHOOL)


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """This year's work: what waits, graduation lists, the promotion, admission."""
    actor = actor_of(request)
    actor.require("yearly.view")
    year = promotion.year_of("")
    context: dict[str, Any] = {
        "page_title": _("升级毕业"),
        "year": year,
        "todo": queries.todo(actor),
        "waiting": queries.waiting(actor),
        "rows": queries.lists(actor)[0][:10],
        "may_start": actor.can("case.start") and _is_school(actor),
        "is_school": _is_school(actor),
        "today": timezone.localdate(),
    }
    if _is_school(actor) and actor.org_id is not None:
        context["report"] = promotion.report(actor.org_id, year)
        context["checked"] = PromotionCheck.objects.filter(
            school_id=actor.org_id, start_year=year.start
        ).first()
        if actor.can("case.start"):
            context["cohorts"] = queries.cohorts(actor)
    elif actor.can("yearly.place"):
        context["pool"] = admissions.pool_count(actor)
    return render(request, "yearly/overview.html", context)


@require_GET
def promotion_report(request: HttpRequest) -> HttpResponse:
    """升级情况 of a school and a year: who goes up, who stays and why, who ends the stage (C-PRO-01)."""
    actor = actor_of(request)
    actor.require("yearly.view")
    year = promotion.year_of(request.GET.get("year", ""))
    now = start_year_of(timezone.localdate())
    context: dict[str, Any] = {
        "page_title": _("升级情况"),
        "year": year,
        "years": [promotion.Year(y) for y in range(now + 1, now - 4, -1)],
        "words": list(promotion.WORDS.values()),
        "breadcrumbs": [{"label": _("升级毕业"), "url": "/yearly/"}, {"label": _("升级情况")}],
    }
    wanted = whole(request.GET.get("school"))
    school_id = actor.org_id if _is_school(actor) else wanted
    if school_id is None:
        found, more = promotion.schools(actor, year, whole(request.GET.get("after")) or 0)
        context |= {
            "schools": found,
            "next_url": f"?{urlencode({'year': year.start, 'after': more})}" if more else "",
        }
        return render(request, "yearly/promotion_schools.html", context)
    card = orgs.card(actor, school_id)
    if not card.is_school or (wanted is not None and _is_school(actor) and wanted != actor.org_id):
        raise Http404
    cases, more_key = promotion.exceptions(school_id, year, request.GET.get("after", ""))
    query = {"year": year.start} | ({} if _is_school(actor) else {"school": school_id})
    context |= {
        "school": card,
        "report": promotion.report(school_id, year),
        "cases": cases,
        "next_url": f"?{urlencode(query | {'after': more_key})}" if more_key else "",
        "query": urlencode(query),
        "checked": PromotionCheck.objects.filter(school_id=school_id, start_year=year.start).first(),
        "may_start": actor.can("case.start"),
        "may_confirm": actor.can("yearly.confirm") and school_id == actor.org_id and year.begun,
    }
    return render(request, "yearly/promotion.html", context)


@require_POST
def promotion_confirm(request: HttpRequest) -> HttpResponse:
    """The head confirms that the classes were checked."""
    actor = actor_of(request)
    actor.require("yearly.confirm")
    year = promotion.year_of(request.POST.get("year", ""))
    run(
        request,
        lambda: commands.confirm_promotion(
            actor, start_year=year.start, remark=request.POST.get("remark", "")
        ),
        lambda _done: _("已确认%s学年的升级核对") % year.label,
    )
    return to("promotion", query=f"year={year.start}")


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """All graduation lists in scope."""
    actor = actor_of(request)
    actor.require("yearly.view")
    tab = request.GET.get("tab", "")
    tabs = {"": _("全部"), "todo": _("待我办理"), "running": _("进行中"), "ended": _("已办结")}
    tab = tab if tab in tabs else ""
    school = None if _is_school(actor) else whole(request.GET.get("school"))
    rows, more = queries.lists(actor, tab=tab, school=school, after=request.GET.get("after", ""))
    asked = {k: v for k, v in {"tab": tab, "school": school or ""}.items() if v}
    context = {
        "page_title": _("毕业名册"),
        "rows": rows,
        "views": [
            {"label": label, "url": f"?tab={key}", "active": key == tab} for key, label in tabs.items()
        ],
        "next_url": f"?{urlencode(asked | {'after': more})}" if more else "",
        "show_school": not _is_school(actor),
        "breadcrumbs": [{"label": _("升级毕业"), "url": "/yearly/"}, {"label": _("毕业名册")}],
    }
    return render(request, "yearly/lists.html", context)


@require_POST
def new(request: HttpRequest) -> HttpResponse:
    """Begin the list of a cohort, or take up the one that is being prepared."""
    actor = actor_of(request)
    actor.require("case.start")
    stage, _bar, cohort = request.POST.get("cohort", "").partition("-")
    cohort_year = whole(cohort)
    if stage not in ("P", "J", "S") or cohort_year is None:
        messages.error(request, _("请选择毕业年级"))
        return to("overview")
    row = run(
        request,
        lambda: commands.create(
            actor, stage=stage, cohort_year=cohort_year, effective_on=day_of(request.POST.get("effective_on"))
        ),
        lambda _row: _("名册已编制, 请核对每名学生的情况"),
    )
    return to("list", row.list_id) if row else to("overview")


@require_POST
def add(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """From a child's page onto the list of its cohort."""
    actor = actor_of(request)
    actor.require("case.start")
    try:
        row = commands.add_child(actor, person_id=person_id)
    except YearlyError as error:
        messages.error(request, error.message)
        return to("overview")
    messages.success(request, _("该生已在这份名册中"))
    return to("list", row.list_id)
