"""`xueji keys`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from . import boot
from .boot import Refused


def run(args: argparse.Namespace, show: Callable[[Any], None]) -> int:
    """Create, rotate (and re-encrypt), show, back up or bring back the keys."""
    from xueji.ground.crypto import keys
    from xueji.ground.crypto.errors import KeyMissing, KeysExist, WrongPassphrase

    from .main import passphrase

    boot.setup_django()
    try:
        if args.action == "create":
            ring = keys.create(args.suite or "standard")
            _tell(
                args,
                show,
                {"created": [k.id for k in ring.keys]},
                "已新建密钥。请马上备份: xueji keys backup 文件",
            )
        elif args.action == "restore":
            ring = keys.restore(_path(args), passphrase(args))
            _tell(args, show, {"restored": [k.id for k in ring.keys]}, f"已恢复 {len(ring.keys)} 个密钥")
        elif args.action == "backup":
            keys.backup(_path(args), passphrase(args, again=True))
            _tell(
                args, show, {"backup": str(args.path)}, f"已备份到 {args.path}。请与数据分开保存, 并记住口令"
            )
        elif args.action == "rotate":
            boot.ready()
            new = keys.rotate(args.suite)
            report = keys.reencrypt()
            _tell(
                args,
                show,
                {"active": new.id, "reencrypted": report},
                f"新密钥 {new.id} 已启用, 原有内容已重新加密",
            )
        else:
            boot.ready()
            states = keys.status(count=True)
            if args.json:
                show([asdict(s) for s in states])
            for s in states if not args.json else []:
                where = (
                    "正常"
                    if s.in_file and s.in_database
                    else ("密钥文件中缺少!" if not s.in_file else "数据库未登记")
                )
                print(
                    f"{s.key_id}  {s.purpose:5}  {s.suite:12}  {'在用' if s.active else '旧'}  {s.values or ''}  {where}"
                )
    except (KeyMissing, KeysExist, WrongPassphrase, ValueError, FileExistsError) as e:
        raise Refused(str(e)) from e
    return 0


def _path(args: argparse.Namespace) -> Any:
    if args.path is None:
        raise Refused("请给出备份文件, 例如: xueji keys backup keys-2026.json")
    return args.path


def _tell(args: argparse.Namespace, show: Callable[[Any], None], value: Any, text: str) -> None:
    if args.json:
        show(value)
    else:
        print(text)
