"""申请表 of old: an application in several copies (多联), filled in, with places for signatures and seals.

Opinions that were given in the system stand in their boxes with name and time; what is still open stays empty for pen
and seal. The same dataclass prints a short 证明 (同意接收证明, 转学证明): paragraphs instead of boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .case_sheet import Difference, Fact, Opinion
from .typst import render
from .wording import qr_svg, stamp

MAX_COPIES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class OpinionBox:
    """The place of one unit: what its people said, and room for its seal. `name` heads it (转出学校意见)."""

    name: str
    org_name: str
    opinions: Sequence[Opinion] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FormSheet:
    """An application or certificate on paper; each of `copies` is one page (转出学校存, …).

    `statement`: what the applicant signs. `paragraphs`: the text of a certificate; with it there are no boxes. `issuer`
    and `issued_on` stand above the seal of a certificate.
    """

    title: str
    number: str
    org_name: str
    copies: Sequence[str]
    student: Sequence[Fact] = ()
    asked: Sequence[Fact] = ()
    differences: Sequence[Difference] = ()
    materials: Sequence[str] = ()
    statement: str = ""
    boxes: Sequence[OpinionBox] = ()
    paragraphs: Sequence[str] = ()
    issuer: str = ""
    issued_on: str = ""
    notes: Sequence[str] = ()
    url: str = ""
    printed_by: str
    printed_at: datetime
    watermark: str = ""


def render_form(data: FormSheet) -> bytes:
    """The form as tagged PDF/A-2a, A4, its copies one after the other.

    Raises `fonts.MissingGlyphs`, and `ValueError` for no copy or more than six.
    """
    if not 1 <= len(data.copies) <= MAX_COPIES:
        raise ValueError(f"{len(data.copies)} copies: print 1 to {MAX_COPIES}")
    payload: dict[str, Any] = {
        "title": data.title,
        "number": data.number,
        "org": data.org_name,
        "copies": list(data.copies),
        "student": [[f.label, f.value, f.wide] for f in data.student],
        "asked": [[f.label, f.value, f.wide] for f in data.asked],
        "differences": [[x.label, x.before or "（空）", x.after or "（空）"] for x in data.differences],
        "materials": list(data.materials),
        "statement": data.statement,
        "boxes": [
            {
                "name": box.name,
                "org": box.org_name,
                "opinions": [
                    {
                        "step": o.step,
                        "decision": o.decision,
                        "text": o.text,
                        "by": o.by,
                        "at": stamp(o.at) if o.at else "",
                    }
                    for o in box.opinions
                    if o.at
                ],
            }
            for box in data.boxes
        ],
        "paragraphs": list(data.paragraphs),
        "issuer": data.issuer,
        "issued_on": data.issued_on,
        "notes": list(data.notes),
        "qr_svg": qr_svg(data.url) if data.url else None,
        "printed_by": data.printed_by,
        "printed_at": stamp(data.printed_at),
        "watermark": data.watermark,
    }
    return render("form_sheet", payload, at=data.printed_at, tagged=True)
