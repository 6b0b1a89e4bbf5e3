"""同步报告 on paper and as a workbook: what was handed back, what became of each item. Masked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.orgs.models import School
from xueji.ground.paper.report import Part, Report, render_report
from xueji.ground.sheets.write import SheetColumn, write_table

from . import queries
from .models import BackState, Decision, HandBack, ItemKind, OfflineItem


def file_name(back: HandBack, form: str) -> str:
    """学校代码+学校全称+同步报告 (C-SUB-10)."""
    school = _school(back)
    return f"{school.school_code}{school.org.name}{_('离线同步报告')}-{back.package_id}-{back.number}.{form}"


def _school(back: HandBack) -> School:
    return School.objects.select_related("org").get(pk=back.school_id)


def _when(moment: Any) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M}" if moment else "—"


def _mark(actor: Any) -> str:
    return f"{actor.user_name} {timezone.localtime():%Y-%m-%d %H:%M}"


def _heads() -> list[str]:
    return [
        _("行"), _("姓名"), _("班级"), _("项目"), _("离线前"), _("平台"), _("离线表"), _("处理结果"), _("处理人"), _("说明"),
    ]  # fmt: skip


def _line(one: OfflineItem) -> list[str]:
    return [
        str(one.row_no or "—"), one.name, one.place or "—", queries.what(one) or "—", one.base or "—", one.here or "—",
        one.there or "—", str(Decision(one.decision).label), one.decided_name or "—", one.reason or "—",
    ]  # fmt: skip


def sums(back: HandBack) -> list[tuple[str, str]]:
    """The counts of a hand-back in words."""
    c = back.counts
    return [
        (_("交回的行"), str(c.get("rows", 0))),
        (_("没有改动的学生"), str(c.get("unchanged", 0))),
        (_("两边改得一样"), str(c.get("same", 0))),
        *((str(k.label), str(c.get(k.value, 0))) for k in ItemKind),
        (_("平台新增的学生"), str(c.get("arrived", 0))),
    ]


def report_pdf(actor: Any, back: HandBack, rows: Sequence[OfflineItem]) -> bytes:
    """The report on paper."""
    package, school = back.package, _school(back)
    parts = [
        Part(title=_("比对结果"), head=[_("项目"), _("数量")], rows=[list(x) for x in sums(back)]),
        *(
            Part(title=str(k.label), head=_heads(), rows=own)
            for k in ItemKind
            if (own := [_line(i) for i in rows if i.kind == k])
        ),
    ]
    if back.counts.get("arrived_names"):
        parts.append(Part(title=_("平台新增的学生"), text="、".join(back.counts["arrived_names"])))
    return render_report(
        Report(
            title=_("离线数据同步报告"),
            number=f"{package.pk}-{back.number}",
            org_name=school.org.name,
            facts=[
                (_("离线包"), _("%(id)s (%(title)s, %(n)s 人)") % {"id": package.pk, "title": package.title, "n": package.total}),
                (_("制作"), f"{package.made_name} {_when(package.made_at)}"),
                (_("交回"), f"{back.by_name} {_when(back.at)}"),
                (_("状态"), f"{BackState(back.state).label} {_when(back.done_at) if back.done_at else ''}".strip()),
                (_("文件"), back.file_name),
                (_("校验值"), back.file_sha256),
            ],
            parts=parts,
            signatures=(_("经办人(签字)"), _("学校负责人(签字、盖章)")),
            printed_by=actor.user_name,
            printed_at=timezone.localtime(),
            watermark=_mark(actor),
        )
    )  # fmt: skip


def report_xlsx(actor: Any, back: HandBack, rows: Sequence[OfflineItem]) -> bytes:
    """The report as a workbook."""
    heads = [_("情况"), *_heads()]
    return write_table(
        [SheetColumn(label=h) for h in heads],
        [[str(ItemKind(i.kind).label), *_line(i)] for i in rows],
        title=f"{_school(back).org.name}{_('离线数据同步报告')}",
        notes=["; ".join(f"{a} {b}" for a, b in sums(back))],
        watermark=_mark(actor),
    )
