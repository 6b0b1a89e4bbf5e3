"""`xueji audit`: the head of the chain noted outside, closed months into signed files, unusual reading."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from xueji import config
from xueji.ground.db.problems import Problem

from .boot import Refused


def run(args: argparse.Namespace, show: Callable[[Any], None]) -> int:
    """anchor, archive, drop, report. Raises `Refused`; 1 when something did not verify."""
    from xueji.ground.audit.anchors import AnchorError
    from xueji.ground.crypto.errors import VaultError

    try:
        return {"anchor": _anchor, "archive": _archive, "drop": _drop, "report": _report}[args.action](
            args, show
        )
    except (AnchorError, VaultError, OSError) as error:
        raise Refused(str(error)) from error


def _anchor(args: argparse.Namespace, show: Callable[[Any], None]) -> int:
    """Seal what waits, sign the head, append it to the file of anchors (and to `path`)."""
    import json

    from xueji.ground.audit import anchors, retention, sealing
    from xueji.ground.paper.wording import grouped

    sealing.duty_alone()
    content = anchors.make()
    if args.path is not None:
        with args.path.open("a", encoding="utf-8") as f:
            f.write(json.dumps(content, ensure_ascii=False, sort_keys=True) + "\n")
    if args.json:
        show(content)
        return 0
    print(f"锚点 {content['seal']}: {grouped(content['sha256'], 8)}")
    print(f"SM3  {grouped(content['sm3'], 8)}")
    print(f"已加封 {content['entries']} 条, 写入 {args.path or retention.anchors_dir() / anchors.FILE}")
    return 0


def _archive(args: argparse.Namespace, show: Callable[[Any], None]) -> int:
    from xueji.ground.audit import anchors, archive, retention, sealing

    sealing.duty_alone()
    made = archive.export_due(anchors.SYSTEM)
    rows = [{"file": a.file_name, "entries": len(a.entry_ids), "sha256": bytes(a.sha256).hex()} for a in made]
    if args.json:
        show(rows)
    else:
        for row in rows:
            print(f"{row['file']}  {row['entries']} 条")
        print(f"归档 {len(rows)} 个文件, 在 {retention.archives_dir()}" if rows else "没有到期的月份")
    return 0


def _drop(args: argparse.Namespace, show: Callable[[Any], None]) -> int:
    """As owner: entries whose archive was read again and verified leave the table."""
    from xueji.ground.audit import archive

    bad = 0
    rows: list[dict[str, Any]] = []
    with psycopg.connect(**config.owner_dsn().kwargs()) as owner:  # type: ignore[arg-type]
        for name, gone, problems in archive.drop(owner, args.path):
            bad += bool(problems)
            rows.append({"file": name, "dropped": gone, "problems": [p.message for p in problems]})
    if args.json:
        show(rows)
    for row in rows if not args.json else []:
        print(f"{row['file']}  移出 {row['dropped']} 条" + "".join(f"  ✗ {m}" for m in row["problems"]))
    if not rows and not args.json:
        print("没有已归档而未移出的日志")
    return 1 if bad else 0


def _report(args: argparse.Namespace, show: Callable[[Any], None]) -> int:
    """The day's unusual reading (yesterday's, or the day given)."""
    from datetime import date, timedelta

    from django.utils import timezone

    from xueji.ground.audit import watch

    day = date.fromisoformat(args.day) if args.day else timezone.localdate() - timedelta(days=1)
    found = watch.look_at(day)
    if args.json:
        show([{"rule": f.rule, "user": f.user_name, "role": f.role, "figures": f.figures} for f in found])
        return 0
    for f in found:
        print(f"{f.user_name}  {watch.sentence(f.rule, f.figures)}")
    print(f"{day}: {len(found)} 项")
    return 0


def verify(anchor: str | None, archives: list[Path]) -> list[Problem]:
    """Problems of the audit against an anchor, and of archives. Raises `Refused` when the anchor cannot be read."""
    from xueji.ground.audit import anchors, archive
    from xueji.ground.audit import verify as audit

    noted: list[anchors.Anchor] = []
    if anchor:
        try:
            noted = anchors.read(anchor)
        except anchors.AnchorError as error:
            raise Refused(str(error)) from error
    out = [
        Problem("anchor", f"锚点的签名不符(封条 {a.seal_id})", f"seal {a.seal_id}")
        for a in noted
        if a.signed is False
    ]
    guards = next((a.guards for a in reversed(noted) if a.guards), None)
    with psycopg.connect(**config.owner_dsn().kwargs()) as c:  # type: ignore[arg-type]
        out += audit.problems(c, anchors.pairs(noted), guards=guards)
        with c.cursor() as cursor:
            for path in archives:
                out += archive.check(path, cursor)
    return out
