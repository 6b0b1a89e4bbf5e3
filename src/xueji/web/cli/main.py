"""The words of the command line. Every subcommand refuses in plain words and exits 2; failures found exit 1."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from xueji import __version__, config
from xueji.ground.redaction import install_hooks

from . import boot
from .boot import Refused, say


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns the exit status (0 done, 1 something was found wrong, 2 refused)."""
    install_hooks()
    args = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = args.run
    try:
        return run(args)
    except (Refused, config.ConfigError) as e:
        print(f"xueji: {e}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 1


def _parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="xueji",
        description="Xueji 学籍: 电子学籍管理系统",
        epilog="第一次使用: xueji demo 在本机装入一个虚构的县, 打开 http://127.0.0.1:8000 即可试用",
    )
    p.add_argument("--version", action="version", version=f"xueji {__version__}")
    sub = p.add_subparsers(dest="command", required=True, metavar="命令")

    def add(name: str, text: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        s = sub.add_parser(name, help=text, description=text)
        s.set_defaults(run=run)
        return s

    def network(s: argparse.ArgumentParser) -> None:
        s.add_argument("--host", default="127.0.0.1", help="监听地址(默认只限本机)")
        s.add_argument("--port", type=int, default=8000, help="端口(默认 8000)")
        s.add_argument("--workers", type=int, default=2, help="网页进程数(默认 2)")

    s = add("demo", "装入虚构的演示县并启动; 再次运行保留数据", _demo)
    s.add_argument(
        "--size", choices=["S", "M", "L"], default="M", help="规模: S 六百人, M 一万二千人(默认), L 六万人"
    )
    s.add_argument("--seed", type=int, default=2026, help="随机种子, 相同的种子造出相同的县")
    s.add_argument("--no-serve", action="store_true", help="只装入, 不启动")
    s.add_argument("--json", action="store_true", help="以 JSON 输出账号")
    network(s)
    s = add("serve", "启动网页服务和后台任务", _serve)
    s.add_argument("--only", choices=["web", "worker"], help="只启动其中一个")
    network(s)
    add("worker", "只启动后台任务(同 serve --only worker)", _worker)
    s = add("migrate", "建立或升级数据库: 角色、表、规则、权限", _migrate)
    s.add_argument("--json", action="store_true")
    s = add("keys", "管理密钥: 新建、轮换、查看、备份、恢复、移除旧密钥、托管、导出公钥", _keys)
    s.add_argument(
        "action", choices=["create", "rotate", "status", "backup", "restore", "drop", "rewrap", "public"]
    )
    s.add_argument("path", nargs="?", help="文件(backup、restore、public), 旧密钥的编号(drop)")
    s.add_argument(
        "--suite", choices=["standard", "gm"], default=None, help="standard: AES-256-GCM; gm: 国密 SM4-GCM"
    )
    s.add_argument(
        "--what",
        choices=["data", "attest", "index"],
        default="data",
        help="rotate: 加密密钥(默认)、签名密钥, 或查重密钥",
    )
    s.add_argument(
        "--prepare", action="store_true", help="rotate --what index: 只生成新密钥并写入密钥文件, 先不启用"
    )
    s.add_argument("--keepers", type=int, default=1, help="backup: 几位保管人, 任意两位到场才能恢复(默认 1)")
    s.add_argument("--plain", action="store_true", help="rewrap: 不再托管, 写成普通文件")
    s.add_argument(
        "--passphrase-file", type=Path, action="append", default=[], help="口令文件, 每位保管人一个"
    )
    s.add_argument("--json", action="store_true")
    s = add("import", "检查一个学生信息表; 不加 --check 则检查后发布可以导入的行", _import)
    s.add_argument("file", type=Path)
    s.add_argument("--school", required=True, help="学校标识码")
    s.add_argument("--as", dest="user", required=True, help="以哪个账号办理")
    s.add_argument("--check", action="store_true", help="只检查, 不写入")
    s.add_argument("--json", action="store_true")
    s = add("takeover", "接管在用学籍: 装入导出表、核对、对人数、接管、列出差异", _takeover)
    s.add_argument("action", choices=["list", "load", "check", "balance", "publish", "differences"])
    s.add_argument("what", nargs="?", help="load: 学籍名册的文件; 其他: 接管的编号")
    s.add_argument(
        "path", nargs="?", type=Path, help="balance: 填好的人数表; differences: 另存官方系统更正单的文件"
    )
    s.add_argument("--school", required=True, help="学校标识码")
    s.add_argument("--as", dest="user", required=True, help="以哪个账号办理(学籍管理员)")
    s.add_argument("--moves", type=Path, help="load: 异动记录的文件")
    s.add_argument("--as-of", help="load: 导出日期, 如 2026-11-20(默认今天)")
    s.add_argument("--instead-of", type=int, help="load: 改正后的表代替哪一次接管")
    s.add_argument("--form", action="store_true", help="balance: 写出一份待填的人数表(CSV), 不核对")
    s.add_argument("--explain", help="balance: 写明人数不一致的原因, 由校长在网页签字")
    s.add_argument("--expected", type=int, help="publish: 应接管的人数, 不符就不接管")
    s.add_argument("--all", action="store_true", help="differences: 连同已处理的")
    s.add_argument("--json", action="store_true")
    s = add("export", "后台导出: 省级负责人书面同意后, 由数据库管理员在省级数据中心执行", _export)
    s.add_argument("number", help="申请编号, 如 DC2026-990000-0001")
    s.add_argument("file", type=Path, help="写到哪个文件(.xlsx), 不能已经存在")
    s.add_argument("--as", dest="user", required=True, help="执行的数据库管理员(系统管理员账号)")
    s.add_argument("--place", required=True, help="在哪里执行, 如 省级数据中心")
    s.add_argument("--json", action="store_true")
    s = add("verify", "核对学籍数据的全部不变量; 有问题时列出并以状态 1 结束", _verify)
    s.add_argument(
        "what",
        nargs="?",
        choices=["all", "record", "vault", "keys", "audit", "statistics", "pdf"],
        default="all",
    )
    s.add_argument("file", nargs="?", type=Path, help="pdf: 要核对签名的文件")
    s.add_argument("--trust", type=Path, help="pdf: 另外信任的机构证书(PEM)")
    s.add_argument("--sample", type=int, default=200, help="keys: 每个加密列抽查几个值(默认 200)")
    s.add_argument("--deep", action="store_true", help="逐条解密核对证件号(较慢)")
    s.add_argument("--anchor", help="audit: 留存在外的锚点, 写成 编号:摘要, 或锚点文件")
    s.add_argument("--archive", action="append", type=Path, default=[], help="audit: 归档文件, 可重复")
    s.add_argument("--json", action="store_true")
    s = add("check", "检查本系统是否已按安全要求部署; 有不安全之处时列出并以状态 1 结束", _check)
    s.add_argument("--deploy", action="store_true", help="按正式运行的要求检查(演示和试用会有许多不符)")
    s.add_argument("--json", action="store_true")
    s = add("audit", "日志: 开锚点(anchor)、归档(archive)、移出已归档的条目(drop)、异常查看(report)", _audit)
    s.add_argument("action", choices=["anchor", "archive", "drop", "report"])
    s.add_argument("path", nargs="?", type=Path, help="anchor: 另写一份到文件; drop: 归档文件所在的文件夹")
    s.add_argument("--day", help="report: 日期, 如 2026-11-22(默认昨天)")
    s.add_argument("--json", action="store_true")
    s = add("policy", "规则文件: 检查(lint)、列出、导出、比较、提交新版本(import)", _policy)
    s.add_argument("action", choices=["lint", "list", "export", "diff", "import"])
    s.add_argument("path", nargs="?", help="lint: 文件夹或文件; export: 新文件夹; diff 和 import: 文件")
    s.add_argument("--on", help="日期, 如 2027-09-01(默认今天); import: 生效日期")
    s.add_argument("--pack", help="export: 只导出这一个")
    s.add_argument("--as", dest="user", help="import: 以哪个账号提交")
    s.add_argument("--note", help="import: 修改理由和依据的文件")
    s.add_argument("--json", action="store_true")
    s = add("bench", "运行性能测试; 每项给出与基准的比值", _bench)
    s.add_argument("name", help="测试名称, 或 all, 或 list")
    s.add_argument("--size", default="small", help="small(默认)或 full")
    s.add_argument("--json", action="store_true")
    s.add_argument("--rows", type=int, help="import: 行数")
    s.add_argument("--server", type=int, help="用 Debian 软件包的这个 PostgreSQL 版本, 如 15(默认内嵌的)")
    s = add("relay", "跨系统转学: 本系统的名片、连接其他系统、发送、用文件传递", _relay)
    s.add_argument("action", choices=["status", "own", "card", "peer", "send", "export", "import", "rotate"])
    s.add_argument("what", nargs="?", help="peer: add、list 或 off; export: 对方代号; import: 文件")
    s.add_argument("path", nargs="?", type=Path, help="名片文件(peer add), 输出文件(card、export)")
    s.add_argument("--code", help="代号(own、peer off)")
    s.add_argument("--name", help="名称(own)")
    s.add_argument("--url", default="", help="网址(own)")
    s.add_argument("--fingerprint", default="", help="对方管理员电话读出的指纹(peer add)")
    s.add_argument("--division", action="append", default=[], help="对方负责的行政区划, 可重复(peer add)")
    s.add_argument("--json", action="store_true")
    s = add("org", "单位: 列出, 或在空的系统中新建第一个单位(其余在网页上添加)", _org)
    s.add_argument("action", choices=["list", "create"])
    s.add_argument("--kind", choices=["nation", "province", "city", "county"], help="级别(create)")
    s.add_argument("--code", help="6 位行政区划代码(create)")
    s.add_argument("--name", help="名称(create)")
    s.add_argument("--json", action="store_true")
    s = add("user", "管理账号: 列出、新建、授予角色、重置密码、解锁", _user)
    s.add_argument(
        "action", choices=["list", "create", "grant", "reset", "unlock", "factor-reset", "disable", "enable"]
    )
    s.add_argument("username", nargs="?")
    s.add_argument("--name", help="姓名(create)")
    s.add_argument("--role", help="角色代码(create 和 grant)")
    s.add_argument("--org", help="单位代码或学校标识码(create 和 grant)")
    s.add_argument("--class-id", type=int, help="班级编号(班主任和任课教师)")
    s.add_argument("--json", action="store_true")
    return p


def _print(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


# --- subcommands -------------------------------------------------------------------------------------------------


def _demo(args: argparse.Namespace) -> int:
    from . import demo, serve

    def work() -> int:
        accounts = demo.load(size=args.size, seed=args.seed)
        if args.json:
            _print(accounts)
        if args.no_serve:
            if not args.json:
                print(demo.describe(accounts))
            return 0
        text = (
            f"\nXueji 演示: http://{args.host}:{args.port}\n\n{demo.describe(accounts)}\n"
            f"按 Ctrl+C 停止。数据保留在 {config.data_dir()}"
        )
        return serve.run(only=None, host=args.host, port=args.port, workers=args.workers, on_ready=text)

    return attached(work)


def _serve(args: argparse.Namespace) -> int:
    from . import serve

    def work() -> int:
        boot.ready()
        return serve.run(only=args.only, host=args.host, port=args.port, workers=args.workers)

    return attached(work)


def _worker(args: argparse.Namespace) -> int:
    args.only = "worker"
    args.host, args.port, args.workers = "127.0.0.1", 8000, 1
    return _serve(args)


def attached(work: Callable[[], int]) -> int:
    """Run with the database up; stop the embedded server again if this command had to start it.

    On every way out: a signal ends the work as an exception does, so that no server is left behind.
    """
    import signal

    def leave(signum: int, _frame: object) -> None:
        raise SystemExit(128 + signum)

    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), leave)
    from xueji.ground.db.migrate import embedded_cluster

    cluster = embedded_cluster() if config.embedded() else None
    mine = cluster is not None and not cluster.running()
    try:
        boot.start_database()
        return work()
    finally:
        if cluster is not None and mine:
            cluster.stop()


