"""`xueji import`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from .boot import Refused


def run(args: argparse.Namespace, show: Callable[[Any], None]) -> int:
    """Check a sheet as a user would; without --check also publish the rows that may be published.

    Exit status 0 when nothing is wrong, 1 when cells are faulty.
    """
    from django.db import transaction
    from django.http import Http404

    from xueji.ground.accounts.actor import enter
    from xueji.ground.accounts.commands import console
    from xueji.ground.orgs.models import School
    from xueji.registry.intake import commands

    if not args.file.is_file():
        raise Refused(f"没有这个文件: {args.file}")
    school = School.objects.filter(school_code=args.school).first()
    who = console.who(args.user, ["registrar"], org_id=school.org_id if school else 0)
    if who is None:
        raise Refused(f"没有叫 {args.user} 的账号")
    if school is None:
        raise Refused(f"没有标识码为 {args.school} 的学校")
    with transaction.atomic():
        actor = enter(*who, address="console")
        if actor is None or actor.org_id != school.org_id:
            raise Refused(f"{args.user} 不是 {args.school} 的学籍管理员")
        try:
            report = commands.check_file(actor, args.file, publish=not args.check)
        except Http404 as e:
            raise Refused("没有办理这项业务的权限") from e
    data = report.as_json()
    if args.json:
        show(data)
    else:
        print(report.describe())
    return 1 if data["counts"].get("error") or data.get("problem") else 0
