"""Sealing, opening and finding sensitive values (architecture, idea 5).

A sealed value is: version (1 byte), key id (4), nonce (12), ciphertext and tag. `where` names the one place
where the value belongs, as "table.column:key[:no]"; it is authenticated, so that a value copied to another
row or column does not open. A blind index is a keyed hash of kind and value: equal values are found without
being read.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from os import urandom
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from django.utils.translation import gettext as _

from . import custody, keyring, suites
from .errors import KeyMissing, Tampered

VERSION = 1
HEAD = 5
_SHORTEST = HEAD + suites.NONCE + suites.TAG
#: How long a process may go on sealing with a key that another process has just replaced.
STALE_SECONDS = 5.0


class _Loaded:
    """The keys of one file, with their ciphers made."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stamp = _stamp(path)
        ring = keyring.load(path)
        pairs = {
            bytes.fromhex(k.id): suites.ciphers(k.suite, k.secret) for k in ring.keys if k.purpose == "data"
        }
        active = bytes.fromhex(ring.active("data").id)
        self.active_id = active
        self.prefix = bytes([VERSION]) + active
        self.encrypt: suites.Crypt = pairs[active][0]
        self.openers: dict[bytes, suites.Crypt] = {key_id: pair[1] for key_id, pair in pairs.items()}
        chain = ring.index_chain_to(_in_force) or ring.index_chain
        self.index_id = chain[-1].id
        self.hashes = [suites.keyed_hash(k.suite, k.secret) for k in chain]
        self.digest: Callable[[bytes], bytes] = _chained(self.hashes)
        self.fresh_until = time.monotonic() + STALE_SECONDS


def _chained(hashes: list[Callable[[bytes], bytes]]) -> Callable[[bytes], bytes]:
    """One hash after the other; the first alone where the index key was never renewed."""
    first, *more = hashes
    if not more:
        return first

    def digest(message: bytes) -> bytes:
        found = first(message)
        for once_more in more:
            found = once_more(found)
        return found

    return digest


_lock = threading.Lock()
_loaded: _Loaded | None = None
_in_force = ""
"""The index key that the database has named (`follow`); it goes before what the file says."""


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        s = path.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (s.st_mtime_ns, s.st_size, s.st_ino)


def _get() -> _Loaded:
    """The keys, read at first use; a file that changed is read again within `STALE_SECONDS`."""
    have = _loaded
    if have is not None and time.monotonic() < have.fresh_until:
        return have
    return _reload()


def _reload() -> _Loaded:
    global _loaded
    with _lock:
        path = keyring.key_path()
        have = _loaded
        if have is not None and have.path == path and have.stamp == _stamp(path):
            have.fresh_until = time.monotonic() + STALE_SECONDS
            return have
        _loaded = fresh = _Loaded(path)
        return fresh


def forget() -> None:
    """Drop the keys held in memory: the next call reads the file again."""
    global _loaded
    with _lock:
        _loaded = None
    custody.forget()


def ready() -> None:
    """Read the keys now; raises `KeyMissing` if they cannot be read."""
    _reload()


def seal(plain: str | bytes, where: str) -> bytes:
    """Encrypt `plain` for the place `where`. Raises `KeyMissing`."""
    keys = _get()
    nonce = urandom(12)
    data = plain.encode() if isinstance(plain, str) else plain
    return keys.prefix + nonce + keys.encrypt(nonce, data, where.encode())


def seal_many(items: Sequence[tuple[str | bytes, str]]) -> list[bytes]:
    """`seal` for each (plain, where), the nonces drawn together. Raises `KeyMissing`."""
    keys = _get()
    encrypt, prefix = keys.encrypt, keys.prefix
    pool = urandom(suites.NONCE * len(items))
    out = []
    at = 0
    for plain, where in items:
        nonce = pool[at : at + 12]
        at += 12
        out.append(
            prefix
            + nonce
            + encrypt(nonce, plain.encode() if isinstance(plain, str) else plain, where.encode())
        )
    return out


