"""`xueji demo`: a made-up county on an empty machine, once; afterwards the data stays."""

from __future__ import annotations

import json
import os
from typing import Any

from xueji import config

from . import boot
from .boot import Refused, say


def load(*, size: str, seed: int) -> dict[str, Any]:
    """Start the database, migrate, fill it unless it is filled; returns the accounts.

    Raises `Refused` when the database already holds somebody's real records.
    """
    marker = config.data_dir() / "demo"
    config.data_dir().mkdir(parents=True, exist_ok=True)
    os.environ["XUEJI_DEMO"] = "1"
    boot.start_database()
    boot.setup_django()
    if not _fresh():
        if not marker.exists():
            raise Refused(
                "这个数据库中已有数据, 不是演示数据, 没有改动它。请换一个数据目录: XUEJI_DATA=目录 xueji demo"
            )
        boot.migrate()  # functions and rights may have changed without a migration
        return dict(json.loads(marker.read_text(encoding="utf-8")))
    say("正在建立数据库 …")
    boot.migrate()
    say(f"正在生成演示县(规模 {size}) …")
    from xueji.web import demo

    accounts = demo.build(size, seed=seed, progress=say)
    data = demo.as_json(accounts)
    marker.write_text(json.dumps(data, ensure_ascii=False, indent=1, default=str), encoding="utf-8")
    return data


def _fresh() -> bool:
    """Whether the database holds no account yet (or no tables at all)."""
    import psycopg

    try:
        with psycopg.connect(**config.owner_dsn().kwargs()) as c:  # type: ignore[arg-type]
            if c.execute("select to_regclass('account_user')").fetchone() == (None,):
                return True
            return c.execute("select not exists (select 1 from account_user)").fetchone() == (True,)
    except psycopg.OperationalError:
        return True


def describe(accounts: dict[str, Any]) -> str:
    """The accounts as a table for the terminal."""
    return str(accounts["text"])
