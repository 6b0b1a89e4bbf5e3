"""`xueji relay`: this installation among the others, from the terminal. What is done is audited as on the pages."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .boot import Refused


@dataclass(frozen=True)
class _Console:
    """Whoever sits at the terminal of the server may do what the system administrator may."""

    user_id: int | None = None
    user_name: str = "console"
    role: str = "console"
    org_id: int | None = None
    address: str = ""

    def require(self, action: str) -> None:
        """Nothing is refused here."""


def run(args: argparse.Namespace, show: Callable[[Any], None]) -> int:
    """One action; results go to standard output."""
    from xueji.ground.crypto.errors import KeyMissing
    from xueji.registry.relay.errors import RelayError

    console = _Console()
    try:
        result = _ACTIONS[args.action](console, args)
    except RelayError as e:
        raise Refused(e.message) from e
    except (KeyMissing, OSError, ValueError) as e:
        raise Refused(str(e)) from e
    if args.json:
        show(result)
    else:
        rows = result if isinstance(result, list) else [result]
        for row in rows:
            print("  ".join(f"{k}: {v}" for k, v in row.items()))
    return 0


def _status(_console: Any, _args: argparse.Namespace) -> Any:
    from xueji.registry.relay import status

    found = status.overview(None)
    return {
        "本系统": f"{found.own.code} {found.own.name}" if found.own else "还没有设置",
        "指纹": found.fingerprint,
        "已连接": len(found.peers),
        "没有办完的消息": len(found.waiting),
        "多次失败": found.dead,
    }


def _own(console: Any, args: argparse.Namespace) -> Any:
    from xueji.registry.relay import commands, peers

    if not args.code or not args.name:
        raise Refused("请给出 --code 和 --name")
    me = commands.set_own(console, code=args.code, name=args.name, base_url=args.url)
    return {"代号": me.code, "名称": me.name, "网址": me.base_url, "指纹": peers.own_fingerprint()}


def _card(_console: Any, args: argparse.Namespace) -> Any:
    from xueji.registry.relay import outbox, peers

    path = args.path or (Path(args.what) if args.what else None)
    if path is None:
        raise Refused("请给出输出文件, 例如: xueji relay card card.json")
    path.write_text(outbox.dump(peers.card()), encoding="utf-8")
    return {"名片": str(path), "指纹": peers.own_fingerprint()}


def _peer(console: Any, args: argparse.Namespace) -> Any:
    from xueji.registry.relay import commands, peers
    from xueji.registry.relay.models import Peer

    if args.what == "add":
        if args.path is None or not args.fingerprint:
            raise Refused("请给出对方的名片文件和 --fingerprint(对方管理员电话读出的指纹)")
        card = json.loads(args.path.read_text(encoding="utf-8"))
        peer = commands.add_peer(console, card=card, divisions=args.division, fingerprint=args.fingerprint)
        return {"已添加": peer.code, "名称": peer.name}
    if args.what == "off":
        found = Peer.objects.filter(code=args.code or "").first()
        if found is None:
            raise Refused("没有这个代号的系统, 请用 --code 给出")
        commands.change_peer(
            console, peer_id=found.pk, base_url=found.base_url, divisions=found.divisions, active=False
        )
        return {"已停用": found.code}
    if args.what not in (None, "list"):
        raise Refused("peer 后面是 add、list 或 off")
    return [
        {
            "代号": p.code,
            "名称": p.name,
            "网址": p.base_url,
            "启用": p.active,
            "指纹": peers.fingerprint_of(p),
        }
        for p in Peer.objects.order_by("code")[:500]
    ]


def _send(_console: Any, _args: argparse.Namespace) -> Any:
    from xueji.registry.relay import tasks

    return {"已处理": tasks.work()}


def _export(console: Any, args: argparse.Namespace) -> Any:
    from xueji.registry.relay import commands
    from xueji.registry.relay.models import Peer

    peer = Peer.objects.filter(code=args.what or "").first()
    if peer is None:
        raise Refused("请给出对方代号, 例如: xueji relay export 13 messages.json")
    name, data = commands.export_file(console, peer_id=peer.pk)
    path = args.path or Path(name)
    path.write_bytes(data)
    return {"已导出": str(path)}


def _import(console: Any, args: argparse.Namespace) -> Any:
    from xueji.registry.relay import commands

    path = args.path or (Path(args.what) if args.what else None)
    if path is None:
        raise Refused("请给出文件")
    found = commands.import_file(console, data=path.read_bytes())
    return {"收到": found.taken, "不能接收": found.refused}


def _rotate(console: Any, _args: argparse.Namespace) -> Any:
    from xueji.registry.relay import commands

    return {"新密钥": "、".join(k.id for k in commands.announce_keys(console)), "启用": "各系统都收到后"}


_ACTIONS: dict[str, Callable[[Any, argparse.Namespace], Any]] = {
    "status": _status,
    "own": _own,
    "card": _card,
    "peer": _peer,
    "send": _send,
    "export": _export,
    "import": _import,
    "rotate": _rotate,
}
