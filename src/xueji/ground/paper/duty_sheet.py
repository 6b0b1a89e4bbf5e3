"""Papers about the staff: the promise of confidentiality (保密承诺书), the list of a hand-over (移交清单)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .typst import render
from .wording import stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class DutySheet:
    """A page of text, facts or rows with signatures below.

    `facts` are pairs above the rows; `headings` and `rows` a table; `signatures` are (part, name, day), a blank name or
    day leaves room for the pen.
    """

    title: str
    number: str
    org_name: str
    paragraphs: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    headings: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    signatures: Sequence[tuple[str, str, str]] = ()
    notes: Sequence[str] = ()
    printed_by: str
    printed_at: datetime


def render_duty_sheet(data: DutySheet) -> bytes:
    """The sheet as tagged PDF/A-2a, A4. Raises `fonts.MissingGlyphs`."""
    payload: dict[str, Any] = {
        "title": data.title,
        "number": data.number,
        "org": data.org_name,
        "paragraphs": list(data.paragraphs),
        "facts": [list(f) for f in data.facts],
        "headings": list(data.headings),
        "rows": [list(r) for r in data.rows],
        "signatures": [list(s) for s in data.signatures],
        "notes": list(data.notes),
        "printed_by": data.printed_by,
        "printed_at": stamp(data.printed_at),
    }
    return render("duty_sheet", payload, at=data.printed_at.replace(microsecond=0), tagged=True)
