"""准考证: the tickets of an exam, three on a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from .typst import render
from .wording import stamp, zh_date

MAX_TICKETS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One pupil's place."""

    number: str
    name: str
    sex: str
    class_name: str
    room: int
    seat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketBatch:
    """Tickets printed together."""

    exam: str
    office: str
    school: str
    held_on: date
    subjects: Sequence[str]
    tickets: Sequence[Ticket]
    printed_by: str
    printed_at: datetime
    watermark: str = ""


def render_tickets(data: TicketBatch) -> bytes:
    """准考证 as tagged PDF/A-2a. Raises `fonts.MissingGlyphs`, `ValueError` for none or too many."""
    if not 1 <= len(data.tickets) <= MAX_TICKETS:
        raise ValueError(f"{len(data.tickets)} tickets: print 1 to {MAX_TICKETS} in one document")
    payload: dict[str, Any] = {
        "title": "准考证",
        "exam": data.exam,
        "office": data.office,
        "school": data.school,
        "day": zh_date(data.held_on),
        "subjects": "、".join(data.subjects),
        "printed_by": data.printed_by,
        "printed_at": stamp(data.printed_at),
        "watermark": data.watermark,
        "tickets": [
            {
                "number": t.number,
                "name": t.name,
                "sex": t.sex,
                "klass": t.class_name,
                "room": str(t.room),
                "seat": str(t.seat),
            }
            for t in data.tickets
        ],
    }
    return render("exam_ticket", payload, at=data.printed_at.replace(microsecond=0), tagged=True)
