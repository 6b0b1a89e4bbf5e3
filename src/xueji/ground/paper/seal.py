"""Pictures of an official paper drawn as vectors: the round seal, and the pale rosette behind the text.

The seal's letters are glyph outlines laid along an arc, so that no font is needed where it is shown.
"""

from __future__ import annotations

import math
import threading
from functools import cache, lru_cache

from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont

from . import fonts

SEAL_RED = "#c8161d"
_SIZE = 420.0
#: The font loads its outlines as they are asked for, and two threads at once would meet it half loaded.
_drawing = threading.Lock()


@cache
def _face() -> TTFont:
    return TTFont(fonts.SERIF_BOLD, lazy=True)


def _glyph(char: str, matrix: tuple[float, float, float, float, float, float]) -> str:
    face = _face()
    glyphs = face.getGlyphSet()
    pen = SVGPathPen(glyphs, ntos=lambda v: f"{v:.1f}".rstrip("0").rstrip("."))
    glyphs[face.getBestCmap().get(ord(char), ".notdef")].draw(TransformPen(pen, matrix))
    return pen.getCommands()


def _arc(text: str, units: float) -> list[str]:
    """Paths of `text` around the upper arc; long names are narrowed so that they never close the circle."""
    count = len(text)
    span = math.radians(min(264.0, 30.0 * count))
    centre, outer = _SIZE / 2, _SIZE / 2 - 30
    height = _SIZE * 0.135
    width = min(height, 0.92 * (outer - height / 2) * span / count)
    sx, sy = width / units, height / units
    paths = []
    for i, char in enumerate(text):
        angle = -span / 2 + (i + 0.5) * span / count
        cos, sin = math.cos(angle), math.sin(angle)
        radius = outer - height * 0.88  # where the baseline stands
        x, y = centre + radius * sin, centre - radius * cos
        paths.append(
            _glyph(
                char,
                (sx * cos, sx * sin, sy * sin, -sy * cos, x - units / 2 * sx * cos, y - units / 2 * sx * sin),
            )
        )
    return paths


@lru_cache(maxsize=512)
def seal_svg(name: str, purpose: str) -> str:
    """A round seal: `name` along the arc, a five-pointed star, `purpose` (such as 学籍专用章) across the
    foot.

    Raises `fonts.MissingGlyphs` when a character has no outline.
    """
    fonts.require_glyphs([name, purpose])
    centre = _SIZE / 2
    star = []
    for i in range(10):
        r = _SIZE * (0.165 if i % 2 == 0 else 0.165 * 0.382)
        a = -math.pi / 2 + i * math.pi / 5
        star.append(f"{centre + r * math.cos(a):.1f},{centre + r * math.sin(a):.1f}")
    size = min(_SIZE * 0.088, _SIZE * 0.56 / max(len(purpose), 1))
    with _drawing:
        units = float(_face()["head"].unitsPerEm)
        paths = _arc(name, units) if name else []
        for i, char in enumerate(purpose):
            s = size / units
            paths.append(_glyph(char, (s, 0, 0, -s, centre + (i - len(purpose) / 2) * size, _SIZE * 0.795)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIZE:.0f} {_SIZE:.0f}" fill="{SEAL_RED}">'
        f'<circle cx="{centre}" cy="{centre}" r="{centre - 8}" fill="none" '
        f'stroke="{SEAL_RED}" stroke-width="10"/>'
        f'<polygon points="{" ".join(star)}"/><path d="{"".join(paths)}"/></svg>'
    )


@cache
def rosette_svg(colour: str = "#dfe8f5") -> str:
    """A guilloche rosette, pale enough to read on: it makes a copied or retouched paper easier to notice."""
    curves = []
    for ring, petals, depth in ((150.0, 18, 46.0), (96.0, 12, 34.0), (52.0, 9, 22.0)):
        for phase in range(6):
            shift = phase * math.pi / 3
            points = []
            for step in range(361):
                t = 2 * math.pi * step / 360
                r = ring + depth * math.sin(petals * t + shift)
                points.append(f"{200 + r * math.cos(t):.1f} {200 + r * math.sin(t):.1f}")
            curves.append("M" + "L".join(points) + "Z")
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" fill="none" '
        f'stroke="{colour}" stroke-width="0.7"><path d="{"".join(curves)}"/></svg>'
    )
