"""毕业生登记表: one page for each graduate, to be signed, sealed by the school and the authority, and filed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .typst import render
from .wording import stamp

MAX_FORMS = 300
MAX_FACTS = 16
MAX_HISTORY = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class GraduateForm:
    """One graduate. Pairs are (label, value); history lines are (from, until, school and class, what happened)."""

    facts: Sequence[tuple[str, str]]
    history: Sequence[tuple[str, str, str, str]] = ()
    results: Sequence[tuple[str, str]] = ()
    conclusion: str
    destination: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraduateForms:
    """Forms printed together, usually a class; one page each."""

    title: str
    school_name: str
    reference: str = ""
    forms: Sequence[GraduateForm]
    printed_by: str
    printed_at: datetime
    watermark: str = ""


def render_graduate_forms(data: GraduateForms) -> bytes:
    """毕业生登记表 as PDF/A-2b, one page A4 for each graduate (C-GRA-08).

    Raises `fonts.MissingGlyphs`, and `ValueError` for no form, too many forms or more lines than a page holds.
    """
    if not 1 <= len(data.forms) <= MAX_FORMS:
        raise ValueError(f"{len(data.forms)} forms: print 1 to {MAX_FORMS} in one document")
    if any(len(f.facts) > MAX_FACTS or len(f.history) > MAX_HISTORY for f in data.forms):
        raise ValueError(f"a page holds at most {MAX_FACTS} facts and {MAX_HISTORY} lines of history")
    payload: dict[str, Any] = {
        "title": data.title,
        "org": data.school_name,
        "reference": data.reference,
        "printed_by": data.printed_by,
        "printed_at": stamp(data.printed_at),
        "watermark": data.watermark,
        "forms": [
            {
                "facts": [list(pair) for pair in f.facts],
                "history": [list(line) for line in f.history],
                "results": [list(pair) for pair in f.results],
                "conclusion": f.conclusion,
                "destination": f.destination,
            }
            for f in data.forms
        ],
    }
    return render("graduate_form", payload, at=data.printed_at, tagged=False)
