"""Pages of authorities and of both sides: lists, the unified list, disputes, plans, service areas."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts import search
from xueji.ground.accounts.http import actor_of, day_of, ticked, whole
from xueji.ground.orgs.models import School

from . import commands, queries
from .commands.plans import Terms
from .errors import AdmissionError
from .http import chosen, run, to


@require_GET
def submission(request: HttpRequest, submission_id: int) -> HttpResponse:
    """One list: who is on it, what the rules said of each; the authority decides."""
    actor = actor_of(request)
    actor.require("admission.view")
    found = queries.submission(actor, submission_id)
    after = search.show(actor.user_id, request.GET.get("p", ""))
    rows, more = queries.of_submission(found, after)
    plan = queries.plan(found.school_id, found.year, found.stage)
    held = queries.counts(actor, queries.Filters(found.year, found.stage, school=found.school_id))
    return render(
        request,
        "admission/submission.html",
        {
            "list": found,
            "school": queries.names_of({found.school_id}).get(found.school_id, ""),
            "rows": rows,
            "plan": plan,
            "held": held["approved"] + held["reported"],
            "may_decide": found.state == "sent"
            and found.county_id == actor.org_id
            and actor.can("admission.approve"),
            "next_url": search.address(actor.user_id, {"after": more}) if more else "",
            "first_url": request.path if after else "",
        },
    )


@require_POST
def decide(request: HttpRequest, submission_id: int) -> HttpResponse:
    """Approve the list without those ticked, or send it back."""
    actor = actor_of(request)
    actor.require("admission.approve")
    queries.submission(actor, submission_id)
    words = request.POST.get("words", "")
    if request.POST.get("do") == "return":
        run(
            request,
            lambda: commands.return_list(actor, submission_id, words=words),
            lambda _x: _("已退回学校"),
        )
    else:
        refused = dict.fromkeys(ticked(request, "applicant"), request.POST.get("refuse_words", ""))
        run(
            request,
            lambda: commands.decide(actor, submission_id, refused=refused, words=words),
            lambda s: _("已核办: 同意 %(n)s 人, 不同意 %(m)s 人") % {"n": s.approved, "m": s.n - s.approved},
        )
    return to("submission", submission_id)


@require_http_methods(["GET", "POST"])
def official(request: HttpRequest) -> HttpResponse:
    """统一招生录取名单: sent down to the schools by a sheet (C-COL-08)."""
    actor = actor_of(request)
    actor.require("admission.approve")
    year, stage, stages = chosen(actor, request.POST if request.method == "POST" else request.GET)
    if request.method == "GET" and "stage" not in request.GET:
        stage = "S"
    context: dict[str, Any] = {"year": year, "stage": stage, "stages": stages}
    if request.method == "POST":
        file = request.FILES.get("file")
        try:
            outcome = commands.admit_list(
                actor, data=file.read() if file else b"", file_name=str(file.name) if file else "",
                text=request.POST.get("text", "")[:2_000_000], stage=stage, year=year,
            )  # fmt: skip
        except AdmissionError as error:
            return render(request, "admission/official.html", context | {"error": error.message}, status=400)
        messages.success(request, _("已下发 %s 人, 学校可以发通知书和登记报到") % len(outcome.taken))
        back = f"{reverse('admission:overview')}?stage={stage}&year={year}"
        if not outcome.problems:
            return redirect(back)
        return render(
            request,
            "admission/outcome.html",
            {"outcome": outcome, "problems": outcome.problems[:500], "back": back},
        )
    return render(request, "admission/official.html", context)


@require_GET
def claims(request: HttpRequest) -> HttpResponse:
    """重复招生: disputes that concern the actor's unit."""
    actor = actor_of(request)
    actor.require("admission.view")
    year, _stage, _stages = chosen(actor, request.GET)
    rows = queries.claims(actor, year)
    names = queries.names_of({x for c in rows for x in (c.first_school_id, c.second_school_id)})
    return render(
        request,
        "admission/claims.html",
        {
            "rows": [
                {
                    "claim": c,
                    "first": names.get(c.first_school_id, ""),
                    "second": names.get(c.second_school_id, ""),
                }
                for c in rows
            ]
        },
    )


