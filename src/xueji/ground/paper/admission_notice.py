"""入学通知书: one page for each new pupil, delivered to the guardians, with a code that the check-in reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from .typst import render
from .wording import grouped, qr_svg, stamp, zh_date

MAX_NOTICES = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One pupil's notice. `url` is what the QR mark says, `code` what a person types instead."""

    number: str
    name: str
    guardian: str = ""
    url: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeBatch:
    """Notices printed together: the school, the stage, when and where to report, what to bring."""

    school_name: str
    authority: str
    year: int
    stage: str
    report_from: date | None = None
    report_to: date | None = None
    bring: Sequence[str] = ()
    phone: str = ""
    notices: Sequence[Notice]
    issued_on: date
    printed_by: str
    printed_at: datetime


def render_notices(data: NoticeBatch) -> bytes:
    """入学通知书 as tagged PDF/A-2a, one page A4 for each child. Raises `fonts.MissingGlyphs`, `ValueError`."""
    if not 1 <= len(data.notices) <= MAX_NOTICES:
        raise ValueError(f"{len(data.notices)} notices: print 1 to {MAX_NOTICES} in one document")
    days = ""
    if data.report_from is not None and data.report_to is not None:
        days = f"{zh_date(data.report_from)}至{zh_date(data.report_to)}"
    elif data.report_from or data.report_to:
        days = zh_date(data.report_from or data.report_to or data.issued_on)
    payload: dict[str, Any] = {
        "title": "入学通知书",
        "school": data.school_name,
        "authority": data.authority,
        "term": f"{data.year}年秋季",
        "stage": data.stage,
        "days": days,
        "bring": "、".join(data.bring),
        "phone": data.phone,
        "issued": zh_date(data.issued_on),
        "printed_by": data.printed_by,
        "printed_at": stamp(data.printed_at),
        "notices": [
            {
                "number": n.number,
                "name": n.name,
                "guardian": n.guardian,
                "code": grouped(n.code),
                "qr_svg": qr_svg(n.url),
            }
            for n in data.notices
        ],
    }
    return render("admission_notice", payload, at=data.printed_at.replace(microsecond=0), tagged=True)
