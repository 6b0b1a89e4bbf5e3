"""The typesetter: one kept compiler per template, data as JSON only, same input gives the same bytes.

A cold compiler takes some 0.2 s to read the fonts, a warm one some 15 ms per page. Text of people never
becomes markup: it is handed over as JSON, so `#panic("x")` in a name is printed, not run.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import typst

from . import fonts

TEMPLATES = Path(__file__).resolve().parent / "templates"
SHANGHAI = timezone(timedelta(hours=8))
log = logging.getLogger(__name__)


class _Engine:
    """A compiler of one template. It keeps state between runs, so one thread at a time."""

    def __init__(self, template: str, shared: typst.Fonts) -> None:
        self._lock = threading.Lock()
        self._compiler = typst.Compiler(
            TEMPLATES / f"{template}.typ", root=TEMPLATES, font_paths=shared, ignore_system_fonts=True
        )

    def compile(
        self, payload: str, *, timestamp: datetime, standards: list[Any], tagged: bool
    ) -> tuple[bytes, list[Any]]:
        with self._lock:
            out, warnings = self._compiler.compile_with_warnings(
                format="pdf",
                sys_inputs={"data": payload},
                timestamp=timestamp,
                pdf_standards=standards,
                pdf_tags=tagged,
            )
        assert isinstance(out, bytes)
        return out, warnings


# The typesetter keeps what the last ten runs laid out, some 150 kB a row: ten long lists would hold
# gigabytes. After a long list a dozen empty runs (some 30 ms in all) make it forget.
_SWEEP_OVER = 20_000
_SWEEP_RUNS = 12

_guard = threading.Lock()
_shared: dict[tuple[Path, ...], typst.Fonts] = {}
_engines: dict[tuple[str, tuple[Path, ...]], _Engine] = {}


def _engine(template: str) -> _Engine:
    extra = fonts.extra_font_paths()
    key = (template, extra)
    with _guard:
        if key not in _engines:
            if extra not in _shared:
                _shared[extra] = typst.Fonts(
                    include_system_fonts=False,
                    include_embedded_fonts=False,
                    font_paths=fonts.font_folders(),
                )
            _engines[key] = _Engine(template, _shared[extra])
        return _engines[key]


def _sweep() -> None:
    sweeper = typst.Compiler(b"", font_paths=[], ignore_system_fonts=True)
    for run in range(_SWEEP_RUNS):
        sweeper.compile(str(run).encode(), format="pdf")


def texts_of(value: object) -> Iterator[str]:
    """Every text inside nested data, for the glyph check; `_svg` and `_bytes` entries are pictures."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not str(key).endswith(("_svg", "_bytes")):
                yield from texts_of(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from texts_of(item)


def render(template: str, data: Mapping[str, Any], *, at: datetime, tagged: bool) -> bytes:
    """Typeset `templates/<template>.typ` with `data`.

    `at` is the document's date (PDF metadata): the time of issue, never "now", so that a reprint is
    identical. `tagged` writes structure tags for readers with screen readers (PDF/A-2a); long lists go
    without (PDF/A-2b), as tags make them six times larger. Raises `fonts.MissingGlyphs`, or
    `typst.TypstError` when a template is broken.
    """
    fonts.require_glyphs(texts_of(data))
    payload = json.dumps(
        {**data, "font_families": fonts.families()}, ensure_ascii=False, separators=(",", ":")
    )
    at = at.replace(microsecond=0)  # a document's date knows no fractions; the typesetter refuses them
    local = at.replace(tzinfo=SHANGHAI) if at.tzinfo is None else at.astimezone(SHANGHAI)
    out, warnings = _engine(template).compile(
        payload, timestamp=local, standards=["a-2a"] if tagged else ["a-2b"], tagged=tagged
    )
    if not tagged and len(payload) > _SWEEP_OVER:
        _sweep()
    for warning in warnings:
        log.warning("typst: %s: %s", template, getattr(warning, "message", warning))
    return out
