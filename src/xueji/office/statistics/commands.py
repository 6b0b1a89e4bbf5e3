"""Figures that leave the system as a file: noted before they are answered (C-EXP-05)."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record

from . import sheets


def mark(actor: Any) -> str:
    """The watermark of a file: who made it, for whom, when."""
    return _("%(org)s %(name)s %(at)s") % {
        "org": actor.org_name,
        "name": actor.user_name,
        "at": timezone.localtime().strftime("%Y-%m-%d %H:%M"),
    }


def export(actor: Any, table: sheets.TextTable, form: str) -> bytes:
    """The table as `xlsx` or `pdf`, with an audit entry of what left. Raises PermissionDenied, ValueError."""
    actor.require("statistics.view")
    if form not in ("xlsx", "pdf"):
        raise ValueError("form must be xlsx or pdf")
    record(
        actor,
        "statistics.export",
        object_type="statistics",
        after={"table": table.title, "unit": table.org_name, "form": form, "notes": list(table.notes)},
        row_count=len(table.rows),
    )
    if form == "xlsx":
        return sheets.to_xlsx(table, watermark=mark(actor))
    return sheets.to_pdf(
        table,
        printed_by=actor.user_name,
        printed_at=timezone.localtime().replace(microsecond=0),
        watermark=mark(actor),
    )
