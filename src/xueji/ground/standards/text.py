"""Small text helpers shared by the checks."""

from __future__ import annotations

import re
import unicodedata

_BLANKS = re.compile(r"\s+")


def as_text(raw: object) -> str:
    """Turn a cell of any type into trimmed text.

    `None` becomes "", and a whole number that a spreadsheet gave as a float (11.0) loses its fraction.
    """
    if raw is None:
        return ""
    if isinstance(raw, str):
        return raw.strip()
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < 1e15:
        return str(int(raw))
    return str(raw).strip()


def compact(raw: object) -> str:
    """NFKC form of `raw` without any blank: the form in which numbers and codes are compared."""
    text = as_text(raw)
    if text.isascii() and text.isalnum():
        return text
    while True:  # dropping a blank may let an accent join its letter
        after = _BLANKS.sub("", unicodedata.normalize("NFKC", text))
        if after == text:
            return text
        text = after
