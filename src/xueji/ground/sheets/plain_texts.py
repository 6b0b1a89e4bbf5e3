"""The shared texts of a workbook as they stand in its package, for lists that are read without the native reader.

Texts with marks in them go to the native reader in a small package of their own.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from .cells import Cell, read_cell
from .guard import Limits
from .read import _plain_row, open_sheet

#: Texts that are looked at as one.
_TOGETHER = 256
_MOST_ODD = 50_000
_TEXT = re.compile('<si><t(?: xml:space="preserve")?>([^<]*)</t>(?:<phoneticPr [^<>]*/>)?</si>')
STRINGS = "xl/sharedStrings.xml"
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PKG = "http://schemas.openxmlformats.org/package/2006"
_SML = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PKG}/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml"'
        f' ContentType="{_SML}.sheet.main+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PKG}/relationships"><Relationship Id="r1" Type="{_REL}/officeDocument"'
        ' Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook {_MAIN} xmlns:r="{_REL}"><sheets><sheet name="1" sheetId="1" r:id="r1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PKG}/relationships"><Relationship Id="r1" Type="{_REL}/worksheet"'
        ' Target="worksheets/sheet1.xml"/></Relationships>'
    ),
}


class NotPlain(Exception):
    """Something is written in another way."""


@dataclass(slots=True)
class Texts:
    """The shared texts of a package, and which of them only the native reader understands."""

    head: str
    body: str
    #: Each text as it stands, or None where the item holds more than a text.
    texts: list[str | None]

    @classmethod
    def of(cls, raw: bytes) -> Texts:
        """Raises `NotPlain`, UnicodeDecodeError."""
        head, mark, body = raw.decode("utf-8").partition("<sst")
        root, _end, body = body.partition(">")
        body, closed, _rest = body.rpartition("</sst>")
        if not mark or not closed or "<!" in head or "<!" in body or root.endswith("/"):
            raise NotPlain
        if "encoding" in head and not re.search("encoding=[\"'](?i:utf-8)[\"']", head):
            raise NotPlain
        made = cls(f"{head}<sst{root}>", body, _TEXT.findall(body))
        if len(made.texts) != body.count("<si"):
            made.texts = []  # not both at once
            made.texts = [_text_of(item) for item in made.items()]
        return made

    def items(self) -> Iterator[str]:
        """Each item as it stands, one after the other: a list of them would be as big as the texts again."""
        begin = 0
        while (end := self.body.find("</si>", begin)) >= 0:
            yield self.body[begin : end + 5].lstrip()
            begin = end + 5

    def values(self, odd: dict[int, Cell], limits: Limits) -> list[Cell]:
        """What a cell with each of the texts holds. Raises `NotPlain` for one that no cell may hold."""
        out: list[Cell] = []
        for at in range(0, len(self.texts), _TOGETHER):
            texts = self.texts[at : at + _TOGETHER]
            length = _plain_row(texts)
            if 0 < length <= limits.max_cell and not odd.keys() & range(at, at + len(texts)):
                out += texts  # type: ignore[arg-type]
                continue
            for n, text in enumerate(texts, start=at):
                cell = odd[n] if n in odd else read_cell(text)
                if isinstance(cell, str) and len(cell) > limits.max_cell:
                    raise NotPlain
                out.append(cell)
        return out

    def read_odd(self, limits: Limits) -> dict[int, Cell]:
        """Texts with marks in them, escapes or blanks at their ends, as the native reader understands them."""
        places: list[int] = []
        for at in range(0, len(self.texts), _TOGETHER):
            texts = self.texts[at : at + _TOGETHER]
            if _certain(texts):
                continue
            places += [n for n, text in enumerate(texts, start=at) if not _certain([text])]
        if not places:
            return {}
        if len(places) > _MOST_ODD:
            raise NotPlain
        wanted = set(places)
        items = [item for n, item in enumerate(self.items()) if n in wanted]
        # A text of our own stands first, so that the table begins where we count from.
        shared = "<si><t>-</t></si>" + "".join(items)
        rows = "".join(
            [f'<row r="{n}"><c r="A{n}" t="s"><v>{n - 1}</v></c></row>' for n in range(1, len(places) + 2)]
        )
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as package:
            for name, text in _PARTS.items():
                package.writestr(name, text)
            package.writestr(
                "xl/worksheets/sheet1.xml", f"<worksheet {_MAIN}><sheetData>{rows}</sheetData></worksheet>"
            )
            package.writestr(STRINGS, f"{self.head}{shared}</sst>")
        found = {row.number: row.cells[0] for row in open_sheet(out.getvalue(), limits=limits).rows()}
        return {at: found.get(n, "") for n, at in enumerate(places, start=2)}

    def first(self, count: int) -> str:
        """A member with the first so many texts."""
        if count >= len(self.texts):
            return f"{self.head}{self.body}</sst>"
        end = 0
        for _n in range(count):
            end = self.body.index("</si>", end) + 5
        return f"{self.head}{self.body[:end]}</sst>"


def _text_of(item: str) -> str | None:
    """The text of an item that holds nothing else. Raises `NotPlain` where it is not one item."""
    if item.count("<si") != 1:
        raise NotPlain
    match = _TEXT.fullmatch(item)
    return match[1] if match else None


def _certain(texts: list[str | None]) -> bool:
    """Whether the native reader would take these texts as they stand."""
    try:
        text = ",".join(texts)  # type: ignore[arg-type]
    except TypeError:
        return False
    if "&" in text or "_x" in text or "\r" in text or "]]>" in text:
        return False
    return _plain_row([text]) > 0 or all(text == text.strip() for text in texts if text)
