"""`xueji keys`."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import boot
from .boot import Refused

if TYPE_CHECKING:
    from xueji.ground.crypto.keys import KeyState

_PURPOSES = {
    "data": "加密",
    "index": "查重",
    "sign": "跨系统签名",
    "seal": "跨系统收件",
    "attest": "签名",
}


def run(args: argparse.Namespace, show: Callable[[Any], None]) -> int:
    """Create, rotate (and re-encrypt), show, export, drop, re-wrap, back up or bring back the keys."""
    from xueji.ground.crypto.errors import VaultError

    boot.setup_django()
    try:
        _ACTIONS[args.action](args, show)
    except (VaultError, ValueError, FileExistsError) as e:
        raise Refused(str(e)) from e
    return 0


def _create(args: argparse.Namespace, show: Callable[[Any], None]) -> None:
    from xueji.ground.crypto import keys

    ring = keys.create(args.suite or "standard")
    _tell(
        args, show, {"created": [k.id for k in ring.keys]}, "已新建密钥。请马上备份: xueji keys backup 文件"
    )


def _restore(args: argparse.Namespace, show: Callable[[Any], None]) -> None:
    from xueji.ground.crypto import backups

    path = _path(args)
    ring = backups.restore(path, passphrases(args, backups.keepers_of(path)))
    _tell(args, show, {"restored": [k.id for k in ring.keys]}, f"已恢复 {len(ring.keys)} 个密钥")


def _backup(args: argparse.Namespace, show: Callable[[Any], None]) -> None:
    from xueji.ground.crypto import backups

    backups.backup(_path(args), passphrases(args, args.keepers, again=True))
    text = f"已备份到 {args.path}。请与数据分开保存, 并记住口令"
    if args.keepers > 1:
        text += f"。{args.keepers} 位保管人中任意 {backups.NEEDED} 位到场才能恢复"
    _tell(args, show, {"backup": str(args.path), "keepers": args.keepers}, text)


def _rotate(args: argparse.Namespace, show: Callable[[Any], None]) -> None:
    from xueji.ground.crypto import keys

    if args.what == "index":
        _reindex(args, show)
        return
    boot.ready()
    if args.what == "attest":
        new = keys.renew_signer()
        _tell(args, show, {"active": new.id}, f"新的签名密钥 {new.id} 已启用, 旧签名仍可核验")
        return
    new = keys.rotate(args.suite)
    report = keys.reencrypt()
    if report.failed:
        raise Refused(f"有 {len(report.failed)} 个值打不开, 没有改动它们: {', '.join(report.failed[:5])}")
    _tell(
        args,
        show,
        {"active": new.id, "reencrypted": asdict(report)},
        f"新密钥 {new.id} 已启用, 原有内容已重新加密",
    )


def _reindex(args: argparse.Namespace, show: Callable[[Any], None]) -> None:
    import psycopg

    from xueji import config
    from xueji.ground.crypto import reindex

    boot.ready()
    if args.prepare:
        waiting = reindex.prepare(args.suite)
        _tell(
            args,
            show,
            {"prepared": waiting.id},
            f"新的查重密钥 {waiting.id} 已写入密钥文件, 还没有启用。"
            "请备份密钥文件, 复制到每台机器, 再运行 xueji keys rotate --what index",
        )
        return
    with psycopg.connect(**config.owner_dsn().kwargs(), autocommit=True) as owner:  # type: ignore[arg-type]
        done = reindex.run(owner, family=args.suite)
    _tell(
        args,
        show,
        {"active": done.key.id, "values": done.values, "held_s": round(done.held_s, 2)},
        f"新的查重密钥 {done.key.id} 已启用, 重建了 {sum(done.values.values())} 个索引, 用户等候 {done.held_s:.1f} 秒。"
        "请马上备份密钥",
    )


def _status(args: argparse.Namespace, show: Callable[[Any], None]) -> None:
    from xueji.ground.crypto import custody, keys

    boot.ready()
    states = keys.status(count=True)
    if args.json:
        show([asdict(s) for s in states])
        return
    print(f"托管: {custody.configured()}")
    for s in states:
        print(
            f"{s.key_id}  {_PURPOSES[s.purpose]:6}  {s.suite:18}  {'在用' if s.active else '旧'}"
            f"  {s.values if s.values is not None else '-'}  {_where(s)}"
        )


def _where(s: KeyState) -> str:
    if s.in_file and s.in_database:
        return "正常"
    return "数据库未登记" if s.in_file else "密钥文件中缺少!"


def _drop(args: argparse.Namespace, show: Callable[[Any], None]) -> None:
    from xueji.ground.crypto import keys

    if args.path is None:
        raise Refused("请给出要移除的旧密钥编号, 见 xueji keys status")
    boot.ready()
    key_id = str(args.path)
    files = _sealed_files(key_id)
    if files:
        raise Refused(f"还有 {files} 个导入的原始文件用密钥 {key_id} 加密, 到期清理之前不能移除")
    keys.drop(key_id)
    _tell(
        args,
        show,
        {"dropped": key_id},
        f"已移除旧密钥 {key_id}。更早的数据库备份仍需要它, 请保留含有它的密钥备份",
    )


def _sealed_files(key_id: str) -> int:
    """How many kept import files are sealed with a key: they lie on disk and are never sealed anew."""
    from django.db import connection, transaction

    from xueji.ground.db.scope import acting
    from xueji.ground.files import storage

    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute("select sha256 from stored_file where purpose = 'import'")
        digests = [row[0] for row in c.fetchall()]
    found = 0
    for digest in digests:
        path = storage.path_of(digest)
        if path.exists():
            with path.open("rb") as f:
                found += f.read(5)[1:].hex() == key_id
    return found


def _rewrap(args: argparse.Namespace, show: Callable[[Any], None]) -> None:
    from xueji.ground.crypto import custody, keys

    keys.rewrap(plain=args.plain)
    name = "file" if args.plain else custody.configured()
    text = f"密钥文件已按托管方式 {name} 重新写入"
    if args.plain:
        text += "。请去掉 XUEJI_KEY_CUSTODY 的设置"
    _tell(args, show, {"custody": name}, text)


def _public(args: argparse.Namespace, show: Callable[[Any], None]) -> None:
    from xueji.ground.crypto import signer

    boot.ready()
    found = signer.public_keys()
    if args.json:
        show([k.to_dict() | {"pem": signer.public_pem(k)} for k in found])
        return
    text = "".join(f"# {k.id} {k.suite}\n{signer.public_pem(k)}" for k in found)
    if args.path is not None:
        with Path(args.path).open("x", encoding="utf-8") as f:
            f.write(text)
        print(f"已写入 {args.path}")
    else:
        print(text, end="")


_ACTIONS: dict[str, Callable[[argparse.Namespace, Callable[[Any], None]], None]] = {
    "create": _create,
    "restore": _restore,
    "backup": _backup,
    "rotate": _rotate,
    "status": _status,
    "drop": _drop,
    "rewrap": _rewrap,
    "public": _public,
}


def passphrases(args: argparse.Namespace, count: int, *, again: bool = False) -> list[str]:
    """The passphrases of a copy: from files, one for each keeper, else asked at the terminal. Raises `Refused`."""
    if args.passphrase_file:
        if len(args.passphrase_file) != count:
            raise Refused(
                f"需要 {count} 个口令文件(--passphrase-file), 给出了 {len(args.passphrase_file)} 个"
            )
        return [p.read_text(encoding="utf-8").strip() for p in args.passphrase_file]
    words = []
    for n in range(1, count + 1):
        who = f"第 {n} 位保管人的" if count > 1 else "备份"
        first = getpass.getpass(f"{who}口令: ")
        if again and getpass.getpass("再输入一次: ") != first:
            raise Refused("两次输入的口令不同")
        words.append(first)
    return words


def _path(args: argparse.Namespace) -> Path:
    if args.path is None:
        raise Refused("请给出备份文件, 例如: xueji keys backup keys-2026.json")
    return Path(args.path)


def _tell(args: argparse.Namespace, show: Callable[[Any], None], value: Any, text: str) -> None:
    if args.json:
        show(value)
    else:
        print(text)
