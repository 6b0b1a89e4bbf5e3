"""Make a sheet of new first-graders for the demo's school A, with faults to mend, as the tutorial uses it.

    python tools/demo_sheet.py new-children.xlsx [--rows 40] [--faults 6]

Reads the demo in the data folder (`make demo` must have run) and prints where the faults are and what is right.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path


def main(argv: Sequence[str] | None = None) -> int:
    """Write the sheet; return 0, or 1 with the reason on standard error when there is no demo."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--faults", type=int, default=6)
    options = parser.parse_args(argv)

    from xueji import config
    from xueji.web.cli import boot

    marker = config.data_dir() / "demo"
    if not marker.exists():
        print("there is no demo here: run `make demo` first", file=sys.stderr)
        return 1
    accounts = json.loads(marker.read_text(encoding="utf-8"))
    cluster, started = boot.ready()
    try:
        from django.db import transaction

        from xueji.web import demo

        with transaction.atomic():
            made = demo.sheet(accounts["school_a"]["code"], options.rows, options.faults)
    finally:
        if cluster is not None and started:
            cluster.stop()
    options.file.write_bytes(made.content)
    print(f"{options.file}: {options.rows} children, {len(made.faults)} faults")
    for fault in made.faults:
        line = f"  row {fault.row}, {fault.column}: {fault.wrong or '(empty)'} should be {fault.right}"
        if fault.kind.startswith("duplicate"):  # birth date and sex were copied along
            sex = "男" if int(fault.right[16]) % 2 else "女"
            line += f", 出生日期 {fault.right[6:14]}, 性别 {sex}"
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
