"""Pages of figures and lists that leave, and of entries against the rules."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.http import actor_of
from xueji.ground.audit.commands import record
from xueji.ground.paper.fonts import MissingGlyphs
from xueji.ground.sheets.write import SheetColumn, write_table
from xueji.ground.standards.identity import SEX_WORDS

from . import commands, paper, queries, reports
from .http import chosen, run, to
from .models import Applicant, Origin, State

VIEWS = (
    ("origin", gettext_lazy("生源情况")),
    ("checkin", gettext_lazy("报到统计")),
    ("choice", gettext_lazy("择校生")),
    ("outside", gettext_lazy("外地户籍新生")),
    ("reconcile", gettext_lazy("与录取名单核对")),
)


@require_GET
def reports_page(request: HttpRequest) -> HttpResponse:
    """新生生源, 报到统计, 择校生, 外地户籍, 与录取名单核对 (C-ENR-11, 12, 13, 18)."""
    actor = actor_of(request)
    actor.require("admission.view")
    year, stage, stages = chosen(actor, request.GET)
    show = request.GET.get("show", "")
    show = show if show in dict(VIEWS) else "origin"
    f = queries.Filters(year, stage)
    by = request.GET.get("by", "")
    by = by if by in ("school", "area", "division") else "school"
    context: dict[str, Any] = {
        "show": show, "by": by, "year": year, "stage": stage,
        "stages": [{"label": label, "url": f"?show={show}&stage={key}&year={year}", "active": key == stage}
                   for key, label in stages],
        "views": [{"label": label, "url": f"?show={key}&stage={stage}&year={year}", "active": key == show}
                  for key, label in VIEWS],
        "counts": queries.counts(actor, f),
        "what": reports.WHAT,
    }  # fmt: skip
    if show == "origin":
        context["figures"] = reports.origins(actor, f, by)
    elif show == "checkin":
        context["figures"] = reports.checkin(actor, f)
    elif show == "choice":
        context["rows"] = reports.chosen(actor, f)[:200]
    elif show == "outside":
        context["rows"] = reports.outside(actor, f)[:200]
    else:
        found, context["agree"] = reports.reconcile(actor, f)
        context["differences"] = [{"d": d, "what": reports.WHAT[d.what]} for d in found[:200]]
        context["many"] = len(found)
    return render(request, "admission/reports.html", context)


def _line(a: Applicant) -> tuple[object, ...]:
    return (
        a.name, SEX_WORDS.get(a.sex, ""), a.birth_date, a.from_school, a.area, a.division, str(Origin(a.origin).label),
        str(State(a.state).label), a.reported_on, a.choice_note,
    )  # fmt: skip


_COLUMNS = ("姓名", "性别", "出生日期", "原学校", "社区", "户籍区划", "入学方式", "状态", "报到日期", "说明")


@require_POST
def export(request: HttpRequest) -> HttpResponse:
    """A list as a workbook, or as paper for the wall (公示) and the file (报到名册)."""
    actor = actor_of(request)
    actor.require("admission.view")
    year, stage, _stages = chosen(actor, request.POST)
    f = queries.Filters(year, stage)
    what = request.POST.get("what", "")
    if what in ("publish", "register"):
        return _paper(request, actor, f, what)
    rows, columns, title, people = _sheet(actor, f, what)
    record(
        actor, "admission.export", object_type="org", object_id=actor.org_id or "", purpose=title,
        row_count=len(rows), persons=people,
    )  # fmt: skip
    data = write_table(
        [SheetColumn(label=label, kind="date" if label.endswith("日期") else "text") for label in columns],
        rows,
        title=title,
        watermark=f"{actor.user_name} {timezone.localtime():%Y-%m-%d %H:%M}",
    )
    return _sent(data, f"{title}.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")


def _sheet(
    actor: Any, f: queries.Filters, what: str
) -> tuple[Sequence[Sequence[object]], Sequence[str], str, Iterator[uuid.UUID]]:
    head: tuple[str, ...]
    if what == "missing":
        rows, _more = reports.children(actor, f.year, "missing", limit=5_000)
        lines: list[Sequence[object]] = [
            (r.owner, r.name, SEX_WORDS.get(r.sex, ""), r.birth_date, r.area, r.kindergarten, r.state, r.note)
            for r in rows
        ]
        head = ("学校", "姓名", "性别", "出生日期", "社区", "幼儿园", "去向", "说明")
        return lines, head, _("%s年适龄未入学儿童名单") % f.year, iter(())
    if what == "elsewhere":
        rows, _more = reports.children(actor, f.year, "elsewhere", limit=5_000)
        lines = [
            (r.owner, r.name, SEX_WORDS.get(r.sex, ""), r.birth_date, r.area, r.state, r.note) for r in rows
        ]
        head = ("学校", "姓名", "性别", "出生日期", "社区", "外出注册学籍", "说明")
        return lines, head, _("%s年外出注册学籍学生名单") % f.year, iter(())
    if what == "reconcile":
        found, _agree = reports.reconcile(actor, f)
        lines = [(d.school, d.name, str(reports.WHAT[d.what]), d.listed, d.registered) for d in found]
        head = ("学校", "姓名", "差异", "录取名单", "已注册")
        return lines, head, _("%s年新生与录取名单核对") % f.year, (d.person_id for d in found if d.person_id)
    pupils = {"outside": reports.outside, "choice": reports.chosen}.get(what)
    if pupils is None:
        raise Http404
    held = pupils(actor, f)
    title = _("%s年外地户籍新生登记表") if what == "outside" else _("%s年择校生汇总表")
    return [_line(a) for a in held], _COLUMNS, title % f.year, (a.subject for a in held)


def _paper(request: HttpRequest, actor: Any, f: queries.Filters, what: str) -> HttpResponse:
    """择校生公示 with masked names; 报到名册 with names for the file."""
    if what == "publish":
        held = reports.chosen(actor, f)
        title, action = _("%s年择校生公示") % f.year, "admission.publish"
        columns = [
            (_("序号"), 14.0),
            (_("姓名"), 30.0),
            (_("性别"), 14.0),
            (_("原学校"), 60.0),
            (_("说明"), None),
        ]
        lines = [
            [str(n), paper.public_name(a), SEX_WORDS.get(a.sex, ""), a.from_school, a.choice_note]
            for n, a in enumerate(held, start=1)
        ]
    else:
        held = list(
            Applicant.objects.filter(
                school_id=actor.org_id, year=f.year, stage=f.stage, state__in=[State.APPROVED, State.REPORTED]
            ).order_by("sort", "pk")[:5_000]
        )
        title, action = _("%s年新生报到名册") % f.year, "admission.export"
        columns = [
            (_("序号"), 12.0), (_("姓名"), 26.0), (_("性别"), 12.0), (_("出生日期"), 26.0), (_("通知书编号"), 30.0),
            (_("原学校"), 40.0), (_("报到日期"), 26.0), (_("签到"), None),
        ]  # fmt: skip
        lines = [
            [str(n), a.name, SEX_WORDS.get(a.sex, ""), str(a.birth_date), a.notice_no, a.from_school,
             str(a.reported_on or ""), ""]
            for n, a in enumerate(held, start=1)
        ]  # fmt: skip
    record(
        actor, action, object_type="org", object_id=actor.org_id or "", purpose=title, row_count=len(held),
        persons=(a.subject for a in held),
    )  # fmt: skip
    try:
        data = paper.register(actor, title, [(_("人数"), str(len(held)))], lines, columns)
    except MissingGlyphs as error:
        messages.error(request, str(error))
        return to("reports")
    return _sent(data, f"{title}.pdf", "application/pdf")


def _sent(data: bytes, name: str, kind: str) -> HttpResponse:
    from urllib.parse import quote

    response = HttpResponse(data, content_type=kind)
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return response


@require_http_methods(["GET", "POST"])
def clearances(request: HttpRequest) -> HttpResponse:
    """违规入学: the list, and putting a pupil on it (C-ENR-21)."""
    actor = actor_of(request)
    actor.require("admission.view")
    may_list = actor.can("admission.prepare") or actor.can("admission.approve")
    if request.method == "POST":
        try:
            person = uuid.UUID(request.POST.get("person", ""))
        except ValueError:
            messages.error(request, _("请先查找并选择学生"))
            return to("clearances")
        run(
            request,
            lambda: commands.list_violation(
                actor, person, kind=request.POST.get("kind", ""), findings=request.POST.get("words", "")
            ),
            lambda c: _("已登记 %s, 等待主管部门决定") % c.name,
        )
        return to("clearances")
    rows = reports.clearances(actor)
    names = queries.names_of({c.school_id for c in rows})
    text = request.GET.get("q", "").strip()[:40]
    return render(
        request,
        "admission/clearances.html",
        {
            "rows": [
                {"c": c, "kind": commands.KINDS.get(c.kind, c.kind), "school": names.get(c.school_id, "")}
                for c in rows
            ],
            "may_list": may_list,
            "may_decide": actor.can("admission.approve"),
            "org_id": actor.org_id,
            "kinds": list(commands.KINDS.items()),
            "text": text,
            "found": reports.pupils(actor, text) if text and may_list else [],
        },
    )


@require_POST
def clear(request: HttpRequest, clearance_id: int) -> HttpResponse:
    """The authority cancels the record, or lets the entry stand."""
    actor = actor_of(request)
    actor.require("admission.approve")
    run(
        request,
        lambda: commands.decide_clearance(
            actor,
            clearance_id,
            cleared=request.POST.get("do") == "clear",
            words=request.POST.get("words", ""),
        ),
        lambda c: (
            _("已清退 %s, 学籍已注销") % c.name
            if c.state == "cleared"
            else _("已认定 %s 的入学有效") % c.name
        ),
    )
    return to("clearances")
