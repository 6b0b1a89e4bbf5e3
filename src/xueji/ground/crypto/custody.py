"""Who keeps the key file shut: nobody but its rights (`file`), a secret of the environment, a token, a key service.

Under a custody the file holds the keys wrapped with one more key that lies elsewhere and never comes into the data
folder. `XUEJI_KEY_CUSTODY` names it: `file` (default), `env`, `pkcs11`, or `package.module:factory` of a package of the
site, whose call gives an object with the three members of `Custody`. Wrapping happens when the file is written,
unwrapping once per process and file: sealing and opening of values cost the same under every custody.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import importlib
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from cryptography.exceptions import InvalidTag
from django.utils.translation import gettext as _

from . import suites
from .errors import KeyMissing

WRAPPED_FORMAT = 2
ABOUT = b"xueji:keys:wrapped:1"


@runtime_checkable
class Custody(Protocol):
    """A keeper of the wrapping key. `wrap` and `unwrap` raise any error when they cannot: it is shown to the operator."""

    name: str

    def wrap(self, data: bytes, about: bytes) -> bytes:
        """Encrypt and authenticate `data`; `about` is authenticated with it."""

    def unwrap(self, data: bytes, about: bytes) -> bytes:
        """Undo `wrap`; raises an error for anything else."""


class EnvCustody:
    """A wrapping key of 16 (SM4-GCM) or 32 (AES-256-GCM) bytes as base64, in XUEJI_KEY_WRAP or in the file that
    XUEJI_KEY_WRAP_FILE names (a credential of the service manager, a mounted secret).
    """

    name = "env"

    def __init__(self) -> None:
        text = os.environ.get("XUEJI_KEY_WRAP", "")
        file = os.environ.get("XUEJI_KEY_WRAP_FILE", "")
        if file:
            text = Path(file).expanduser().read_text(encoding="ascii")
        key = base64.b64decode(text.strip(), validate=True)
        if len(key) not in (16, 32):
            raise ValueError(_("XUEJI_KEY_WRAP 应为 16 或 32 字节的 base64 文本"))
        self._encrypt, self._decrypt = suites.ciphers("sm4-gcm" if len(key) == 16 else "aes-256-gcm", key)

    def wrap(self, data: bytes, about: bytes) -> bytes:
        """Nonce, text, tag."""
        nonce = os.urandom(suites.NONCE)
        return nonce + self._encrypt(nonce, data, about)

    def unwrap(self, data: bytes, about: bytes) -> bytes:
        """Raises ValueError under another key."""
        try:
            return self._decrypt(data[: suites.NONCE], data[suites.NONCE :], about)
        except InvalidTag:
            raise ValueError(_("包裹密钥不对")) from None


class Pkcs11Custody:
    """An AES key on a PKCS#11 token: XUEJI_PKCS11_MODULE (library), _TOKEN and _KEY (labels), _PIN or _PIN_FILE.

    The key never leaves the token; it only wraps the key file. Needs the extra `pkcs11`.
    """

    name = "pkcs11"

    def __init__(self) -> None:
        self._module = os.environ["XUEJI_PKCS11_MODULE"]
        self._token = os.environ["XUEJI_PKCS11_TOKEN"]
        self._key = os.environ.get("XUEJI_PKCS11_KEY", "xueji")
        pin, file = os.environ.get("XUEJI_PKCS11_PIN", ""), os.environ.get("XUEJI_PKCS11_PIN_FILE", "")
        self._pin = Path(file).expanduser().read_text(encoding="utf-8").strip() if file else pin

    @contextmanager
    def _on_token(self) -> Iterator[tuple[Any, Any]]:
        pkcs11 = importlib.import_module("pkcs11")
        token = pkcs11.lib(self._module).get_token(token_label=self._token)
        with token.open(user_pin=self._pin) as session:
            key = session.get_key(
                object_class=pkcs11.ObjectClass.SECRET_KEY, key_type=pkcs11.KeyType.AES, label=self._key
            )
            yield pkcs11, key

    def wrap(self, data: bytes, about: bytes) -> bytes:
        """Nonce, text, tag: AES-GCM on the token."""
        nonce = os.urandom(suites.NONCE)
        with self._on_token() as (pkcs11, key):
            params = pkcs11.GCMParams(nonce, about, suites.TAG * 8)
            return nonce + bytes(
                key.encrypt(data, mechanism=pkcs11.Mechanism.AES_GCM, mechanism_param=params)
            )

    def unwrap(self, data: bytes, about: bytes) -> bytes:
        """Raises the token's own errors."""
        with self._on_token() as (pkcs11, key):
            params = pkcs11.GCMParams(data[: suites.NONCE], about, suites.TAG * 8)
            return bytes(
                key.decrypt(data[suites.NONCE :], mechanism=pkcs11.Mechanism.AES_GCM, mechanism_param=params)
            )


