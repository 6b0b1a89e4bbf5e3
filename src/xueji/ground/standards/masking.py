"""How personal data is shown to eyes that need not see all of it. The full value takes a stated purpose."""

from __future__ import annotations

STAR = "*"


def _middle(value: str, head: int, tail: int) -> str:
    """`value` with its middle covered; of a short value at most one character at each end is left."""
    if len(value) < 2 * (head + tail):
        head = tail = min(1, len(value) // 4)
    return value[:head] + STAR * (len(value) - head - tail) + value[len(value) - tail :]


def mask_identity(value: str | None) -> str:
    """110***********1234: first three and last four places. "" for nothing."""
    return _middle(value, 3, 4) if value else ""


def mask_phone(value: str | None) -> str:
    """138****5678 for a mobile number; 010-****5678 for a fixed one. "" for nothing."""
    if not value:
        return ""
    if value.isdigit() and len(value) == 11 and value.startswith("1"):
        return f"{value[:3]}****{value[-4:]}"
    head, dash, rest = value.partition("-")
    if dash and head.isdigit() and len(rest) > 4:
        return f"{head}-{STAR * (len(rest) - 4)}{rest[-4:]}"
    return _middle(value, 0, 4)


def mask_name(value: str | None) -> str:
    """张*, 张**: the first character and at most three stars. "" for nothing."""
    if not value:
        return ""
    return value[0] + STAR * min(3, max(1, len(value) - 1))


def mask_student_number(value: str | None) -> str:
    """G110***********1234: the kind letter, then as an identity number, which most of these contain."""
    if not value:
        return ""
    if value[0].isalpha():
        return value[0] + _middle(value[1:], 3, 4)
    return _middle(value, 3, 4)
