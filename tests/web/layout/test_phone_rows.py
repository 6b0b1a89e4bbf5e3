"""Rows of lists on phones: what is hidden there must not be the only way to tick or to open a row."""

from __future__ import annotations

import re
from pathlib import Path

SRC = Path(__file__).resolve().parents[3] / "src" / "xueji"
#: On phones cells with this class are not shown (components.css).
_HIDDEN = "xj-flow-mark"
_CLASSES = re.compile(r'class="([^"]*)"')
_ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_CELL = re.compile(r"<t[dh]\b[^>]*>.*?(?=<t[dh]\b|</tr>)", re.DOTALL)
_WAY = re.compile(r"<(?:a|button|input|select)\b")


def _templates() -> list[Path]:
    found = sorted(SRC.rglob("templates/**/*.html"))
    assert len(found) > 100
    return found


def test_no_cell_with_a_tick_is_hidden_on_phones() -> None:
    wrong = [
        f"{path.relative_to(SRC)}: {classes}"
        for path in _templates()
        for classes in _CLASSES.findall(path.read_text(encoding="utf-8"))
        if {"xj-col-check", _HIDDEN} <= set(classes.split())
    ]
    assert wrong == []


def test_no_row_loses_its_only_link_on_phones() -> None:
    wrong = []
    for path in _templates():
        for row in _ROW.findall(path.read_text(encoding="utf-8")):
            cells = _CELL.findall(row)
            hidden = [c for c in cells if _HIDDEN in c.split(">", 1)[0]]
            shown = [c for c in cells if c not in hidden]
            if any(_WAY.search(c) for c in hidden) and not any(_WAY.search(c) for c in shown):
                wrong.append(f"{path.relative_to(SRC)}: {row[:160]}")
    assert wrong == []
