"""SM2 (GB/T 32918): signatures with SM3, and encryption for the holder of a key, on the recommended curve.

The curve arithmetic comes from GmSSL (`gmssl-pyx`) where it is installed, else from `snowland-smx`, which is pure
Python and runs on every processor. What either leaves to its caller is done here: the digest with the signer's name
(Z, 32918.2 clause 5.5), ranges of r and s, and that a public point lies on the curve. Private keys travel as 96 bytes:
the number, then the public point.
"""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache
from typing import Any

from asn1crypto.core import Integer, OctetString, Sequence
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from django.utils.translation import gettext as _

from .errors import KeyMissing, Tampered

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G = bytes.fromhex(
    "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
)
#: The name of the signer that GM/T 0009 prescribes where nobody agreed on another.
SIGNER_ID = b"1234567812345678"
PUBLIC_BYTES, SECRET_BYTES = 64, 96
#: GmSSL encrypts at most this much at once; it is only ever a key.
PLAIN_LIMIT = 255
_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")


class _Ciphertext(Sequence):  # type: ignore[misc]
    """GM/T 0009 clause 7.2: the point, the hash, the text."""

    _fields = [("x", Integer), ("y", Integer), ("hash", OctetString), ("text", OctetString)]


def backends() -> list[str]:
    """The installed implementations, the preferred one first; empty where the extra `sm2` is not installed."""
    return [name for name in ("gmssl_pyx", "pysmx") if importlib.util.find_spec(name) is not None]


@cache
def _load(name: str) -> Any:
    return importlib.import_module("gmssl_pyx" if name == "gmssl_pyx" else "pysmx.SM2._SM2")


def _backend(name: str | None) -> tuple[str, Any]:
    found = [name] if name else backends()
    if not found:
        raise KeyMissing(_('没有安装国密 SM2 组件。请运行 pip install "xueji[sm2]" 后重试'))
    return found[0], _load(found[0])


def generate(*, backend: str | None = None) -> bytes:
    """A fresh private key with its public point. Raises `KeyMissing` where no implementation is installed."""
    name, lib = _backend(backend)
    if name == "gmssl_pyx":
        public, private = lib.sm2_key_generate()
        return bytes(private + public)
    pair = lib.generate_keypair()
    return bytes(pair.privateKey + pair.publicKey)


def public_of(secret: bytes) -> bytes:
    """The public point of a private key as it is kept here."""
    return secret[32:]


def on_curve(public: bytes) -> bool:
    """Whether 64 bytes are a point of the curve. Every public key from elsewhere passes through here."""
    if len(public) != PUBLIC_BYTES:
        return False
    x, y = int.from_bytes(public[:32], "big"), int.from_bytes(public[32:], "big")
    return x < P and y < P and (y * y - (x * x * x + A * x + B)) % P == 0


def digest(public: bytes, data: bytes) -> bytes:
    """SM3 over Z and the message: what is really signed (GB/T 32918.2, 6.1 steps A1 and A2)."""
    name = len(SIGNER_ID) * 8
    z = name.to_bytes(2, "big") + SIGNER_ID + A.to_bytes(32, "big") + B.to_bytes(32, "big") + G + public
    return _sm3(_sm3(z) + data)


def sign(secret: bytes, data: bytes, *, backend: str | None = None) -> bytes:
    """The signature as DER of r and s (GM/T 0009 clause 7.3). Raises `KeyMissing`."""
    name, lib = _backend(backend)
    e = digest(public_of(secret), data)
    if name == "gmssl_pyx":
        return bytes(lib.sm2_sign_sm3_digest(secret[:32], e))
    while True:
        try:
            raw: bytes = lib.Sign(e, secret[:32], lib.get_random_str(64), 64)
        except TypeError:  # r or s came out as zero: the next random number will do
            continue
        return encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))


def verify(public: bytes, data: bytes, signature: bytes, *, backend: str | None = None) -> bool:
    """Whether the signature is of this key and this text. Raises `KeyMissing` without an implementation."""
    name, lib = _backend(backend)
    if not on_curve(public):
        return False
    try:
        r, s = decode_dss_signature(signature)
    except ValueError:
        return False
    if not (0 < r < N and 0 < s < N) or (r + s) % N == 0:
        return False
    e = digest(public, data)
    if name == "gmssl_pyx":
        return bool(lib.sm2_verify_sm3_digest(public, e, encode_dss_signature(r, s)))
    try:
        return bool(lib.Verify(r.to_bytes(32, "big") + s.to_bytes(32, "big"), e, public, 64))
    except (TypeError, ValueError):
        return False


def encrypt(public: bytes, plain: bytes, *, backend: str | None = None) -> bytes:
    """Encrypt a key for the holder of `public`: DER, order C1C3C2 (GB/T 32918.4). Raises ValueError, `KeyMissing`."""
    name, lib = _backend(backend)
    if not on_curve(public) or not 1 <= len(plain) <= PLAIN_LIMIT:
        raise ValueError("no point of the curve, or a text that is no key")
    if name == "gmssl_pyx":
        return bytes(lib.sm2_encrypt(public, plain))
    while (raw := lib.Encrypt(plain, public, 64)) is None:
        continue
    point = {"x": int.from_bytes(raw[:32], "big"), "y": int.from_bytes(raw[32:64], "big")}
    return bytes(_Ciphertext({**point, "hash": raw[64:96], "text": raw[96:]}).dump())


def decrypt(secret: bytes, sealed: bytes, *, backend: str | None = None) -> bytes:
    """Undo `encrypt`. Raises `Tampered` for anything else than what was sealed for this key, and `KeyMissing`."""
    name, lib = _backend(backend)
    try:
        parts = _Ciphertext.load(sealed, strict=True)
        point = int(parts["x"].native).to_bytes(32, "big") + int(parts["y"].native).to_bytes(32, "big")
        check, text = bytes(parts["hash"].native), bytes(parts["text"].native)
    except (ValueError, TypeError, OverflowError, KeyError):
        raise Tampered(_("加密内容的格式不对")) from None
    # A point beside the curve would give the private key away, bit by bit.
    if not on_curve(point) or len(check) != 32 or not 1 <= len(text) <= PLAIN_LIMIT:
        raise Tampered(_("加密内容的格式不对"))
    try:
        plain = (
            lib.sm2_decrypt(secret[:32], sealed)
            if name == "gmssl_pyx"
            else lib.Decrypt(point + check + text, secret[:32], 64)
        )
    except Exception as error:  # both libraries raise kinds of their own
        raise Tampered(_("加密内容被改动过，或不是发给本系统的")) from error
    if plain is None:
        raise Tampered(_("加密内容被改动过，或不是发给本系统的"))
    return bytes(plain)


def spki(public: bytes) -> bytes:
    """The public key as DER that OpenSSL and others read (SubjectPublicKeyInfo, curve 1.2.156.10197.1.301)."""
    return _SPKI + b"\x04" + public


def _sm3(data: bytes) -> bytes:
    run = hashes.Hash(hashes.SM3())
    run.update(data)
    return run.finalize()
