"""`xueji policy`: packs as files. Listing, checking, comparing, taking out, and proposing in an account's name."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .boot import Refused

if TYPE_CHECKING:
    from xueji.ground.policy.library import PolicyLibrary

NEEDS_DATABASE = ("list", "export", "import", "diff")


def run(args: argparse.Namespace, show: Callable[[Any], None]) -> int:
    """Do one of the deeds; 1 when something was found wrong. Raises `Refused`."""
    deeds = {"lint": _lint, "list": _list, "export": _export, "diff": _diff, "import": _import}
    return deeds[args.action](args, show)


def _day(args: argparse.Namespace) -> date:
    from django.utils import timezone

    try:
        return date.fromisoformat(args.on) if args.on else timezone.localdate()
    except ValueError as error:
        raise Refused(f"日期应写作 2027-09-01, 不是 {args.on}") from error


def _lint(args: argparse.Namespace, show: Callable[[Any], None]) -> int:
    """Check a folder of packs, or one file against the packs of this installation's files."""
    from xueji.ground.paths import data_dir
    from xueji.ground.policy.library import PackFile, lint, pack_paths
    from xueji.ground.policy.loader import extends_of
    from xueji.ground.policy.model import PackError

    path = Path(args.path) if args.path else data_dir("policies")
    if path.is_dir():
        files = [PackFile(str(p.relative_to(path)), _read(p)) for p in pack_paths(path)]
    else:
        mine = PackFile(path.name, _read(path))
        try:
            own = extends_of(mine.text, mine.name)[0]
        except PackError as error:
            return _problems([_row(error.where, "", error.message, "")], 1, args, show)
        folder = data_dir("policies")
        others = [PackFile(str(p.relative_to(folder)), _read(p)) for p in pack_paths(folder)]
        files = [mine, *(f for f in others if extends_of(f.text, f.name)[0] != own)]
    if not files:
        raise Refused(f"{path} 里没有规则文件")
    found = [_row(p.where, p.subject, p.message, p.forbidden_by) for p in lint(files)]
    return _problems(found, len(files), args, show)


def _row(where: Any, subject: str, message: str, by: str) -> dict[str, Any]:
    return {
        "file": where.file,
        "line": where.line,
        "subject": subject,
        "message": message,
        "forbidden_by": by,
    }


def _problems(
    rows: list[dict[str, Any]], files: int, args: argparse.Namespace, show: Callable[[Any], None]
) -> int:
    if args.json:
        show({"ok": not rows, "files": files, "problems": rows})
    else:
        for row in rows:
            by = f" [{row['forbidden_by']}]" if row["forbidden_by"] else ""
            subject = f"{row['subject']}: " if row["subject"] else ""
            print(f"{row['file']}:{row['line']}: {subject}{row['message']}{by}")
        print(f"{files} 个规则文件, {len(rows)} 个问题")
    return 1 if rows else 0


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"读不了 {path}: {error}") from error


def _packs(day: date) -> PolicyLibrary:
    from django.db import transaction

    from xueji.ground.policy.library import library

    with transaction.atomic():
        return library().on(day)


def _list(args: argparse.Namespace, show: Callable[[Any], None]) -> int:
    """The packs in force on a day."""
    from xueji.ground.policy.library import shipped

    packs, base = _packs(_day(args)), shipped()
    rows: list[dict[str, Any]] = [
        {
            "id": pack.id,
            "title": pack.title,
            "tier": pack.tier,
            "version": pack.version,
            "sha256": pack.sha256,
            "reference": pack.reference,
            "from": "file"
            if pack.id in base.ids() and base.pack(pack.id).sha256 == pack.sha256
            else "database",
        }
        for pack in (packs.pack(name) for name in packs.ids())
    ]
    if args.json:
        show(rows)
    else:
        for row in rows:
            print(f"{row['id']:16} {row['version']:10} {row['sha256'][:12]}  {row['from']:8} {row['title']}")
    return 0


