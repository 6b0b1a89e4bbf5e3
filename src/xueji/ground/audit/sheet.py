"""The audit on paper and as a sheet: entries as a workbook, an anchor as a page to be signed and put away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.paper.anchor_sheet import AnchorSheet, render_anchor_sheet
from xueji.ground.sheets.write import SheetColumn, write_table

from . import queries
from .commands import record

if TYPE_CHECKING:
    from xueji.ground.accounts.actor import Actor


def workbook(actor: Actor, filters: queries.Filters) -> tuple[bytes, str]:
    """The entries that match as a workbook, and its name; entered before it leaves. PermissionDenied for others."""
    rows = queries.rows_for_sheet(actor, filters)
    record(actor, "audit.export", object_type="search", after=filters.said(), row_count=len(rows))
    now = timezone.localtime()
    columns = [
        SheetColumn(label=label, width=width)
        for label, width in (
            (_("序号"), 10), (_("时间"), 20), (_("账号"), 14), (_("角色"), 14), (_("单位"), 24), (_("地址"), 16),
            (_("操作"), 24), (_("对象"), 24), (_("学生代号"), 38), (_("目的"), 30), (_("条数"), 8), (_("内容"), 50),
        )
    ]  # fmt: skip
    data = write_table(
        columns,
        (
            [
                str(e.id), timezone.localtime(e.at).strftime("%Y-%m-%d %H:%M:%S"), e.user_name, e.role_label, e.org_name,
                e.address, e.what, e.object, e.person_key, e.purpose, str(e.rows), e.detail,
            ]
            for e in rows
        ),
        title=_("日志"),
        notes=[_("共 %(n)s 条") % {"n": len(rows)}],
        watermark=f"{actor.user_name} {now:%Y-%m-%d %H:%M}",
    )  # fmt: skip
    return data, f"日志-{now:%Y%m%d-%H%M}.xlsx"


def anchor_page(actor: Actor, anchor_id: int) -> tuple[bytes, str]:
    """An anchor as an A4 sheet, and its name; entered before it leaves. Raises Http404, `MissingGlyphs`."""
    row = queries.anchor(actor, anchor_id)
    said: dict[str, Any] = row.content
    record(actor, "audit.print", object_type="seal", object_id=row.seal_id)
    data = render_anchor_sheet(
        AnchorSheet(
            seal=said["seal"],
            sealed_at=said["sealed_at"],
            entries=said["entries"],
            sha256=said["sha256"],
            sm3=said["sm3"],
            made_at=row.made_at,
            made_by=row.made_by,
            suite=said["signature"]["suite"],
            key_id=said["signature"]["key"],
            org_name=actor.org_name,
            printed_by=actor.user_name,
            printed_at=timezone.now(),
        )
    )
    return data, f"日志锚点-{row.seal_id}.pdf"
