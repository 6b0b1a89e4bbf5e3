"""学生证, 学生卡 and 学籍证 to be cut out: eight cards on a sheet A4, each in the size of a bank card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from .typst import render
from .wording import qr_svg, stamp, zh_date

MAX_CARDS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PupilCard:
    """One card. `photo`: JPEG, None leaves a place to stick one on."""

    number: str
    name: str
    sex: str
    birth_date: date
    class_name: str
    student_number: str
    issued_on: date | None = None
    photo: bytes | None = None
    chip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardSheet:
    """Cards printed together; `sealer` is whose seal they carry, empty: the school's own."""

    title: str
    school_name: str
    sealer: str = ""
    cards: Sequence[PupilCard]
    printed_by: str
    printed_at: datetime


def render_cards(data: CardSheet) -> bytes:
    """The cards as PDF/A-2b, A4 portrait, two in a row, with marks to cut along (C-CER-05).

    Raises `fonts.MissingGlyphs`, and `ValueError` for no card or more than 200.
    """
    if not 1 <= len(data.cards) <= MAX_CARDS:
        raise ValueError(f"{len(data.cards)} cards: print 1 to {MAX_CARDS} in one document")
    payload: dict[str, Any] = {
        "title": data.title,
        "school": data.school_name,
        "sealer": data.sealer,
        "printed_by": data.printed_by,
        "printed_at": stamp(data.printed_at),
        "cards": [
            {
                "number": c.number,
                "facts": [
                    ["姓名", c.name],
                    ["性别", c.sex],
                    ["出生日期", zh_date(c.birth_date)],
                    ["班级", c.class_name],
                    ["学籍号", c.student_number],
                    *([["卡号", c.chip]] if c.chip else []),
                ],
                "issued": zh_date(c.issued_on) if c.issued_on else "",
                "photo": list(c.photo) if c.photo else None,
                "qr_svg": qr_svg(c.number),
            }
            for c in data.cards
        ],
    }
    return render("card_sheet", payload, at=data.printed_at, tagged=False)
