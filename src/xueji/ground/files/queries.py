"""Reading files: row-level security decides whether a file exists for the actor."""

from __future__ import annotations

import io
import uuid
from typing import Any

from django.http import Http404
from PIL import Image

from . import storage
from .content import JPEG
from .models import StoredFile

THUMB_SIDE = 240


def get(actor: Any, file_id: uuid.UUID) -> StoredFile:
    """One file's row. Raises Http404 when there is none that the actor may open."""
    file = StoredFile.objects.filter(pk=file_id).first()
    if file is None:
        raise Http404
    return file


def read(file: StoredFile) -> bytes:
    """The bytes. Raises Http404 when the disk has lost them."""
    try:
        return storage.read(file.sha256)
    except FileNotFoundError as error:
        raise Http404 from error


def thumbnail(file: StoredFile) -> bytes:
    """A small JPEG of a picture, made once and kept beside it. Raises Http404 for anything else."""
    if file.mime != JPEG:
        raise Http404
    path = storage.path_of(file.sha256).with_suffix(".thumb")
    if path.exists():
        return path.read_bytes()
    with Image.open(io.BytesIO(read(file)), formats=["JPEG"]) as image:
        image.thumbnail((THUMB_SIDE, THUMB_SIDE))
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=80)
    storage.replace(path, buffer.getvalue())
    return buffer.getvalue()
