"""Anchors: the head of the chain, signed, outside of the database. What is proven later is proven against them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.crypto import signer
from xueji.ground.crypto.errors import VaultError
from xueji.ground.db.scope import acting

from . import fence, retention
from .commands import Who, record
from .models import AuditAnchor

FORM = "xueji.audit.anchor/1"
FILE = "anchors.jsonl"
_PURPOSE = "audit.anchor"
SYSTEM = Who(None, "system", "system", None)


class AnchorError(ValueError):
    """An anchor cannot be made or read; the message says why."""


@dataclass(frozen=True)
class Anchor:
    """A head that was noted outside: `signed` tells whether the signature holds (None: there is none)."""

    seal_id: int
    sha256: bytes
    made_at: str = ""
    signed: bool | None = None
    guards: dict[str, str] | None = None

    @property
    def pair(self) -> tuple[int, bytes]:
        """As `verify.breaks` takes it."""
        return self.seal_id, self.sha256


def head(cursor: Any) -> dict[str, Any] | None:
    """The last seal as an anchor has it; None when nothing is sealed yet."""
    cursor.execute(
        "select id, day, sealed_at, sha256, sm3, last_id, (select sum(cardinality(entry_ids)) from audit_seal)::bigint"
        " from audit_seal order by id desc limit 1"
    )
    row = cursor.fetchone()
    if row is None:
        return None
    return {
        "form": FORM,
        "seal": row[0],
        "day": row[1].isoformat(),
        "sealed_at": timezone.localtime(row[2]).isoformat(timespec="seconds"),
        "sha256": bytes(row[3]).hex(),
        "sm3": bytes(row[4]).hex(),
        "last_entry": row[5],
        "entries": row[6],
    }


def make(who: Any = SYSTEM) -> dict[str, Any]:
    """Sign the head of the chain, keep a copy and an entry, append it to the file of anchors; returns the anchor.

    Raises `AnchorError` when nothing is sealed yet or the file cannot be written, `KeyMissing` without keys.
    """
    with transaction.atomic():
        with acting("audit"), connection.cursor() as c:
            content = head(c)
            if content is None:
                raise AnchorError(_("日志还没有加封, 请稍后再试"))
            content["guards"] = fence.marks(c)
            content["made_at"] = timezone.localtime().isoformat(timespec="seconds")
            content["signature"] = signer.sign(_signed_text(content), _PURPOSE).to_dict()
            content["key"] = next(
                k.to_dict() for k in signer.public_keys() if k.id == content["signature"]["key"]
            )
            AuditAnchor.objects.bulk_create(
                [
                    AuditAnchor(
                        made_at=timezone.now(),
                        made_by=who.user_name,
                        seal_id=content["seal"],
                        content=content,
                    )
                ]
            )
        record(
            who,
            "audit.anchor",
            object_type="seal",
            object_id=content["seal"],
            after={"sha256": content["sha256"], "entries": content["entries"]},
        )
        _append(content)
    return content


def _append(content: dict[str, Any]) -> None:
    path = retention.anchors_dir() / FILE
    line = json.dumps(content, ensure_ascii=False, sort_keys=True) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        try:
            os.write(fd, line.encode())
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise AnchorError(
            _("无法写入锚点文件 %(path)s: %(why)s") % {"path": path, "why": error.strerror}
        ) from error


def daily() -> int:
    """The worker's duty: one anchor a day, if anything was sealed since the last one; returns how many were made."""
    with transaction.atomic(), acting("audit"), connection.cursor() as c:
        c.execute(
            "select (select max(made_at) from audit_anchor), (select max(seal_id) from audit_anchor),"
            " (select max(id) from audit_seal)"
        )
        made_at, anchored, last = c.fetchone()
    if last is None or anchored == last:
        return 0
    if made_at is not None and timezone.localdate(made_at) == timezone.localdate():
        return 0
    make()
    return 1


def read(text: str) -> list[Anchor]:
    """Anchors from what was noted: `ID:HEX` as printed (blanks do not matter), or the path of a file of anchors.

    Raises `AnchorError` when it is neither, or when a line of the file is broken.
    """
    number, _sep, rest = text.partition(":")
    digits = "".join(rest.split())
    if number.strip().isdigit() and len(digits) == 64:
        try:
            return [Anchor(int(number), bytes.fromhex(digits))]
        except ValueError as error:
            raise AnchorError(_("锚点应为 64 位十六进制数")) from error
    path = Path(text)
    if not path.is_file():
        raise AnchorError(_("锚点应写成 编号:摘要, 或给出锚点文件"))
    return [_line(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _line(line: str) -> Anchor:
    try:
        content = json.loads(line)
        if content["form"] != FORM:
            raise ValueError(content["form"])
        return Anchor(
            seal_id=int(content["seal"]),
            sha256=bytes.fromhex(content["sha256"]),
            made_at=str(content["made_at"]),
            signed=_holds(content),
            guards={str(k): str(v) for k, v in content.get("guards", {}).items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise AnchorError(_("锚点文件中有一行无法识别")) from error


def _signed_text(content: dict[str, Any]) -> bytes:
    said = {k: v for k, v in content.items() if k not in ("signature", "key")}
    return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _holds(content: dict[str, Any]) -> bool:
    """By our own keys; an installation without its key file believes the key that the anchor brings along."""
    signature = signer.Signature.from_dict(content["signature"])
    said = _signed_text(content)
    try:
        return signer.verify(said, _PURPOSE, signature)
    except VaultError:
        return signer.verify(said, _PURPOSE, signature, [signer.read_public(content["key"])])


def pairs(anchors: Sequence[Anchor]) -> list[tuple[int, bytes]]:
    """As `verify.breaks` takes them."""
    return [a.pair for a in anchors]