def _migrate(args: argparse.Namespace) -> int:
    def work() -> int:
        out = boot.migrate()
        if args.json:
            _print({"ok": True, "output": out.splitlines()})
        else:
            print(out or "数据库已是最新")
        return 0

    return attached(work)


def _keys(args: argparse.Namespace) -> int:
    from . import keys

    return attached(lambda: keys.run(args, _print))


def _import(args: argparse.Namespace) -> int:
    from . import importing

    def work() -> int:
        boot.ready()
        return importing.run(args, _print)

    return attached(work)


def _takeover(args: argparse.Namespace) -> int:
    from . import takeover

    def work() -> int:
        boot.ready()
        return takeover.run(args, _print)

    return attached(work)


def _export(args: argparse.Namespace) -> int:
    from . import exporting

    def work() -> int:
        boot.ready()
        return exporting.run(args, _print)

    return attached(work)


def _check(args: argparse.Namespace) -> int:
    from . import deploy

    return deploy.run(args, _print)


def _verify(args: argparse.Namespace) -> int:
    from . import verify

    if args.what == "pdf":
        return verify.pdf(args, _print)

    def work() -> int:
        boot.ready()
        if args.anchor or args.archive:
            if args.what != "audit":
                raise Refused("--anchor 和 --archive 只用于 xueji verify audit")
            from . import auditing

            problems = auditing.verify(args.anchor, args.archive)
        else:
            problems = verify.run(args.what, deep=args.deep, sample=args.sample)
        if args.json:
            _print({"ok": not problems, "problems": [p.__dict__ for p in problems]})
        else:
            for p in problems:
                print(f"✗ {p.check}: {p.message}")
            print("全部核对通过" if not problems else f"发现 {len(problems)} 个问题")
        return 1 if problems else 0

    return attached(work)


