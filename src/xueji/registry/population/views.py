"""The pages of comparisons and distributions. They translate between requests and commands, and nothing else."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from xueji.ground.accounts.http import actor_of, carry_out, whole
from xueji.ground.audit.commands import record
from xueji.ground.sheets.write import SheetColumn, write_table

from . import commands, queries
from .errors import PopulationError
from .models import BatchState, ItemState
from .register import register

_STATES = ("failed", "unknown", "retry", "waiting", "passed")
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: Lines of a school's list on paper or in a sheet.
MOST = 5000


@require_GET
def results(request: HttpRequest) -> HttpResponse:
    """Children by what the register said of them; mismatches first."""
    actor = actor_of(request)
    actor.require("population.view")
    state = request.GET.get("tab", "failed")
    state = state if state in _STATES else "failed"
    school = whole(request.GET.get("school"))
    page = queries.results(actor, state=state, school_id=school, after=request.GET.get("after", "")[:300])
    counts = queries.counts(actor)
    asked = {"tab": state, "school": school or "", "after": page.next}
    return render(
        request,
        "population/results.html",
        {
            "rows": page.rows,
            "state": state,
            "views": [
                {
                    "label": str(ItemState(s).label),
                    "url": f"?tab={s}",
                    "active": s == state,
                    "count": counts.get(s, 0),
                }
                for s in _STATES
            ],
            "columns": [
                {"label": label}
                for label in (
                    _("姓名"),
                    _("学校"),
                    _("班级"),
                    _("结果"),
                    _("不一致的项目"),
                    _("时间和来源"),
                    "",
                )
            ],
            "may_begin": actor.can("population.compare") and register() is not None,
            "off": register() is None,
            "next_url": f"?{urlencode({k: v for k, v in asked.items() if v})}" if page.next else "",
        },
    )


@require_GET
def batches(request: HttpRequest) -> HttpResponse:
    """The newest comparisons with their progress and trouble."""
    actor = actor_of(request)
    actor.require("population.view")
    rows = queries.batches()
    return render(
        request,
        "population/batches.html",
        {
            "rows": [
                {
                    "batch": b,
                    "open": b.total - b.passed - b.failed - b.unknown,
                    "mine": b.org_id == actor.org_id and actor.can("population.compare"),
                }
                for b in rows
            ],
            "columns": [
                {"label": label}
                for label in (
                    _("批次"), _("发起"), _("人数"), _("一致"), _("不一致"), _("未比对"), _("待重试"), _("状态"), "",
                )
            ],
        },
    )  # fmt: skip


@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """Have records compared."""
    actor = actor_of(request)
    return carry_out(
        request,
        lambda: commands.begin(actor, again=request.POST.get("again") == "1"),
        _("已发起比对, 结果陆续出现"),
        reverse("population:batches"),
        refused=PopulationError,
    )


@require_POST
def again(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Ask about what has no answer yet."""
    actor = actor_of(request)
    return carry_out(
        request,
        lambda: commands.ask_again(actor, batch_id),
        _("已重新发送"),
        reverse("population:batches"),
        refused=PopulationError,
    )


@require_POST
def problems(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Problem records for the mismatches of a batch."""
    actor = actor_of(request)
    return carry_out(
        request,
        lambda: commands.record_failures(actor, batch_id),
        _("不一致的学生都已登记问题学籍"),
        reverse("problems:list") + "?tab=open",
        refused=PopulationError,
    )


@require_GET
def distributions(request: HttpRequest) -> HttpResponse:
    """Distributions of formal numbers, the newest first."""
    actor = actor_of(request)
    actor.require("population.view")
    return render(
        request,
        "population/distributions.html",
        {
            "rows": queries.distributions(),
            "waiting": queries.waiting(actor),
            "may_start": actor.can("number.distribute"),
            "columns": [
                {"label": label}
                for label in (
                    _("编号"), _("学期"), _("发起"), _("临时学籍号"), _("G 字头"), _("J 字头"), _("暂留"), _("状态"),
                )
            ],
        },
    )  # fmt: skip


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Begin a distribution."""
    actor = actor_of(request)
    return carry_out(
        request,
        lambda: commands.start(actor),
        _("已开始下发, 完成后各校能看到本校名单"),
        reverse("population:distributions"),
        refused=PopulationError,
    )


@require_GET
def distribution(request: HttpRequest, pk: int) -> HttpResponse:
    """One distribution: by school, and child by child."""
    actor = actor_of(request)
    actor.require("population.view")
    row = queries.distribution(pk)
    result = request.GET.get("tab", "")
    result = result if result in ("G", "J", "held") else ""
    school = whole(request.GET.get("school"))
    page = queries.lines(actor, pk, result=result, school_id=school, after=request.GET.get("after", "")[:40])
    asked = {"tab": result, "school": school or "", "after": page.next}
    return render(
        request,
        "population/distribution.html",
        {
            "row": row,
            "running": row.state == BatchState.RUNNING,
            "schools": queries.by_school(pk),
            "rows": page.rows,
            "school": school or "",
            "may_export": actor.can("student.export"),
            "views": [
                {"label": label, "url": f"?tab={tab}&school={school or ''}", "active": tab == result}
                for tab, label in (
                    ("", _("全部")), ("G", _("G 字头")), ("J", _("J 字头")), ("held", _("暂留临时学籍号")),
                )
            ],
            "columns": [{"label": label} for label in (_("姓名"), _("学校"), _("班级"), _("结果"))],
            "next_url": f"?{urlencode({k: v for k, v in asked.items() if v})}" if page.next else "",
        },
    )  # fmt: skip


@require_GET
def sheet(request: HttpRequest, pk: int) -> HttpResponse:
    """The list of a distribution as a sheet: for the school's file and its notice board, without numbers."""
    actor = actor_of(request)
    actor.require("student.export")
    row = queries.distribution(pk)
    page = queries.lines(actor, pk, school_id=whole(request.GET.get("school")), limit=MOST)
    lines: list[tuple[Any, ...]] = [(r.school, r.class_label, r.name, r.label) for r in page.rows]
    record(
        actor,
        "population.export",
        object_type="number_distribution",
        object_id=pk,
        row_count=len(lines),
        persons=[r.person_id for r in page.rows],
    )
    columns = [SheetColumn(label=label) for label in (_("学校"), _("班级"), _("姓名"), _("结果"))]
    data = write_table(columns, lines, title=_("正式学籍号下发名单 %s") % row.number)
    response = HttpResponse(data, content_type=_SHEET)
    response["Content-Disposition"] = f'attachment; filename="numbers-{row.number}.xlsx"'
    return response
