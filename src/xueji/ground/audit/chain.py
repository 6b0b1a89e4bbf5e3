"""The arithmetic of the chain: what exactly is digested. Offline verification needs nothing else.

An entry's canonical form is a JSON array of its columns in the order of `COLUMNS`, keys sorted, no spaces, UTF-8,
moments in UTC with microseconds, digests in hex. Its digest is SHA-256 of that. A seal's two digests are SHA-256 and
SM3 over: the seal before (its digest of the same kind, empty for the first), the day, and the entries' digests.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
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
SELECT = ", ".join(f'"{c}"::text' if c in ("before", "after") else f'"{c}"' for c in COLUMNS)


def _plain(column: str, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if column in ("before", "after"):
        return json.loads(value)
    return value


def entry_digest(row: Sequence[Any]) -> bytes:
    """SHA-256 of an entry read with SELECT."""
    plain = [_plain(c, v) for c, v in zip(COLUMNS, row, strict=True)]
    text = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def seal_digests(
    before: tuple[bytes, bytes], day: date, entry_digests: Iterable[bytes]
) -> tuple[bytes, bytes]:
    """SHA-256 and SM3 of a seal, given those of the seal before (empty bytes for the first)."""
    body = day.isoformat().encode() + b"".join(entry_digests)
    sm3 = hashes.Hash(hashes.SM3())
    sm3.update(before[1] + body)
    return hashlib.sha256(before[0] + body).digest(), sm3.finalize()
