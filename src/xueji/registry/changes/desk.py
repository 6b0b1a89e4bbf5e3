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

from . import rights
from .kinds import label_of
from .models import Case, CaseStatus, CaseStep
from .queries import _HELD, _who, due_words
from .showing import wanted_rows

MOST = 100

_ROWS = (
    "select c.case_id, coalesce(c.number, ''), c.business, c.student_name, c.summary, coalesce(o.name, ''), s.due_on,"
    "  c.version,"
    "  jsonb_path_query_array(c.findings, '$[*] ? (@.verdict != \"pass\").sentence'),"
    "  jsonb_array_length(c.findings),"
    "  (select count(*) from case_file f where f.case_id = c.case_id)"
    " from case_seat s join case_ c on c.case_id = s.case_id left join org o on o.id = c.org_id"
)
_MINE = f"s.org_id = %(org)s and {_HELD}"


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
    barred: str = ""
    away: str = ""

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
        return not self.warnings and not self.barred


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
    """The cases that wait for the actor, the most urgent first (C-CHG-03); five queries."""
    args: dict[str, Any] = _who(actor) | {"business": business, "n": limit}
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
    ids = [r[0] for r in found]
    steps: dict[uuid.UUID, list[CaseStep]] = {}
    for step in CaseStep.objects.filter(case_id__in=ids).order_by("turn", "seq"):
        steps.setdefault(step.case_id, []).append(step)
    cases = Case.objects.only("status", "org_id", "creator_id", "number", "current_seq").in_bulk(ids)
    handed = rights.handed_to(actor)
    rows = [
        _row(r, rights.of(actor, cases[r[0]], steps.get(r[0], []), {}, handed), cases[r[0]]) for r in found
    ]
    kinds = [(b, label_of(b), n) for b, n in counts]
    total = sum(n for b, _label, n in kinds if not business or b == business)
    return Desk(rows, total, kinds)


def _row(r: tuple[Any, ...], may: rights.Rights, case: Case) -> DeskRow:
    case_id, number, business, name, summary, start, due, version, against, checks, files = r
    summary = _json(summary)
    barred = ""
    if case.status == CaseStatus.RETURNED:
        barred = _("已退回本校修改, 请打开办理")
    elif may.hint:
        barred = may.hint
    elif may.step is None:
        barred = _("请您会签, 请打开办理") if may.asked else _("请您备案, 请打开办理")
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
        warnings=tuple(str(x) for x in _json(against)),
        checks=checks,
        files=files,
        barred=barred,
        away=may.away,
    )


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def one_line(business: str, summary: Mapping[str, Any]) -> str:
    """What a case asks, in one line: changes as before → after, then what was filled in."""
    parts = [f"{d['label']} {d['old'] or _('空')} → {d['new']}" for d in summary.get("diff", [])]
    parts += [f"{row['label']} {row['value']}" for row in wanted_rows(business, summary)]
    return " · ".join(parts)


__all__ = ["MOST", "Desk", "DeskRow", "desk", "one_line"]
