"""This room on paper: certificate of disposal, assessment, yearly report, letters to families. PDFs are never kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.audit.commands import record
from xueji.ground.orgs.models import Org
from xueji.ground.paper.report import Part, Report, render_report

from . import terms
from .commands.papers import LEVELS
from .errors import PrivacyError
from .models import Affected, Disposal, DisposalState, Incident, Paper

TITLES = {
    "impact": gettext_lazy("个人信息保护影响评估报告"),
    "year": gettext_lazy("未成年人个人信息保护年度审计报告"),
}
METHODS = {
    "delete": gettext_lazy("从数据库中删除, 加密内容随行一并清除"),
    "files": gettext_lazy("删除文件登记, 覆写后删除磁盘上的内容"),
}


def stamp(at: datetime | None) -> str:
    """`2026-11-22 10:30` of Asia/Shanghai."""
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M") if at else ""


def _mark(actor: Any) -> dict[str, Any]:
    now = timezone.localtime().replace(microsecond=0)
    return {
        "printed_by": actor.user_name,
        "printed_at": now,
        "watermark": f"{actor.org_name} {actor.user_name} {now:%Y-%m-%d %H:%M}",
    }


def certificate(actor: Any, row: Disposal) -> bytes:
    """销毁证明 of a disposal that is done (C-ARC-09). Raises `PrivacyError` before."""
    if row.state != DisposalState.DONE:
        raise PrivacyError(_("销毁完成后才有销毁证明"))
    kind = terms.classes()[row.kind]
    kept = terms.term("certificate.keep")
    record(actor, "privacy.disposal.print", object_type="privacy_disposal", object_id=row.pk)
    return render_report(
        Report(
            title=_("数据销毁证明"),
            number=row.number or "",
            org_name=_org(row.org_id),
            facts=[
                (_("数据类别"), kind.term.name),
                (_("数量"), _("%(n)s 条, 文件 %(f)s 个") % {"n": row.done, "f": row.files}),
                (_("起止"), f"{row.first_on or '—'} — {row.last_on or '—'}"),
                (_("保管期限"), f"{kind.term.words}  {kind.term.cite}"),
                (_("销毁方法"), str(METHODS[kind.method])),
                (_("提出"), f"{row.proposed_name}  {stamp(row.proposed_at)}"),
                (_("批准"), f"{row.decided_name}  {stamp(row.decided_at)}"),
                (
                    _("执行"),
                    _("系统 %(a)s 至 %(b)s") % {"a": stamp(row.started_at), "b": stamp(row.ended_at)},
                ),
                (_("内容摘要"), bytes(row.digest).hex() if row.digest else "—"),
            ],
            parts=[Part(title=_("说明"), text=row.reason or _("到期销毁"))],
            note=_(
                "摘要为被销毁各条编号的 SHA-256 链。本证明至少保存%(n)s(%(cite)s)。备份中的内容随备份到期清除"
            )
            % {"n": kept.words, "cite": kept.cite},
            signatures=(_("经办人"), _("批准人"), _("单位(盖章)")),
            **_mark(actor),
        )
    )


def paper(actor: Any, row: Paper) -> bytes:
    """An assessment or a yearly report as it was frozen."""
    parts = [
        Part(title=s["title"], text=s.get("text", ""), head=s["head"], rows=s["rows"])
        for s in row.content.get("sections", [])
    ]
    if row.kind == "impact":
        parts.append(
            Part(
                title=_("风险评估"),
                head=[_("风险"), _("等级"), _("措施"), _("剩余风险")],
                rows=[
                    [r["text"], str(LEVELS.get(r["level"], "—")), r["measure"], r["left"]] for r in row.risks
                ],
            )
        )
    if row.findings:
        parts.append(Part(title=_("发现的问题"), text=row.findings))
    parts.append(Part(title=_("结论和措施"), text=row.measures or "—"))
    record(actor, "privacy.paper.print", object_type="privacy_paper", object_id=row.pk)
    kept = terms.term("paper.keep")
    return render_report(
        Report(
            title=str(TITLES[row.kind]),
            number=f"{'PIA' if row.kind == 'impact' else 'NS'}-{row.year}-{row.org_id}-{row.version}",
            org_name=_org(row.org_id),
            facts=[
                (_("年度"), str(row.year)),
                (_("数据截至"), row.content.get("on", "")),
                (_("状态"), str(row.get_state_display())),
                (_("签署"), f"{row.signed_name}  {stamp(row.signed_at)}" if row.signed_at else "—"),
                (_("报送"), stamp(row.submitted_at) or "—"),
            ],
            parts=parts,
            note=_("至少保存%(n)s(%(cite)s)") % {"n": kept.words, "cite": kept.cite},
            signatures=(_("个人信息保护负责人"), _("单位负责人"), _("单位(盖章)")),
            **_mark(actor),
        )
    )


def letters(actor: Any, row: Incident, people: Sequence[Affected]) -> bytes:
    """A letter for each family, one page each."""
    office = Org.objects.get(pk=row.org_id)
    mark = _mark(actor)
    out = [
        Report(
            title=_("个人信息安全事件告知书"),
            number=row.number,
            org_name=office.name,
            facts=[(_("学生"), f"{a.name}  {a.class_name}"), (_("联系"), f"{office.contact} {office.phone}")],
            parts=[
                Part(title=_("致监护人"), text=row.notice_guardian.replace("{name}", a.name)),
                Part(title=_("给同学的话"), text=row.notice_child.replace("{name}", a.name)),
            ],
            note=_("演练, 并非真实事件") if row.drill else "",
            signatures=(_("监护人(签收)"), _("单位(盖章)")),
            **mark,
        )
        for a in people
    ]
    return render_report(out[0], out[1:])


def _org(org_id: int) -> str:
    return Org.objects.values_list("name", flat=True).get(pk=org_id)
