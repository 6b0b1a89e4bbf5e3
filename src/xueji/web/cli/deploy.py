"""`xueji check`: what of this installation is not as safe as a real one has to be (C-SEC-10).

Every finding names the setting or the file and what to do. `danger` makes the command fail; `advice` does not.
"""

from __future__ import annotations

import argparse
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from xueji import config

from . import boot

_LOCAL = {"127.0.0.1", "localhost", "[::1]", "::1"}


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be."""

    check: str
    level: Literal["danger", "advice"]
    text: str


def run(args: argparse.Namespace, show: Callable[[Any], None]) -> int:
    """Look at settings, files, keys, certificate and database. 1 when something is dangerous."""
    from .main import attached

    def work() -> int:
        boot.ready()
        found = list(findings(deploy=args.deploy))
        bad = [f for f in found if f.level == "danger"]
        if args.json:
            show({"ok": not bad, "findings": [asdict(f) for f in found]})
        else:
            for f in found:
                print(f"{'✗' if f.level == 'danger' else '·'} {f.check}: {f.text}")
            print(f"发现 {len(bad)} 处不安全" if bad else "没有发现不安全之处")
        return 1 if bad else 0

    return attached(work)


def findings(*, deploy: bool) -> Iterator[Finding]:
    """Everything found; with `deploy` also what a trial may leave open and a real installation may not."""
    if deploy:
        yield from _settings()
        yield from _accounts()
    yield from _files()
    yield from _keys()
    yield from _certificate(deploy)
    yield from _database()


def _settings() -> Iterator[Finding]:
    from django.conf import settings

    if settings.DEBUG:
        yield Finding("debug", "danger", "XUEJI_DEBUG 打开着, 出错页面会显示内部数据。请去掉这一设置")
    if settings.DEMO:
        yield Finding("demo", "danger", "这是演示系统, 账号密码是公开的。正式数据请用新的数据文件夹和数据库")
    hosts = set(settings.ALLOWED_HOSTS)
    if any(h.startswith(("*", ".")) for h in hosts):
        yield Finding("hosts", "danger", "XUEJI_HOSTS 含有通配, 请写出完整的域名")
    elif hosts <= _LOCAL:
        yield Finding("hosts", "danger", "XUEJI_HOSTS 只有本机, 请写出对外的域名")
    if not settings.HTTPS:
        yield Finding(
            "https", "danger", "没有打开 XUEJI_HTTPS=1: Cookie 不加 Secure, 不转到 HTTPS, 不发送 HSTS"
        )
    else:
        if not settings.SECURE_PROXY_SSL_HEADER:
            yield Finding(
                "proxies",
                "danger",
                "XUEJI_HTTPS=1 但 XUEJI_PROXIES=0: 请填前面有几层代理, 否则页面会反复跳转",
            )
        if settings.SECURE_HSTS_SECONDS < 15552000:
            yield Finding("hsts", "advice", "XUEJI_HSTS_SECONDS 少于 180 天, 确认 HTTPS 稳定后请加长")
    if not (settings.SESSION_COOKIE_HTTPONLY and settings.SESSION_COOKIE_SAMESITE in ("Lax", "Strict")):
        yield Finding("cookies", "danger", "会话 Cookie 没有 HttpOnly 或 SameSite")
    if urlsplit(settings.PUBLIC_URL).scheme != "https":
        yield Finding("public-url", "danger", "XUEJI_PUBLIC_URL 不是 https:// 开头, 它印在每张证明的二维码里")
    for origin in settings.CSRF_TRUSTED_ORIGINS:
        if not origin.startswith("https://") or "*" in origin:
            yield Finding("origins", "danger", f"XUEJI_ORIGINS 中的 {origin} 应为 https:// 开头的完整地址")
    if len(settings.SECRET_KEY) < 40:
        yield Finding("secret-key", "danger", "XUEJI_SECRET_KEY 太短, 请去掉这一设置, 由系统自己生成")
    if settings.SESSION_IDLE_SECONDS > 3600:
        yield Finding("idle", "advice", "XUEJI_SESSION_IDLE 超过一小时, 无人操作的电脑会一直开着")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        yield Finding("root", "danger", "正以 root 运行。请为本系统单独建一个用户")


def _accounts() -> Iterator[Finding]:
    from django.contrib.auth.hashers import check_password
    from django.db import connection, transaction

    from xueji.ground.db.scope import acting
    from xueji.web.demo.accounts import PASSWORD

    # Only names that the demonstration uses, and few: each comparison takes a quarter of a second.
    names = [
        "registrar.a",
        "head.a",
        "county1.head",
        "county1.clerk",
        "parent",
        "secadmin",
        "sysadmin",
        "auditor",
    ]
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "select username, password from account_user where username = any(%s) and is_active", [names]
        )
        rows = c.fetchall()
        c.execute("select count(*) from factor_rule where must")
        required = c.fetchone()[0]
    for username, password in rows:
        if check_password(PASSWORD, password):
            yield Finding("demo-password", "danger", f"账号 {username} 还在用演示密码, 请停用或重置")
    if not required:
        yield Finding("second-factor", "danger", "没有任何角色必须使用第二重验证, 请在账号页面打开")


def _files() -> Iterator[Finding]:
    from xueji.ground.crypto import keyring

    secrets = config.data_dir() / "secrets"
    if secrets.exists():
        yield from _rights(secrets, 0o077, "secrets-folder")
        for path in sorted(secrets.iterdir()):
            if path.is_file():
                yield from _rights(path, 0o077, "secrets-file")
    path = keyring.key_path()
    if path.parent != secrets and path.exists():
        yield from _rights(path, 0o077, "key-file")
        yield from _rights(path.parent, 0o022, "key-folder")
    for name in ("files", "pg"):
        folder = config.data_dir() / name
        if folder.exists():
            yield from _rights(folder, 0o007, f"{name}-folder")


def _rights(path: Path, forbidden: int, check: str) -> Iterator[Finding]:
    found = path.stat()
    mode = stat.S_IMODE(found.st_mode)
    if mode & forbidden:
        yield Finding(check, "danger", f"{path} 的权限是 {mode:o}, 其他用户可以读写。请运行 chmod go= {path}")
    if hasattr(os, "geteuid") and found.st_uid not in (os.geteuid(), 0) and os.geteuid() != 0:
        yield Finding(check, "danger", f"{path} 属于另一个用户, 请改为运行本系统的用户")


def _keys() -> Iterator[Finding]:
    from xueji.ground.crypto import custody, keyring, signer

    path = keyring.key_path()
    wrapped = path.exists() and custody.is_wrapped(path.read_text(encoding="utf-8"))
    if custody.configured() == "file":
        yield Finding(
            "custody",
            "advice",
            "密钥文件没有另外托管: 拿到数据文件夹和数据库的人能读出证件号。见 XUEJI_KEY_CUSTODY",
        )
    elif not wrapped:
        yield Finding("custody", "danger", "设置了密钥托管, 但密钥文件还是普通文件。请运行 xueji keys rewrap")
    missing = signer.missing_package()
    if missing is not None:
        yield Finding("sm2", "danger", str(missing))


def _certificate(deploy: bool) -> Iterator[Finding]:
    from django.conf import settings
    from django.utils import timezone

    from xueji.ground.paper import signature

    try:
        left = signature.own_expiry() - timezone.now()
    except signature.SigningError as error:
        yield Finding("certificate", "danger", str(error))
        return
    if left < timedelta(days=30):
        yield Finding(
            "certificate", "danger", f"签名证书还有 {max(left.days, 0)} 天到期, 请更换 XUEJI_PAPER_P12"
        )
    if deploy and signature.is_self_made():
        yield Finding("certificate", "advice", "打印件用自制证书签名, 外单位只能确认未改动, 不能确认出处")
    if settings.PAPER_TSA and not settings.PAPER_TSA.startswith("https://"):
        yield Finding("tsa", "advice", "XUEJI_PAPER_TSA 不是 https:// 开头")


def _database() -> Iterator[Finding]:
    from django.db import connection

    with connection.cursor() as c:
        c.execute(
            "select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles"
            " where starts_with(rolname, 'xueji_') order by 1"
        )
        for name, superuser, bypass, makes_roles, makes_databases in c.fetchall():
            if superuser:
                yield Finding("role", "danger", f"数据库角色 {name} 是超级用户, 行级权限对它不起作用")
            if bypass and name == config.APP_ROLE:
                yield Finding("role", "danger", f"数据库角色 {name} 可以绕过行级权限")
            if name == config.APP_ROLE and (makes_roles or makes_databases):
                yield Finding("role", "danger", f"数据库角色 {name} 能新建角色或数据库")
        c.execute(
            "select current_user, count(*) from pg_class where relowner = current_user::regrole group by 1"
        )
        owns = c.fetchone()
        if owns:
            yield Finding("owner", "danger", f"网页使用的数据库角色 {owns[0]} 拥有 {owns[1]} 个表")
        c.execute("select coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false)")
        encrypted = c.fetchone()[0]
        c.execute("select current_setting('log_min_error_statement'), current_setting('log_error_verbosity')")
        statements, verbosity = c.fetchone()
    yield from _transport(config.app_dsn(), encrypted)
    if statements not in ("panic", "fatal") or verbosity != "terse":
        yield Finding(
            "database-log",
            "danger",
            "数据库把出错的语句写进日志, 里面有姓名和生日。请设置 log_min_error_statement=panic 和 log_error_verbosity=terse",
        )


def _transport(dsn: config.Dsn, encrypted: bool) -> Iterator[Finding]:
    """A database on another machine is reached over TLS that checks its name."""
    if dsn.host.startswith("/") or dsn.host in _LOCAL:
        return
    mode = dict(dsn.options).get("sslmode", "prefer")
    if not encrypted:
        yield Finding(
            "database-tls", "danger", "到数据库的连接没有加密。请在 DATABASE_URL 加 sslmode=verify-full"
        )
    elif mode != "verify-full":
        yield Finding(
            "database-tls", "danger", f"sslmode={mode} 不核对数据库的证书和名称, 请改为 sslmode=verify-full"
        )
