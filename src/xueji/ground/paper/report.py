"""A report on paper: title, facts, parts with text and tables, signatures. For audits, assessments and certificates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .typst import render
from .wording import stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a report; `head` empty means that it has no table."""

    title: str
    text: str = ""
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a report shows."""

    title: str
    number: str
    org_name: str
    facts: Sequence[tuple[str, str]] = ()
    parts: Sequence[Part] = ()
    signatures: Sequence[str] = ()
    note: str = ""
    printed_by: str
    printed_at: datetime
    watermark: str = ""


def _pages(report: Report) -> dict[str, Any]:
    return {
        "title": report.title,
        "number": report.number,
        "org": report.org_name,
        "facts": [[a, b] for a, b in report.facts],
        "parts": [
            {
                "title": p.title,
                "text": p.text.replace("\r\n", "\n").split("\n") if p.text else [],
                "head": list(p.head),
                "rows": [list(r) for r in p.rows],
            }
            for p in report.parts
        ],
        "signatures": list(report.signatures),
        "note": report.note,
    }


def render_report(first: Report, more: Sequence[Report] = ()) -> bytes:
    """One report, or several one after another (letters), as tagged PDF/A-2a, A4. Raises `fonts.MissingGlyphs`."""
    payload = {
        "title": first.title,
        "org": first.org_name,
        "number": first.number,
        "reports": [_pages(r) for r in (first, *more)],
        "printed_by": first.printed_by,
        "printed_at": stamp(first.printed_at),
        "watermark": first.watermark,
    }
    return render("report", payload, at=first.printed_at, tagged=True)
