"""What a key pair can do, for each suite: sign and verify, seal for a holder and open.

`ed25519` (RFC 8032) and `hpke-x25519-aes256` (RFC 9180: X25519, HKDF-SHA256, AES-256-GCM) are the international pair,
`sm2-sm3` (GB/T 32918.2 with GB/T 32905) and `sm2-sm4-gcm` (a fresh SM4 key under GB/T 32918.4, the text under SM4-GCM)
the national one. A key names its suite, and its suite alone decides: a signature never chooses how it is checked.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.utils.translation import gettext as _

from . import sm2, suites
from .errors import Tampered

ED25519, HPKE, SM2_SIGN, SM2_SEAL = "ed25519", "hpke-x25519-aes256", "sm2-sm3", "sm2-sm4-gcm"
SIGNING: dict[suites.Family, str] = {"standard": ED25519, "gm": SM2_SIGN}
SEALING: dict[suites.Family, str] = {"standard": HPKE, "gm": SM2_SEAL}
_HPKE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True)
class Public:
    """The public half of a key, as it travels: what it is for, how it works, the key itself (base64)."""

    id: str
    purpose: str
    suite: str
    public: str

    def to_dict(self) -> dict[str, str]:
        """As JSON has it."""
        return {"id": self.id, "purpose": self.purpose, "suite": self.suite, "public": self.public}


def public_half(suite: str, secret: bytes) -> bytes:
    """The public half that belongs to a secret."""
    if suite == ED25519:
        return Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
    if suite == HPKE:
        return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
    return sm2.public_of(secret)


def check(suite: str, public: bytes) -> None:
    """Raises ValueError for bytes that are no public key of the suite, or a suite that nobody knows."""
    if suite == ED25519:
        Ed25519PublicKey.from_public_bytes(public)
    elif suite == HPKE:
        X25519PublicKey.from_public_bytes(public)
    elif suite not in (SM2_SIGN, SM2_SEAL) or not sm2.on_curve(public):
        raise ValueError(suite)


def sign(suite: str, secret: bytes, data: bytes) -> bytes:
    """The signature of `data`. Raises `KeyMissing` for SM2 without its package."""
    if suite == ED25519:
        return Ed25519PrivateKey.from_private_bytes(secret).sign(data)
    return sm2.sign(secret, data)


def verify(suite: str, public: bytes, data: bytes, signature: bytes) -> bool:
    """Whether the signature holds. Raises `KeyMissing` for SM2 without its package."""
    if suite == SM2_SIGN:
        return sm2.verify(public, data, signature)
    if suite != ED25519:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def seal(suite: str, public: bytes, data: bytes, about: bytes) -> bytes:
    """Encrypt for the holder; `about` is bound to the text and must be known to open it."""
    if suite == HPKE:
        return _HPKE.encrypt(data, X25519PublicKey.from_public_bytes(public), about)
    key, nonce = os.urandom(suites.KEY_BYTES["sm4-gcm"]), os.urandom(suites.NONCE)
    head = sm2.encrypt(public, key)
    body = suites.ciphers("sm4-gcm", key)[0](nonce, data, head + about)
    return len(head).to_bytes(2, "big") + head + nonce + body


def unseal(suite: str, secret: bytes, sealed: bytes, about: bytes) -> bytes:
    """Undo `seal`. Raises `Tampered`."""
    try:
        if suite == HPKE:
            return _HPKE.decrypt(sealed, X25519PrivateKey.from_private_bytes(secret), about)
        size = int.from_bytes(sealed[:2], "big")
        head, rest = sealed[2 : 2 + size], sealed[2 + size :]
        key = sm2.decrypt(secret, head)
        nonce, body = rest[: suites.NONCE], rest[suites.NONCE :]
        return suites.ciphers("sm4-gcm", key)[1](nonce, body, head + about)
    except (InvalidTag, ValueError):
        raise Tampered(_("加密内容被改动过，或不是发给本系统的")) from None


def pem(key: Public) -> str:
    """The public key as text that OpenSSL reads, so that others can verify without this system."""
    raw = base64.b64decode(key.public)
    if key.suite in (SM2_SIGN, SM2_SEAL):
        der = sm2.spki(raw)
    elif key.suite == ED25519:
        der = Ed25519PublicKey.from_public_bytes(raw).public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
    else:
        der = X25519PublicKey.from_public_bytes(raw).public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
    text = base64.b64encode(der).decode()
    lines = "\n".join(text[i : i + 64] for i in range(0, len(text), 64))
    return f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"
