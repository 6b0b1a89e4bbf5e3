"""The visible field of a signature: who signed, when, and that it can be checked, in the upper margin of the first page.

Drawn by the typesetter with the fonts that are shipped, so that Chinese names are there in every reader; taken over as the
field's appearance. It lies outside of every paper's frame and header, and papers too small for it are signed without.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from . import fonts
from .typst import SHANGHAI, render

#: Millimetres: the field, its distance from the paper's upper and right edge, the smallest paper that has room.
WIDTH, HEIGHT = 118.0, 4.6
TOP, RIGHT = 3.6, 12.0
LEAST_WIDTH, LEAST_HEIGHT = 140.0, 140.0
#: Longer names are cut: the whole one stands in the certificate.
LONGEST_NAME = 36
_POINT = 72 / 25.4


@dataclass(frozen=True)
class Mark:
    """Where the field lies on the first page, in points from the lower left corner, and what is drawn there."""

    box: tuple[int, int, int, int]
    picture: bytes


def words(signer: str, at: datetime) -> str:
    """What the field says. Characters that no font here can draw become a question mark."""
    name = signer if len(signer) <= LONGEST_NAME else signer[: LONGEST_NAME - 1] + "…"
    text = f"数字签名：{name}　{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}　用 PDF 阅读器打开可核对签名和全文是否改动"
    try:
        fonts.require_glyphs([text])
    except fonts.MissingGlyphs as error:
        text = text.translate({ord(char): "?" for char in error.chars})
    return text


@lru_cache(maxsize=16)
def _drawn(text: str, minute: datetime) -> bytes:
    return render("signature_mark", {"text": text, "width": WIDTH, "height": HEIGHT}, at=minute, tagged=False)


def place(paper: bytes, *, signer: str, at: datetime) -> Mark | None:
    """The field for a finished paper; None where its first page has no room. Raises pyHanko's errors for damaged files."""
    from pyhanko.pdf_utils.reader import PdfFileReader

    left, low, right, high = _first_page(PdfFileReader(io.BytesIO(paper)))
    if right - left < LEAST_WIDTH * _POINT or high - low < LEAST_HEIGHT * _POINT:
        return None
    x2, y2 = right - RIGHT * _POINT, high - TOP * _POINT
    box = (round(x2 - WIDTH * _POINT), round(y2 - HEIGHT * _POINT), round(x2), round(y2))
    minute = at.replace(second=0, microsecond=0)
    return Mark(box, _drawn(words(signer, minute), minute))


def _first_page(reader: Any) -> tuple[float, float, float, float]:
    page, _resources = reader.find_page_for_modification(0)
    node = page.get_object()
    while "/MediaBox" not in node:
        node = node["/Parent"]
    a, b, c, d = (float(x) for x in node["/MediaBox"])
    return min(a, c), min(b, d), max(a, c), max(b, d)


def appearance(mark: Mark) -> Any:
    """The style by which pyHanko lays the picture into the field."""
    from pyhanko.pdf_utils import content, layout
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.stamp import StaticStampStyle

    class Picture(content.PdfContent):  # type: ignore[misc]
        """A page held in memory: the library's own reads a file by name."""

        def render(self) -> bytes:
            """Take the page over as a form and draw it."""
            found = self._ensure_writer.import_page_as_xobject(PdfFileReader(io.BytesIO(mark.picture)))
            self.resources.xobject["/XuejiMark"] = found
            x1, y1, x2, y2 = found.get_object()["/BBox"]
            self.box = layout.BoxConstraints(width=abs(x1 - x2), height=abs(y1 - y2))
            return b"/XuejiMark Do"

    rule = layout.SimpleBoxLayoutRule(
        x_align=layout.AxisAlignment.ALIGN_MID,
        y_align=layout.AxisAlignment.ALIGN_MID,
        margins=layout.Margins.uniform(0),
    )
    return StaticStampStyle(
        border_width=0, background=Picture(), background_layout=rule, background_opacity=1.0
    )
