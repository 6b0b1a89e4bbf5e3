"""A table as text inside a zip, the way in which very long lists are sent: read as a stream, never unpacked as a whole."""

from __future__ import annotations

import codecs
import io
import zipfile
from collections.abc import Iterator

from .errors import SheetError
from .guard import Limits, check_members

_ENDINGS = (".csv", ".tsv", ".txt")
_PIECE = 1 << 20
#: What a million rows of the widest template take, twice over.
_MOST_TEXT = 1024 * 1024 * 1024
_LONGEST_LINE = 16 * 1024 * 1024


def _table(package: zipfile.ZipFile) -> zipfile.ZipInfo | None:
    """The one text of a package, or None. What macOS puts beside it does not count."""
    entries = [e for e in package.infolist() if not e.is_dir() and not e.filename.startswith("__MACOSX/")]
    if len(entries) != 1 or not entries[0].filename.lower().endswith(_ENDINGS):
        return None
    return entries[0]


def is_zipped_text(data: bytes) -> bool:
    """Whether this is a zip with one table of text in it and nothing else."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            return _table(package) is not None
    except Exception:  # what is wrong with it is said by whoever opens it
        return False


def check_zipped(data: bytes, limits: Limits) -> None:
    """Refuse what unpacks to more than anybody sends, and what lies about its size. Raises `SheetError`."""
    with _opened(data) as package:
        check_members(package.infolist(), limits)
        entry = _table(package)
        if entry is None:
            raise SheetError("not_sheet")
        # The reader stops at the size that the directory names; a lie is found by the check sum at its end.
        if entry.file_size > min(limits.max_unpacked, _MOST_TEXT):
            raise SheetError("zip_bomb")


def unpacked_size(data: bytes) -> int:
    """How long the text is, as the package says."""
    with _opened(data) as package:
        entry = _table(package)
        return entry.file_size if entry else 0


class ZippedText:
    """The text of the package, from its beginning each time it is asked for. Raises `SheetError`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.encoding = self._encoding()

    def head(self, size: int = 100_000) -> str:
        """The first characters."""
        for text in self.pieces(size):
            return text
        return ""

    def pieces(self, size: int = _PIECE) -> Iterator[str]:
        """The text in pieces of so many bytes."""
        decode = codecs.getincrementaldecoder(self.encoding)().decode
        try:
            for piece, last in self._raw(size):
                if text := decode(piece, last):
                    yield text
        except UnicodeDecodeError as error:
            raise SheetError("not_sheet") from error

    def lines(self) -> Iterator[str]:
        """The text in lines with their ends, as `csv.reader` wants them."""
        rest = ""
        for text in self.pieces():
            # Cut at line feeds alone: what else `splitlines` takes for an end may stand inside a cell.
            *lines, rest = (rest + text).split("\n")
            yield from [line + "\n" for line in lines]
            if len(rest) > _LONGEST_LINE:
                raise SheetError("not_sheet")
        if rest:
            yield rest

    def _encoding(self) -> str:
        """By the byte-order mark, else UTF-8 where all of it is, else GB 18030."""
        first = next(self._raw(4), (b"", True))[0]
        if first.startswith(b"\xef\xbb\xbf"):
            return "utf-8-sig"
        if first.startswith((b"\xff\xfe", b"\xfe\xff")):
            return "utf-16"
        decode = codecs.getincrementaldecoder("utf-8")().decode
        try:
            for piece, last in self._raw(_PIECE):
                decode(piece, last)
        except UnicodeDecodeError:
            return "gb18030"
        return "utf-8"

    def _raw(self, size: int) -> Iterator[tuple[bytes, bool]]:
        with _opened(self._data) as package:
            entry = _table(package)
            if entry is None:
                raise SheetError("not_sheet")
            try:
                with package.open(entry) as stream:
                    while piece := stream.read(size):
                        yield piece, False
            except SheetError:
                raise
            except Exception as error:  # damaged, encrypted, an unknown compression
                raise SheetError("broken") from error
        yield b"", True


def _opened(data: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except Exception as error:
        raise SheetError("broken") from error
