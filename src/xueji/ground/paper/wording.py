"""Small wording rules of official paper: dates, masked numbers, grouped codes, QR pictures."""

from __future__ import annotations

import io
from datetime import date, datetime
from functools import lru_cache

import segno


def zh_date(value: date) -> str:
    """`2026年11月22日`, the style of official paper."""
    return f"{value.year}年{value.month}月{value.day}日"


def zh_month(value: date) -> str:
    """`2026年9月`."""
    return f"{value.year}年{value.month}月"


def stamp(value: datetime) -> str:
    """`2026-11-22 09:05`, for footers."""
    return value.strftime("%Y-%m-%d %H:%M")


def mask_number(value: str, *, tail: int = 4) -> str:
    """An identity or student number with its last four characters only; the G/L/J of a student number stays.

    Takes a full number, one already masked, or the tail alone: what comes out never shows more than the tail.
    """
    value = value.strip()
    if not value:
        return ""
    head = value[0] if value[0] in "GLJ" and len(value) > tail + 1 else ""
    # A tail given alone is shown as an 18-character number so that its length says nothing either.
    hidden = max(len(value) - len(head) - tail, 14 if len(value) <= tail else 1)
    return head + "*" * hidden + value[-tail:]


def grouped(code: str, size: int = 4) -> str:
    """`ABCDEFGH` as `ABCD EFGH`: a person types a code group by group."""
    plain = code.replace(" ", "").replace("-", "")
    return " ".join(plain[i : i + size] for i in range(0, len(plain), size))


@lru_cache(maxsize=256)
def qr_svg(text: str) -> str:
    """A QR code (error correction M, no quiet zone: the template keeps the margin) as SVG text."""
    buffer = io.BytesIO()
    segno.make_qr(text, error="m").save(buffer, kind="svg", border=0, xmldecl=False, nl=False)
    return buffer.getvalue().decode()
