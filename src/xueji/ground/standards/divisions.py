"""Administrative divisions (GB/T 2260) with their years, so that an old area code can be judged by its
time.

A code may have several periods (it was withdrawn, renamed or given again). The invented province 990000
exists only while `use_demo(True)` holds: demonstration and tests use it, so that no invented person looks
like a real one.
"""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Literal, NamedTuple

from xueji.ground.paths import data_dir
from xueji.ground.standards.text import compact

Status = Literal["valid", "withdrawn", "unknown"]


class Division(NamedTuple):
    """One period of one code. `last_year` is None while the code is in force; level 1 province, 2 city, 3
    county.
    """

    code: str
    name: str
    level: int
    parent: str
    first_year: int
    last_year: int | None
    current: bool


_lock = threading.Lock()
_demo = False


def _read(file: str) -> list[Division]:
    path = data_dir("standards") / file
    with path.open(encoding="utf-8", newline="") as handle:
        return [
            Division(
                row["code"],
                row["name"],
                int(row["level"]),
                row["parent"],
                int(row["first_year"]),
                int(row["last_year"]) if row["last_year"] else None,
                row["current"] == "1",
            )
            for row in csv.DictReader(handle)
        ]


@lru_cache(maxsize=2)
def _periods(demo: bool) -> dict[str, tuple[Division, ...]]:
    rows = _read("divisions.csv") + (_read("divisions_demo.csv") if demo else [])
    grouped: dict[str, list[Division]] = {}
    for row in sorted(rows, key=lambda d: (d.code, d.first_year)):
        grouped.setdefault(row.code, []).append(row)
    return {code: tuple(periods) for code, periods in grouped.items()}


def use_demo(on: bool = True) -> bool:
    """Switch the invented province 990000 on or off for this process; returns what held before."""
    global _demo
    with _lock:
        before, _demo = _demo, on
        if before != on:
            _clear()
    return before


@contextmanager
def demo(on: bool = True) -> Iterator[None]:
    """`use_demo` for the length of a `with` block."""
    before = use_demo(on)
    try:
        yield
    finally:
        use_demo(before)


def history(code: str) -> tuple[Division, ...]:
    """All periods of a six-digit code, oldest first; empty when the code was never used."""
    return _periods(_demo).get(code, ())


@lru_cache(maxsize=65536)
def find(code: str, year: int | None = None) -> Division | None:
    """The division of `code` as it was in `year` (default: its latest period), else the nearest period,
    else None.
    """
    periods = history(code)
    if not periods:
        return None
    if year is None:
        return periods[-1]
    for period in periods:
        if period.first_year <= year and (period.last_year is None or year <= period.last_year):
            return period
    return min(
        periods,
        key=lambda p: min(abs(year - p.first_year), abs(year - (p.last_year or p.first_year))),
    )


@lru_cache(maxsize=65536)
def status_since(code: str, year: int) -> Status:
    """Whether an identity number may carry `code` for somebody born in `year`.

    The number is given at registration, at birth or any time later, so a code is fine when it was in force
    in `year` or later. One year is granted because registers follow a reform late. "withdrawn" means: gone
    before.
    """
    periods = history(code)
    if not periods:
        return "unknown"
    if any(p.last_year is None or p.last_year + 1 >= year for p in periods):
        return "valid"
    return "withdrawn"


@lru_cache(maxsize=65536)
def full_name(code: str, year: int | None = None) -> str:
    """Names from the province down, as in 云南省昆明市盘龙区, at the time of `year`; "" for an unknown
    code.
    """
    division = find(code, year)
    if division is None:
        return ""
    return (full_name(division.parent, year) if division.parent else "") + division.name


@lru_cache(maxsize=2)
def _children(demo: bool) -> dict[str, tuple[Division, ...]]:
    grouped: dict[str, list[Division]] = {}
    for periods in _periods(demo).values():
        if periods[-1].current:
            grouped.setdefault(periods[-1].parent, []).append(periods[-1])
    return {parent: tuple(rows) for parent, rows in grouped.items()}


def provinces() -> tuple[Division, ...]:
    """The provinces in force, in the order of their codes."""
    return _children(_demo).get("", ())


def children(code: str) -> tuple[Division, ...]:
    """The divisions in force directly under `code`, in the order of their codes."""
    return _children(_demo).get(code, ())


def stem(code: str) -> str:
    """What the codes of a division and of all below it begin with: 9901 of 990100, 130110 of 130110 (its last 0 counts)."""
    while code.endswith("00"):
        code = code[:-2]
    return code


def is_current(code: str) -> bool:
    """True when `code` may be chosen today for a place of birth or of registration."""
    division = find(code)
    return division is not None and division.current


@lru_cache(maxsize=2)
def _by_name(demo: bool) -> dict[str, str | None]:
    """Full name to code for the divisions in force; None marks a short name that means several places."""
    names: dict[str, str | None] = {}
    for code, periods in _periods(demo).items():
        division = periods[-1]
        if not division.current:
            continue
        names[full_name(code)] = code
        above = find(division.parent) if division.parent else None
        for short in (division.name, (above.name if above else "") + division.name):
            if short in names and names[short] != code:
                # A full name always wins over a short one; two short ones cancel each other.
                if names[short] is None or full_name(names[short] or "") != short:
                    names[short] = None
            else:
                names[short] = code
    return names


def code_of(raw: object) -> str | None:
    """Six-digit code for a code of 6 or 12 digits or for a name in force; None when unknown or ambiguous.

    A withdrawn code is returned as it is: whether it may still be chosen is `is_current`.
    """
    text = compact(raw)
    if text.isdigit():
        return text[:6] if len(text) in (6, 12) and history(text[:6]) else None
    return _by_name(_demo).get(text)


def _clear() -> None:
    for cached in (find, status_since, full_name):
        cached.cache_clear()
