"""Looking after the keys: make, check at start, rotate, back up, bring back. The command line is built on
this.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting

from . import keyring, signer, suites, vault
from .backups import backup, restore
from .columns import COLUMNS
from .errors import KeyInUse, KeyMissing, KeysExist
from .keyring import Key, Ring
from .reseal import Report, reencrypt, remaining

__all__ = [
    "KeyState",
    "Report",
    "backup",
    "check",
    "create",
    "drop",
    "reencrypt",
    "remaining",
    "renew_signer",
    "restore",
    "rewrap",
    "rotate",
    "status",
    "values_by_key",
]

#: How long after a rotation every process surely seals with the new key.
SETTLED = timedelta(minutes=1)


@dataclass(frozen=True)
class KeyState:
    """One line of `status`."""

    key_id: str
    purpose: str
    suite: str
    created_at: str
    active: bool
    in_file: bool
    in_database: bool
    values: int | None = None


def create(family: suites.Family = "standard") -> Ring:
    """Make the key file of a new installation; raises `KeysExist`. Family "gm": SM4-GCM, HMAC-SM3."""
    ring = keyring.new_ring(family)
    keyring.save(ring, fresh=True)
    vault.forget()
    return ring


def check(cursor: Any, *, family: suites.Family = "standard") -> None:
    """Compare the key file with the fingerprints that this database was written with. Called at every start.

    The very first start of an empty database makes the file (unless there is one) and writes the
    fingerprints. Otherwise a missing file, a missing key or another key under the same id raises
    `KeyMissing` with what to do: without this check a lost file would go unnoticed until new data is sealed
    with new keys. `cursor` is any cursor of a connection as the application or the owner.
    """
    with _as_writer(cursor):
        cursor.execute("select pg_advisory_xact_lock(7310003)")
        cursor.execute("select key_id, fingerprint, purpose, state from vault_key where state <> 'dropped'")
        rows = cursor.fetchall()
        known = {row[0]: row[1] for row in rows}
        indexed_with = next((r[0] for r in rows if r[2:] == ("index", "active")), None)
        if not known and not _holds_sealed(cursor) and not keyring.key_path().exists():
            with suppress(KeysExist):
                create(family)
        try:
            ring = keyring.load()
        except KeyMissing as e:
            if not known:
                raise
            raise KeyMissing(
                _("%(problem)s（数据库使用的密钥：%(ids)s）")
                % {"problem": e, "ids": "、".join(sorted(known))}
            ) from None
        have = {k.id: k for k in ring.keys}
        if not known and not _opens(cursor, have):
            raise KeyMissing(
                _("数据库中已有加密内容，但不是用这个密钥文件加密的。请把原来的密钥文件放回原处")
            )
        for key_id, fingerprint in sorted(known.items()):
            key = have.get(key_id)
            if key is None:
                text = _(
                    "密钥文件 %(path)s 中缺少密钥 %(id)s，部分证件号码和电话无法读取。"
                    "请从备份恢复（xueji keys restore）"
                )
                raise KeyMissing(text % {"path": keyring.key_path(), "id": key_id})
            if key.fingerprint != fingerprint:
                text = _("密钥文件 %(path)s 不属于这个数据库：密钥 %(id)s 的指纹不一致。请换回原来的密钥文件")
                raise KeyMissing(text % {"path": keyring.key_path(), "id": key_id})
        if indexed_with is not None and ring.active("index").id != indexed_with:
            ring = _follow(indexed_with)
        active_index = ring.active("index")
        ring.active("data")
        if known and active_index.id not in known:
            raise KeyMissing(_("密钥文件中的索引密钥与数据库不一致，请换回原来的密钥文件"))
        # A folder that cannot be written, or SM2 without its package, must not stop the start: signing says so then.
        with suppress(KeyMissing, OSError):
            ring = signer.ensure()
        waiting = [k for k in ring.keys if k.purpose == "index" and k not in ring.index_chain]
        _write_down(cursor, [k for k in ring.keys if k.id not in known and k not in waiting])
    vault.ready()


def _follow(indexed_with: str) -> Ring:
    """Take the index key into use that the database was indexed with: a crash came between it and the file."""
    with keyring.locked():
        ring = keyring.load()
        ring = Ring(
            tuple(replace(k, active=k.id == indexed_with) if k.purpose == "index" else k for k in ring.keys)
        )
        keyring.save(ring)
    vault.forget()
    return ring


def _write_down(cursor: Any, keys: list[Key]) -> None:
    for k in keys:
        cursor.execute(
            "insert into vault_key (key_id, purpose, suite, fingerprint, state, created_at)"
            " values (%s, %s, %s, %s, %s, %s) on conflict (key_id) do nothing",
            [k.id, k.purpose, k.suite, k.fingerprint, "active" if k.active else "former", k.created_at],
        )


@contextmanager
def _as_writer(cursor: Any) -> Iterator[None]:
    """Step from the application's role into the writer's inside a savepoint or transaction of its own."""
    cursor.execute("select current_user = 'xueji_app'")
    (step,) = cursor.fetchone()
    raw = cursor.connection
    with raw.transaction():
        if step:
            cursor.execute("set local role xueji_writer")
        yield
        if step:
            cursor.execute("set local role none")


def _readable(cursor: Any) -> list[tuple[str, str]]:
    """Sealed columns that exist and that this role may read."""
    found = []
    for column in COLUMNS:
        cursor.execute(
            "select coalesce(bool_and(has_column_privilege(a.attrelid, a.attnum, 'select')), false)"
            " from pg_attribute a"
            " where a.attrelid = to_regclass(%s) and a.attname = %s and not a.attisdropped",
            [column.table, column.column],
        )
        if cursor.fetchone()[0]:
            found.append((column.table, column.column))
    return found


def _holds_sealed(cursor: Any) -> bool:
    for table, column in _readable(cursor):
        cursor.execute(f"select exists (select 1 from {table} where {column} is not null)")
        if cursor.fetchone()[0]:
            return True
    return False


def _opens(cursor: Any, have: dict[str, Key]) -> bool:
    """Whether the keys at hand are the ones that sealed what the database holds (looked at by id, one value
    each).
    """
    for table, column in _readable(cursor):
        cursor.execute(
            f"select encode(substring({column} from 2 for 4), 'hex') from {table}"
            f" where {column} is not null limit 1"
        )
        row = cursor.fetchone()
        if row is not None and row[0] not in have:
            return False
    return True


def rotate(family: suites.Family | None = None) -> Key:
    """Put a new data key into use; the former ones stay for opening. Follow it with `reencrypt`.

    The file is written before the database: a crash between the two leaves a key too many, which `check`
    writes down. The index key stays (see the README). Raises `KeyMissing`.
    """
    with keyring.locked():
        ring = keyring.load()
        suite = suites.FAMILIES[family][0] if family else ring.active("data").suite
        new = keyring.new_key("data", suite, ring.keys)
        keyring.save(ring.with_active(new))
    vault.forget()
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        _write_down(c, [new])
        c.execute("update vault_key set state = 'former' where purpose = 'data' and key_id <> %s", [new.id])
    return new


def renew_signer() -> Key:
    """Put a new key for signing into use (`signer`); the former ones go on verifying. Raises `KeyMissing`."""
    new = signer.renew()
    vault.forget()
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        _write_down(c, [new])
        c.execute("update vault_key set state = 'former' where purpose = 'attest' and key_id <> %s", [new.id])
    return new


def status(*, count: bool = False) -> list[KeyState]:
    """Every key of file and database, oldest first; with `count` also how many values each data key still
    seals.
    """
    try:
        ring = keyring.load()
    except KeyMissing:
        ring = Ring(())
    with connection.cursor() as c:
        c.execute("select key_id, purpose, suite, created_at, state from vault_key where state <> 'dropped'")
        known = {row[0]: row for row in c.fetchall()}
    used = values_by_key() if count else {}
    out = []
    for k in ring.keys:
        values = sum(used.get(k.id, {}).values()) if count and k.purpose == "data" else None
        out.append(KeyState(k.id, k.purpose, k.suite, k.created_at, k.active, True, k.id in known, values))
    have = {k.id for k in ring.keys}
    for key_id, purpose, suite, created_at, state in known.values():
        if key_id not in have:
            out.append(
                KeyState(key_id, purpose, suite, created_at.isoformat(), state == "active", False, True)
            )
    return sorted(out, key=lambda s: (s.created_at, s.key_id))


def values_by_key() -> dict[str, dict[str, int]]:
    """How many values of each column each data key seals: {key id: {"table.column": count}}. One query a column."""
    found: dict[str, dict[str, int]] = {}
    for column in COLUMNS:
        with transaction.atomic(), acting(column.role), connection.cursor() as c:
            c.execute(
                f"select encode(substring({column.column} from 2 for 4), 'hex'), count(*) from {column.table}"
                f" where {column.column} is not null group by 1"
            )
            for key_id, count in c.fetchall():
                found.setdefault(key_id, {})[f"{column.table}.{column.column}"] = int(count)
    return found


def drop(key_id: str) -> Key:
    """Take a former data key out of the file once it seals nothing any more; backups of the keys still have it.

    Files sealed with it are the caller's to look at. Raises `KeyMissing` (no such key) and `KeyInUse`.
    """
    with keyring.locked():
        ring = keyring.load()
        key = next((k for k in ring.keys if k.id == key_id), None)
        if key is None:
            raise KeyMissing(_("密钥文件中没有密钥 %(id)s") % {"id": key_id})
        if key.purpose != "data" or key.active:
            raise KeyInUse(_("密钥 %(id)s 正在使用，或用于签名和查重，不能移除") % {"id": key_id})
        made = datetime.fromisoformat(ring.active("data").created_at)
        if datetime.now(UTC) - made < SETTLED:  # another process may still seal with the former key
            raise KeyInUse(_("刚刚轮换过密钥，请一分钟后再移除旧密钥"))
        left = remaining(key_id)
        if left:
            places = "、".join(f"{name}（{count}）" for name, count in sorted(left.items()))
            raise KeyInUse(
                _("还有内容用密钥 %(id)s 加密：%(places)s。请先运行 xueji keys rotate 重新加密")
                % {"id": key_id, "places": places}
            )
        with transaction.atomic(), acting("writer"), connection.cursor() as c:
            c.execute("update vault_key set state = 'dropped' where key_id = %s", [key_id])
            keyring.save(Ring(tuple(k for k in ring.keys if k.id != key_id)))
    vault.forget()
    return key


def rewrap(*, plain: bool = False) -> None:
    """Write the key file anew, under the custody that is configured now, or plain. Raises `KeyMissing`."""
    with keyring.locked():
        keyring.save(keyring.load(), plain=plain)
    vault.forget()
