"""Pages of a school: the year at a glance, candidates, one candidate, the check-in. Views translate, and nothing else."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts import search
from xueji.ground.accounts.http import actor_of, day_of, ticked, whole
from xueji.ground.orgs.models import School
from xueji.ground.paper.fonts import MissingGlyphs

from . import commands, eligibility, paper, queries
from .commands._base import setting
from .errors import AdmissionError
from .http import chosen, run, to
from .models import Applicant, Origin, State, Verdict

VERDICTS = [(v.value or "none", v.label) for v in Verdict]
MARKS = (
    ("choice", _("择校生")),
    ("disputed", _("重复招生")),
    ("condition", _("有条件入学")),
    ("undelivered", _("通知书未送达")),
)


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """招生入学 of the year: what waits, the plan, where candidates stand; for an authority school by school."""
    actor = actor_of(request)
    actor.require("admission.view")
    year, stage, stages = chosen(actor, request.GET)
    f = queries.Filters(year, stage)
    school = queries.is_school(actor)
    context: dict[str, Any] = {
        "year": year,
        "stage": stage,
        "stages": [
            {"label": label, "url": f"?stage={key}&year={year}", "active": key == stage}
            for key, label in stages
        ],
        "is_school": school,
        "todo": queries.todo(actor),
        "lists": queries.submissions(actor, year)[:20],
    }
    if school and actor.org_id is not None:
        counts = queries.counts(actor, f)
        context["plan"] = queries.plan(actor.org_id, year, stage)
        context["tabs"] = [
            {
                "label": label,
                "n": counts[key],
                "url": f"{reverse('admission:candidates')}?tab={key}&stage={stage}&year={year}",
            }
            for key, label, _states in queries.TABS
        ]
        context["held"] = counts["approved"] + counts["reported"]
    elif actor.can("admission.plan"):
        context["rows"] = queries.schools(actor, year, stage)
    names = queries.names_of({s.school_id for s in context["lists"]})
    context["lists"] = [{"list": s, "school": names.get(s.school_id, "")} for s in context["lists"]]
    return render(request, "admission/overview.html", context)


def _filters(actor: Any, data: Any) -> tuple[queries.Filters, list[tuple[str, str]]]:
    year, stage, stages = chosen(actor, data)
    tab = data.get("tab", "")
    tab = tab if tab in {key for key, _l, _s in queries.TABS} else "entered"
    verdict = data.get("verdict", "")
    mark = data.get("mark", "")
    return queries.Filters(
        year,
        stage,
        tab,
        data.get("q", "").strip()[:40],
        verdict if verdict in dict(VERDICTS) else "",
        mark if mark in dict(MARKS) else "",
        whole(data.get("school")),
    ), stages


@require_GET
def candidates(request: HttpRequest) -> HttpResponse:
    """Candidates by where they stand; ticked ones are examined, sent, notified, checked in."""
    actor = actor_of(request)
    actor.require("admission.view")
    f, stages = _filters(actor, request.GET)
    after = request.GET.get("after", "")
    rows, more = queries.listing(actor, f, after)
    asked = {
        k: str(v)
        for k, v in {
            "tab": f.tab, "stage": f.stage, "year": f.year, "q": f.text, "verdict": f.verdict, "mark": f.mark,
            "school": f.school or "",
        }.items()
        if v
    }  # fmt: skip
    counts = queries.counts(actor, f)
    context: dict[str, Any] = {
        "rows": rows,
        "filters": f,
        "query": asked,
        "stages": stages,
        "verdicts": VERDICTS,
        "marks": MARKS,
        "views": [
            {
                "label": label,
                "url": f"?tab={key}&stage={f.stage}&year={f.year}"
                + (f"&school={f.school}" if f.school else ""),
                "active": key == f.tab,
                "count": counts[key],
            }
            for key, label, _states in queries.TABS
        ],
        "next_url": search.address(actor.user_id, asked | {"after": more}) if more else "",
        "first_url": search.address(actor.user_id, asked) if after else "",
        "is_school": queries.is_school(actor),
        "may_prepare": actor.can("admission.prepare"),
        "may_submit": actor.can("admission.submit"),
        "how": commands.HOW.items(),
        "today": timezone.localdate(),
        "reasons": _("理由"),
    }
    if context["may_prepare"] and f.tab == "entered" and actor.org_id is not None:
        school = School.objects.select_related("org").get(pk=actor.org_id)
        rules = setting(school, f.stage, f.year)
        context["papers"] = eligibility.papers_of(rules.policy, f.stage, rules.on)
        context["questions"] = eligibility.questions(rules.policy)
    return render(request, "admission/candidates.html", context)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """One candidate by a form, or many by a sheet or pasted cells."""
    actor = actor_of(request)
    actor.require("admission.prepare")
    year, stage, stages = chosen(actor, request.POST if request.method == "POST" else request.GET)
    origin = request.POST.get("origin", "")
    origin = origin if origin in (Origin.AREA, Origin.SELF) else Origin.AREA
    context: dict[str, Any] = {
        "year": year, "stage": stage, "stages": stages, "origin": origin,
        "origins": [(o.value, o.label) for o in (Origin.AREA, Origin.SELF)], "values": request.POST,
    }  # fmt: skip
    if request.method != "POST":
        return render(request, "admission/new.html", context)
    try:
        if request.POST.get("how") == "one":
            found = commands.enter_one(
                actor, {k: str(v)[:200] for k, v in request.POST.items() if k in _FORM}, stage=stage, year=year,
                origin=origin, apart=request.POST.get("apart", "")[:300],
            )  # fmt: skip
            messages.success(request, _("已录入 %s") % found.name)
            return to("candidate", found.pk)
        file = request.FILES.get("file")
        outcome = commands.enter_sheet(
            actor, data=file.read() if file else b"", file_name=str(file.name) if file else "",
            text=request.POST.get("text", "")[:2_000_000], stage=stage, year=year, origin=origin,
        )  # fmt: skip
    except AdmissionError as error:
        context |= {"error": error.message, "alike": getattr(error, "lines", [])}
        return render(request, "admission/new.html", context, status=400)
    return _told(request, outcome, f"{reverse('admission:candidates')}?stage={stage}&year={year}")


_FORM = frozenset(
    {"name", "sex", "birth_date", "id_type", "id_number", "ethnicity", "household_division", "current_address", "area",
     "member1_name", "member1_relation", "member1_phone", "from_school", "exam_no"}
)  # fmt: skip


def _told(request: HttpRequest, outcome: commands.Outcome, back: str) -> HttpResponse:
    """What became of a list: at once back to it when every line was taken, otherwise the lines left out, with reasons."""
    said = _("已录入 %s 人") % len(outcome.taken)
    if outcome.again:
        said += _(", %s 人原来就在名单中") % outcome.again
    if outcome.claims:
        said += _(", %s 人与其他学校重复, 请到“重复招生”处理") % outcome.claims
    messages.success(request, said)
    if not outcome.problems:
        return redirect(back)
    return render(
        request,
        "admission/outcome.html",
        {"outcome": outcome, "problems": outcome.problems[:500], "back": back},
    )


def _back(request: HttpRequest, actor: Any) -> HttpResponse:
    keep = {k: request.POST.get(k, "")[:60] for k in ("tab", "stage", "year", "q", "verdict", "mark")}
    return to("candidates", query=search.address(actor.user_id, keep)[1:])


@require_POST
def act(request: HttpRequest) -> HttpResponse:
    """One deed for all who are ticked."""
    actor = actor_of(request)
    actor.require("admission.prepare")
    ids, post = ticked(request, "applicant"), request.POST
    today = timezone.localdate()
    # Several boxes of the page ask for a reason; the one that was filled in counts.
    words = next((w for w in post.getlist("words") if w.strip()), "")
    deeds: dict[str, tuple[Any, str]] = {
        "papers": (lambda: commands.state_facts(actor, ids, papers=post.getlist("papers")), _("已登记 %s 人的材料, 并重新审查")),
        "facts": (lambda: commands.state_facts(actor, ids, facts=_facts(post)), _("已登记 %s 人的情况, 并重新审查")),
        "override": (lambda: commands.state_facts(actor, ids, override=words), _("已写明例外理由, 重新审查 %s 人")),
        "submit": (lambda: commands.submit(actor, ids).n, _("已上报 %s 人, 等待主管部门核办")),
        "withdraw": (lambda: commands.withdraw(actor, ids, words=words), _("已撤销 %s 人")),
        "deliver": (
            lambda: commands.deliver(actor, ids, on=day_of(post.get("on")) or today, how=post.get("how", "")),
            _("已登记 %s 份通知书送达"),
        ),
        "checkin": (
            lambda: commands.check_in(
                actor, ids, on=day_of(post.get("on")) or today, condition=post.get("condition", ""),
                condition_due=day_of(post.get("due")),
            ),
            _("%s 人已报到建籍, 等待分班"),
        ),
        "late": (
            lambda: commands.grant_late(
                actor, ids, until=day_of(post.get("until")) or today, reason=words, proof=_proof(request)
            ),
            _("已准许 %s 人延期报到"),
        ),
        "absent": (lambda: commands.close_absent(actor, ids, words=words), _("已登记 %s 人未报到")),
        "complete": (lambda: commands.complete(actor, ids), _("%s 人的材料已补齐")),
    }  # fmt: skip
    deed = deeds.get(post.get("do", ""))
    if deed is None:
        messages.error(request, _("请选择要办理的事项"))
    else:
        run(request, deed[0], lambda n: deed[1] % n)
    return _back(request, actor)


def _facts(post: Any) -> dict[str, bool | None]:
    words = {"yes": True, "no": False, "clear": None}
    return {k[5:]: words[v] for k, v in post.items() if k.startswith("fact:") and v in words}


def _proof(request: HttpRequest) -> tuple[str, bytes] | None:
    file = request.FILES.get("proof")
    return (str(file.name), file.read()) if file else None


@require_http_methods(["GET", "POST"])
def candidate(request: HttpRequest, applicant_id: uuid.UUID) -> HttpResponse:
    """One candidate: what the rules say with their articles, papers, facts, notice, check-in, disputes."""
    actor = actor_of(request)
    actor.require("admission.view")
    found = queries.applicant(actor, applicant_id)
    mine = queries.is_school(actor) and found.school_id == actor.org_id and actor.can("admission.prepare")
    school = School.objects.select_related("org").get(pk=found.school_id)
    rules = setting(school, found.stage, found.year)
    asked = eligibility.questions(rules.policy)
    if request.method == "POST":
        actor.require("admission.prepare")
        facts = {key: None for key, _label in asked} | _facts(request.POST)
        choice = request.POST.get("choice") == "on"
        run(
            request,
            lambda: commands.state_facts(
                actor, [found.pk], facts=facts, papers=request.POST.getlist("papers"), exact=True, choice=choice,
                choice_note=request.POST.get("choice_note", ""), override=request.POST.get("override", ""),
            ),
            lambda _n: _("已保存, 并重新审查"),
        )  # fmt: skip
        return to("candidate", found.pk)
    usual = eligibility.papers_of(rules.policy, found.stage, rules.on)
    return render(
        request,
        "admission/candidate.html",
        {
            "a": found,
            "school": school.org.name,
            "mine": mine,
            "open": mine and found.state in (State.ENTERED, State.APPROVED, State.REPORTED),
            "checks": [
                {"verdict": x["verdict"], "sentence": x["sentence"], "article": x["article"]}
                for x in found.findings
            ],
            "papers": [(p, p in found.papers) for p in dict.fromkeys([*usual, *found.papers])],
            "filed": [(p, key) for p, key in found.filed.items()],
            "missing": [p for p in usual if p not in found.papers],
            "questions": [(key, label, found.facts.get(key)) for key, label in asked],
            "claims": [c for c in queries.claims(actor, found.year) if found.pk in (c.first_id, c.second_id)],
            "items": _items(found),
        },
    )


@require_POST
def paper_file(request: HttpRequest, applicant_id: uuid.UUID) -> HttpResponse:
    """A picture of a paper into the dossier."""
    actor = actor_of(request)
    actor.require("admission.prepare")
    queries.applicant(actor, applicant_id)
    file = request.FILES.get("file")
    run(
        request,
        lambda: commands.file_paper(
            actor, applicant_id, paper=request.POST.get("paper", ""), name=str(file.name) if file else "",
            data=file.read() if file else b"",
        ),
        lambda _a: _("已存入新生档案, 并重新审查"),
    )  # fmt: skip
    return to("candidate", applicant_id)


def _items(a: Applicant) -> list[dict[str, Any]]:
    """What is known of a candidate, as the page shows it; numbers stay sealed."""
    sent = f"{a.delivered_on} {commands.HOW.get(a.delivered_how, '')}" if a.delivered_on else _("未送达")
    pairs: list[tuple[Any, Any, str]] = [
        (_("性别"), queries.SEX.get(a.sex, ""), ""),
        (_("出生日期"), a.birth_date.isoformat(), ""),
        (_("身份证件"), _("已登记(加密保存)") if a.id_sealed else _("没有"), ""),
        (_("入学方式"), a.get_origin_display() + (_(" · 择校生") + f" {a.choice_note}" if a.choice else ""), ""),
        (_("监护人"), a.guardian_name or "—", ""),
        (_("街道、村或社区"), a.area or "—", ""),
        (_("原学校或幼儿园"), a.from_school or "—", ""),
        (_("准考证号"), a.exam_no, ""),
        (_("学前学籍号"), a.preschool_no, ""),
        (_("通知书"), f"{a.notice_no}, {sent}" if a.notice_no else "—", ""),
        (_("延期报到"), f"{a.late_until} {a.late_reason}" if a.late_until else "",
         reverse("files:file", args=[a.late_file_id]) if a.late_file_id else ""),
        (_("报到"), a.reported_on.isoformat() if a.reported_on else "—",
         f"/students/{a.person_id}/" if a.person_id else ""),
        (_("还缺"), f"{a.condition} ({a.condition_due})" if a.condition else "", ""),
        (_("说明"), a.words, ""),
    ]  # fmt: skip
    return [{"label": label, "value": value, "url": url} for label, value, url in pairs if value]


@require_POST
def notices(request: HttpRequest) -> HttpResponse:
    """入学通知书 of those ticked, as PDF."""
    actor = actor_of(request)
    actor.require("admission.prepare")
    try:
        rows = commands.printed(actor, ticked(request, "applicant"))
        data = paper.notices(actor, rows, f"{request.scheme}://{request.get_host()}")
    except (AdmissionError, MissingGlyphs) as error:
        messages.error(request, getattr(error, "message", "") or str(error))
        return _back(request, actor)
    response = HttpResponse(data, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="notices-{rows[0].year}.pdf"'
    return response


@require_http_methods(["GET", "POST"])
def checkin(request: HttpRequest) -> HttpResponse:
    """报到 at the door: the code of a notice, scanned or typed, brings up the child; one button receives it."""
    actor = actor_of(request)
    actor.require("admission.prepare")
    code = (request.POST if request.method == "POST" else request.GET).get("code", "")
    found = queries.by_code(actor, code) if code else None
    if request.method == "POST" and found is not None:
        due = day_of(request.POST.get("due"))
        done = run(
            request,
            lambda: commands.check_in(
                actor,
                [found.pk],
                on=timezone.localdate(),
                condition=request.POST.get("condition", ""),
                condition_due=due,
            ),
            lambda _n: _("%s 已报到建籍, 等待分班") % found.name,
        )
        if done:
            return to("checkin")
    today = timezone.localdate()
    return render(
        request,
        "admission/checkin.html",
        {
            "code": code if found is not None else "",
            "found": found,
            "unknown": bool(code) and found is None,
            "ready": found is not None and found.state == State.APPROVED,
            "today": today,
        },
    )
