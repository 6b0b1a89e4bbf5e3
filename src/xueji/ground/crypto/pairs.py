"""Key pairs by which installations know one another: signing (Ed25519, RFC 8032) and sealing for a receiver (HPKE,
RFC 9180: X25519, HKDF-SHA256, AES-256-GCM).

Private halves lie in the key file with the other keys and are backed up with them. A suite names the construction in
every public key, so that another one (SM2, GB/T 32918) can be added beside these without a change of the messages.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from django.db import connection, transaction
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting

from . import keyring, vault
from .errors import KeyMissing, Tampered
from .keyring import Key, Purpose, Ring

SIGN, SEAL = "ed25519", "hpke-x25519-aes256"
_SUITES: dict[Purpose, str] = {"sign": SIGN, "seal": SEAL}
_HPKE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True)
class Public:
    """The public half of a key, as it travels: what it is for, how it works, the key itself."""

    id: str
    purpose: str
    suite: str
    public: str

    def to_dict(self) -> dict[str, str]:
        """As JSON has it."""
        return {"id": self.id, "purpose": self.purpose, "suite": self.suite, "public": self.public}


def ensure() -> None:
    """Make the two pairs if the key file has none yet. Raises `KeyMissing` without a key file."""
    if {"sign", "seal"} <= {k.purpose for k in keyring.load().keys}:
        return
    made: list[Key] = []
    with keyring.locked():
        ring = keyring.load()
        for purpose, suite in _SUITES.items():
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
            for purpose, suite in _SUITES.items():
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
        keys = tuple(replace(k, active=k.id in waiting) if k.purpose in _SUITES else k for k in ring.keys)
        keyring.save(Ring(keys))
    _write_down([k for k in keys if k.id in waiting], "active")
    return True


def drafted() -> list[str]:
    """Ids of pairs that were drafted and are not yet in use."""
    return [k.id for k in _waiting(keyring.load())]


def _waiting(ring: Ring) -> list[Key]:
    """Keys made after those in use (the file keeps them in the order in which they were made)."""
    out: list[Key] = []
    for purpose in _SUITES:
        mine = [(k.created_at, i, k) for i, k in enumerate(ring.keys) if k.purpose == purpose]
        now = next((x for x in mine if x[2].active), None)
        out += [k for at, i, k in mine if now is not None and (at, i) > now[:2]]
    return out


def published(ring: Ring | None = None) -> list[Public]:
    """The public halves in use. Raises `KeyMissing` before `ensure`."""
    ring = ring or keyring.load()
    return [_public(ring.active(purpose)) for purpose in _SUITES]


def fingerprint(keys: list[Public]) -> str:
    """What two people compare by telephone: 40 hexadecimal digits in groups of four."""
    text = json.dumps(sorted([k.purpose, k.suite, k.public] for k in keys), separators=(",", ":"))
    digest = hashlib.sha256(b"xueji:peer:" + text.encode()).hexdigest()[:40]
    return " ".join(digest[i : i + 4] for i in range(0, 40, 4))


def read_public(raw: Any) -> Public:
    """A public key that came from elsewhere. Raises ValueError when it is none that we know how to use."""
    try:
        key = Public(str(raw["id"]), str(raw["purpose"]), str(raw["suite"]), str(raw["public"]))
        if len(bytes.fromhex(key.id)) != 4 or _SUITES[key.purpose] != key.suite:  # type: ignore[index]
            raise ValueError(key.id)
        data = _unpack(key.public)
        if key.suite == SIGN:
            Ed25519PublicKey.from_public_bytes(data)
        else:
            X25519PublicKey.from_public_bytes(data)
    except (KeyError, TypeError, binascii.Error) as error:
        raise ValueError(_("不是可以识别的公钥")) from error
    return key


def sign(data: bytes) -> tuple[str, str]:
    """The id of the signing key in use and its signature of `data`."""
    key = keyring.load().active("sign")
    return key.id, _pack(Ed25519PrivateKey.from_private_bytes(key.secret).sign(data))


def verify(key: Public, data: bytes, signature: str) -> bool:
    """Whether `signature` is that of `key` under `data`."""
    try:
        Ed25519PublicKey.from_public_bytes(_unpack(key.public)).verify(_unpack(signature), data)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def seal_for(key: Public, data: bytes, about: bytes) -> str:
    """Encrypt for the holder of a sealing key; `about` is bound to the text and must be known to open it."""
    return _pack(_HPKE.encrypt(data, X25519PublicKey.from_public_bytes(_unpack(key.public)), about))


def open_sealed(key_id: str, text: str, about: bytes) -> bytes:
    """Decrypt what was sealed for one of our keys, former ones too. Raises `KeyMissing`, `Tampered`."""
    key = next((k for k in keyring.load().keys if k.id == key_id and k.purpose == "seal"), None)
    if key is None:
        raise KeyMissing(
            _("密钥 %(key)s 不在密钥文件中，请从备份恢复（xueji keys restore）") % {"key": key_id}
        )
    try:
        return _HPKE.decrypt(_unpack(text), X25519PrivateKey.from_private_bytes(key.secret), about)
    except (InvalidTag, ValueError, binascii.Error):
        raise Tampered(_("加密内容被改动过，或不是发给本系统的")) from None


def _public(key: Key) -> Public:
    half = (
        Ed25519PrivateKey.from_private_bytes(key.secret).public_key().public_bytes_raw()
        if key.suite == SIGN
        else X25519PrivateKey.from_private_bytes(key.secret).public_key().public_bytes_raw()
    )
    return Public(key.id, key.purpose, key.suite, _pack(half))


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
