"""学籍卡 (two sides) and 学生登记表 (one side): the record of one pupil on paper, filled in, the rest for pen and seal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from .typst import render
from .wording import stamp

MAX_CARDS = 200
MAX_FACTS = 24
MAX_HISTORY = 6
Form = Literal["card", "sheet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCard:
    """One pupil. Pairs are (label, value); family lines are (name, relation, phone), history lines (day, what, where)."""

    name: str
    facts: Sequence[tuple[str, str]]
    family: Sequence[tuple[str, str, str]] = ()
    history: Sequence[tuple[str, str, str]] = ()
    photo: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCards:
    """Cards printed together, usually a class. `years` are the school years of the stage, for the terms on the back."""

    form: Form
    title: str
    school_name: str
    class_name: str
    years: Sequence[str] = ()
    cards: Sequence[RecordCard]
    printed_by: str
    printed_at: datetime
    watermark: str = ""


def render_record_cards(data: RecordCards) -> bytes:
    """学籍卡 or 学生登记表 as PDF/A-2b, A4 (C-CER-08); lines for the pen are at least 9 mm high.

    Raises `fonts.MissingGlyphs`, and `ValueError` for no card, too many, or more lines than a page holds.
    """
    if not 1 <= len(data.cards) <= MAX_CARDS:
        raise ValueError(f"{len(data.cards)} cards: print 1 to {MAX_CARDS} in one document")
    if any(len(c.facts) > MAX_FACTS or len(c.history) > MAX_HISTORY for c in data.cards):
        raise ValueError(f"a page holds at most {MAX_FACTS} facts and {MAX_HISTORY} lines of history")
    payload: dict[str, Any] = {
        "two_sides": data.form == "card",
        "title": data.title,
        "school": data.school_name,
        "class_name": data.class_name,
        "years": list(data.years),
        "printed_by": data.printed_by,
        "printed_at": stamp(data.printed_at),
        "watermark": data.watermark,
        "cards": [
            {
                "name": c.name,
                "facts": [list(pair) for pair in c.facts],
                "family": [list(line) for line in c.family],
                "history": [list(line) for line in c.history],
                "photo": list(c.photo) if c.photo else None,
            }
            for c in data.cards
        ],
    }
    return render("record_card", payload, at=data.printed_at, tagged=False)
