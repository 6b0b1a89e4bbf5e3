"""`xueji takeover`: an operator loads a running register of a school, as its registrar would on the pages."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from .boot import Refused

Shown = dict[str, Any]


def run(args: argparse.Namespace, show: Callable[[Any], None]) -> int:
    """One step; exit status 1 when rows are at fault, columns unknown, totals off or differences open."""
    from django.core.exceptions import PermissionDenied
    from django.db import transaction
    from django.http import Http404

    from xueji.ground.accounts.actor import enter
    from xueji.ground.accounts.commands import console as accounts
    from xueji.ground.orgs.models import School
    from xueji.registry.takeover.errors import TakeoverError

    school = School.objects.filter(school_code=args.school).first()
    who = accounts.who(args.user, ["registrar"], org_id=school.org_id if school else 0)
    if who is None:
        raise Refused(f"没有叫 {args.user} 的账号")
    if school is None:
        raise Refused(f"没有标识码为 {args.school} 的学校")
    try:
        with transaction.atomic():
            actor = enter(*who, address="console")
            if actor is None or actor.org_id != school.org_id:
                raise Refused(f"{args.user} 不是 {args.school} 的学籍管理员")
            found, words = _STEPS[args.action](actor, args)
    except TakeoverError as e:
        raise Refused(e.message) from e
    except PermissionDenied as e:
        raise Refused(str(e) or "没有办理这项业务的权限") from e
    except Http404 as e:
        raise Refused(f"这所学校没有编号为 {args.what} 的接管") from e
    if args.json:
        show(found)
    else:
        print("\n".join(words))
    return 1 if found.get("wrong") else 0


def _number(args: argparse.Namespace) -> int:
    if args.what is None or not str(args.what).isdecimal():
        raise Refused("请给出接管的编号(xueji takeover list 列出)")
    return int(args.what)


def _bytes(path: Path | None) -> bytes:
    if path is None:
        return b""
    if not path.is_file():
        raise Refused(f"没有这个文件: {path}")
    return path.read_bytes()


def _head(found: Shown) -> list[str]:
    c = found["counts"]
    lines = [
        f"接管 {found['takeover']} ({found['state_label']}), {found['as_of']} 导出, {found['file']}",
        f"名册 {c['total']} 人: {c['new']} 人可以接管, {c['here']} 人本系统已有, {c['elsewhere']} 人在其他学校,"
        f" {c['error']} 人有问题, {c['done']} 人已接管",
    ]
    lines += found["left_out"]
    if found["missing_columns"]:
        lines.append(
            f"还没有对应的必填项目: {'、'.join(found['missing_columns'])}。请在网页“接管与比对”里指出是哪一列"
        )
    return lines


def _list(actor: Any, _args: argparse.Namespace) -> tuple[Shown, list[str]]:
    from xueji.registry.takeover import console, queries

    rows = [console.state(one) for one in queries.takeovers(actor)[: queries.PAGE]]
    return {"takeovers": rows}, [_head(r)[0] for r in rows] or ["还没有接管过"]


def _load(actor: Any, args: argparse.Namespace) -> tuple[Shown, list[str]]:
    from xueji.registry.takeover import commands, console

    if args.what is None:
        raise Refused("请给出学籍名册的文件")
    roster = Path(args.what)
    try:
        day = date.fromisoformat(args.as_of) if args.as_of else None
    except ValueError as e:
        raise Refused("导出日期请写成 2026-09-01 的样子") from e
    found = commands.bring(
        actor,
        _bytes(roster),
        roster.name,
        moves=_bytes(args.moves),
        moves_name=args.moves.name if args.moves else "",
        as_of=day,
        instead_of=args.instead_of,
    )
    out = console.state(found)
    out["wrong"] = bool(out["counts"]["error"] or out["missing_columns"])
    return out, [*_head(out), f"下一步: xueji takeover check {found.pk}"]


def _check(actor: Any, args: argparse.Namespace) -> tuple[Shown, list[str]]:
    from xueji.registry.takeover import console

    out = console.check(actor, _number(args))
    out["wrong"] = bool(out["counts"]["error"] or out["missing_columns"])
    told = [
        f"第 {f['row']} 行 {f['name']} {f['column']}: {f['message']} ({f['state']})" for f in out["faults"]
    ]
    return out, [*_head(out), *told, f"未处理的差异 {out['differences']} 项"]


def _balance(actor: Any, args: argparse.Namespace) -> tuple[Shown, list[str]]:
    from xueji.registry.takeover import commands, console

    number = _number(args)
    if args.form:
        if args.path is None:
            raise Refused("请给出要写的文件")
        args.path.write_bytes(console.form(actor, number))
        return {"takeover": number, "form": str(args.path)}, [
            f"人数表已写入 {args.path}; 填好“官方人数”后: xueji takeover balance {number} {args.path}"
        ]
    if args.path is not None:
        console.totals(actor, number, _bytes(args.path), args.path.name)
    if args.explain:
        commands.explain(actor, number, args.explain)
    out = console.sums(actor, number)
    out["wrong"] = not out["balanced"] and not out["signed_by"]
    lines = [
        f"{x['label']} {x['status']} {x['sex']}: 官方 {'—' if x['total'] is None else x['total']}, 名册 {x['rows']}"
        + (f", 相差 {x['off']:+d}, 没有计入: {'、'.join(x['names']) or '—'}" if x["off"] else "")
        for x in out["lines"]
    ]
    if out["balanced"]:
        lines.append("各年级、状态、性别的人数都一致")
    elif out["signed_by"]:
        lines.append(f"人数不一致: {out['explanation']} ({out['signed_by']} 已签字)")
    elif out["explanation"]:
        lines.append(f"人数不一致: {out['explanation']} (等待校长在网页签字)")
    else:
        lines.append("人数不一致或没有填写: 请找出差异, 或用 --explain 写明原因, 由校长在网页签字")
    return out, [*_head(out), *lines]


def _publish(actor: Any, args: argparse.Namespace) -> tuple[Shown, list[str]]:
    from xueji.registry.takeover import commands, console, queries

    number = _number(args)
    waiting = queries.takeover(actor, number).counts.get("new", 0)
    done = commands.publish(actor, number, expected=waiting if args.expected is None else args.expected)
    out = console.state(queries.takeover(actor, number)) | {"rows": done.rows}
    out["wrong"] = bool(done.left)
    return out, [f"已接管 {done.rows} 名学生的学籍, 有问题没有接管的 {done.left} 人", *_head(out)]


def _differences(actor: Any, args: argparse.Namespace) -> tuple[Shown, list[str]]:
    from xueji.registry.takeover import commands, console

    number = _number(args)
    if args.path is not None:
        _name, data = commands.report_book(actor, number)
        args.path.write_bytes(data)
    out = console.differences(actor, number, every=args.all)
    out["wrong"] = bool(out["open"])
    lines = [
        f"{d['kind']} {d['name']} {d['place']} {d['what']}: 本系统 {d['here'] or '—'}, 导出表 {d['there'] or '—'}"
        + (f" [{d['decision']}] {d['reason']}" if args.all else "")
        for d in out["differences"]
    ]
    if args.path is not None:
        lines.append(f"官方系统更正单已写入 {args.path}")
    return out, [*_head(out), *lines, f"未处理的差异 {out['open']} 项, 在网页“接管与比对”逐项处理"]


_STEPS: dict[str, Callable[[Any, argparse.Namespace], tuple[Shown, list[str]]]] = {
    "list": _list,
    "load": _load,
    "check": _check,
    "balance": _balance,
    "publish": _publish,
    "differences": _differences,
}
