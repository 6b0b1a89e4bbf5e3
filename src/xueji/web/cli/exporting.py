"""`xueji export`: the database's administrator makes the file of a back-end export that the province consented to."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .boot import Refused


def run(args: argparse.Namespace, show: Callable[[Any], None]) -> int:
    """Write the file of an application of a city or the province, beside nothing that is there already.

    Raises `Refused` with the article that forbids it.
    """
    from django.core.exceptions import PermissionDenied
    from django.db import transaction
    from django.http import Http404

    from xueji.ground.accounts.actor import enter
    from xueji.ground.accounts.commands import console as accounts
    from xueji.ground.accounts.models import User
    from xueji.ground.db.scope import acting
    from xueji.office.exports import commands
    from xueji.office.exports.errors import ExportRefused
    from xueji.office.exports.models import ExportRequest

    path: Path = args.file
    if path.exists():
        raise Refused(f"已有文件 {path}, 请换一个名字")
    who = accounts.who(args.user, ["system_admin"])
    if who is None or who[1] is None:
        raise Refused(f"{args.user} 不是系统管理员(数据库管理员)的账号")
    try:
        with transaction.atomic():
            with acting("writer"):
                row = ExportRequest.objects.filter(number=args.number).first()
                admin = User.objects.get(pk=who[0])
            if row is None:
                raise Refused(f"没有编号为 {args.number} 的申请")
            actor = enter(row.asked_by, address="console")
            if actor is None or actor.org_id != row.org_id:
                raise Refused("申请人已不在申请单位, 请由申请单位重新申请")
            data, _name = commands.run_backend(
                actor,
                row.pk,
                executor_id=admin.pk,
                executor=admin.display_name,
                place=args.place,
            )
            # Only its owner may read it; the note of the audit is committed after the file is whole.
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(data)
    except ExportRefused as e:
        raise Refused(e.message) from e
    except PermissionDenied as e:
        raise Refused(str(e) or "申请人没有这项权限") from e
    except Http404 as e:
        raise Refused(f"没有编号为 {args.number} 的申请") from e
    except OSError as e:
        raise Refused(f"不能写入 {path}: {e.strerror}, 没有导出") from e
    found = {"number": args.number, "file": str(path)}
    if args.json:
        show(found)
    else:
        print(f"已写入 {path}。请交给申请单位的责任人, 不在服务器上保留")
    return 0
