"""What one cell can hold, and how it is made safe to write and plain to read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

ERROR_COLUMN = "错误说明"
MAX_CELL = 32_767


@dataclass(frozen=True, slots=True)
class LostDigits:
    """A long number that was typed as a number: beyond 15 digits the sheet has thrown the rest away.

    `shown` is what is left of it. It must be typed again as text; nothing may guess the missing digits.
    """

    shown: str

    def __str__(self) -> str:
        return self.shown


Cell = str | bool | date | datetime | time | LostDigits

# Old codecs and fonts put these characters of GB 18030 at private-use points; GB 18030-2022 gives the real
# ones.
_PRIVATE_USE = {
    0xE78D: 0xFE10, 0xE78E: 0xFE12, 0xE78F: 0xFE11, 0xE790: 0xFE13, 0xE791: 0xFE14, 0xE792: 0xFE15,
    0xE793: 0xFE16, 0xE794: 0xFE17, 0xE795: 0xFE18, 0xE796: 0xFE19, 0xE816: 0x20087, 0xE817: 0x20089,
    0xE818: 0x200CC, 0xE81E: 0x9FB4, 0xE826: 0x9FB5, 0xE82B: 0x9FB6, 0xE82C: 0x9FB7, 0xE831: 0x215D7,
    0xE832: 0x9FB8, 0xE83B: 0x2298F, 0xE843: 0x9FB9, 0xE854: 0x9FBA, 0xE855: 0x241FE, 0xE864: 0x9FBB,
}  # fmt: skip
# Invisible characters that come along with copies from web pages and chats.
_INVISIBLE = dict.fromkeys([0x200B, 0x200E, 0x200F, 0x202A, 0x202C, 0x2060, 0xFEFF])
_TEXT = {**_PRIVATE_USE, **_INVISIBLE, 0xA0: 0x20, 0x0D: None}
_NEEDS_TEXT_RULES = re.compile("[\ue78d-\ue864\u200b-\u202c\u2060\ufeff\xa0\r]")
_MARKS = ("'", "‘", "’", "＇")
_SCIENTIFIC = re.compile(r"[1-9](?:\.\d+)?[Ee]\+(?:1[4-9]|[2-9]\d)")
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def plain_text(value: str) -> str:
    """Text as a person meant it: trimmed, no invisible characters, no text mark before a number, rare characters
    standardised.
    """
    if _NEEDS_TEXT_RULES.search(value):
        value = value.translate(_TEXT)
    value = value.strip()
    # An apostrophe before a number is the mark by which spreadsheets keep it a text, typed or copied along.
    return value[1:].lstrip() if value[:1] in _MARKS and value[1:2].isdigit() else value


def read_cell(value: object) -> Cell:
    """A cell as the readers hand it on.

    Numbers become text as typed (`20250001.0` is `20250001`), whole numbers beyond 15 digits become
    `LostDigits`, dates stay dates (a midnight is a date), truth values stay; empty and error cells are the
    empty text.
    """
    if isinstance(value, str):
        text = plain_text(value)
        return LostDigits(text) if _SCIENTIFIC.fullmatch(text) else text
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, datetime):
        return value.date() if value.time() == time() else value
    if isinstance(value, (date, time)):
        return value
    if isinstance(value, timedelta):
        return str(value)
    return ""


def _number(value: int | float) -> Cell:
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            return ""
        if not value.is_integer():
            return repr(value)
        if abs(value) >= 1e15:
            return LostDigits(f"{value:.14E}")
        return str(int(value))
    return LostDigits(f"{float(value):.14E}") if abs(value) >= 10**15 else str(value)


def clean_control(value: str) -> str:
    """Text with plain line breaks and without characters that no XML may hold, cut to what a cell holds
    (32,767 UTF-16 units).
    """
    value = _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    if len(value) * 2 > MAX_CELL:
        units = value.encode("utf-16-le")
        if len(units) > MAX_CELL * 2:
            value = units[: MAX_CELL * 2].decode("utf-16-le", errors="ignore")
    return value


def is_dangerous(value: str) -> bool:
    """Whether a spreadsheet program could take this text for a formula when it opens or pastes it."""
    return value.startswith(_DANGEROUS)


def neutralise(value: str) -> str:
    """Text for CSV that no program runs: an apostrophe goes before a leading = + - @, tab or line break."""
    return "'" + value if is_dangerous(value) or (value[:1] == "'" and is_dangerous(value[1:])) else value


def restore(value: str) -> str:
    """Undo `neutralise`: takes away the apostrophe that protects a dangerous beginning."""
    if value[:1] == "'" and (is_dangerous(value[1:]) or (value[1:2] == "'" and is_dangerous(value[2:]))):
        return value[1:]
    return value
