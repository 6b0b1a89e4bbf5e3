"""Key pairs by which installations know one another: one signs messages, one opens what was sealed for this receiver.

Private halves lie in the key file with the other keys and are backed up with them. Which construction a pair uses stands
in its suite (`halves`): Ed25519 and HPKE, or SM2 where the installation has the national algorithms. Two installations
need not have the same.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import replace
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting

from . import halves, keyring, vault
from .errors import KeyMissing, Tampered
from .halves import Public
from .keyring import Key, Purpose, Ring

_PURPOSES: tuple[Purpose, ...] = ("sign", "seal")
_KNOWN = {"sign": set(halves.SIGNING.values()), "seal": set(halves.SEALING.values())}


def _suites(ring: Ring) -> dict[Purpose, str]:
    """What new pairs are made for: the family of the data key in use."""
    return {"sign": halves.SIGNING[ring.family], "seal": halves.SEALING[ring.family]}


def ensure() -> None:
    """Make the two pairs if the key file has none yet. Raises `KeyMissing` without a key file."""
    if {"sign", "seal"} <= {k.purpose for k in keyring.load().keys}:
        return
    made: list[Key] = []
    with keyring.locked():
        ring = keyring.load()
        for purpose, suite in _suites(ring).items():
            if not any(k.purpose == purpose for k in ring.keys):
                made.append(keyring.new_key(purpose, suite, ring.keys))
                ring = ring.with_active(made[-1])
        keyring.save(ring)
    _write_down(made)


def draft() -> list[Public]:
    """Make the next pairs, not yet in use: the others must know them first. What they seal for them can be opened at
    once. Asked again before `activate`, it gives the same ones. Raises `KeyMissing`.
    """
    made: list[Key] = []
    with keyring.locked():
        ring = keyring.load()
        found = _waiting(ring)
        if not found:
            for purpose, suite in _suites(ring).items():
                made.append(replace(keyring.new_key(purpose, suite, ring.keys), active=False))
                ring = Ring((*ring.keys, made[-1]))
            keyring.save(ring)
            found = made
    _write_down(made, "next")
    return [_public(k) for k in found]


def activate() -> bool:
    """Put drafted pairs into use; the former ones still open what was sealed for them. False when there are none."""
    with keyring.locked():
        ring = keyring.load()
        waiting = {k.id for k in _waiting(ring)}
        if not waiting:
            return False
        keys = tuple(replace(k, active=k.id in waiting) if k.purpose in _PURPOSES else k for k in ring.keys)
        keyring.save(Ring(keys))
    _write_down([k for k in keys if k.id in waiting], "active")
    return True


def drafted() -> list[str]:
    """Ids of pairs that were drafted and are not yet in use."""
    return [k.id for k in _waiting(keyring.load())]


def _waiting(ring: Ring) -> list[Key]:
    """Keys made after those in use (the file keeps them in the order in which they were made)."""
    out: list[Key] = []
    for purpose in _PURPOSES:
        mine = [(k.created_at, i, k) for i, k in enumerate(ring.keys) if k.purpose == purpose]
        now = next((x for x in mine if x[2].active), None)
        out += [k for at, i, k in mine if now is not None and (at, i) > now[:2]]
    return out


def published(ring: Ring | None = None) -> list[Public]:
    """The public halves in use. Raises `KeyMissing` before `ensure`."""
    ring = ring or keyring.load()
    return [_public(ring.active(purpose)) for purpose in _PURPOSES]


def fingerprint(keys: list[Public]) -> str:
    """What two people compare by telephone: 40 hexadecimal digits in groups of four."""
    text = json.dumps(sorted([k.purpose, k.suite, k.public] for k in keys), separators=(",", ":"))
    digest = hashlib.sha256(b"xueji:peer:" + text.encode()).hexdigest()[:40]
    return " ".join(digest[i : i + 4] for i in range(0, 40, 4))


def read_public(raw: Any) -> Public:
    """A public key that came from elsewhere. Raises ValueError when it is none that we know how to use."""
    try:
        key = Public(str(raw["id"]), str(raw["purpose"]), str(raw["suite"]), str(raw["public"]))
        if len(bytes.fromhex(key.id)) != 4 or key.suite not in _KNOWN[key.purpose]:
            raise ValueError(key.id)
        halves.check(key.suite, _unpack(key.public))
    except (KeyError, TypeError, binascii.Error) as error:
        raise ValueError(_("不是可以识别的公钥")) from error
    return key


def sign(data: bytes) -> tuple[str, str]:
    """The id of the signing key in use and its signature of `data`."""
    key = keyring.load().active("sign")
    return key.id, _pack(halves.sign(key.suite, key.secret, data))


def verify(key: Public, data: bytes, signature: str) -> bool:
    """Whether `signature` is that of `key` under `data`."""
    try:
        return halves.verify(key.suite, _unpack(key.public), data, _unpack(signature))
    except (ValueError, binascii.Error):
        return False


def seal_for(key: Public, data: bytes, about: bytes) -> str:
    """Encrypt for the holder of a sealing key; `about` is bound to the text and must be known to open it."""
    return _pack(halves.seal(key.suite, _unpack(key.public), data, about))


def open_sealed(key_id: str, text: str, about: bytes) -> bytes:
    """Decrypt what was sealed for one of our keys, former ones too. Raises `KeyMissing`, `Tampered`."""
    key = next((k for k in keyring.load().keys if k.id == key_id and k.purpose == "seal"), None)
    if key is None:
        raise KeyMissing(
            _("密钥 %(key)s 不在密钥文件中，请从备份恢复（xueji keys restore）") % {"key": key_id}
        )
    try:
        return halves.unseal(key.suite, key.secret, _unpack(text), about)
    except (ValueError, binascii.Error):
        raise Tampered(_("加密内容被改动过，或不是发给本系统的")) from None


def _public(key: Key) -> Public:
    return Public(key.id, key.purpose, key.suite, _pack(halves.public_half(key.suite, key.secret)))


def _write_down(made: list[Key], state: str = "active") -> None:
    """Fingerprints of new keys, by which a lost key file is noticed at the next start."""
    if not made:
        return
    vault.forget()
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        for k in made:
            if state == "active":
                c.execute(
                    "update vault_key set state = 'former' where purpose = %s and key_id <> %s",
                    [k.purpose, k.id],
                )
            c.execute(
                "insert into vault_key (key_id, purpose, suite, fingerprint, state, created_at)"
                " values (%s, %s, %s, %s, %s, %s) on conflict (key_id) do update set state = excluded.state",
                [k.id, k.purpose, k.suite, k.fingerprint, state, k.created_at],
            )


def _pack(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unpack(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
