"""采集核对单: what the system holds about a child, on one page, for the guardian to check and sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .typst import render
from .wording import stamp

MAX_FIELDS = 40
MAX_FORMS = 500
CONSENT = (
    "收集目的：用于建立和维护学生学籍，依法办理入学、升级、转学、毕业等事项，不用于其他用途。"
    "本人已核对以上信息，确认无误或已在更正栏改正，并同意学校按上述目的处理本人及被监护人的个人信息；"
    "本人知悉可以依法查阅、更正上述信息。"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionForm:
    """One child's form. Pairs are (label, value held); empty values print a blank form. One page holds 8 +
    40.
    """

    class_name: str
    class_number: str = ""
    key_fields: Sequence[tuple[str, str]]
    fields: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionBatch:
    """Forms printed together, usually a class; one page each."""

    school_name: str
    term_name: str
    forms: Sequence[CollectionForm]
    printed_by: str
    printed_at: datetime
    title: str = "学生信息采集核对单"
    consent: str = CONSENT
    #: Item, what for, what refusing means: printed once, after the forms (个人信息保护法 17).
    purposes: Sequence[tuple[str, str, str]] = ()
    reference: str = ""
    watermark: str = ""


def render_collection_forms(data: CollectionBatch) -> bytes:
    """采集核对单 as PDF/A-2b, one page A4 for each child.

    Lines are 9 mm high for handwriting; a form with many fields comes down to 6.4 mm so that it stays on one
    page. Raises `fonts.MissingGlyphs`, and `ValueError` for no form, too many forms, or more fields than a
    page holds.
    """
    if not 1 <= len(data.forms) <= MAX_FORMS:
        raise ValueError(f"{len(data.forms)} forms: print 1 to {MAX_FORMS} in one document")
    if any(len(f.fields) > MAX_FIELDS or len(f.key_fields) > 8 for f in data.forms):
        raise ValueError(f"a page holds at most 8 key fields and {MAX_FIELDS} others")
    keys = max(len(f.key_fields) for f in data.forms)
    lines = (max(len(f.fields) for f in data.forms) + 1) // 2
    # Of 269 mm, heading, consent and signatures take some 62, the summary of corrections at least 22.
    room = 269.0 - 62.0 - 22.0
    height = min(9.5, room / max(lines + 1.1 * keys, 1))
    payload: dict[str, Any] = {
        "title": data.title,
        "org": data.school_name,
        "term": data.term_name,
        "consent": data.consent,
        "purposes": [list(line) for line in data.purposes],
        "printed_by": data.printed_by,
        "printed_at": stamp(data.printed_at),
        "reference": data.reference,
        "watermark": data.watermark,
        "row_height": round(height, 2),
        "key_height": round(height * 1.1, 2),
        "forms": [
            {
                "class_name": f.class_name,
                "class_number": f.class_number,
                "key_fields": [list(pair) for pair in f.key_fields],
                "fields": [list(pair) for pair in f.fields],
            }
            for f in data.forms
        ],
    }
    return render("collection_form", payload, at=data.printed_at, tagged=False)
