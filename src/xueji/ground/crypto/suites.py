"""The ciphers and hashes that a key can be made for: the international pair and the Chinese one (GB/T 32905,
32907).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from . import sm2

Family = Literal["standard", "gm"]
#: Family -> (suite of data keys, suite of the index key).
FAMILIES: dict[Family, tuple[str, str]] = {
    "standard": ("aes-256-gcm", "hmac-sha256"),
    "gm": ("sm4-gcm", "hmac-sm3"),
}
KEY_BYTES = {
    "aes-256-gcm": 32,
    "sm4-gcm": 16,
    "hmac-sha256": 32,
    "hmac-sm3": 32,
    "ed25519": 32,
    "hpke-x25519-aes256": 32,
    "sm2-sm3": 96,
    "sm2-sm4-gcm": 96,
}
NONCE = 12
TAG = 16
_BLOCK = 64

#: (nonce, text, where) -> text with its tag, and back; the way back raises `InvalidTag`.
Crypt = Callable[[bytes, bytes, bytes], bytes]


def new_secret(suite: str) -> bytes:
    """Fresh key material for `suite`. Raises `KeyMissing` for SM2 without its package."""
    if suite.startswith("sm2-"):
        return sm2.generate()
    return os.urandom(KEY_BYTES[suite])


def ciphers(suite: str, secret: bytes) -> tuple[Crypt, Crypt]:
    """The two directions of an authenticated cipher, ready to be called many times."""
    if len(secret) != KEY_BYTES[suite]:
        raise ValueError(f"a key for {suite} has {KEY_BYTES[suite]} bytes")
    if suite == "aes-256-gcm":
        aes = AESGCM(secret)
        return aes.encrypt, aes.decrypt
    if suite != "sm4-gcm":
        raise ValueError(f"{suite} seals no values")
    return _sm4(secret)


def _sm4(secret: bytes) -> tuple[Crypt, Crypt]:
    algorithm = algorithms.SM4(secret)

    def encrypt(nonce: bytes, data: bytes, where: bytes) -> bytes:
        run = Cipher(algorithm, modes.GCM(nonce)).encryptor()
        run.authenticate_additional_data(where)
        return run.update(data) + run.finalize() + run.tag

    def decrypt(nonce: bytes, data: bytes, where: bytes) -> bytes:
        if len(data) < TAG:
            raise InvalidTag
        run = Cipher(algorithm, modes.GCM(nonce, data[-TAG:])).decryptor()
        run.authenticate_additional_data(where)
        return run.update(data[:-TAG]) + run.finalize()

    return encrypt, decrypt


def keyed_hash(suite: str, secret: bytes) -> Callable[[bytes], bytes]:
    """HMAC (RFC 2104) under one key, 32 bytes.

    The two padded halves of the key are hashed once and copied for each message: twice as fast as
    `hmac.digest`, which prepares them anew each time.
    """
    inner_pad = bytes(b ^ 0x36 for b in secret.ljust(_BLOCK, b"\0"))
    outer_pad = bytes(b ^ 0x5C for b in secret.ljust(_BLOCK, b"\0"))
    if suite == "hmac-sha256":
        copy_inner, copy_outer = hashlib.sha256(inner_pad).copy, hashlib.sha256(outer_pad).copy

        def digest(message: bytes) -> bytes:
            inner = copy_inner()
            inner.update(message)
            outer = copy_outer()
            outer.update(inner.digest())
            return outer.digest()

        return digest
    if suite != "hmac-sm3":
        raise ValueError(f"unknown suite {suite}")
    started_inner, started_outer = hashes.Hash(hashes.SM3()), hashes.Hash(hashes.SM3())
    started_inner.update(inner_pad)
    started_outer.update(outer_pad)

    def digest_sm3(message: bytes) -> bytes:
        inner_hash = started_inner.copy()
        inner_hash.update(message)
        outer_hash = started_outer.copy()
        outer_hash.update(inner_hash.finalize())
        return outer_hash.finalize()

    return digest_sm3
