"""`xueji user`: accounts from the terminal, for the first one and for emergencies; everything is audited."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from .boot import Refused


def run(args: argparse.Namespace, show: Callable[[Any], None]) -> int:
    """List, create, grant, reset, unlock or disable."""
    from django.core.exceptions import ValidationError

    from xueji.ground.accounts.commands import console

    try:
        result = console.run(
            args.action,
            username=args.username,
            name=args.name,
            role=args.role,
            org=args.org,
            class_id=args.class_id,
        )
    except ValidationError as e:
        raise Refused("; ".join(e.messages)) from e
    if args.json:
        show(result)
    elif isinstance(result, list):
        for row in result:
            print("  ".join(str(v) for v in row.values()))
    else:
        print("\n".join(f"{k}: {v}" for k, v in result.items()))
    return 0