def _export(args: argparse.Namespace, show: Callable[[Any], None]) -> int:
    """Write the packs in force on a day (or one of them) into a folder that is new or empty."""
    if not args.path:
        raise Refused("请给出要写入的文件夹")
    packs, folder = _packs(_day(args)), Path(args.path)
    wanted = [args.pack] if args.pack else list(packs.ids())
    if args.pack and args.pack not in packs.ids():
        raise Refused(f"没有规则文件 {args.pack}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(f"{folder} 已存在而且不是空文件夹")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in wanted:
        target = folder / f"{name}.toml"
        target.write_text(packs.text_of(name), "utf-8")
        written.append(str(target))
    if args.json:
        show({"files": written})
    else:
        print(f"已写出 {len(written)} 个规则文件到 {folder}")
    return 0


def _diff(args: argparse.Namespace, show: Callable[[Any], None]) -> int:
    """What a file would change of the pack in force on a day: values, chains, rules. Status 1 when anything differs."""
    from xueji.ground.policy.compare import between
    from xueji.ground.policy.library import PackFile, PolicyLibrary
    from xueji.ground.policy.loader import extends_of
    from xueji.ground.policy.model import PackError

    if not args.path:
        raise Refused("请给出规则文件")
    day, path = _day(args), Path(args.path)
    before, text = _packs(day), _read(path)
    try:
        own, parent = extends_of(text, path.name)
        files = {extends_of(f.text, f.name)[0]: f for f in before.files()} | {own: PackFile(path.name, text)}
        after = PolicyLibrary.from_files(files.values())
    except PackError as error:
        raise Refused(str(error)) from error
    old = before.resolve(before.chain_of(own if own in before.ids() else parent), day)
    rows = between(old, after.resolve(after.chain_of(own), day))
    if args.json:
        show(
            [
                {
                    "kind": row.kind,
                    "id": row.id,
                    "label": row.label,
                    "before": row.left and {"text": row.left.text, "article": row.left.article},
                    "after": row.right and {"text": row.right.text, "article": row.right.article},
                }
                for row in rows
            ]
        )
        return 1 if rows else 0
    for row in rows:
        print(f"{row.label} ({row.id})")
        for mark, side in (("-", row.left), ("+", row.right)):
            if side:
                print(f"  {mark} {side.text}  {side.article}")
    print(f"{day} 有 {len(rows)} 处不同")
    return 1 if rows else 0


def _import(args: argparse.Namespace, show: Callable[[Any], None]) -> int:
    """Propose a file as the next version of an account's own unit; a second person approves on the page."""
    from django.core.exceptions import PermissionDenied
    from django.db import transaction

    from xueji.ground.accounts.actor import enter
    from xueji.ground.accounts.commands import console
    from xueji.ground.accounts.roles import PERMISSIONS
    from xueji.ground.policy import commands, staging

    if not args.path or not args.user:
        raise Refused("请给出规则文件和账号(--as)")
    text, day = _read(Path(args.path)), _day(args)
    who = console.who(args.user, PERMISSIONS["policy.stage"])
    if who is None:
        raise Refused(f"没有叫 {args.user} 的账号")
    with transaction.atomic():
        actor = enter(*who, address="console")
        if actor is None:
            raise Refused(f"账号 {args.user} 没有可用的岗位")
        try:
            row = commands.stage(actor, text=text, effective_on=day, note=args.note or "")
        except staging.Unacceptable as error:
            found = [_row(p.where, p.subject, p.message, p.forbidden_by) for p in error.problems]
            return _problems(found, 1, args, show)
        except commands.StageError as error:
            raise Refused(error.message) from error
        except PermissionDenied as error:
            raise Refused(str(error)) from error
    result = {"stage": row.pk, "pack": row.pack, "sha256": row.sha256, "effective_on": row.effective_on}
    if args.json:
        show(result)
    else:
        print(f"已提交 {row.pack}, 自 {row.effective_on} 起生效; 等本单位另一位负责人在“规则 - 版本”页复核")
    return 0
