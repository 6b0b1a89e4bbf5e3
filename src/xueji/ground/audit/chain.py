"""The arithmetic of the chain: what exactly is digested. Offline verification needs nothing else.

An entry's canonical form is a JSON array of its columns in the order of `COLUMNS`, keys sorted, no spaces, UTF-8,
moments in UTC with microseconds, digests in hex; the pupils that a list showed (`person_ids`) follow only where there
are any. Its digest is SHA-256 of that. A seal's two digests are SHA-256 and SM3 over: the seal before (its digest of
the same kind, empty for the first), a head, and the entries' digests. The head of the first version is the day; that
of the second is a JSON array of the seal's number, day, moment and the numbers of its entries.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives import hashes

COLUMNS = (
    "id",
    "at",
    "user_id",
    "user_name",
    "role",
    "org_id",
    "address",
    "action",
    "object_type",
    "object_id",
    "person_id",
    "purpose",
    "before",
    "after",
    "row_count",
    "digest",
)
#: Columns that came later: part of the canonical form only where they are filled, so that older digests still hold.
LATER = ("person_ids",)
SELECT = ", ".join(f'"{c}"::text' if c in ("before", "after") else f'"{c}"' for c in (*COLUMNS, *LATER))
#: The form of arithmetic in which new seals are made.
VERSION = 2


def _plain(column: str, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, list):
        return [str(v) for v in value]
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if column in ("before", "after"):
        return json.loads(value)
    return value


def canonical(row: Sequence[Any]) -> list[Any]:
    """An entry read with SELECT as plain values: what is digested, and what an archive keeps."""
    values = list(zip((*COLUMNS, *LATER), row, strict=True))
    return [_plain(c, v) for c, v in values if c not in LATER or v is not None]


def canonical_digest(plain: Sequence[Any]) -> bytes:
    """SHA-256 of the canonical form."""
    text = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def entry_digest(row: Sequence[Any]) -> bytes:
    """SHA-256 of an entry read with SELECT."""
    return canonical_digest(canonical(row))


@dataclass(frozen=True)
class Head:
    """What a seal says beside the digests of its entries."""

    id: int
    day: date
    sealed_at: datetime
    entry_ids: Sequence[int]
    version: int = VERSION

    def body(self) -> bytes:
        """The head in the form of its version. Raises ValueError for a version that nobody knows."""
        if self.version == 1:
            return self.day.isoformat().encode()
        if self.version != VERSION:
            raise ValueError(f"seal {self.id}: version {self.version}")
        moment = self.sealed_at.astimezone(UTC).isoformat(timespec="microseconds")
        parts = [self.version, self.id, self.day.isoformat(), moment, list(self.entry_ids)]
        return json.dumps(parts, separators=(",", ":")).encode()


def seal_digests(
    before: tuple[bytes, bytes], head: Head, entry_digests: Iterable[bytes]
) -> tuple[bytes, bytes]:
    """SHA-256 and SM3 of a seal, given those of the seal before (empty bytes for the first)."""
    body = head.body() + b"".join(entry_digests)
    sm3 = hashes.Hash(hashes.SM3())
    sm3.update(before[1] + body)
    return hashlib.sha256(before[0] + body).digest(), sm3.finalize()
