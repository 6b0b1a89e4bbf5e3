"""What waits for one person, ready to be decided together: what each case asks in one line, and what speaks against it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from .kinds import label_of
from .models import CaseStep
from .page import clash_of
from .queries import due_words
from .showing import wanted_rows

MOST = 100

_ROWS = (
    "select c.case_id, coalesce(c.number, ''), c.business, c.student_name, c.summary, coalesce(o.name, ''), s.due_on,"
    "  c.creator_id, c.version,"
    "  jsonb_path_query_array(c.findings, '$[*] ? (@.verdict != \"pass\").sentence'),"
    "  jsonb_array_length(c.findings),"
    "  (select count(*) from case_file f where f.case_id = c.case_id)"
    " from case_seat s join case_ c on c.case_id = s.case_id left join org o on o.id = c.org_id"
)
_MINE = "s.org_id = %(org)s and s.holds and s.holder_role = %(role)s"


@dataclass(frozen=True)
class DeskRow:
    """One case that waits. `barred`: why this person may not decide it; such a row cannot be ticked."""

    case_id: uuid.UUID
    number: str
    business: str
    student: str
    place: str
    asks: str
    start: str
    due_on: date | None
    version: int
    warnings: tuple[str, ...]
    checks: int
    files: int
    returned: bool = False
    barred: str = ""

    @property
    def label(self) -> str:
        """Chinese name of the business."""
        return label_of(self.business)

    @property
    def due_words(self) -> str:
        """The deadline in words."""
        return due_words(self.due_on)

    @property
    def overdue(self) -> bool:
        """Past its day."""
        return self.due_on is not None and self.due_on < timezone.localdate()

    @property
    def routine(self) -> bool:
        """Whether nothing speaks against it: all checks passed, and this person may decide it."""
        return not self.warnings and not self.barred and not self.returned


@dataclass(frozen=True)
class Desk:
    """What waits, and how many of each business."""

    rows: list[DeskRow]
    total: int
    kinds: list[tuple[str, str, int]] = field(default_factory=list)

    @property
    def more(self) -> int:
        """How many wait beyond those shown."""
        return self.total - len(self.rows) if self.rows else 0


def desk(actor: Any, *, business: str = "", limit: int = MOST) -> Desk:
    """The cases that wait for the actor's role in its unit, the most urgent first (C-CHG-03); three queries."""
    args: dict[str, Any] = {"org": actor.org_id, "role": actor.role, "business": business, "n": limit}
    with connection.cursor() as c:
        c.execute(
            f"select s.business, count(*)::int from case_seat s where {_MINE} group by 1 order by 2 desc, 1",
            args,
        )
        counts = c.fetchall()
        if not counts:
            return Desk([], 0)
        where = _MINE + (" and s.business = %(business)s" if business else "")
        c.execute(
            f"{_ROWS} where {where} order by s.due_on nulls last, c.submitted_at, c.case_id limit %(n)s", args
        )
        found = c.fetchall()
    steps: dict[uuid.UUID, list[CaseStep]] = {}
    for step in CaseStep.objects.filter(case_id__in=[r[0] for r in found]).order_by("seq"):
        steps.setdefault(step.case_id, []).append(step)
    rows = [_row(actor, r, steps.get(r[0], [])) for r in found]
    kinds = [(b, label_of(b), n) for b, n in counts]
    total = sum(n for b, _label, n in kinds if not business or b == business)
    return Desk(rows, total, kinds)


def _row(actor: Any, r: tuple[Any, ...], steps: list[CaseStep]) -> DeskRow:
    case_id, number, business, name, summary, start, due, creator, version, against, checks, files = r
    summary = _json(summary)
    against = tuple(str(s) for s in _json(against))
    back = bool(steps) and not any(s.state == "current" for s in steps)
    clash = clash_of(actor, steps, creator)
    return DeskRow(
        case_id=case_id,
        number=number,
        business=business,
        student=name,
        place=str(summary.get("class") or summary.get("grade") or ""),
        asks=one_line(business, summary),
        start=start,
        due_on=due,
        version=version,
        warnings=against,
        checks=checks,
        files=files,
        returned=back,
        barred=(
            _("已退回本校修改, 请打开办理")
            if back
            else _("您已经办理过“%s”, 请由另一位同事办理") % clash.label
            if clash
            else ""
        ),
    )


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def one_line(business: str, summary: Mapping[str, Any]) -> str:
    """What a case asks, in one line: changes as before → after, then what was filled in."""
    parts = [f"{d['label']} {d['old'] or _('空')} → {d['new']}" for d in summary.get("diff", [])]
    parts += [f"{row['label']} {row['value']}" for row in wanted_rows(business, summary)]
    return " · ".join(parts)


__all__ = ["MOST", "Desk", "DeskRow", "desk", "one_line"]
