"""Files that somebody might upload to do harm, each made anew when it is asked for. Names are tricks themselves."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

_EVIL = b"<html><script>alert(1)</script></html>"


def jpeg(*, exif: bool = True, tail: bytes = b"", size: tuple[int, int] = (320, 320)) -> bytes:
    """A photo that says where it was taken, with something hidden behind its end."""
    buffer = io.BytesIO()
    notes = Image.Exif()
    if exif:
        notes[0x010F] = "SecretPhone"
        place = notes.get_ifd(0x8825)
        place[1], place[2] = "N", (31.0, 12.0, 5.0)
    Image.new("RGB", size, "teal").save(buffer, "JPEG", exif=notes, comment=b"SecretNote")
    return buffer.getvalue() + tail


def png(width: int = 320, height: int = 320, *, text: bytes = b"") -> bytes:
    """A PNG that claims a size; its data is one line of zeros, so a large one is a bomb in a hundred bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"\0" * ((width + 1) * min(height, 400)), 9)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", head) + (chunk(b"tEXt", b"Comment\0" + text) if text else b"")
    return b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def pdf(inside: bytes = b"", *, packed: bytes = b"", trailer: bytes = b"") -> bytes:
    """A PDF with one page; `inside` goes into its catalogue, `packed` into a compressed stream of objects."""
    parts = [b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R" + inside + b">>endobj\n"]
    parts.append(
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n"
    )
    if packed:
        body = b"9 0 " + packed
        data = zlib.compress(body)
        head = f"8 0 obj<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length {len(data)}>>stream\n".encode()
        parts.append(head + data + b"\nendstream endobj\n")
    return b"".join(parts) + b"trailer<</Root 1 0 R" + trailer + b">>\nstartxref\n0\n%%EOF\n"


def book(cell: str = "=1+1", *, extra: dict[str, bytes] | None = None) -> bytes:
    """A workbook with a text in its first cell; `extra` are further parts of the package."""
    buffer = io.BytesIO()
    out = xlsxwriter.Workbook(buffer, {"strings_to_formulas": False})
    sheet = out.add_worksheet("学生信息")
    for i, label in enumerate(("姓名", "性别", "身份证件类型", "身份证件号", "年级", "班级")):
        sheet.write_string(0, i, label)
    sheet.write_string(1, 0, cell)
    out.close()
    if not extra:
        return buffer.getvalue()
    with zipfile.ZipFile(buffer, "a") as z:
        for name, data in extra.items():
            z.writestr(name, data)
    return buffer.getvalue()


def zip_bomb() -> bytes:
    """A package of a few kilobytes that unpacks to many megabytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("xl/workbook.xml", b"<workbook/>")
        z.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)
    return buffer.getvalue()


def _up(name: str, data: Callable[[], bytes], kind: str) -> Callable[[], SimpleUploadedFile]:
    kept: list[bytes] = []

    def make() -> SimpleUploadedFile:
        if not kept:
            kept.append(data())
        return SimpleUploadedFile(name, kept[0], kind)

    return make


FILES: dict[str, Callable[[], SimpleUploadedFile]] = {
    "photo": _up("a.jpg", jpeg, "image/jpeg"),
    "polyglot": _up("a.html", lambda: jpeg(tail=_EVIL), "text/html"),
    "png bomb": _up("a.png", lambda: png(60_000, 60_000), "image/png"),
    "svg": _up("a.svg", lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/svg+xml"),
    "page": _up("a.jpg", lambda: _EVIL, "image/jpeg"),
    "pdf": _up("a.pdf", pdf, "application/pdf"),
    "pdf script": _up("a.pdf", lambda: pdf(b"/OpenAction<</S/JavaScript/JS(app.alert(1))>>"), "application/pdf"),
    "book": _up("名册.xlsx", book, "application/octet-stream"),
    "formula": _up("../../etc/x.xlsx", lambda: book("=cmd|'/C calc'!A0"), "application/octet-stream"),
    "bomb": _up("b.xlsx", zip_bomb, "application/zip"),
    "csv": _up("=cmd.csv", lambda: "姓名,性别\n=1+1,男\n".encode("gb18030"), "text/csv"),
    "empty": _up("x.jpg", lambda: b"", ""),
    "cut": _up("x.xlsx", lambda: book()[:300], ""),
    "nul": _up("a\x00b/..\\c\r\nX: y.jpg", jpeg, "a/b\x7f"),
    "json": _up("x.json", lambda: b'{"sealed": 1}', "application/json"),
}  # fmt: skip
