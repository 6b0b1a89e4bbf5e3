"""Archives: entries of closed months that are over their time, in signed files that can be verified without a database.

A file is JSON lines, gzip: a head, the seals that cover its entries, the entries in their canonical form, and a last
line with the digests of all before it and the signature. Nothing leaves the table before its file was read again.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.crypto import signer
from xueji.ground.crypto.errors import VaultError
from xueji.ground.db.problems import Problem
from xueji.ground.db.scope import acting

from . import retention
from .chain import COLUMNS, LATER, SELECT, Head, canonical, canonical_digest, seal_digests
from .commands import record
from .models import AuditArchive
from .stubs import FORM, statement

_PURPOSE = "audit.archive"
_BATCH = 5000


class _Digests:
    """Size, SHA-256 and SM3 of what goes by."""

    def __init__(self) -> None:
        self.size = 0
        self._sha256 = hashlib.sha256()
        self._sm3 = hashes.Hash(hashes.SM3())

    def add(self, data: bytes) -> None:
        self.size += len(data)
        self._sha256.update(data)
        self._sm3.update(data)

    def result(self) -> tuple[bytes, bytes]:
        return self._sha256.digest(), self._sm3.copy().finalize()


@dataclass(frozen=True)
class Due:
    """A closed month of one class that is over its time."""

    month: date
    kind: str
    actions: tuple[str, ...]


def due(today: date | None = None) -> list[Due]:
    """Months to archive, oldest first."""
    today = today or timezone.localdate()
    with transaction.atomic(), acting("audit"), connection.cursor() as c:
        c.execute(
            "select distinct date_trunc('month', at at time zone 'Asia/Shanghai')::date, action from audit_entry e"
            " where at < %s and not exists (select 1 from audit_archive a where e.id between a.first_id and a.last_id"
            "   and e.id = any(a.entry_ids))",
            [max(_midnight(retention.cutoff(k, today)) for k in retention.CLASSES)],
        )
        found: dict[tuple[date, str], list[str]] = {}
        for month, action in c.fetchall():
            kind = retention.class_of(action)
            if month < retention.cutoff(kind, today):
                found.setdefault((month, kind), []).append(action)
    return [Due(month, kind, tuple(sorted(a))) for (month, kind), a in sorted(found.items())]


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime(day.year, day.month, day.day))  # noqa: DTZ001


def export(one: Due, who: Any) -> AuditArchive | None:
    """Write one month of one class into a signed file, read it again, and register it; None if nothing is sealed yet.

    The entries stay in the table. Raises OSError when the file cannot be written.
    """
    folder = retention.archives_dir()
    folder.mkdir(parents=True, exist_ok=True)
    following = date(one.month.year + one.month.month // 12, one.month.month % 12 + 1, 1)
    with transaction.atomic():
        with acting("audit"), connection.cursor() as c:
            c.execute(
                "select e.id from audit_entry e where e.action = any(%s) and e.at >= %s and e.at < %s"
                " and exists (select 1 from (select unnest(entry_ids) as id from audit_seal) s where s.id = e.id)"
                " and not exists (select 1 from audit_archive a where e.id between a.first_id and a.last_id"
                "   and e.id = any(a.entry_ids)) order by e.id",
                [list(one.actions), _midnight(one.month), _midnight(following)],
            )
            ids = [r[0] for r in c.fetchall()]
            if not ids:
                return None
            name = f"audit-{one.month:%Y-%m}-{one.kind}-{ids[0]}.jsonl.gz"
            made_at = timezone.now().replace(microsecond=0)
            row = AuditArchive(
                made_at=made_at,
                month=one.month,
                kind=one.kind,
                first_id=ids[0],
                last_id=ids[-1],
                entry_ids=ids,
                file_name=name,
            )
            _write(folder / name, row, c)
            for problem in check(folder / name, c):
                raise OSError(problem.message)
            AuditArchive.objects.bulk_create([row])
        record(
            who,
            "audit.archive",
            object_type="archive",
            object_id=name,
            after={"month": one.month.isoformat(), "class": one.kind},
            row_count=len(ids),
            digest=bytes(row.sha256),
        )
    return row


def _write(path: Path, row: AuditArchive, c: Any) -> None:
    digests = _Digests()
    part = path.with_suffix(".part")
    with part.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as out:

        def put(value: Any, *, last: bool = False) -> None:
            line = (json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n").encode(
                "utf-8", "surrogatepass"
            )
            if not last:
                digests.add(line)
            out.write(line)

        put(
            {
                "form": FORM,
                "file": row.file_name,
                "month": row.month.isoformat(),
                "class": row.kind,
                "made_at": row.made_at.astimezone(UTC).isoformat(),
                "entries": len(row.entry_ids),
                "columns": [*COLUMNS, *LATER],
            }
        )
        for at in range(0, len(row.entry_ids), _BATCH):
            _put_batch(put, c, row.entry_ids[at : at + _BATCH])
        row.size = digests.size
        row.sha256, row.sm3 = digests.result()
        signature = signer.sign(_said(row), _PURPOSE)
        row.signature = signature.to_dict()
        key = next(k for k in signer.public_keys() if k.id == signature.key_id)
        put(
            {
                "size": row.size,
                "sha256": row.sha256.hex(),
                "sm3": row.sm3.hex(),
                "signature": row.signature,
                "key": key.to_dict(),
            },
            last=True,
        )
    with part.open("rb") as written:
        os.fsync(written.fileno())
    part.chmod(0o640)
    part.rename(path)


def _put_batch(put: Any, c: Any, ids: Sequence[int]) -> None:
    c.execute(
        "select s.id, s.version, s.day, s.sealed_at, s.entry_ids, s.entry_hashes, s.sha256, s.sm3, b.sha256, b.sm3"
        " from audit_seal s left join lateral (select sha256, sm3 from audit_seal p where p.id < s.id"
        "   order by p.id desc limit 1) b on true"
        " where s.last_id >= %s and s.entry_ids && %s::bigint[] order by s.id",
        [ids[0], list(ids)],
    )
    for number, version, day, at, members, kept, sha256, sm3, before, before_sm3 in c.fetchall():
        put(
            {
                "seal": number,
                "version": version,
                "day": day.isoformat(),
                "sealed_at": at.astimezone(UTC).isoformat(timespec="microseconds"),
                "ids": members,
                "hashes": bytes(kept).hex(),
                "sha256": bytes(sha256).hex(),
                "sm3": bytes(sm3).hex(),
                "before": bytes(before or b"").hex(),
                "before_sm3": bytes(before_sm3 or b"").hex(),
            }
        )
    c.execute(f"select {SELECT} from audit_entry where id = any(%s) order by id", [list(ids)])
    for entry in c.fetchall():
        put({"entry": canonical(entry)})


def _said(row: AuditArchive) -> bytes:
    return statement(
        month=row.month,
        kind=row.kind,
        made_at=row.made_at,
        file_name=row.file_name,
        size=row.size,
        sha256=bytes(row.sha256),
        sm3=bytes(row.sm3),
        entry_ids=row.entry_ids,
    )


def check(path: Path, cursor: Any = None) -> Iterator[Problem]:
    """Verify an archive by itself: digests, signature, each seal, each entry under its seal.

    With a cursor its seals are also compared with those of the database's chain.
    """
    try:
        yield from _check(path, cursor)
    except (OSError, EOFError, ValueError, KeyError, TypeError, IndexError) as error:
        yield Problem(
            "archive",
            _("归档文件无法识别或已损坏: %(why)s") % {"why": type(error).__name__},
            path.name,
        )


def _check(path: Path, cursor: Any) -> Iterator[Problem]:
    digests = _Digests()
    first: dict[str, Any] = {}
    last: dict[str, Any] = {}
    ids: list[int] = []
    kept: dict[int, str] = {}
    with gzip.open(path, "rb") as lines:
        for line in lines:
            value = json.loads(line.decode("utf-8", "surrogatepass"))
            if last:
                yield Problem("archive", _("签名之后还有内容"), path.name)
                return
            if "signature" in value:
                last = value
                continue
            digests.add(line)
            if "form" in value:
                first = value
            elif "seal" in value:
                yield from _seal(value, kept, cursor, path.name)
            else:
                entry = value["entry"]
                ids.append(entry[0])
                if kept.get(entry[0]) != canonical_digest(entry).hex():
                    text = _("归档中的条目 %(n)s 与封条不符: 已被改动") % {"n": entry[0]}
                    yield Problem("archive", text, f"{path.name} entry {entry[0]}")
    sha256, sm3 = digests.result()
    if not first or not last:
        yield Problem("archive", _("归档文件不完整"), path.name)
        return
    if (last["sha256"], last["sm3"], first["entries"]) != (sha256.hex(), sm3.hex(), len(ids)):
        yield Problem("archive", _("归档文件的内容与摘要不符"), path.name)
    said = statement(
        month=date.fromisoformat(first["month"]),
        kind=first["class"],
        made_at=datetime.fromisoformat(first["made_at"]),
        file_name=first["file"],
        size=digests.size,
        sha256=sha256,
        sm3=sm3,
        entry_ids=ids,
    )
    if not _signed(said, last):
        yield Problem("archive", _("归档文件的签名不符"), path.name)


def _seal(value: dict[str, Any], kept: dict[int, str], cursor: Any, name: str) -> Iterator[Problem]:
    hexed = value["hashes"]
    each = [hexed[i : i + 64] for i in range(0, len(hexed), 64)]
    head = Head(
        value["seal"],
        date.fromisoformat(value["day"]),
        datetime.fromisoformat(value["sealed_at"]),
        value["ids"],
        value["version"],
    )
    before = bytes.fromhex(value["before"]), bytes.fromhex(value["before_sm3"])
    made = seal_digests(before, head, [bytes.fromhex(h) for h in each])
    text = _("封条 %(n)s 与内容不符") % {"n": head.id}
    if (made[0].hex(), made[1].hex()) != (value["sha256"], value["sm3"]) or len(each) != len(head.entry_ids):
        yield Problem("archive", text, f"{name} seal {head.id}")
    if cursor is not None:
        cursor.execute("select sha256 from audit_seal where id = %s", [head.id])
        row = cursor.fetchone()
        if row is None or bytes(row[0]) != made[0]:
            yield Problem(
                "archive", _("封条 %(n)s 与数据库中的不同") % {"n": head.id}, f"{name} seal {head.id}"
            )
    kept.update(zip(head.entry_ids, each, strict=False))


def _signed(said: bytes, last: dict[str, Any]) -> bool:
    signature = signer.Signature.from_dict(last["signature"])
    try:
        return signer.verify(said, _PURPOSE, signature)
    except VaultError:
        return signer.verify(said, _PURPOSE, signature, [signer.read_public(last["key"])])


def export_due(who: Any, today: date | None = None) -> list[AuditArchive]:
    """Write all that is due; what the worker does once a day."""
    made = (export(one, who) for one in due(today))
    return [a for a in made if a is not None]


def daily() -> int:
    """The worker's duty: write what is due; returns how many files were made. Dropping is left to the owner."""
    from .anchors import SYSTEM

    return len(export_due(SYSTEM))


def drop(owner: Any, folder: Path | None = None) -> Iterator[tuple[str, int, list[Problem]]]:
    """As owner: take archived entries out of the table, file by file, after each file was read again and verified.

    Gives name, how many entries went, and the problems for which a file's entries stayed.
    """
    folder = folder or retention.archives_dir()
    with owner.cursor() as c:
        c.execute(
            "select id, file_name, sha256 from audit_archive a"
            " where exists (select 1 from audit_entry e where e.id = a.last_id or e.id = a.first_id) order by id"
        )
        waiting = c.fetchall()
        for number, name, sha256 in waiting:
            problems = list(check(folder / name, c))
            if not problems and _last_line(folder / name).get("sha256") != bytes(sha256).hex():
                problems = [Problem("archive", _("不是登记的那个归档文件"), name)]
            gone = 0
            if not problems:
                with owner.transaction():
                    c.execute("select xueji_audit_drop(%s, %s)", [number, bytes(sha256)])
                    gone = int(c.fetchone()[0])
            yield name, gone, problems


def _last_line(path: Path) -> dict[str, Any]:
    line = b"{}"
    with gzip.open(path, "rb") as lines:
        for each in lines:
            line = each
    return dict(json.loads(line))
