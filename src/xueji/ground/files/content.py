"""What an uploaded file really is: read from its content, never from its name or what the browser says."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from xueji.ground.paper import photo

from . import pdfcheck

LIMIT = 20 * 1024 * 1024
PDF = "application/pdf"
JPEG = "image/jpeg"
_SUFFIX = {PDF: ".pdf", JPEG: ".jpg"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]+")

_MESSAGES = {
    "empty": _("文件是空的, 请重新选择"),
    "too_large": _("文件超过 20 MB, 请压缩或分成几个文件后再上传"),
    "type": _("只能上传 JPG、PNG、BMP、WebP 图片或 PDF, 这个文件不是。请另存为其中一种后再上传"),
    "active": _("这个 PDF 带有脚本或附件, 不能接收。请打印成新的 PDF 后再上传"),
    "locked": _("这个 PDF 加了密码或限制, 无法检查。请打印成新的 PDF 后再上传"),
    "broken": _("这个 PDF 不完整, 打不开。请重新导出后再上传"),
}


class FileRefused(ValueError):
    """An upload that is not accepted. `code` is for programs, `message` (Chinese) for the person."""

    def __init__(self, code: str, message: str = "") -> None:
        self.code = code
        self.message = message or str(_MESSAGES[code])
        super().__init__(self.message)


@dataclass(frozen=True, slots=True)
class Clean:
    """A checked file: the bytes to keep, what they are, and a harmless name."""

    data: bytes
    mime: str
    name: str


def clean(data: bytes, name: str) -> Clean:
    """Check an upload and make it harmless: pictures are drawn anew, PDFs checked by content.

    Pictures lose place, device and everything hidden (xueji.ground.paper.photo). Raises `FileRefused`.
    """
    if not data:
        raise FileRefused("empty")
    if len(data) > LIMIT:
        raise FileRefused("too_large")
    if data.startswith(b"%PDF-"):
        return Clean(_pdf(data), PDF, safe_name(name, PDF))
    try:
        return Clean(photo.clean_upload(data), JPEG, safe_name(name, JPEG))
    except photo.PhotoError as error:
        if error.code == "not_image":
            raise FileRefused("type") from error
        raise FileRefused(error.code, str(error)) from error


def _pdf(data: bytes) -> bytes:
    """A PDF as it came, when nothing in it acts by itself, brings something along, or hides from this look."""
    fault = pdfcheck.fault_of(data)
    if fault:
        raise FileRefused(fault)
    return data


def safe_name(name: str, mime: str) -> str:
    """The name to keep: no path, no control characters, at most 120 characters, the ending of what it really is."""
    base = unicodedata.normalize("NFC", name.replace("\\", "/").rsplit("/", 1)[-1])
    base = "".join(c for c in _CONTROL.sub(" ", base) if unicodedata.category(c) not in ("Cf", "Cc")).strip(
        " ."
    )
    stem = base.rsplit(".", 1)[0] if "." in base else base
    return (stem.strip()[:120] or str(_("材料"))) + _SUFFIX.get(mime, "")
