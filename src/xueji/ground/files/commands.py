"""The only code that writes files. Callers have checked what the actor may do with the thing a file belongs to."""

from __future__ import annotations

import hashlib
import itertools
import time
import uuid
from collections.abc import Iterable
from typing import Any

from django.db import connection, transaction

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
    _hold(hashlib.sha256(good.data).hexdigest())
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
        after={"size": file.size, "mime": file.mime, "sha256": digest, "purpose": purpose},
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
    transaction.on_commit(lambda: _remove_unless_kept(file.sha256))
    record(
        actor,
        "files.discard",
        object_type="file",
        object_id=file_id,
        person_id=file.person_id,
        before={"sha256": file.sha256},
    )


def sweep(*, days: int = 2, most: int = 1000) -> int:
    """Drop bytes that no row names any more: uploads whose transaction was undone, a crash between row and bytes.

    Idempotent; returns how many. Each is looked at again under its lock before it goes.
    """
    done = 0
    digests = storage.older_than(time.time() - days * 86400)
    while batch := list(itertools.islice(digests, 500)):
        with transaction.atomic(), acting("writer"):
            known = set(StoredFile.objects.filter(sha256__in=batch).values_list("sha256", flat=True))
        for digest in batch:
            if digest not in known and done < most:
                done += _remove_unless_kept(digest)
    return done


def _hold(digest: str) -> None:
    """Until this transaction ends nobody removes the bytes of a digest."""
    with connection.cursor() as c:
        c.execute("select pg_advisory_xact_lock(7310004, %s)", [int(digest[:8], 16) - 2**31])


def _remove_unless_kept(digest: str) -> bool:
    """Remove bytes that no row names; whoever is just storing the same content is waited for."""
    with transaction.atomic(), acting("writer"):
        _hold(digest)
        if StoredFile.objects.filter(sha256=digest).exists():
            return False
        storage.remove(digest)
    return True
