"""The register of guests (借读生花名册), on the page and as a sheet."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from xueji.ground.audit.commands import record
from xueji.ground.sheets.write import SheetColumn, write_table

from . import guests
from .http import actor_of

_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_GET
def register(request: HttpRequest) -> HttpResponse:
    """Guests here, and the own school's children who are guests elsewhere."""
    actor = actor_of(request)
    actor.require("problem.view")
    school = actor.org_kind == "school"
    return render(
        request,
        "changes/guests.html",
        {
            "hosted": guests.hosted(actor),
            "elsewhere": guests.elsewhere(actor) if school else [],
            "school": school,
            "may_start": actor.can("case.start"),
            "may_export": actor.can("student.export"),
            "limit": guests.LIMIT,
            "columns": [
                {"label": label}
                for label in (
                    _("学生"),
                    _("班级"),
                    _("借读学校"),
                    _("原学校"),
                    _("类型"),
                    _("开始"),
                    _("结束"),
                    "",
                )
            ],
        },
    )


@require_GET
def sheet(request: HttpRequest) -> HttpResponse:
    """The register as a sheet; what leaves is logged first."""
    actor = actor_of(request)
    actor.require("student.export")
    rows = guests.hosted(actor, limit=1000)
    columns = [
        SheetColumn(label=_("姓名")),
        SheetColumn(label=_("性别")),
        SheetColumn(label=_("出生日期")),
        SheetColumn(label=_("班级")),
        SheetColumn(label=_("原学校")),
        SheetColumn(label=_("借读类型")),
        SheetColumn(label=_("学籍种类")),
        SheetColumn(label=_("开始日期")),
        SheetColumn(label=_("结束日期")),
    ]
    data = [
        [
            g.name,
            g.sex_label,
            g.birth_date.isoformat(),
            g.class_name,
            g.origin,
            g.kind,
            g.record_kind,
            timezone.localtime(g.since).date().isoformat(),
            g.end.isoformat() if g.end else "",
        ]
        for g in rows
    ]
    record(
        actor,
        "changes.guests.export",
        object_type="org",
        object_id=actor.org_id,
        row_count=len(rows),
        purpose=_("借读生花名册"),
    )
    stamp = f"{actor.user_name} {timezone.localtime():%Y-%m-%d %H:%M}"
    response = HttpResponse(
        write_table(columns, data, title=_("借读生花名册"), watermark=stamp), content_type=_SHEET
    )
    response["Content-Disposition"] = 'attachment; filename="guests.xlsx"'
    response["Cache-Control"] = "private, no-store"
    return response
