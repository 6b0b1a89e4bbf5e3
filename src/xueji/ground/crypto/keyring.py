"""The key file: which keys an installation has. Read and written whole, never in place."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from django.utils.translation import gettext as _

from xueji import config

from . import custody, suites
from .errors import KeyMissing, KeysExist

#: data seals what lies here, index finds it; sign and seal are the private halves by which other installations know
#: this one (`pairs`); attest signs what this installation says of itself (`signer`).
Purpose = Literal["data", "index", "sign", "seal", "attest"]
FORMAT = 1


@dataclass(frozen=True)
class Key:
    """One key. `id` is eight hexadecimal digits; an inactive data key only opens what it once sealed."""

    id: str
    purpose: Purpose
    suite: str
    created_at: str
    active: bool
    secret: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """A digest by which the database knows the key without being able to use it."""
        return hmac.digest(self.secret, b"xueji:fingerprint:" + self.id.encode(), hashlib.sha256).hex()


@dataclass(frozen=True)
class Ring:
    """All keys of an installation: one active key of each purpose, and former ones kept for opening."""

    keys: tuple[Key, ...]

    def active(self, purpose: Purpose) -> Key:
        """The key in use for `purpose`; raises `KeyMissing`."""
        for key in self.keys:
            if key.purpose == purpose and key.active:
                return key
        raise KeyMissing(_("密钥文件中没有正在使用的%(purpose)s密钥，请从备份恢复") % {"purpose": purpose})

    @property
    def family(self) -> suites.Family:
        """Which algorithms the installation has chosen: those of the data key in use. Raises `KeyMissing`."""
        return "gm" if self.active("data").suite == suites.FAMILIES["gm"][0] else "standard"

    @property
    def index_chain(self) -> tuple[Key, ...]:
        """The index keys whose hashes are laid over one another, the first one first, the one in use last."""
        return self.index_chain_to(self.active("index").id)

    def index_chain_to(self, key_id: str) -> tuple[Key, ...]:
        """The chain as it is with the index key `key_id` in use; empty where the ring has no such key."""
        found = sorted((k for k in self.keys if k.purpose == "index"), key=lambda k: k.created_at)
        ids = [k.id for k in found]
        return tuple(found[: ids.index(key_id) + 1]) if key_id in ids else ()

    def with_active(self, new: Key) -> Ring:
        """The ring with `new` in use, the former key of its purpose kept for opening."""
        older = tuple(replace(k, active=False) if k.purpose == new.purpose else k for k in self.keys)
        return Ring((*older, new))


def key_path() -> Path:
    """Where the key file lies: XUEJI_KEYS, else `secrets/keys.json` of the data folder."""
    given = os.environ.get("XUEJI_KEYS")
    return Path(given).expanduser() if given else config.data_dir() / "secrets" / "keys.json"


def new_key(purpose: Purpose, suite: str, taken: tuple[Key, ...] = ()) -> Key:
    """A fresh, active key whose id is none of those taken."""
    ids = {k.id for k in taken}
    while (key_id := os.urandom(4).hex()) in ids:
        continue
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Key(key_id, purpose, suite, now, True, suites.new_secret(suite))


def new_ring(family: suites.Family) -> Ring:
    """A data key and an index key of a family of algorithms."""
    data, index = suites.FAMILIES[family]
    first = new_key("data", data)
    return Ring((first, new_key("index", index, (first,))))


def to_json(ring: Ring) -> str:
    """The text of a key file."""
    keys = [
        {
            "id": k.id,
            "purpose": k.purpose,
            "suite": k.suite,
            "created_at": k.created_at,
            "active": k.active,
            "secret": base64.b64encode(k.secret).decode(),
        }
        for k in ring.keys
    ]
    return json.dumps({"format": FORMAT, "keys": keys}, indent=1) + "\n"


def from_json(text: str) -> Ring:
    """Read the text of a key file; raises `KeyMissing` when it is damaged."""
    try:
        content: dict[str, Any] = json.loads(text)
        if content["format"] != FORMAT:
            raise KeyMissing(_("密钥文件的版本 %(format)s 无法识别") % {"format": content["format"]})
        found = []
        for k in content["keys"]:
            secret = base64.b64decode(k["secret"], validate=True)
            if len(bytes.fromhex(k["id"])) != 4 or len(secret) != suites.KEY_BYTES[k["suite"]]:
                raise ValueError(k["id"])
            found.append(Key(k["id"], k["purpose"], k["suite"], k["created_at"], bool(k["active"]), secret))
    except (ValueError, KeyError, TypeError) as e:
        raise KeyMissing(_("密钥文件已损坏，无法读取。请从备份恢复（xueji keys restore）")) from e
    return Ring(tuple(found))


def load(path: Path | None = None) -> Ring:
    """The installation's keys; raises `KeyMissing` with an instruction when there is no file."""
    path = path or key_path()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise KeyMissing(
            _(
                "找不到密钥文件 %(path)s。没有它，证件号码和电话都无法读取。"
                "请把备份放回原处，或运行 xueji keys restore"
            )
            % {"path": path}
        ) from None
    return from_json(custody.reveal(text))


def save(ring: Ring, path: Path | None = None, *, fresh: bool = False, plain: bool = False) -> None:
    """Write the key file, readable by its owner only, so that a crash leaves the old or the new one, whole.

    It is wrapped where a custody is configured, unless `plain`. With `fresh` an existing file is never replaced: raises
    `KeysExist`. Raises `KeyMissing` when the custody cannot wrap.
    """
    path = path or key_path()
    text = custody.cover(to_json(ring), [k.id for k in ring.keys], plain=plain)
    if not path.parent.exists():
        path.parent.mkdir(parents=True)
        path.parent.chmod(0o700)
    part = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as f:
        f.write(text)
        f.flush()
        os.fsync(f.fileno())
    try:
        if fresh:
            try:
                os.link(part, path)
            except FileExistsError:
                raise KeysExist(_("密钥文件 %(path)s 已经存在，没有改动它") % {"path": path}) from None
        else:
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def locked(path: Path | None = None) -> Iterator[None]:
    """Hold the key file's lock: two rotations at once must not lose one another's key."""
    path = path or key_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
