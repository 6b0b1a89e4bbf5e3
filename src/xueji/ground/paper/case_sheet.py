"""办理单: one case on paper, with everything that was said about it and by whom.

It takes the place of the old multi-copy application form with its ring of seals: opinions are electronic and
named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .typst import render
from .wording import qr_svg, stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A labelled value; `wide` gives it a line of its own."""

    label: str
    value: str
    wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field that the case changes."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """One document of the checklist."""

    name: str
    submitted: bool
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """One step of the chain. Without `at` the step is still open and the box stays empty for pen and seal."""

    step: str
    org_name: str
    decision: str = ""
    text: str = ""
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSheet:
    """What a 办理单 shows. `url` is the page of the case (QR code)."""

    title: str
    number: str
    org_name: str
    status: str
    student: Sequence[Fact]
    facts: Sequence[Fact]
    differences: Sequence[Difference] = ()
    materials: Sequence[Material] = ()
    opinions: Sequence[Opinion] = ()
    basis: str = ""
    url: str = ""
    printed_by: str
    printed_at: datetime
    watermark: str = ""


def _opinion_height(opinions: Sequence[Opinion]) -> float:
    """Height in mm that fits the longest text (about 21 characters a line), the same for all boxes."""
    lines = max((sum(len(part) // 21 + 1 for part in o.text.split("\n")) for o in opinions), default=1)
    return max(30.0 if len(opinions) > 4 else 36.0, 20.0 + 6.0 * lines)


def render_case_sheet(data: CaseSheet) -> bytes:
    """办理单 as tagged PDF/A-2a, A4; as many pages as it needs, boxes never broken. Raises
    `fonts.MissingGlyphs`.
    """
    payload: dict[str, Any] = {
        "title": data.title,
        "number": data.number,
        "org": data.org_name,
        "status": data.status,
        "student": [[f.label, f.value, f.wide] for f in data.student],
        "facts": [[f.label, f.value, f.wide] for f in data.facts],
        "differences": [[x.label, x.before or "（空）", x.after or "（空）"] for x in data.differences],
        "materials": [[m.name, m.submitted, m.note] for m in data.materials],
        "opinions": [
            {
                "step": o.step,
                "org": o.org_name,
                "decision": o.decision,
                "text": o.text,
                "by": o.by,
                "at": stamp(o.at) if o.at else "",
                "done": o.at is not None,
            }
            for o in data.opinions
        ],
        "opinion_height": _opinion_height(data.opinions),
        "basis": data.basis,
        "qr_svg": qr_svg(data.url) if data.url else None,
        "printed_by": data.printed_by,
        "printed_at": stamp(data.printed_at),
        "watermark": data.watermark,
    }
    return render("case_sheet", payload, at=data.printed_at, tagged=True)
