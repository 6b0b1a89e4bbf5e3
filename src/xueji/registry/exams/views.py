"""Pages of exams: announcing, registering and verifying, tickets, marks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.http import PDF, XLSX, actor_of, attachment, see_other, whole
from xueji.ground.orgs.grades import start_year_of
from xueji.ground.paper.fonts import MissingGlyphs

from . import books, commands, queries, reading
from .errors import ExamError
from .models import EntryState, ExamKind, ExamState


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ExamError(_("请填写报名开始、报名截止和考试日期")) from error


def _plan(request: HttpRequest) -> commands.Plan:
    post = request.POST
    subjects = []
    for line in post.get("subjects", "")[:600].splitlines():
        parts = line.split()
        if parts:
            subjects.append((parts[0][:20], parts[1] if len(parts) > 1 else commands.FORMS[0]))
    return commands.Plan(
        kind=post.get("kind", ""),
        name=post.get("name", ""),
        stage=post.get("stage", ""),
        cohort_year=whole(post.get("cohort")) or 0,
        opens_on=_day(post.get("opens_on", "")),
        closes_on=_day(post.get("closes_on", "")),
        held_on=_day(post.get("held_on", "")),
        subjects=subjects,
    )


@require_http_methods(["GET", "POST"])
def listing(request: HttpRequest) -> HttpResponse:
    """The exams that concern the unit; an authority announces one."""
    actor = actor_of(request)
    actor.require("exam.view")
    if request.method == "POST":
        actor.require("exam.run")
        try:
            made = commands.announce(actor, _plan(request))
        except ExamError as error:
            messages.error(request, error.message)
            return see_other(reverse("exams:list"))
        messages.success(request, _("考试报名已发布, 所辖学校都能看到"))
        return see_other(reverse("exams:exam", args=[made.pk]))
    rows, following = queries.exams(actor, before=whole(request.GET.get("before")))
    start = start_year_of(today())
    return render(
        request,
        "exams/list.html",
        {
            "rows": rows,
            "may_run": actor.can("exam.run"),
            "kinds": ExamKind.choices,
            "stages": [("J", _("初中")), ("S", _("高中")), ("P", _("小学"))],
            "cohorts": [start - n for n in range(7)],
            "next_url": f"?before={following}" if following else "",
            "first_url": reverse("exams:list") if request.GET.get("before") else "",
        },
    )


@require_GET
def detail(request: HttpRequest, exam_id: int) -> HttpResponse:
    """One exam: an authority sees how far its schools are, a school its pupils."""
    actor = actor_of(request)
    exam = queries.exam(actor, exam_id)
    school = queries.is_school(actor)
    after = whole(request.GET.get("after")) or 0
    progress, following = queries.progress(exam_id, after=0 if school else after)
    state = request.GET.get("state", "")
    state = state if state in EntryState.values else ""
    rows: list[queries.Entry] = []
    if school:
        rows, following = queries.entries(exam_id, school_id=actor.org_id, state=state, after=after)
    sums = {
        "": sum(p.total for p in progress),
        EntryState.OPEN: sum(p.open for p in progress),
        EntryState.CHECKED: sum(p.checked for p in progress),
        EntryState.WRONG: sum(p.wrong for p in progress),
        EntryState.OUT: sum(p.out for p in progress),
    }
    labels: dict[str, Any] = {"": _("全部"), **dict(EntryState.choices)}
    in_time = exam.state == ExamState.OPEN and exam.opens_on <= today() <= exam.closes_on
    # Who came back at the seating is checked after the last day too.
    back = (
        exam.state == ExamState.OPEN
        and today() > exam.closes_on
        and any(r.state == EntryState.OPEN and r.why for r in rows)
    )
    own = actor.can("exam.run") and exam.org_id == actor.org_id
    return render(
        request,
        "exams/exam.html",
        {
            "exam": exam,
            "school": school,
            "progress": [] if school else progress,
            "rows": [(r, r.listed(exam.subjects)) for r in rows],
            "sums": sums,
            "views": [
                {"label": labels[k], "url": f"?state={k}", "active": k == state, "count": n}
                for k, n in sums.items()
            ],
            "may_enter": school and (in_time or back) and actor.can("exam.check"),
            "parts": books.parts(actor, exam, sums[""]),
            "may_add": school and in_time and actor.can("exam.enter"),
            "may_seat": own and exam.state == ExamState.OPEN,
            "may_mark": own and exam.state != ExamState.OPEN,
            "late": today() > exam.closes_on,
            "subjects": [s for s, _form in exam.subjects],
            "forms": "、".join(f"{s}({form})" for s, form in exam.subjects),
            "limit": reading.LIMIT >> 20,
            "next_url": f"?state={state}&after={following}" if following else "",
            "first_url": f"?state={state}" if after else "",
        },
    )


def _deed(request: HttpRequest, exam_id: int, deed: Callable[[], int], done: str) -> HttpResponse:
    try:
        n = deed()
    except ExamError as error:
        messages.error(request, "；".join([error.message, *error.lines]))
    else:
        messages.success(request, done % n)
    return see_other(reverse("exams:exam", args=[exam_id]))


@require_POST
def enter(request: HttpRequest, exam_id: int) -> HttpResponse:
    """Register the cohort."""
    actor = actor_of(request)
    return _deed(request, exam_id, lambda: commands.enter(actor, exam_id), _("已加入报名名单 %s 人"))


@require_POST
def check(request: HttpRequest, exam_id: int) -> HttpResponse:
    """What was found of the ticked pupils."""
    actor = actor_of(request)
    actor.require("exam.check")
    queries.exam(actor, exam_id)
    ids = [n for raw in request.POST.getlist("pick")[:500] if (n := whole(raw)) is not None]
    how, why = request.POST.get("how", ""), request.POST.get("why", "")
    return _deed(
        request, exam_id, lambda: commands.check(actor, exam_id, ids, how=how, why=why), _("已处理 %s 人")
    )


@require_POST
def seat(request: HttpRequest, exam_id: int) -> HttpResponse:
    """Give out the tickets."""
    actor = actor_of(request)
    return _deed(request, exam_id, lambda: commands.seat(actor, exam_id), _("已编排准考证 %s 人"))


@require_POST
def marks(request: HttpRequest, exam_id: int) -> HttpResponse:
    """Return the marks from a sheet."""
    actor = actor_of(request)
    actor.require("exam.run")
    queries.exam(actor, exam_id)
    file = request.FILES.get("file")
    if file is None or (file.size or 0) > reading.LIMIT:
        messages.error(request, _("请选择成绩表, 不超过 %s MB") % (reading.LIMIT >> 20))
        return see_other(reverse("exams:exam", args=[exam_id]))
    data = file.read()
    return _deed(
        request, exam_id, lambda: commands.marks(actor, exam_id, data, file.name or ""), _("已返回成绩 %s 人")
    )


@require_GET
def book(request: HttpRequest, exam_id: int) -> HttpResponse:
    """The verification list as a workbook."""
    try:
        data, name = books.book(actor_of(request), exam_id)
    except ExamError as error:
        messages.error(request, error.message)
        return see_other(reverse("exams:exam", args=[exam_id]))
    return attachment(data, name, XLSX)


@require_GET
def tickets(request: HttpRequest, exam_id: int) -> HttpResponse:
    """准考证 as PDF."""
    try:
        data, name = books.tickets(actor_of(request), exam_id, after=whole(request.GET.get("after")) or 0)
    except (ExamError, MissingGlyphs) as error:
        messages.error(request, str(error))
        return see_other(reverse("exams:exam", args=[exam_id]))
    return attachment(data, name, PDF)
