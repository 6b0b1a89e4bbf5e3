"""Which characters the shipped fonts can draw, and where a site adds fonts of its own.

Shipped: Noto Serif SC and Noto Sans SC in two weights. They hold the 8,105 characters of 通用规范汉字表, the
basic block and extension A. Rarer characters need a font folder (`XUEJI_FONT_DIR`) or the package with
HanaMinB.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from django.utils.translation import gettext_lazy as _
from fontTools.ttLib import TTCollection, TTFont, TTLibError

FONT_DIR = Path(__file__).resolve().parent / "fonts"
SERIF_BOLD = FONT_DIR / "NotoSerifSC_700Bold.ttf"
SHIPPED_FAMILIES = ("Noto Serif SC", "Noto Sans SC")
HANAMIN = (
    Path("/usr/share/fonts/truetype/hanazono/HanaMinB.ttf"),
    Path("/usr/share/fonts/hanazono/HanaMinB.ttf"),
)
_SUFFIXES = {".ttf", ".otf", ".ttc", ".otc"}
# Cf/Cc format and control characters, and variation selectors, take no glyph of their own.
_NO_GLYPH = {"Cc", "Cf"}


class MissingGlyphs(ValueError):
    """A text holds characters that no installed font can draw; `chars` names them in order of appearance."""

    def __init__(self, chars: list[str]) -> None:
        self.chars = chars
        super().__init__(chars)

    def __str__(self) -> str:
        shown = "、".join(f"{c}(U+{ord(c):04X})" for c in self.chars[:20])
        return str(_("缺少字形，不能打印：%(chars)s。请让管理员安装扩展字库后重试。")) % {"chars": shown}


def extra_font_paths() -> tuple[Path, ...]:
    """Font files beyond the shipped ones: those of the folder `XUEJI_FONT_DIR`, and HanaMinB where found."""
    found: list[Path] = []
    folder = os.environ.get("XUEJI_FONT_DIR", "")
    if folder and Path(folder).is_dir():
        found += sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in _SUFFIXES)
    if not any(p.name == "HanaMinB.ttf" for p in found):
        found += [p for p in HANAMIN if p.is_file()][:1]
    return tuple(found)


def font_folders() -> list[Path]:
    """Folders for the typesetter, which takes no single files: the shipped one first."""
    return list(dict.fromkeys([FONT_DIR, *(path.parent for path in extra_font_paths())]))


def _faces(path: Path) -> list[TTFont]:
    if path.suffix.lower() in {".ttc", ".otc"}:
        return list(TTCollection(path, lazy=True).fonts)
    return [TTFont(path, lazy=True)]


@cache
def _coverage_of(path: Path) -> frozenset[int]:
    points: set[int] = set()
    try:
        for face in _faces(path):
            points |= set(face.getBestCmap() or {})
    except (TTLibError, OSError):
        return frozenset()  # a damaged file in the site's folder draws nothing; it must not stop all printing
    return frozenset(points)


@cache
def _coverage(extra: tuple[Path, ...]) -> frozenset[int]:
    return frozenset().union(_coverage_of(SERIF_BOLD), *(_coverage_of(p) for p in extra))


@cache
def _families(extra: tuple[Path, ...]) -> tuple[str, ...]:
    names = list(SHIPPED_FAMILIES)
    for path in extra:
        try:
            faces = _faces(path)
        except (TTLibError, OSError):
            continue
        for face in faces:
            name = face["name"].getBestFamilyName()
            if name and name not in names:
                names.append(name)
    return tuple(names)


def families() -> tuple[str, ...]:
    """Font families in the order in which a glyph is looked for; the site's own come last."""
    return _families(extra_font_paths())


def missing_glyphs(text: str) -> list[str]:
    """Characters of `text` that no font can draw, each once, in order of appearance; empty when all print.

    Private-use characters count as missing: they mean another picture on every machine.
    """
    known = _coverage(extra_font_paths())
    return [
        char
        for char in dict.fromkeys(text)
        if ord(char) not in known
        and unicodedata.category(char) not in _NO_GLYPH
        and not (0xFE00 <= ord(char) <= 0xFE0F or 0xE0100 <= ord(char) <= 0xE01EF)
    ]


def require_glyphs(texts: Iterable[str]) -> None:
    """Refuse texts that would print as empty boxes. Raises `MissingGlyphs`."""
    missing = missing_glyphs("".join(texts))
    if missing:
        raise MissingGlyphs(missing)
