"""The bytes on disk, by the digest of their content. Rows in `stored_file` say who may open them."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

_DIGEST = re.compile(r"[0-9a-f]{64}")
#: How names of files begin that are being written.
PART = ".part-"


def path_of(sha256: str) -> Path:
    """Where the bytes of a digest lie; ValueError for anything that is not a digest."""
    if not _DIGEST.fullmatch(sha256):
        raise ValueError("not a digest")
    return Path(settings.FILES_DIR) / sha256[:2] / sha256[2:4] / sha256


def write(data: bytes) -> str:
    """Keep bytes and return their digest. The same bytes are kept once; a crash leaves no half file."""
    digest = hashlib.sha256(data).hexdigest()
    path = path_of(digest)
    if path.exists():
        return digest
    replace(path, data)
    return digest


def replace(path: Path, data: bytes) -> None:
    """Write a file that others see whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=PART)
    try:
        with os.fdopen(fd, "wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read(sha256: str) -> bytes:
    """The bytes of a digest; FileNotFoundError when they are not there."""
    return path_of(sha256).read_bytes()


def remove(sha256: str) -> None:
    """Write over the bytes and their thumbnail, then drop them (GB/T 22239 8.1.4.10: nothing is left behind)."""
    path = path_of(sha256)
    for one in (path, path.with_suffix(".thumb")):
        _blank(one)
        one.unlink(missing_ok=True)


def _blank(path: Path) -> None:
    """Zeros over a file. What a copying or solid-state disk keeps below is left to the disk's own encryption."""
    try:
        with path.open("r+b") as f:
            left = os.fstat(f.fileno()).st_size
            while left > 0:
                left -= f.write(b"\0" * min(left, 1 << 20))
            f.flush()
            os.fsync(f.fileno())
    except FileNotFoundError:
        return


def older_than(moment: float) -> Iterator[str]:
    """Digests of all bytes that were written before a moment (seconds since 1970); parts left by a crash go."""
    for path in Path(settings.FILES_DIR).glob("??/??/*"):
        try:
            if path.stat().st_mtime >= moment:
                continue
        except FileNotFoundError:
            continue
        if path.name.startswith(PART):
            path.unlink(missing_ok=True)
        elif _DIGEST.fullmatch(path.name):
            yield path.name
