"""Looks into a PDF for what acts by itself or brings something along, also where it is packed or written in disguise.

No reader of PDFs is asked: those have holes of their own. Names are read as the format spells them (`/J#61vaScript`
is `/JavaScript`), packed streams of objects are unpacked up to a limit, and what cannot be looked into (encrypted,
packed in a way that no scanner or printer uses for objects) is refused. Links to web pages stay: they ask first.
"""

from __future__ import annotations

import re
import zlib

#: Actions and attachments, by names so long that packed pictures hold none by accident. /OpenAction alone is harmless:
#: nearly every scanner lets a file open at its first page; what it would run is named here.
_ACTIVE = re.compile(
    rb"/(JavaScript|Launch|EmbeddedFiles?|Filespec|RichMedia|SubmitForm|ImportData|Rendition|GoToR|GoToE|AcroForm\s*<<[^>]*/XFA)"
    rb"(?![A-Za-z0-9_])"
)
_ENCRYPTED = re.compile(rb"/Encrypt(?![A-Za-z0-9_])")
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_STREAM = re.compile(rb"(?<!end)stream(?:\r\n|\n|\r)")
#: A stream of objects says how many there are and where the first one begins, whatever it calls itself.
_OBJECTS = (re.compile(rb"/ObjStm(?![A-Za-z0-9_])"), re.compile(rb"/First(?![A-Za-z0-9_])"))
_FILTER = re.compile(rb"/(\w*Decode|Crypt|Fl|LZW|AHx|A85|RL)(?![A-Za-z0-9_])")
_UNPACKED_MOST = 40 * 1024 * 1024
_HEAD = 4096


def fault_of(data: bytes) -> str:
    """What is wrong: nothing for a plain PDF; else `broken`, `active`, `locked` (encrypted, or packed past looking)."""
    if b"%%EOF" not in data[-2048:]:
        return "broken"
    if fault := _fault_in(data):
        return fault
    room = _UNPACKED_MOST
    for found in _STREAM.finditer(data):
        head = _spelled(data[max(0, found.start() - _HEAD) : found.start()].rpartition(b"obj")[2])
        if not any(name.search(head) for name in _OBJECTS):
            continue
        end = data.find(b"endstream", found.end())
        text = _unpacked(head, data[found.end() : end if end >= 0 else len(data)], room)
        if text is None:
            return "locked"
        room -= len(text)
        if fault := _fault_in(text):
            return fault
    return ""


def _spelled(text: bytes) -> bytes:
    """Names without their disguise."""
    return _ESCAPE.sub(lambda m: bytes([int(m[1], 16)]), text)


def _fault_in(text: bytes) -> str:
    names = _spelled(text) if b"#" in text else text
    if _ENCRYPTED.search(names):
        return "locked"
    return "active" if _ACTIVE.search(names) else ""


def _unpacked(head: bytes, body: bytes, room: int) -> bytes | None:
    """The text of a packed stream; None when it is too large or packed in another way than all programs do."""
    filters = _FILTER.findall(head)
    if not filters and b"/Filter" not in head:
        return body if len(body) <= room else None
    if filters != [b"FlateDecode"]:
        return None
    machine = zlib.decompressobj()
    try:
        text = machine.decompress(body, max(room, 1))
    except zlib.error:
        return None
    return None if machine.unconsumed_tail else text
