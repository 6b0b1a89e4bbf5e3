"""What stays of entries that went into an archive: their numbers, in the signed register of archives."""

from __future__ import annotations

import hashlib
import json
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from xueji.ground.crypto import signer
from xueji.ground.crypto.errors import VaultError

FORM = "xueji.audit.archive/1"


def statement(
    *,
    month: date,
    kind: str,
    made_at: datetime,
    file_name: str,
    size: int,
    sha256: bytes,
    sm3: bytes,
    entry_ids: Sequence[int],
) -> bytes:
    """What the installation signs about an archive: its file and exactly which entries lie in it."""
    ids = hashlib.sha256(json.dumps(list(entry_ids), separators=(",", ":")).encode()).hexdigest()
    plain = [FORM, month.isoformat(), kind, round(made_at.timestamp()), file_name, size]
    return json.dumps(
        [*plain, bytes(sha256).hex(), bytes(sm3).hex(), len(entry_ids), ids], ensure_ascii=False
    ).encode()


class Stubs:
    """The numbers of all archived entries; `false` names registered archives whose signature does not hold."""

    def __init__(self, cursor: Any) -> None:
        found = array("q")
        self.false: list[str] = []
        cursor.execute(
            "select month, kind, made_at, file_name, size, sha256, sm3, entry_ids, signature::text from audit_archive"
            " order by id"
        )
        for month, kind, made_at, name, size, sha256, sm3, ids, signature in cursor.fetchall():
            said = statement(
                month=month, kind=kind, made_at=made_at, file_name=name, size=size, sha256=sha256, sm3=sm3,
                entry_ids=ids,
            )  # fmt: skip
            if _signed(said, signature):
                found.extend(ids)
            else:
                self.false.append(name)
        self._ids = sorted(found)

    def __contains__(self, entry_id: object) -> bool:
        if not isinstance(entry_id, int):
            return False
        at = bisect_left(self._ids, entry_id)
        return at < len(self._ids) and self._ids[at] == entry_id


def _signed(said: bytes, signature: str) -> bool:
    try:
        return signer.verify(said, "audit.archive", signer.Signature.from_dict(json.loads(signature)))
    except (ValueError, VaultError):
        return False
