"""Copies of the key file that may leave the house: under one passphrase, or under any two of several keepers' ones.

One passphrase: scrypt (RFC 7914), then AES-256-GCM. Several keepers: a fresh key encrypts the copy, and each pair of
keepers gets that key under scrypt over both their passphrases. So one keeper alone opens nothing, and one may be lost.
No secret-sharing arithmetic of our own is in it.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from django.utils.translation import gettext as _

from . import keyring, suites, vault
from .errors import KeyMissing, KeysExist, WrongPassphrase
from .keyring import Key, Ring

SHORTEST = 12
#: How many keepers open a copy that was made for several, and how many there may be.
NEEDED, MOST_KEEPERS = 2, 5
_SCRYPT = {"n": 2**16, "r": 8, "p": 1}
_ABOUT = b"xueji:keys:1"
_ABOUT_SHARED = b"xueji:keys:2"


def backup(path: Path | str, passphrase: str | Sequence[str]) -> None:
    """Write an encrypted copy of the keys to a file that is not there yet.

    With several passphrases any two of their keepers open it. Raises `FileExistsError`, `KeyMissing`, and ValueError for
    a passphrase of fewer than 12 characters, equal ones, or too many keepers.
    """
    words = [passphrase] if isinstance(passphrase, str) else list(passphrase)
    if not words or any(len(w) < SHORTEST for w in words):
        raise ValueError(_("口令至少要有12个字符"))
    if len(set(words)) != len(words) or len(words) > MOST_KEEPERS:
        raise ValueError(_("每位保管人的口令要不同，保管人最多 %(n)s 位") % {"n": MOST_KEEPERS})
    ring = keyring.load()
    plain = keyring.to_json(ring).encode()
    content: dict[str, Any] = {
        "about": "xueji keys",
        "format": 1,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "key_ids": [k.id for k in ring.keys],
        "scrypt": _SCRYPT,
    }
    if len(words) == 1:
        content |= _sealed(plain, words[0].encode(), _ABOUT)
    else:
        key, nonce = os.urandom(32), os.urandom(suites.NONCE)
        content |= {
            "format": 2,
            "keepers": len(words),
            "needed": NEEDED,
            "nonce": _pack(nonce),
            "body": _pack(AESGCM(key).encrypt(nonce, plain, _ABOUT_SHARED)),
            "shares": [
                _sealed(key, _joined(pair), _ABOUT_SHARED) for pair in itertools.combinations(words, NEEDED)
            ],
        }
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as f:
        f.write(json.dumps(content, indent=1) + "\n")
        f.flush()
        os.fsync(f.fileno())


def keepers_of(path: Path | str) -> int:
    """How many passphrases a copy asks for: 1, or 2 of several keepers. Raises `KeyMissing`."""
    return NEEDED if _read(path)["format"] == 2 else 1


def restore(path: Path | str, passphrase: str | Sequence[str]) -> Ring:
    """Bring the keys of a copy back into the key file; keys that the file has and the copy lacks are kept.

    Raises `WrongPassphrase`, `KeyMissing` (not a backup) and `KeysExist` when the present file belongs to
    another installation (its index key differs).
    """
    words = [passphrase] if isinstance(passphrase, str) else list(passphrase)
    content = _read(path)
    try:
        if content["format"] == 2:
            if len(words) != NEEDED:
                raise WrongPassphrase(_("这份备份要两位保管人的口令"))
            key = next(
                (k for share in content["shares"] if (k := _opened(share, content, _joined(words)))), None
            )
            if key is None:
                raise WrongPassphrase(_("口令不对，或备份文件已损坏"))
            plain = AESGCM(key).decrypt(_unpack(content["nonce"]), _unpack(content["body"]), _ABOUT_SHARED)
        else:
            found = _opened(content, content, words[0].encode(), _ABOUT) if len(words) == 1 else None
            if found is None:
                raise WrongPassphrase(_("口令不对，或备份文件已损坏"))
            plain = found
    except InvalidTag:
        raise WrongPassphrase(_("口令不对，或备份文件已损坏")) from None
    except (ValueError, KeyError, TypeError) as e:
        raise KeyMissing(_("%(path)s 不是密钥备份文件") % {"path": path}) from e
    ring = keyring.from_json(plain.decode())
    with keyring.locked():
        if keyring.key_path().exists():
            ring = _merge(keyring.load(), ring)
            keyring.save(ring)
        else:
            keyring.save(ring, fresh=True)
    vault.forget()
    return ring


def _read(path: Path | str) -> dict[str, Any]:
    """The outside of a copy, its costs within bounds. Raises `KeyMissing`."""
    try:
        content: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
        cost = {k: int(content["scrypt"][k]) for k in ("n", "r", "p")}
        if content["format"] not in (1, 2) or len(content.get("shares", ())) > MOST_KEEPERS**2:
            raise ValueError(content["format"])
    except (ValueError, KeyError, TypeError) as e:
        raise KeyMissing(_("%(path)s 不是密钥备份文件") % {"path": path}) from e
    if cost["n"] > 2**20 or cost["r"] > 32 or cost["p"] > 16:
        raise KeyMissing(_("%(path)s 不是密钥备份文件") % {"path": path})
    return content


def _sealed(plain: bytes, passphrase: bytes, about: bytes) -> dict[str, str]:
    salt, nonce = os.urandom(16), os.urandom(suites.NONCE)
    body = AESGCM(_stretch(passphrase, salt, _SCRYPT)).encrypt(nonce, plain, about)
    return {"salt": _pack(salt), "nonce": _pack(nonce), "body": _pack(body)}


def _opened(
    part: dict[str, Any], content: dict[str, Any], passphrase: bytes, about: bytes = _ABOUT_SHARED
) -> bytes | None:
    key = _stretch(passphrase, _unpack(part["salt"]), {k: int(v) for k, v in content["scrypt"].items()})
    try:
        return AESGCM(key).decrypt(_unpack(part["nonce"]), _unpack(part["body"]), about)
    except InvalidTag:
        return None


def _joined(words: Sequence[str]) -> bytes:
    """Two passphrases as one, whichever is given first; lengths keep them apart."""
    return b"".join(len(w).to_bytes(4, "big") + w for w in sorted(x.encode() for x in words))


def _stretch(passphrase: bytes, salt: bytes, cost: dict[str, int]) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost["n"], r=cost["r"], p=cost["p"]).derive(passphrase)


def _merge(here: Ring, brought: Ring) -> Ring:
    """The keys of the file (which says what is active) and those that only the backup has, for opening."""
    if not {k.id for k in here.index_chain} & {k.id for k in brought.index_chain}:
        raise KeysExist(_("现有的密钥文件属于另一套系统，没有改动它。请先把它移到别处"))
    have = {k.id for k in here.keys}
    extra = tuple(
        Key(k.id, k.purpose, k.suite, k.created_at, False, k.secret) for k in brought.keys if k.id not in have
    )
    return Ring((*here.keys, *extra))


def _pack(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unpack(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
