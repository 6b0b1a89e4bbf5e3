"""`xueji org`: the first unit of an empty installation, and the list of units."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from .boot import Refused


def run(args: argparse.Namespace, show: Callable[[Any], None]) -> int:
    """List the units, or make the first one."""
    from django.db import transaction

    from xueji.ground.audit.commands import Who
    from xueji.ground.orgs import commands
    from xueji.ground.orgs.models import Org

    if args.action == "create":
        try:
            with transaction.atomic():
                pk = commands.create_first(
                    Who(None, "console", "console", None),
                    kind=args.kind or "",
                    code=args.code or "",
                    name=args.name or "",
                )
        except commands.OrgError as e:
            raise Refused(e.message) from e
        result: Any = {"id": pk, "code": args.code, "name": args.name}
        if args.json:
            show(result)
        else:
            following = f"xueji user create 账号 --name 姓名 --role system_admin --org {args.code}"
            print(f"已新建 {args.name}。接着新建系统管理员: {following}")
        return 0
    rows = list(Org.objects.order_by("path").values("code", "kind", "name")[:5000])
    if args.json:
        show(rows)
    else:
        for row in rows:
            print(f"{row['code']:12}  {row['kind']:8}  {row['name']}")
    return 0