def seal_column(plains: Sequence[bytes], places: Sequence[bytes]) -> list[bytes]:
    """`seal` for one value of many rows, each with its place. Raises `KeyMissing`."""
    keys = _get()
    encrypt, prefix = keys.encrypt, keys.prefix
    size = suites.NONCE
    pool = urandom(size * len(plains))
    return [
        prefix + (nonce := pool[at : at + size]) + encrypt(nonce, plain, where)
        for at, plain, where in zip(range(0, len(pool), size), plains, places, strict=True)
    ]


def open_bytes(blob: bytes | memoryview, where: str) -> bytes:
    """Decrypt what `seal` made for `where`. Raises `Tampered`, or `KeyMissing` for a key that is not in the
    file.
    """
    raw = blob if isinstance(blob, bytes) else bytes(blob)
    if len(raw) < _SHORTEST or raw[0] != VERSION:
        raise Tampered(_("加密内容的格式不对：%(where)s") % {"where": where.partition(":")[0]})
    keys = _get()
    decrypt = keys.openers.get(raw[1:HEAD])
    if decrypt is None:
        decrypt = _reload().openers.get(raw[1:HEAD])
    if decrypt is None:
        raise KeyMissing(
            _("密钥 %(key)s 不在密钥文件中，请从备份恢复（xueji keys restore）") % {"key": raw[1:HEAD].hex()}
        )
    try:
        return decrypt(raw[HEAD : HEAD + 12], raw[HEAD + 12 :], where.encode())
    except InvalidTag:
        raise Tampered(
            _("加密内容被改动过，或不属于这条记录：%(where)s") % {"where": where.partition(":")[0]}
        ) from None


def open(blob: bytes | memoryview, where: str) -> str:
    """Decrypt text. Raises `Tampered` and `KeyMissing` as `open_bytes` does."""
    return open_bytes(blob, where).decode()


def seal_json(obj: Any, where: str) -> bytes:
    """Encrypt a value of plain types (dict, list, text, numbers) as JSON."""
    return seal(json.dumps(obj, ensure_ascii=False, separators=(",", ":")), where)


def open_json(blob: bytes | memoryview, where: str) -> Any:
    """Decrypt what `seal_json` made."""
    return json.loads(open_bytes(blob, where))


def index(kind: str, value: str) -> bytes:
    """The blind index of a value, 32 bytes. Kinds: "id:<type>", "last6", "no:<scheme>".

    The value comes in its stored form (`standards.identity.normalise_identity`): nothing is normalised here.
    """
    return _get().digest(f"{kind}\0{value}".encode())


def index_column(kind: str, values: Iterable[str]) -> list[bytes]:
    """`index` of one kind for many values."""
    digest = _get().digest
    head = f"{kind}\0"
    return [digest((head + value).encode()) for value in values]


def indexes(kind: str, value: str) -> list[bytes]:
    """The blind index of a value under the key in use and under each former one, the one in use first.

    For finding where a renewal of the index key has not come by yet. Never for claiming: what is claimed is unique
    under `index` alone.
    """
    found, digest = [], f"{kind}\0{value}".encode()
    for once_more in _get().hashes:
        digest = once_more(digest)
        found.append(digest)
    return found[::-1]


def index_key() -> str:
    """The id of the index key in use, for a process that computes indexes for this one (it calls `follow`)."""
    return _get().index_id


def follow(key_id: str | None) -> None:
    """Use the index key that the database says is in force; None (nothing written down yet) leaves all as it is.

    Called at the door of every transaction that claims or finds numbers. Raises `KeyMissing` where the key file
    of this machine does not hold it: with another key a number could be given twice.
    """
    global _in_force
    if key_id is None or _get().index_id == key_id:
        return
    with _lock:
        _in_force = key_id
    forget()
    if _get().index_id != key_id:
        raise KeyMissing(
            _("密钥文件中没有正在使用的查重密钥 %(key)s，请把更换密钥的那台机器上的密钥文件复制过来")
            % {"key": key_id}
        )


def key_id(blob: bytes | memoryview) -> str:
    """Which data key a sealed value was made with."""
    return bytes(blob[1:HEAD]).hex()


def active_key_id() -> str:
    """The id of the data key in use."""
    return _reload().active_id.hex()
