"""The only code that writes files. Callers have checked what the actor may do with the thing a file belongs to."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import transaction

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting

from . import storage
from .content import clean
from .models import StoredFile


def store(
    actor: Any,
    data: bytes,
    *,
    name: str,
    purpose: str,
    readers: Iterable[int] = (),
    klasses: Iterable[int] = (),
    person_id: uuid.UUID | None = None,
) -> StoredFile:
    """Check an upload (content, size), make it harmless and keep it; `readers` are the units that may open it.

    Needs a transaction. Raises `FileRefused` with words for the person; nothing is kept then.
    """
    good = clean(data, name)
    digest = storage.write(good.data)
    file = StoredFile(
        sha256=digest,
        size=len(good.data),
        mime=good.mime,
        name=good.name,
        purpose=purpose,
        readers=sorted(set(readers)),
        klasses=sorted(set(klasses)),
        person_id=person_id,
        user_id=actor.user_id,
    )
    with transaction.atomic(), acting("writer"):
        file.save(force_insert=True)
    record(
        actor,
        "files.store",
        object_type="file",
        object_id=file.id,
        person_id=person_id,
        after={"name": file.name, "size": file.size, "mime": file.mime, "sha256": digest, "purpose": purpose},
    )
    return file


def share(ids: Iterable[uuid.UUID], *, readers: Iterable[int], klasses: Iterable[int] = ()) -> None:
    """Let exactly these units (and classes) open the files from now on. Part of a command of the owning room."""
    with transaction.atomic(), acting("writer"):
        StoredFile.objects.filter(pk__in=list(ids)).update(
            readers=sorted(set(readers)), klasses=sorted(set(klasses))
        )


def discard(actor: Any, file_id: uuid.UUID) -> None:
    """Drop a file that nobody has relied on yet; its bytes go when no other row holds the same content."""
    with transaction.atomic(), acting("writer"):
        file = StoredFile.objects.filter(pk=file_id).first()
        if file is None:
            return
        file.delete()
        if not StoredFile.objects.filter(sha256=file.sha256).exists():
            transaction.on_commit(lambda: storage.remove(file.sha256))
    record(
        actor,
        "files.discard",
        object_type="file",
        object_id=file_id,
        person_id=file.person_id,
        before={"name": file.name, "sha256": file.sha256},
    )
