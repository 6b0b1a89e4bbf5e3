"""What every template keeps to, read from the files: days carry their year, pickers offer what the page takes."""

from __future__ import annotations

import re
from pathlib import Path

SRC = Path(__file__).resolve().parents[3] / "src" / "xueji"
_DATE = re.compile(r"""\|date:\s*["']([^"']*)["']""")
_ACCEPT = re.compile(r'accept="([^"{]*)"')


def _texts() -> list[tuple[str, str]]:
    found = sorted(SRC.rglob("templates/**/*.html"))
    assert len(found) > 100
    return [(str(p.relative_to(SRC)), p.read_text(encoding="utf-8")) for p in found]


def test_a_month_and_a_day_are_never_shown_without_their_year() -> None:
    wrong = [
        (name, shown)
        for name, text in _texts()
        for shown in _DATE.findall(text)
        if "d" in shown and "Y" not in shown
    ]
    assert wrong == []


def test_pickers_name_kinds_of_files_that_the_page_can_check() -> None:
    """forms.js checks a file before it is sent: it reads endings (.jpg) and types (image/png, image/*), nothing else."""
    fits = re.compile(r"^(\.[a-z0-9]+|[a-z]+/(\*|[a-z0-9.+-]+))$")
    wrong = [
        (name, kind)
        for name, text in _texts()
        for accept in _ACCEPT.findall(text)
        for kind in accept.split(",")
        if not fits.match(kind.strip())
    ]
    assert wrong == []
    script = (SRC / "web/layout/static/xueji/forms.js").read_text(encoding="utf-8")
    assert 'kind.endsWith("/*")' in script and "f.type === kind" in script


def test_a_form_that_asks_for_ticks_names_boxes_that_are_there() -> None:
    """app.js keeps such a form back, with what was typed, while nothing is ticked."""
    named = [(name, box, text) for name, text in _texts() for box in re.findall(r'data-ticks="(\w+)"', text)]
    assert len(named) >= 5
    assert [(n, b) for n, b, text in named if f'name="{b}"' not in text] == []


def test_numbers_in_tiles_carry_their_unit() -> None:
    """A tile of `c-stat` with a number says of what: 人, 件, 个 … (a value that is text is written out with `value=`)."""
    wrong = [
        (name, tile[:80])
        for name, text in _texts()
        for tile in re.findall(r'<c-stat (?:[^>"]|"[^"]*")*/>', text)
        if re.search(r'\s:value="', tile) and 'unit="' not in tile and "_face" not in name
    ]
    assert wrong == []