def _audit(args: argparse.Namespace) -> int:
    from . import auditing

    def work() -> int:
        boot.ready()
        return auditing.run(args, _print)

    return attached(work)


def _bench(args: argparse.Namespace) -> int:
    root = config.checkout_root() or Path(__file__).resolve().parents[2] / "_data"
    sys.path.insert(0, str(root))
    from bench.server import OTHER

    from bench import runner

    if args.name == "list":
        for name, text in runner.names().items():
            print(f"{name}\t{text}")
        return 0
    if args.server:
        os.environ[OTHER] = str(args.server)
    options = {"rows": args.rows} if args.rows else {}
    wanted = list(runner.names()) if args.name == "all" else [args.name]
    unknown = [n for n in wanted if n not in runner.names()]
    if unknown:
        raise Refused(f"没有叫 {unknown[0]} 的测试。可用的有: {', '.join(runner.names())}")
    results = [runner.run(name, size=args.size, **options) for name in wanted]
    if args.json:
        _print(results[0] if len(results) == 1 else results)
    else:
        for r in results:
            mark = "✓" if r["met"] else "✗"
            print(f"{mark} {r['name']}: 比值 {r['ratio']} (目标 {r['goal']})  {r['figures']}")
    return 0


def _org(args: argparse.Namespace) -> int:
    from . import orgs

    def work() -> int:
        boot.ready()
        return orgs.run(args, _print)

    return attached(work)


def _policy(args: argparse.Namespace) -> int:
    from . import policies

    if args.action not in policies.NEEDS_DATABASE:
        boot.setup_django()
        return policies.run(args, _print)

    def work() -> int:
        boot.ready()
        return policies.run(args, _print)

    return attached(work)


def _relay(args: argparse.Namespace) -> int:
    from . import relay

    def work() -> int:
        boot.ready()
        return relay.run(args, _print)

    return attached(work)


def _user(args: argparse.Namespace) -> int:
    from . import users

    def work() -> int:
        boot.ready()
        return users.run(args, _print)

    return attached(work)


__all__ = ["attached", "main", "say"]
