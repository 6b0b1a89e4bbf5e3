"""The two tables as rows of text: for Excel, for paper and for the page alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.paper.roster import ListColumn, PaperList, render_list
from xueji.ground.sheets.write import SheetColumn, write_table

from . import flows, reports
from .queries import SMALL, Count, Headcount, Movement, MoveRow

COVERED = "<5"


@dataclass(frozen=True)
class TextTable:
    """A table ready to leave: headings, rows, what stands above and below it."""

    title: str
    org_name: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]
    facts: Sequence[tuple[str, str]]


def of_headcount(counts: Headcount, *, org_name: str, by: str) -> TextTable:
    """学生人数 by grade or by unit, with its total."""
    rows = counts.by_unit if by == "unit" else counts.by_grade
    head = [_("单位") if by == "unit" else _("年级"), _("合计"), _("男"), _("女")]
    if by != "unit":
        head.append(_("班数"))
    body = [_count(r, by) for r in [*rows, counts.total]]
    notes = [
        _("统计时点: %(d)s 日终") % {"d": counts.day.isoformat()},
        _("在校生: 学籍状态为在读的学生, 不含休学、出国(境)等; 在籍 %(r)s 人, 借读 %(g)s 人另计")
        % {"r": counts.on_record, "g": counts.guests},
    ]
    facts = [
        (_("统计时点"), counts.day.isoformat()),
        (_("在校"), str(counts.total.total)),
        (_("在籍"), str(counts.on_record)),
        (_("借读"), str(counts.guests)),
    ]
    return TextTable(_("学生人数统计表"), org_name, head, body, notes, facts)


def _count(row: Count, by: str) -> list[str]:
    if row.hidden:
        cells = [row.label, COVERED if row.total < 5 else str(row.total), COVERED, COVERED]
    else:
        cells = [row.label, str(row.total), str(row.men), str(row.women)]
    return cells if by == "unit" else [*cells, str(row.classes)]


def of_movement(move: Movement, *, org_name: str) -> TextTable:
    """学生变动: 期初 + 增加 − 减少 = 期末, a line per row and the total."""
    label = {"unit": _("单位"), "grade": _("年级"), "sex": _("性别")}[move.by]
    head = [label, _("期初"), *(str(c.label) for c in flows.INS), _("增加合计")]
    head += [*(str(c.label) for c in flows.OUTS), _("减少合计"), _("期末")]
    body = [_move(r) for r in [*move.rows, move.total]]
    notes = [
        _("统计期间: %(a)s 至 %(b)s, 期初为首日零时, 期末为末日日终")
        % {"a": move.start.isoformat(), "b": move.end.isoformat()},
        _("在校生口径; 转入、转出含统计范围内学校之间的转学; 退学含开除"),
        _("期初 + 增加 − 减少 = 期末: %(ok)s")
        % {"ok": _("平衡") if move.balanced else _("不平衡, 请联系系统管理员")},
    ]
    facts = [
        (_("统计期间"), _("%(a)s 至 %(b)s") % {"a": move.start.isoformat(), "b": move.end.isoformat()}),
        (_("口径"), _("在校生")),
        (_("期初＋增加－减少＝期末"), _("平衡") if move.balanced else _("不平衡")),
    ]
    return TextTable(_("学生变动情况表"), org_name, head, body, notes, facts)


def _move(row: MoveRow) -> list[str]:
    ins = [row.flow[c.key] for c in flows.INS]
    outs = [row.flow[c.key] for c in flows.OUTS]
    return [row.title, *(str(n) for n in (row.opening, *ins, row.added, *outs, row.taken, row.closing))]


def of_report(table: reports.Table) -> TextTable:
    """A report as rows of text, for paper and workbook; what is covered on the page is covered there."""
    report = table.report
    notes = [str(report.about), *(f"{c.label}: {c.meaning}" for c in report.columns)]
    if table.day != today():
        notes.append(
            _("学年和年级按%(d)s, 学生按生成当天(%(t)s)的名册")
            % {"d": table.day.isoformat(), "t": today().isoformat()}
        )
    first = _("年级") if table.target.is_school else _("单位")

    def cells(row: reports.Line) -> list[str]:
        return [
            row.label,
            *(f"<{SMALL}" if row.hidden else str(row.cells.get(c.key, 0)) for c in report.columns),
        ]

    return TextTable(
        str(report.title),
        table.target.name,
        [first, *(str(c.label) for c in report.columns)],
        [cells(r) for r in [*table.rows, table.total]],
        notes,
        [(_("统计时点"), today().isoformat()), (_("口径"), _("在校生"))],
    )


def to_xlsx(table: TextTable, *, watermark: str) -> bytes:
    """The table as a workbook; figures are numbers, covered ones text."""
    columns = [
        SheetColumn(label=h, kind="text" if i == 0 else "number", width=24 if i == 0 else 10)
        for i, h in enumerate(table.head)
    ]
    rows = [[r[0], *(int(v) if v.lstrip("-").isdigit() else v for v in r[1:])] for r in table.rows]
    return write_table(
        columns, rows, title=f"{table.org_name} {table.title}", notes=table.notes, watermark=watermark
    )


def to_pdf(table: TextTable, *, printed_by: str, printed_at: datetime, watermark: str) -> bytes:
    """The table on paper, with who printed it and when."""
    wide = len(table.head) > 8
    columns = [
        ListColumn(label=h, mm=None if i == 0 else ((17 if len(h) > 3 else 13) if wide else 28), centre=i > 0)
        for i, h in enumerate(table.head)
    ]
    return render_list(
        PaperList(
            title=table.title,
            org_name=table.org_name,
            facts=table.facts,
            columns=columns,
            rows=table.rows,
            printed_by=printed_by,
            printed_at=printed_at,
            watermark=watermark,
            orientation="landscape" if wide else "portrait",
            signatures=(_("填表人（签字）"), _("单位负责人（签字）"), _("单位（盖章）")),
        )
    )