@require_http_methods(["GET", "POST"])
def claim(request: HttpRequest, claim_id: int) -> HttpResponse:
    """One dispute: both schools' answers beside each other; each answers, their superior decides."""
    actor = actor_of(request)
    actor.require("admission.view")
    found = queries.claim(actor, claim_id)
    if request.method == "POST":
        what, words = request.POST.get("do", ""), request.POST.get("words", "")
        if what in ("first", "second"):
            run(
                request,
                lambda: commands.arbitrate(actor, claim_id, winner=what, words=words),
                lambda _x: _("已裁定, 结果已告知两所学校"),
            )
        else:
            run(
                request,
                lambda: commands.answer(actor, claim_id, what=what, words=words),
                lambda _x: _("已答复"),
            )
        return to("claim", claim_id)
    names = queries.names_of({found.first_school_id, found.second_school_id})
    own = {found.first_school_id: "first", found.second_school_id: "second"}.get(actor.org_id or 0, "")
    both = {found.first_county_id, found.second_county_id} <= set(actor.orgs)
    return render(
        request,
        "admission/claim.html",
        {
            "claim": found,
            "sides": [
                {
                    "key": "first", "school": names.get(found.first_school_id, ""), "answer": found.first_answer,
                    "words": found.first_words, "won": found.won_id == found.first_id, "applicant": found.first_id,
                    "own": own == "first",
                },
                {
                    "key": "second", "school": names.get(found.second_school_id, ""), "answer": found.second_answer,
                    "words": found.second_words, "won": found.won_id == found.second_id,
                    "applicant": found.second_id, "own": own == "second",
                },
            ],
            "may_answer": bool(own) and found.state == "open" and actor.can("admission.prepare"),
            "may_decide": both and found.state == "open" and actor.can("admission.approve"),
        },
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def plans(request: HttpRequest) -> HttpResponse:
    """招生计划: the authority sets plans, class sizes and days for its schools; a school sees its own and asks."""
    actor = actor_of(request)
    actor.require("admission.view")
    year, stage, stages = chosen(actor, request.POST if request.method == "POST" else request.GET)
    address = f"year={year}&stage={stage}"
    if request.method == "POST":
        post = request.POST
        what = post.get("do", "")
        if what == "ask":
            run(
                request,
                lambda: commands.ask_plan(
                    actor,
                    stage=stage,
                    year=year,
                    wanted=whole(post.get("wanted")) or 0,
                    words=post.get("words", ""),
                ),
                lambda _p: _("已申请变更招生计划, 等待主管部门答复"),
            )
        elif what == "area":
            run(
                request,
                lambda: commands.ask_area(
                    actor,
                    name=post.get("name", ""),
                    division=post.get("division", ""),
                    note=post.get("note", ""),
                ),
                lambda a: _("已申请把“%s”列入服务范围, 等待主管部门答复") % a.name,
            )
        elif what in ("agree", "refuse"):
            run(
                request,
                lambda: commands.answer_plan(
                    actor, whole(post.get("plan")) or 0, agreed=what == "agree", words=post.get("words", "")
                ),
                lambda _p: _("已答复学校"),
            )
        else:
            ids = [n for raw in post.getlist("school") if (n := whole(raw))]
            run(
                request,
                lambda: commands.set_plan(actor, ids, stage=stage, year=year, terms=_terms(post)),
                lambda n: _("已设置 %s 所学校的招生计划") % n,
            )
        return to("plans", query=address)
    school = queries.is_school(actor)
    context: dict[str, Any] = {
        "year": year, "stage": stage, "is_school": school,
        "stages": [{"label": label, "url": f"?stage={key}&year={year}", "active": key == stage} for key, label in stages],
        "years": [{"label": _("%s 年") % y, "url": f"?stage={stage}&year={y}", "active": y == year}
                  for y in range(year - 1, year + 2)],
        "may_set": actor.can("admission.plan"), "may_ask": school and actor.can("admission.submit"),
    }  # fmt: skip
    if school and actor.org_id is not None:
        context["plan"] = queries.plan(actor.org_id, year, stage)
        context["areas"] = queries.areas(actor.org_id)
    elif actor.can("admission.plan"):
        context["rows"] = queries.schools(actor, year, stage)
    else:
        context["counties"] = queries.counties(year, stage)
    return render(request, "admission/plans.html", context)


def _terms(post: Any) -> Terms:
    return Terms(
        planned=n if (n := whole(post.get("planned"))) is not None else -1,
        class_size=whole(post.get("class_size")) or 0,
        extra=whole(post.get("extra")) or 0,
        extra_reason=post.get("extra_reason", ""),
        opens_on=day_of(post.get("opens_on")),
        closes_on=day_of(post.get("closes_on")),
        report_from=day_of(post.get("report_from")),
        report_to=day_of(post.get("report_to")),
    )


@require_http_methods(["GET", "POST"])
def areas(request: HttpRequest, school_id: int) -> HttpResponse:
    """服务范围 of one school: streets, villages and communities."""
    actor = actor_of(request)
    actor.require("admission.plan")
    row = School.objects.select_related("org").filter(pk=school_id, county_id=actor.org_id).first()
    if row is None:
        raise Http404
    if request.method == "POST":
        drop, agree = whole(request.POST.get("drop")), whole(request.POST.get("agree"))
        if drop:
            commands.drop_area(actor, drop)
            messages.success(request, _("已从服务范围中删除"))
        elif agree:
            area = commands.agree_area(actor, agree)
            messages.success(request, _("已加入服务范围: %s") % area.name)
        else:
            run(
                request,
                lambda: commands.save_area(
                    actor, school_id, name=request.POST.get("name", ""), division=request.POST.get("division", ""),
                    note=request.POST.get("note", ""),
                ),
                lambda a: _("已加入服务范围: %s") % a.name,
            )  # fmt: skip
        return to("areas", school_id)
    return render(request, "admission/areas.html", {"school": row.org, "areas": queries.areas(school_id)})
