"""What this installation says of itself and signs: heads of the audit, archives, proofs of disposal.

The key is of its own kind in the ring (`attest`): SM2 with SM3 where the data key is of the national family, Ed25519
else. The purpose is signed with the data, so that a signature counts for one purpose only. Former keys go on verifying.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from . import halves, keyring
from .errors import KeyMissing
from .halves import Public
from .keyring import Key, Ring

__all__ = ["PURPOSES", "Public", "Signature", "public_keys", "public_pem", "read_public", "sign", "verify"]

#: What is signed: heads of the audit's chain, files of the audit's archive, certificates of disposal.
PURPOSES = frozenset({"audit.anchor", "audit.archive", "disposal"})
_SUITES = frozenset(halves.SIGNING.values())


@dataclass(frozen=True)
class Signature:
    """A signature as it is kept: the id of the key, how it works, the value as base64."""

    key_id: str
    suite: str
    value: str

    def to_dict(self) -> dict[str, str]:
        """As JSON has it."""
        return {"key": self.key_id, "suite": self.suite, "value": self.value}

    @classmethod
    def from_dict(cls, raw: Any) -> Signature:
        """Read what `to_dict` made. Raises ValueError."""
        try:
            found = cls(str(raw["key"]), str(raw["suite"]), str(raw["value"]))
            base64.b64decode(found.value, validate=True)
        except (KeyError, TypeError, binascii.Error) as error:
            raise ValueError(_("不是可以识别的签名")) from error
        return found


def sign(data: bytes, purpose: str) -> Signature:
    """Sign `data` for one of `PURPOSES` with the key in use; makes the key if there is none yet.

    Raises `KeyMissing` (no key file, or SM2 without its package) and ValueError for an unknown purpose.
    """
    signed = _framed(data, purpose)
    ring = keyring.load()
    if not any(k.purpose == "attest" for k in ring.keys):
        ring = ensure()
    key = ring.active("attest")
    value = halves.sign(key.suite, key.secret, signed)
    return Signature(key.id, key.suite, base64.b64encode(value).decode())


def verify(data: bytes, purpose: str, signature: Signature, keys: list[Public] | None = None) -> bool:
    """Whether `signature` is of `data` for this purpose, by one of `keys` (None: our own, former ones too).

    The key's own suite decides how it is checked; a signature that claims another is refused. Raises ValueError for an
    unknown purpose, `KeyMissing` for SM2 without its package.
    """
    signed = _framed(data, purpose)
    for key in public_keys() if keys is None else keys:
        if key.id == signature.key_id and key.suite == signature.suite and key.purpose == "attest":
            try:
                value = base64.b64decode(signature.value, validate=True)
                if halves.verify(key.suite, base64.b64decode(key.public, validate=True), signed, value):
                    return True
            except (binascii.Error, ValueError):
                continue
    return False


def public_keys() -> list[Public]:
    """The public halves of all keys that ever signed here, the one in use first. Raises `KeyMissing`."""
    found = [k for k in keyring.load().keys if k.purpose == "attest"]
    return [_public(k) for k in sorted(found, key=lambda k: not k.active)]


def public_pem(key: Public) -> str:
    """A public key as PEM, for those who verify with a program of their own."""
    return halves.pem(key)


def read_public(raw: Any) -> Public:
    """A public key from outside, as `Public.to_dict` wrote it. Raises ValueError."""
    try:
        key = Public(str(raw["id"]), str(raw["purpose"]), str(raw["suite"]), str(raw["public"]))
        if key.purpose != "attest" or key.suite not in _SUITES or len(bytes.fromhex(key.id)) != 4:
            raise ValueError(key.id)
        halves.check(key.suite, base64.b64decode(key.public, validate=True))
    except (KeyError, TypeError, binascii.Error) as error:
        raise ValueError(_("不是可以识别的公钥")) from error
    return key


def ensure() -> Ring:
    """Make the signing key if the ring has none; `keys.check` writes its fingerprint down. Raises `KeyMissing`."""
    with keyring.locked():
        ring = keyring.load()
        if not any(k.purpose == "attest" for k in ring.keys):
            ring = ring.with_active(keyring.new_key("attest", halves.SIGNING[ring.family], ring.keys))
            keyring.save(ring)
    return ring


def renew() -> Key:
    """Put a new signing key into use, of the family of the data key; the former ones go on verifying."""
    with keyring.locked():
        ring = keyring.load()
        new = keyring.new_key("attest", halves.SIGNING[ring.family], ring.keys)
        keyring.save(ring.with_active(new))
    return new


def _framed(data: bytes, purpose: str) -> bytes:
    if purpose not in PURPOSES:
        raise ValueError(f"nothing is signed for {purpose!r}")
    return b"xueji:sign:1:" + purpose.encode() + b"\0" + data


def _public(key: Key) -> Public:
    half = base64.b64encode(halves.public_half(key.suite, key.secret)).decode()
    return Public(key.id, key.purpose, key.suite, half)


def missing_package() -> KeyMissing | None:
    """Why SM2 cannot be used here, if the ring needs it: for checks of an installation."""
    from . import sm2

    ring = keyring.load()
    needs = ring.family == "gm" or any(k.suite.startswith("sm2-") for k in ring.keys)
    if needs and not sm2.backends():
        return KeyMissing(_('没有安装国密 SM2 组件。请运行 pip install "xueji[sm2]" 后重试'))
    return None
