"""What a faulty cell probably should say, worked out from the cell, its row and the code tables. Nothing is guessed
that a person could not check at a glance; nothing is changed until somebody says so. No database.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.standards import divisions
from xueji.ground.standards.codes import table
from xueji.ground.standards.fields import fields
from xueji.ground.standards.identity import SEX_WORDS, check_digit, check_identity, normalise_identity
from xueji.ground.standards.idtypes import RESIDENT
from xueji.ground.standards.text import as_text, compact

#: Letters that are typed, or read by a scanner, for digits.
_LOOKALIKE = str.maketrans({"O": "0", "o": "0", "Q": "0", "D": "0", "I": "1", "l": "1", "i": "1", "|": "1", "Z": "2",
                            "S": "5", "B": "8", "〇": "0", "○": "0"})  # fmt: skip
_SHORTEST = 0.5


@dataclass(frozen=True)
class Suggestion:
    """A value for a cell, and why it is offered."""

    value: str
    why: str


def suggest(
    key: str, code: str, typed: Callable[[str], Any], *, today: date, school_code: str
) -> list[Suggestion]:
    """At most three values for the faulty cell `key` of a row whose cells `typed` gives; `code` is the fault."""
    found: dict[str, Suggestion] = {}
    for one in _offers(key, code, typed, today, school_code):
        found.setdefault(one.value, one)
    found.pop(as_text(typed(key)), None)
    return list(found.values())[:3]


def _offers(
    key: str, code: str, typed: Callable[[str], Any], today: date, school_code: str
) -> Iterator[Suggestion]:
    if key == "school_code" and code.startswith("school."):
        yield Suggestion(school_code, str(_("本校的学校标识码")))
    elif key == "id_number" or key.endswith("_id_number"):
        yield from _numbers(code, as_text(typed(key)), today)
        if key == "id_number" and code in ("id.sex_differs", "id.birth_differs"):
            # Name of the field to mend stands in the other cell: see `neighbours`.
            return
    elif key in ("sex", "birth_date"):
        yield from _from_number(key, typed, today)
    elif key == "id_type" or key.endswith("_id_type"):
        number = normalise_identity(typed(key.replace("id_type", "id_number")))
        if number and check_identity(RESIDENT, number, on=today, allow_legacy=key != "id_type").ok:
            yield Suggestion(str(table("id_type").label(RESIDENT)), str(_("号码是有效的居民身份证号")))
    elif key.endswith("phone"):
        digits = compact(typed(key)).translate(_LOOKALIKE)
        digits = "".join(c for c in digits if c.isdigit())[-11:]
        if len(digits) == 11 and digits[0] == "1":
            yield Suggestion(digits, str(_("只留数字")))
    if code == "code.unknown":
        yield from _nearest(key, as_text(typed(key)))


def neighbours(code: str, typed: Callable[[str], Any], *, today: date) -> dict[str, Suggestion]:
    """For a number that disagrees with sex or birth date: what these would be if the number is right."""
    out = {}
    for key in ("sex", "birth_date"):
        if code == {"sex": "id.sex_differs", "birth_date": "id.birth_differs"}[key]:
            for one in _from_number(key, typed, today):
                out[key] = one
    return out


def _from_number(key: str, typed: Callable[[str], Any], today: date) -> Iterator[Suggestion]:
    """Sex and birth date as a valid resident's number says them."""
    found = check_identity(RESIDENT, typed("id_number"), on=today)
    if not found.ok:
        return
    if key == "sex" and found.sex in SEX_WORDS:
        yield Suggestion(SEX_WORDS[str(found.sex)], str(_("按身份证号")))
    if key == "birth_date" and found.birth is not None:
        yield Suggestion(f"{found.birth:%Y%m%d}", str(_("按身份证号")))


def _numbers(code: str, raw: str, today: date) -> Iterator[Suggestion]:
    """A number with letters for digits, or with a last place that does not fit the first seventeen."""
    number = normalise_identity(raw)
    plain = number[:17].translate(_LOOKALIKE) + number[17:].replace("O", "0")
    if plain != number and check_identity(RESIDENT, plain, on=today).ok:
        yield Suggestion(plain, str(_("字母改为数字")))
    if code == "id.check_digit" and len(number) == 18 and number[:17].isdigit():
        right = number[:17] + check_digit(number[:17])
        if check_identity(RESIDENT, right, on=today).ok:
            yield Suggestion(right, _("末位应为 %s, 请对照证件") % right[-1])
    if code == "id.length" and len(number) == 17 and number.isdigit():
        right = number + check_digit(number)
        if check_identity(RESIDENT, right, on=today).ok:
            yield Suggestion(right, _("补上末位 %s, 请对照证件") % right[-1])


@lru_cache(maxsize=1)
def _codesets() -> dict[str, str]:
    return {f.key: f.codeset for f in fields() if f.codeset}


def _nearest(key: str, text: str) -> Iterator[Suggestion]:
    """Entries of the code table that are called nearly the same."""
    codeset = _codesets().get(key)
    if not codeset or not text:
        return
    names = _regions(bool(divisions.history("990000"))) if codeset == "divisions" else _labels(codeset)
    for label in _close(compact(text), tuple(names)):
        yield Suggestion(names[label], str(_("名称相近")))


@lru_cache(maxsize=2_000)
def _close(text: str, names: tuple[str, ...]) -> tuple[str, ...]:
    holding = [n for n in names if text in n] if len(text) > 1 else []
    close = difflib.get_close_matches(text, names, n=3, cutoff=_SHORTEST)
    return tuple(dict.fromkeys([*sorted(holding, key=len)[:2], *close]))[:3]


@lru_cache(maxsize=64)
def _labels(codeset: str) -> dict[str, str]:
    return {label: label for _code, label in table(codeset).choices()}


@lru_cache(maxsize=2)
def _regions(demo: bool) -> dict[str, str]:
    """Full names of today's regions; `demo` only keeps the two sets apart."""
    out = {}
    for province in divisions.provinces():
        for one in [province, *divisions.children(province.code)]:
            out[divisions.full_name(one.code)] = divisions.full_name(one.code)
            if one is not province:
                for county in divisions.children(one.code):
                    name = divisions.full_name(county.code)
                    out[name] = name
    return out
