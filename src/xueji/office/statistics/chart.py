"""Bar charts drawn on the server: plain SVG with presentation attributes, which the content policy lets through."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

_ROW, _LABEL, _WIDTH, _VALUE = 30, 128, 720, 84
_MEN, _WOMEN = "#1b5eb8", "#5b3fa8"


def bars(rows: Sequence[tuple[str, int, int]], *, title: str) -> SafeString:
    """Boys and girls of each row as one horizontal bar with its sum; the numbers stand in the table beside it.

    `rows` are (label, boys, girls). Empty for no rows or all zero.
    """
    top = max((men + women for _l, men, women in rows), default=0)
    if top == 0:
        return SafeString("")
    room = _WIDTH - _LABEL - _VALUE
    drawn = []
    for i, (label, men, women) in enumerate(rows):
        y = 30 + i * _ROW
        a, b = round(room * men / top, 1), round(room * women / top, 1)
        drawn.append(
            (
                _LABEL - 10, y + 16, _short(label), _LABEL, y, a, _MEN, _LABEL + a, y, b, _WOMEN,
                _LABEL + a + b + 8, y + 16, men + women,
            )
        )  # fmt: skip
    body = format_html_join(
        "",
        '<text x="{}" y="{}" text-anchor="end">{}</text><rect x="{}" y="{}" width="{}" height="20" fill="{}"/>'
        '<rect x="{}" y="{}" width="{}" height="20" fill="{}"/><text x="{}" y="{}">{}</text>',
        drawn,
    )
    legend = format_html(
        '<rect x="{}" y="4" width="12" height="12" fill="{}"/><text x="{}" y="15">{}</text>'
        '<rect x="{}" y="4" width="12" height="12" fill="{}"/><text x="{}" y="15">{}</text>',
        _LABEL, _MEN, _LABEL + 18, _("男"), _LABEL + 60, _WOMEN, _LABEL + 78, _("女"),
    )  # fmt: skip
    return _drawing(36 + len(rows) * _ROW, title, format_html("{}{}", legend, body))


def _drawing(height: int, title: str, body: SafeString) -> SafeString:
    """The picture at its own size, so that it can be read on a phone, where it scrolls sideways inside its frame."""
    return format_html(
        '<div class="xj-table-wrap" tabindex="0" role="region" aria-label="{}"><svg class="xj-chart" viewBox="0 0 {} {}"'
        ' width="{}" height="{}" role="img" aria-label="{}" font-size="14" fill="currentColor">{}</svg></div>',
        title, _WIDTH, height, _WIDTH, height, title, body,
    )  # fmt: skip


def _short(label: str) -> str:
    return label if len(label) <= 9 else label[:8] + "…"


def plain(rows: Sequence[tuple[str, int]], *, title: str) -> SafeString:
    """One bar for each row with its number; empty for no rows or all zero."""
    top = max((n for _l, n in rows), default=0)
    if top <= 0:
        return SafeString("")
    room = _WIDTH - _LABEL - _VALUE
    drawn = []
    for i, (label, n) in enumerate(rows):
        y, width = 4 + i * _ROW, round(room * max(n, 0) / top, 1)
        drawn.append(
            (_LABEL - 10, y + 16, _short(label), _LABEL, y, width, _MEN, _LABEL + width + 8, y + 16, n)
        )
    body = format_html_join(
        "",
        '<text x="{}" y="{}" text-anchor="end">{}</text><rect x="{}" y="{}" width="{}" height="20" fill="{}"/>'
        '<text x="{}" y="{}">{}</text>',
        drawn,
    )
    return _drawing(10 + len(rows) * _ROW, title, body)
