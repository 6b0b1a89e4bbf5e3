"""The console's way in: check a file and write nothing, or import it at once; the result as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting

from . import repair
from .columns import row_name
from .models import BatchState, ImportBatch


@dataclass
class CheckReport:
    """What came of a file. `problem` says why it was refused as a whole; `batch_id` is None when nothing was kept."""

    file: str
    problem: str = ""
    counts: dict[str, Any] = field(default_factory=dict)
    unknown_columns: list[str] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)
    #: Sheets that were read, as `Mapping.sheets` has them, and those that were not, each with the reason.
    sheets: list[list[Any]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    batch_id: int | None = None
    published: int = 0

    @property
    def ok(self) -> bool:
        """True when the file can be read and every row can be imported."""
        return not self.problem and not self.counts.get("error") and not self.counts.get("duplicate")

    def as_json(self) -> dict[str, Any]:
        """For programs: counts, and per faulty cell row, column, original, understood, message, severity."""
        names = ("total", "ok", "warning", "error", "duplicate", "published", "blank")
        return {
            "file": self.file,
            "ok": self.ok,
            "problem": self.problem,
            "batch": self.batch_id,
            "counts": {name: self.counts.get(name, 0) for name in names},
            "unknown_columns": self.unknown_columns,
            "sheets": self.sheets,
            "left_out": self.left_out,
            "faults": self.faults,
        }

    def describe(self) -> str:
        """For people: the counts, then one line per fault."""
        if self.problem:
            return f"{self.file}: {self.problem}"
        lines = [summary(self.counts)]
        if self.unknown_columns:
            lines.append(_("没有用到的列: %(names)s") % {"names": "、".join(self.unknown_columns)})
        if self.left_out:
            lines.append(_("没有读取的工作表或行: %(names)s") % {"names": "; ".join(self.left_out)})
        if self.published:
            lines.append(_("已为 %(n)s 名学生建立学籍") % {"n": self.published})
        for f in self.faults:
            if f["severity"] != "note":
                lines.append(
                    _("第 %(row)s 行 %(column)s: %(message)s")
                    % {"row": row_name(self.sheets, f["row"]), "column": f["column"], "message": f["message"]}
                )
        return "\n".join(lines)


def summary(counts: dict[str, Any]) -> str:
    """共 218 行: 209 行可以导入, 6 行需要修改, 3 行重复."""
    get = counts.get
    total = get("ok", 0) + get("warning", 0) + get("error", 0) + get("duplicate", 0)
    parts = [_("%(n)s 行可以导入") % {"n": get("ok", 0) + get("warning", 0)}]
    if get("error"):
        parts.append(_("%(n)s 行需要修改") % {"n": get("error")})
    if get("duplicate"):
        parts.append(_("%(n)s 行与已有学生或表中另一行重复") % {"n": get("duplicate")})
    return _("共 %(n)s 行: ") % {"n": total} + ", ".join(parts)


class _Undo(Exception):
    """Leaves the transaction of a check without a trace."""


def check_file(
    actor: Any, path: Path | str, *, school_id: int | None = None, publish: bool = False
) -> CheckReport:
    """Check a file as an import would, duplicates against the whole database included, and write nothing at all;
    with `publish` keep the batch and put its good rows on record.

    Raises `PermissionDenied`, `IntakeError`, OSError.
    """
    from . import commands

    source = Path(path)
    data = source.read_bytes()
    report = CheckReport(source.name)
    if publish:
        batch = commands.upload(actor, data, source.name, school_id=school_id, inline=True)
        _fill(report, batch)
        report.batch_id = batch.id
        if batch.state == BatchState.CHECKED and batch.counts["ok"] + batch.counts["warning"]:
            report.published = commands.publish(actor, batch.id).published
            report.counts["published"] = report.published
        return report
    try:
        with transaction.atomic():
            _fill(report, commands.check_only(actor, data, source.name, school_id=school_id))
            raise _Undo
    except _Undo:
        pass
    return report


def _fill(report: CheckReport, batch: ImportBatch) -> None:
    report.problem = batch.problem
    report.counts = dict(batch.counts)
    report.unknown_columns = batch.mapping.get("unknown", [])
    report.sheets = batch.mapping.get("sheets") or []
    report.left_out = batch.counts.get("left_out", [])
    if not batch.problem:
        with transaction.atomic(), acting("intake"):
            report.faults = repair.faults(batch.id)