def configured() -> str:
    """The name in XUEJI_KEY_CUSTODY; `file` where nothing stands there."""
    return os.environ.get("XUEJI_KEY_CUSTODY", "").strip() or "file"


def current() -> Custody | None:
    """The custody in use, None for a plain file. Raises `KeyMissing` with the reason when it cannot be had."""
    name = configured()
    if name == "file":
        return None
    try:
        if name == "env":
            return EnvCustody()
        if name == "pkcs11":
            return Pkcs11Custody()
        module, _colon, factory = name.partition(":")
        found = getattr(importlib.import_module(module), factory or "custody")()
        if not isinstance(found, Custody):
            raise TypeError(_("它没有 name、wrap 和 unwrap"))
    except Exception as error:  # packages and devices of a site fail in ways of their own
        raise KeyMissing(
            _("密钥托管 %(name)s 无法使用：%(problem)s。请检查 XUEJI_KEY_CUSTODY 及相关设置")
            % {"name": name, "problem": _words(error)}
        ) from error
    return found


def cover(text: str, key_ids: list[str], *, plain: bool = False) -> str:
    """The text of the key file as it is written: wrapped under a custody, as it is without. Raises `KeyMissing`."""
    keeper = None if plain else current()
    if keeper is None:
        return text
    try:
        wrapped = keeper.wrap(text.encode(), ABOUT)
    except Exception as error:
        raise _unusable(keeper.name, error) from error
    content = {
        "format": WRAPPED_FORMAT,
        "custody": keeper.name,
        "key_ids": key_ids,
        "wrapped": base64.b64encode(wrapped).decode(),
    }
    return json.dumps(content, indent=1) + "\n"


_guard = threading.Lock()
_last: tuple[bytes, str] | None = None


def reveal(text: str) -> str:
    """The keys' text behind what stands in the file. Raises `KeyMissing` when its keeper cannot or will not open it."""
    global _last
    try:
        content = json.loads(text)
        sealed = content.get("wrapped")
    except (ValueError, AttributeError):
        return text  # no file of keys at all: whoever reads it says so
    if sealed is None:
        return text
    mark = hashlib.sha256(f"{configured()}\0{text}".encode()).digest()
    with _guard:
        if _last is not None and _last[0] == mark:
            return _last[1]
    keeper = current()
    if keeper is None:
        raise KeyMissing(
            _("密钥文件由“%(name)s”托管，但没有设置 XUEJI_KEY_CUSTODY") % {"name": content.get("custody", "")}
        )
    try:
        plain = keeper.unwrap(base64.b64decode(sealed, validate=True), ABOUT).decode()
    except (binascii.Error, TypeError) as error:
        raise KeyMissing(_("密钥文件已损坏，无法读取。请从备份恢复（xueji keys restore）")) from error
    except Exception as error:
        raise _unusable(keeper.name, error) from error
    with _guard:
        _last = (mark, plain)
    return plain


def forget() -> None:
    """Drop what was unwrapped: the next reading asks the keeper again."""
    global _last
    with _guard:
        _last = None


def is_wrapped(text: str) -> bool:
    """Whether the text of a key file is wrapped."""
    try:
        return "wrapped" in json.loads(text)
    except (ValueError, TypeError):
        return False


def _unusable(name: str, error: Exception) -> KeyMissing:
    return KeyMissing(
        _("密钥托管 %(name)s 没有打开密钥文件：%(problem)s") % {"name": name, "problem": _words(error)}
    )


def _words(error: Exception) -> str:
    """What an error says, without what a device or a package may have put into it."""
    if isinstance(error, KeyError):
        return _("缺少设置 %s") % error.args[0]
    return str(error)[:200] or type(error).__name__
