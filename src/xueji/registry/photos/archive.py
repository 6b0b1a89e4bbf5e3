"""A zip of photos, or loose pictures, as names and bytes. Nothing is written to the disk and nothing is trusted."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.utils.translation import gettext as _

from xueji.ground.paper.photo import UPLOAD_BYTES

from .errors import PhotosError

#: Pictures in one upload, and what they may unpack to.
MOST = 3_000
UNPACKED = 2 * 1024 * 1024 * 1024
ZIP_BYTES = 300 * 1024 * 1024
_NOT_PICTURES = ("thumbs.db", "desktop.ini", ".ds_store")


@dataclass(frozen=True)
class Picture:
    """A file as it came: the folder that it lay in, its name, its bytes (None: too large to be looked at)."""

    folder: str
    name: str
    data: bytes | None


def is_zip(data: bytes) -> bool:
    """Whether these bytes are a zip, whatever the file is called."""
    return data[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def names(data: bytes) -> list[tuple[str, str]]:
    """Folder and name of every file of a zip, none of them unpacked. Raises `PhotosError` with words for the person."""
    with _opened(data) as package:
        return [_names(entry) for entry in _entries(package)]


def pictures(data: bytes) -> Iterator[Picture]:
    """The files of a zip in the order of `names`, one in memory at a time. Raises `PhotosError`."""
    with _opened(data) as package:
        for entry in _entries(package):
            folder, name = _names(entry)
            yield Picture(folder, name, _bytes(package, entry))


@contextmanager
def _opened(data: bytes) -> Iterator[zipfile.ZipFile]:
    """A zip, whose damages are told in words."""
    if len(data) > ZIP_BYTES:
        raise PhotosError(_("压缩包超过 %(limit)s MB, 请按班级分成几个") % {"limit": ZIP_BYTES >> 20})
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            yield package
    except PhotosError:
        raise
    except RuntimeError as error:  # zipfile says so of a password, and of a compression that it does not know
        raise PhotosError(_("压缩包设有密码或用了特殊的压缩方式, 请重新打包成普通的 zip")) from error
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, KeyError) as error:
        raise PhotosError(_("压缩包已损坏, 打不开。请重新打包后再上传")) from error


def _entries(package: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    entries = [e for e in package.infolist() if _wanted(e)]
    if not entries:
        raise PhotosError(_("压缩包里没有文件"))
    if len(entries) > MOST:
        text = _("压缩包里有 %(n)s 个文件, 一次最多 %(most)s 个, 请按班级分成几个")
        raise PhotosError(text % {"n": len(entries), "most": MOST})
    if sum(e.file_size for e in entries) > UNPACKED:
        raise PhotosError(_("压缩包解压后过大, 请按班级分成几个"))
    return entries


def _wanted(entry: zipfile.ZipInfo) -> bool:
    name = entry.filename.replace("\\", "/")
    last = name.rsplit("/", 1)[-1].lower()
    return (
        not entry.is_dir()
        and bool(last)
        and "__MACOSX/" not in name
        and not last.startswith(".")
        and last not in _NOT_PICTURES
    )


def _names(entry: zipfile.ZipInfo) -> tuple[str, str]:
    """Folder and name, in the writing of Chinese Windows where the zip does not say that it is UTF-8."""
    name = entry.filename
    if not entry.flag_bits & 0x800:
        raw = name.encode("cp437", "replace")
        try:
            name = raw.decode("utf-8")
        except UnicodeDecodeError:
            name = raw.decode("gb18030", "replace")
    parts = [p for p in name.replace("\\", "/").split("/") if p not in ("", ".", "..")]
    return (parts[-2] if len(parts) > 1 else ""), (parts[-1] if parts else "")


def _bytes(package: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes | None:
    if entry.file_size > UPLOAD_BYTES:
        return None
    with package.open(entry) as stream:
        # What the directory says may be wrong: never read more than a picture may have.
        data = stream.read(UPLOAD_BYTES + 1)
    return data if len(data) <= UPLOAD_BYTES else None
